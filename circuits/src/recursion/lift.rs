//! Lift: verifies up to [`ARITY`] segments of one circuit and gives their merged statement the common shape.
//!
//! The segment circuit's key is a constant. The key set digest passes through: parents compare it.

use weft_crypto::Digest;
use weft_protocol::SegmentStatement;

use super::error::{ProveError, VerifyError};
use super::key::{Shape, VerifierData, VerifierKey};
use super::layer::{Assembly, CircuitSummary, LayerCircuit};
use super::merge::{ARITY, Merge, MergeInput, merge_children};
use super::padded_children;
use super::proof::{AggregateLayer, Proof, SegmentProof};
use super::statement::{MergedStatement, MergedStatementWires};
use crate::builder::{Bool, Builder, Child, ChildKey, CircuitName, Target};
use crate::config::recursion_config;
use crate::statement::Statement as _;
use crate::wired::{AssignError, Witness};

/// The circuit.
#[derive(Debug)]
pub struct Lift {
    /// The circuit as a layer.
    pub layer: LayerCircuit<AggregateLayer>,
    children: [Child; ARITY],
    present: [Bool; ARITY],
    key_set: [Target; 4],
}

impl Lift {
    /// The circuit for segments of this key and shape.
    ///
    /// # Panics
    /// If the verification of [`ARITY`] such proofs does not fit the common degree.
    #[must_use]
    pub fn build(name: CircuitName, segment: &VerifierData, assembly: Assembly<'_>) -> Self {
        let mut b = Builder::new(name, recursion_config(), assembly.mode);
        let children: [Child; ARITY] = b.clause("LF-1", |b| {
            std::array::from_fn(|_| b.verify_child(&segment.common, ChildKey::Constant(&segment.verifier_only)))
        });
        let statements = std::array::from_fn(|i| children[i].statement::<SegmentStatement>());
        let (present, statement) = merge_children(&mut b, statements);
        let key_set = b.alloc::<Digest>();
        b.expose_wires::<MergedStatement>(&MergedStatementWires { statement, key_set });
        Self { layer: LayerCircuit::of_common_shape(name, b, assembly.cache), children, present, key_set }
    }

    /// The witness of the merged statement of these adjacent segments, in order, for a parent with this key set.
    ///
    /// # Errors
    /// There are none or too many, or they do not merge.
    pub fn witness(&self, segments: &[SegmentProof], key_set: &Digest) -> Result<Witness, ProveError> {
        let statements: Vec<_> = segments.iter().map(SegmentProof::public_inputs).collect();
        let input = MergeInput::new(&statements)?;
        Merge::evaluate(&input)?;
        Ok(self.assign(segments, input.present, key_set)?)
    }

    /// The witness for these proofs and flags, whether or not they are good.
    pub(super) fn assign(
        &self,
        segments: &[SegmentProof],
        present: [bool; ARITY],
        key_set: &Digest,
    ) -> Result<Witness, AssignError> {
        let mut witness = Witness::new();
        witness.assign(&self.present, &present)?;
        witness.assign(&self.key_set, key_set)?;
        for (child, proof) in self.children.iter().zip(padded_children(segments)) {
            child.assign(&mut witness, proof.inner(), None)?;
        }
        Ok(witness)
    }

    /// Checks a proof of this circuit.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &Proof<AggregateLayer>) -> Result<MergedStatement, VerifyError> {
        self.layer.verify(proof)
    }

    /// Key of the circuit.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.layer.verifier().verifier_only
    }

    /// Shape of the circuit.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.layer.verifier().common
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        self.layer.summary()
    }
}
