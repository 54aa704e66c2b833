//! Shrink and wrap: prove a seal's statement again, first in few queries, then with the hashes that L1 verifies.
//!
//! Both verify one proof under a constant key and pass its public inputs on (PROTOCOL.md §9, WR-1).

use plonky2::plonk::circuit_data::CircuitConfig;
use weft_crypto::Digest;

use super::error::VerifyError;
use super::key::VerifierData;
use super::layer::{Assembly, CircuitSummary, LayerCircuit};
use super::proof::{Layer, Proof, SealLayer, ShrinkLayer, WrapLayer};
use crate::builder::{Builder, Child, ChildKey, CircuitName};
use crate::config::C;
use crate::wired::{AssignError, Witness};

/// A circuit that proves the statement of layer `I`'s proof in layer `O`.
#[derive(Debug)]
pub struct Rewrap<I: Layer, O: Layer> {
    /// The circuit as a layer.
    pub layer: LayerCircuit<O>,
    child: Child,
    inner: std::marker::PhantomData<I>,
}

/// Proves a seal's statement at a low rate, in few queries.
pub type Shrink = Rewrap<SealLayer, ShrinkLayer>;
/// Proves it for L1.
pub type Wrap = Rewrap<ShrinkLayer, WrapLayer>;

impl<I, O> Rewrap<I, O>
where
    I: Layer<Config = C, PublicInputs = Digest>,
    O: Layer<PublicInputs = Digest>,
{
    /// The circuit for this one child circuit.
    #[must_use]
    pub fn build(inner: &VerifierData, config: CircuitConfig, assembly: Assembly<'_>) -> Self {
        let name = CircuitName { name: O::NAME, version: 1 };
        let mut b = Builder::new(name, config, assembly.mode);
        let child = b.clause("WR-1", |b| b.verify_child(&inner.common, ChildKey::Constant(&inner.verifier_only)));
        b.expose(child.public_inputs());
        let rows = b.rows();
        Self { layer: LayerCircuit::build(name, rows, b, assembly.cache), child, inner: std::marker::PhantomData }
    }

    /// The witness of the statement of `proof`, whether or not it is good.
    ///
    /// # Errors
    /// The proof has another shape than the circuit's child.
    pub fn witness(&self, proof: &Proof<I>) -> Result<Witness, AssignError> {
        let mut witness = Witness::new();
        self.child.assign(&mut witness, proof.inner(), None)?;
        Ok(witness)
    }

    /// Checks a proof of this circuit and returns the digest of the public statement.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &Proof<O>) -> Result<Digest, VerifyError> {
        self.layer.verify(proof)
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        self.layer.summary()
    }
}
