//! What the circuits of all layers share: proving, verifying, size.

use plonky2::plonk::config::GenericConfig;

use super::error::{ProveError, VerifyError};
use super::proof::{Layer, Proof};
use crate::builder::{Builder, Circuit, CircuitName};
use crate::config::{D, F};
use crate::digest::CircuitDigest;
use crate::wired::Witness;

/// A finished circuit of a layer.
#[derive(Debug)]
pub(super) struct LayerCircuit<L: Layer> {
    pub(super) circuit: Circuit<L::Config>,
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

impl<L: Layer> LayerCircuit<L> {
    /// Builds the circuit.
    pub(super) fn build(name: CircuitName, rows: usize, builder: Builder) -> Self
    where
        L::Config: GenericConfig<D, F = F>,
    {
        Self { circuit: builder.build_as::<L::Config>(), name, rows }
    }

    pub(super) fn summary(&self) -> CircuitSummary {
        let Self { circuit, name, rows } = self;
        CircuitSummary {
            name: *name,
            rows: *rows,
            degree_bits: circuit.data.common.degree_bits(),
            digest: circuit.digest,
        }
    }

    pub(super) fn prove(&self, witness: Witness) -> Result<Proof<L>, ProveError> {
        let proof = self
            .circuit
            .data
            .prove(witness.into_partial())
            .map_err(|error| ProveError::Unsatisfied { layer: L::NAME, reason: error.to_string() })?;
        Ok(Proof::new(proof)?)
    }

    pub(super) fn verify(&self, proof: &Proof<L>) -> Result<L::PublicInputs, VerifyError> {
        self.circuit
            .data
            .verify(proof.inner().clone())
            .map_err(|error| VerifyError::Invalid { layer: L::NAME, reason: error.to_string() })?;
        Ok(proof.public_inputs())
    }
}
