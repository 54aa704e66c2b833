//! What the circuits of all layers share: verifying, size.

use std::fmt;

use super::COMMON_DEGREE_BITS;
use super::error::VerifyError;
use super::proof::{AggregateLayer, Layer, Proof};
use crate::builder::{Builder, Circuit, CircuitName, Mode};
use crate::cache::Cache;
use crate::digest::CircuitDigest;

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
    pub(crate) circuit: Circuit<L::Config>,
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
        let circuit = match cache {
            Some(cache) => cache.build(builder).0,
            None => builder.build_as(),
        };
        Self { circuit, name, rows }
    }

    /// The circuit: for provers.
    #[must_use]
    pub const fn circuit(&self) -> &Circuit<L::Config> {
        &self.circuit
    }

    /// The circuit, for provers that take out of it what they keep in a form of their own.
    pub const fn circuit_mut(&mut self) -> &mut Circuit<L::Config> {
        &mut self.circuit
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        let Self { circuit, name, rows } = self;
        CircuitSummary {
            name: *name,
            rows: *rows,
            degree_bits: circuit.data.common.degree_bits(),
            digest: circuit.digest,
        }
    }

    /// Checks a proof of this circuit and returns what it proves.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &Proof<L>) -> Result<L::PublicInputs, VerifyError> {
        self.circuit
            .data
            .verify(proof.inner().clone())
            .map_err(|error| VerifyError::Invalid { layer: L::NAME, reason: error.to_string() })?;
        Ok(proof.public_inputs())
    }
}
