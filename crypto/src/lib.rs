//! Goldilocks, Poseidon, ecGFp5 and Schnorr signatures.
//!
//! The bottom of the workspace: every other crate hashes and signs with what is defined here, and
//! the circuits prove the very same formulas. Nothing here depends on the proof system; the tests
//! compare with it.
//!
//! * [`Goldilocks`]: the field of `p = 2^64 - 2^32 + 1` elements, always in canonical form;
//! * [`poseidon`]: permutation of plonky2, and a sponge whose capacity carries a [`Tag`] and the
//!   length;
//! * [`keccak`]: the hash of the EVM, many at once;
//! * [`quintic`], [`curve`], [`scalar`]: the curve ecGFp5 and its prime-order group;
//! * [`sums`]: weighted sums of elements, many at once;
//! * [`schnorr`]: keys and signatures whose verification is cheap in a circuit.
//!
//! Invariant: every value has one encoding, and decoding refuses all others.

pub mod curve;
mod digest;
mod error;
mod field;
pub mod keccak;
pub mod poseidon;
pub mod quintic;
pub mod scalar;
pub mod schnorr;
mod simd;
pub mod sums;
mod tag;

pub use digest::{Digest, ParseDigestError};
pub use error::DecodeError;
pub use field::Goldilocks;
pub use simd::Vectors;
pub use tag::Tag;
