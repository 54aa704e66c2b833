//! Tests of the generated contracts: hash, gates and verifier against the library.

mod common;
mod evm;
mod gates;
mod poseidon;
mod verifier;
