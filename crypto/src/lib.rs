//! Goldilocks, Poseidon, ecGFp5 and Schnorr signatures.
