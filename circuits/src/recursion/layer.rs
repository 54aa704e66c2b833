//! What the circuits of all layers share: verifying, size.

use std::fmt;

use plonky2::plonk::circuit_data::VerifierCircuitData;

use super::COMMON_DEGREE_BITS;
use super::error::VerifyError;
use super::proof::{AggregateLayer, DecodeError, Layer, Proof};
use crate::builder::{Builder, Circuit, CircuitName, Mode};
use crate::cache::{Cache, SplitCircuit};
use crate::config::{D, F};
use crate::digest::CircuitDigest;
use crate::security::CircuitSecurity;

/// How circuits are put together.
#[derive(Clone, Copy, Debug)]
pub struct Assembly<'a> {
    /// What happens to claims of equality.
    pub mode: Mode,
    /// Where built circuits are kept, if anywhere.
    pub cache: Option<&'a Cache>,
}

impl Assembly<'_> {
    /// Circuits for proving, built anew.
    pub const FRESH: Self = Self { mode: Mode::Proving, cache: None };
}

/// A finished circuit of a layer.
#[derive(Debug)]
pub struct LayerCircuit<L: Layer> {
    split: SplitCircuit<L::Config>,
    name: CircuitName,
    rows: usize,
}

/// Name, size and identity of a circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CircuitSummary {
    /// Name with the version.
    pub name: CircuitName,
    /// Rows of constraints, before constants, public inputs and padding.
    pub rows: usize,
    /// log2 of the rows.
    pub degree_bits: usize,
    /// Our digest of the circuit.
    pub digest: CircuitDigest,
}

/// One line, for lists of circuits.
impl fmt::Display for CircuitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name: CircuitName { name, version }, rows, degree_bits, digest } = self;
        write!(f, "{name:13} v{version} rows {rows:5} of 2^{degree_bits} {digest}")
    }
}

impl LayerCircuit<AggregateLayer> {
    /// Gives a circuit the common shape, in which parents verify it, and builds it or takes it out of the cache.
    pub(super) fn of_common_shape(name: CircuitName, mut builder: Builder, cache: Option<&Cache>) -> Self {
        let rows = builder.rows();
        builder.include_verification_gates();
        builder.pad_to_degree(COMMON_DEGREE_BITS);
        Self::build(name, rows, builder, cache)
    }
}

impl<L: Layer> LayerCircuit<L> {
    /// Builds the circuit, or takes it out of the cache.
    pub(crate) fn build(name: CircuitName, rows: usize, builder: Builder, cache: Option<&Cache>) -> Self {
        let split = match cache {
            Some(cache) => cache.build(builder).0,
            None => builder.build_as().into(),
        };
        Self { split, name, rows }
    }

    /// The circuit by halves: for provers.
    #[must_use]
    pub const fn split(&self) -> &SplitCircuit<L::Config> {
        &self.split
    }

    /// As [`Self::split`], for provers that take their half.
    pub const fn split_mut(&mut self) -> &mut SplitCircuit<L::Config> {
        &mut self.split
    }

    /// The circuit as the library builds it.
    ///
    /// # Panics
    /// If it was built with a cache or its prover's half was taken.
    #[must_use]
    pub fn circuit(&self) -> &Circuit<L::Config> {
        self.split.whole().expect("the circuit was built without a cache and nothing was taken out of it")
    }

    /// As [`Self::circuit`], for good.
    ///
    /// # Panics
    /// As [`Self::circuit`].
    #[must_use]
    pub fn into_circuit(self) -> Circuit<L::Config> {
        self.split.into_whole().expect("the circuit was built without a cache and nothing was taken out of it")
    }

    /// Key and shape: what verifiers know.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierCircuitData<F, L::Config, D> {
        &self.split.verifier
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        let Self { split, name, rows } = self;
        CircuitSummary {
            name: *name,
            rows: *rows,
            degree_bits: split.verifier.common.degree_bits(),
            digest: split.digest,
        }
    }

    /// Bits of security.
    #[must_use]
    pub fn security(&self) -> CircuitSecurity {
        CircuitSecurity::of_circuit(self.name.name, &self.split.verifier.common)
    }

    /// Checks a proof of this circuit and returns what it proves.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &Proof<L>) -> Result<L::PublicInputs, VerifyError> {
        self.split
            .verifier
            .verify(proof.inner().clone())
            .map_err(|error| VerifyError::Invalid { layer: L::NAME, reason: error.to_string() })?;
        Ok(proof.public_inputs())
    }

    /// Reads a proof of this circuit's shape. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no such proof.
    pub fn decode(&self, bytes: &[u8]) -> Result<Proof<L>, DecodeError> {
        Proof::from_bytes(bytes, &self.split.verifier.common)
    }
}
