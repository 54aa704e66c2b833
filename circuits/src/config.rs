//! Parameters of the circuits: field, extension, proof configurations.
//!
//! Every layer of the recursion takes its parameters from here, so that the security level of the whole chain, the
//! minimum over its layers, can be read in one place (see [`crate::security`]).

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field64;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use starky::config::StarkConfig;

/// The base field.
pub type F = GoldilocksField;
/// Order of the base field.
pub const ORDER: u64 = GoldilocksField::ORDER;
/// Degree of the extension that the challenges come from.
pub const D: usize = 2;
/// Hashes of every layer below the wrap: Poseidon for commitments and for Fiat–Shamir.
pub type C = PoseidonGoldilocksConfig;

/// What the library is told; it decides nothing there. [`crate::security`] counts.
const SECURITY_BITS: usize = 100;

/// Parameters of one layer of proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerParameters {
    /// Name of the layer, for tables.
    pub name: &'static str,
    /// Columns of the trace.
    pub wires: usize,
    /// Columns that take part in the permutation argument.
    pub routed_wires: usize,
    /// Repetitions of every argument whose error is about `degree / p`.
    pub challenges: usize,
    /// log2 of the inverse of the rate of the code.
    pub rate_bits: usize,
    /// Queries of the low-degree test.
    pub queries: usize,
    /// Bits of grinding before the queries.
    pub grinding_bits: u32,
    /// Height at which Merkle trees are cut.
    pub cap_height: usize,
}

/// Segments: Poseidon rows need 25 routed wires, the widest of our gates 51; 64 keep arithmetic rows dense.
pub const SEGMENT: LayerParameters = LayerParameters { name: "segment", routed_wires: 64, ..RECURSION };

/// Lift, aggregate and seal: the library's gates for recursion want 80 routed wires.
pub const RECURSION: LayerParameters = LayerParameters {
    name: "recursion",
    wires: 135,
    routed_wires: 80,
    challenges: 3,
    rate_bits: 3,
    queries: 29,
    grinding_bits: 16,
    cap_height: 4,
};

/// Shrink: few queries for the wrap to check, few routed wires for it to open. 37 is what the interpolation gate of a
/// 16-fold needs. At rate 2^-5 a query is worth 4.93 bits at list-decoding capacity: 17 queries and the grinding, 100.8.
pub const SHRINK: LayerParameters =
    LayerParameters { name: "shrink", routed_wires: 37, rate_bits: 5, queries: 17, grinding_bits: 17, ..RECURSION };

/// The table of openings at rate 1/2: cheap to prove, dear to verify. Its multiset argument takes three tuples of seven
/// elements from a row.
pub const OPENINGS: LayerParameters = LayerParameters {
    name: "openings",
    wires: crate::openings::COLUMNS,
    routed_wires: 21,
    rate_bits: 1,
    queries: 86,
    ..RECURSION
};

/// The same at rate 1/4: twice as dear to prove, half as dear to verify.
pub const OPENINGS_COMPACT: LayerParameters =
    LayerParameters { name: "openings, compact", rate_bits: 2, queries: 43, ..OPENINGS };

impl LayerParameters {
    /// The library's form of these parameters, for a STARK.
    #[must_use]
    pub fn stark_config(&self) -> StarkConfig {
        StarkConfig::new(SECURITY_BITS, self.challenges, self.fri_config())
    }

    /// The library's form of these parameters, for a circuit.
    #[must_use]
    pub fn config(&self) -> CircuitConfig {
        CircuitConfig {
            num_wires: self.wires,
            num_routed_wires: self.routed_wires,
            num_constants: 2,
            use_base_arithmetic_gate: true,
            security_bits: SECURITY_BITS,
            num_challenges: self.challenges,
            zero_knowledge: false,
            max_quotient_degree_factor: 8,
            fri_config: self.fri_config(),
        }
    }

    fn fri_config(&self) -> FriConfig {
        FriConfig {
            rate_bits: self.rate_bits,
            cap_height: self.cap_height,
            proof_of_work_bits: self.grinding_bits,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
            num_query_rounds: self.queries,
        }
    }
}

/// Configuration of segment circuits.
#[must_use]
pub fn segment_config() -> CircuitConfig {
    SEGMENT.config()
}

/// Configuration of circuits that verify proofs.
#[must_use]
pub fn recursion_config() -> CircuitConfig {
    RECURSION.config()
}

/// Configuration of the layer between seal and wrap.
#[must_use]
pub fn shrink_config() -> CircuitConfig {
    SHRINK.config()
}
