//! Sparse Poseidon Merkle tree over objects.
