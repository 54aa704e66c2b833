//! The end of construction: a circuit with its digest.

use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use super::Builder;
use crate::config::{C, D, F};
use crate::digest::{CircuitDigest, circuit_digest, domain_separator};
use crate::ledger::Ledger;

/// What a circuit is called. Circuits with different names never accept each other's proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CircuitName {
    /// The kind of circuit, such as `segment`.
    pub name: &'static str,
    /// Counts the incompatible changes of this kind of circuit.
    pub version: u32,
}

/// A finished circuit.
#[derive(Debug)]
pub struct Circuit<K: GenericConfig<D, F = F> = C> {
    /// Prover's and verifier's data.
    pub data: CircuitData<F, K, D>,
    /// What the circuit claims, clause by clause. Empty if the circuit came out of a cache.
    pub ledger: Ledger,
    /// Our name of the circuit; see [`crate::digest`].
    pub digest: CircuitDigest,
}

impl Builder {
    /// Builds the circuit with Poseidon commitments.
    #[must_use]
    pub fn build(self) -> Circuit {
        self.build_as::<C>()
    }

    /// Builds the circuit with the hashes of another configuration.
    #[must_use]
    pub fn build_as<K: GenericConfig<D, F = F>>(mut self) -> Circuit<K> {
        self.inner.set_domain_separator(domain_separator(self.name, &self.custom_gates));
        let data = self.inner.build::<K>();
        let digest = circuit_digest(&data);
        Circuit { data, ledger: self.ledger, digest }
    }
}
