//! The end of construction: a circuit with its digest.

use std::hash::{Hash as _, Hasher as _};

use plonky2::field::types::PrimeField64;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

use super::{Builder, Mode};
use crate::config::{C, D, F};
use crate::digest::{CircuitDigest, Transcript, circuit_digest, domain_separator};
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
    /// What the circuit claims, clause by clause.
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
        let digest = circuit_digest(&data.verifier_only, &data.common);
        Circuit { data, ledger: self.ledger, digest }
    }

    /// Names a construction before it is built: equal keys mean equal circuits, but for an accident of 2^-64.
    pub(crate) fn source_key<K: 'static>(&self) -> SourceKey {
        let mut trace = self.trace.clone();
        (self.inner.num_gates(), self.inner.num_public_inputs(), self.mode == Mode::Proving).hash(&mut trace);
        let mut transcript = Transcript::new("weft circuit source v2");
        for part in [env!("CARGO_PKG_VERSION"), self.name.name, std::any::type_name::<K>()] {
            transcript.absorb(part.as_bytes());
        }
        transcript.absorb(&self.name.version.to_be_bytes());
        transcript.absorb(format!("{:?}", self.inner.config).as_bytes());
        transcript.absorb(&trace.finish().to_be_bytes());
        for element in domain_separator(self.name, &self.custom_gates) {
            transcript.absorb(&element.to_canonical_u64().to_be_bytes());
        }
        SourceKey { name: self.name, hash: transcript.finish() }
    }
}

/// Key of a construction in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceKey {
    /// Name of the circuit, for people who look at files.
    pub(crate) name: CircuitName,
    /// Hash of everything that determines the circuit.
    pub(crate) hash: [u8; 32],
}
