//! Configuration of the wrap: the last layer, whose proof the contract verifies.
//!
//! Everything that fixes the size, the cost and the security of a wrapped proof is in [`WrapParameters`].
//! The hasher and the transcript are described in [`hasher`], the bytes of a proof in [`encoding`].

pub mod encoding;
pub mod hasher;

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::GenericConfig;

use crate::config::LayerParameters;

pub use encoding::{EncodeError, ProofLayout, encode_proof};
pub use hasher::{Digest, WrapHasher};

/// Degree of the field extension that challenges come from.
pub const EXTENSION_DEGREE: usize = 2;

/// Public inputs of a wrapped proof: one Poseidon digest, so that the contract hashes one block.
pub const PUBLIC_INPUTS: usize = 4;

/// plonky2 configuration of the wrap: Keccak trees and transcript, Poseidon for the public inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrapConfig;

impl GenericConfig<EXTENSION_DEGREE> for WrapConfig {
    type F = GoldilocksField;
    type FE = QuadraticExtension<GoldilocksField>;
    type Hasher = WrapHasher;
    type InnerHasher = PoseidonHash;
}

/// Parameters of the wrap's proof system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapParameters {
    /// Wires per row. 135 is what the library's Poseidon gate takes.
    pub wires: usize,
    /// Wires under the permutation argument. 37 is the least: the interpolation gate of an arity-16 fold.
    pub routed_wires: usize,
    /// Rounds of the permutation and constraint challenges, drawn from the base field.
    pub challenges: usize,
    /// Reciprocal of the code's rate, in bits.
    pub rate_bits: usize,
    /// Queries of FRI.
    pub queries: usize,
    /// Grinding before the queries, in bits.
    pub grinding_bits: u32,
    /// Height of the Merkle caps.
    pub cap_height: usize,
    /// Arity of a FRI fold, in bits.
    pub fold_bits: usize,
    /// Largest degree of the final polynomial, in bits.
    pub final_polynomial_bits: usize,
}

impl WrapParameters {
    /// What these parameters mean for the bits of security.
    #[must_use]
    pub const fn layer(&self) -> LayerParameters {
        LayerParameters {
            name: "wrap",
            wires: self.wires,
            routed_wires: self.routed_wires,
            challenges: self.challenges,
            rate_bits: self.rate_bits,
            queries: self.queries,
            grinding_bits: self.grinding_bits,
            cap_height: self.cap_height,
        }
    }
}

/// The parameters in use.
///
/// At rate 2^-5 a query is worth 4.93 bits at list-decoding capacity: 16 queries and 20 bits of grinding
/// give 98.8, so 17 are asked. Cap height 5 minimises the proof's bytes at 17 queries (a level costs 2,000
/// bytes of caps and saves 2,550 of siblings), and bytes are what verification costs.
pub const WRAP_PARAMETERS: WrapParameters = WrapParameters {
    wires: 135,
    routed_wires: 37,
    challenges: 3,
    rate_bits: 5,
    queries: 17,
    grinding_bits: 20,
    cap_height: 5,
    fold_bits: 3,
    final_polynomial_bits: 7,
};

/// The library's count that its builder checks: rate bits times queries plus grinding.
const LIBRARY_SECURITY_BITS: usize = 100;

/// Circuit configuration of the wrap under `parameters`.
#[must_use]
pub fn circuit_config(parameters: &WrapParameters) -> CircuitConfig {
    CircuitConfig {
        num_wires: parameters.wires,
        num_routed_wires: parameters.routed_wires,
        num_constants: 2,
        use_base_arithmetic_gate: true,
        security_bits: LIBRARY_SECURITY_BITS,
        num_challenges: parameters.challenges,
        zero_knowledge: false,
        max_quotient_degree_factor: 8,
        fri_config: FriConfig {
            rate_bits: parameters.rate_bits,
            cap_height: parameters.cap_height,
            proof_of_work_bits: parameters.grinding_bits,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(
                parameters.fold_bits,
                parameters.final_polynomial_bits,
            ),
            num_query_rounds: parameters.queries,
        },
    }
}

/// Circuit configuration of the wrap: [`circuit_config`] of [`WRAP_PARAMETERS`].
#[must_use]
pub fn wrap_circuit_config() -> CircuitConfig {
    circuit_config(&WRAP_PARAMETERS)
}

#[cfg(test)]
mod tests;
