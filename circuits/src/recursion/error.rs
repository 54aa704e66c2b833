//! Why a layer makes no proof or refuses one.

use weft_crypto::Digest;

use super::merge::MergeError;
use super::proof::DecodeError;
use super::seal::SealError;
use crate::wired::AssignError;

/// No proof was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The children's statements do not merge.
    #[error("the children do not merge: {0}")]
    Merge(#[from] MergeError),
    /// The statement of the child and the records do not make a batch.
    #[error("the batch cannot be sealed: {0}")]
    Seal(#[from] SealError),
    /// A child was proved under another key set.
    #[error("child {child} belongs to the key set {got}, not to {expected}")]
    OtherKeySet {
        /// Position of the child.
        child: usize,
        /// The key set of this family of circuits.
        expected: Digest,
        /// The child's.
        got: Digest,
    },
    /// A child does not have the shape of the circuit's children.
    #[error(transparent)]
    Assign(#[from] AssignError),
    /// Nothing satisfies the circuit, so that there is no proof: a child is invalid, or a segment proves no transition.
    #[error("no {layer} proof: {reason}")]
    Unsatisfied {
        /// Kind of the circuit.
        layer: &'static str,
        /// What contradicts it.
        reason: String,
    },
    /// The proof does not have the layer's public inputs.
    #[error(transparent)]
    Output(#[from] DecodeError),
}

/// A proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The proof does not prove its public inputs.
    #[error("the {layer} proof is invalid: {reason}")]
    Invalid {
        /// Kind of the circuit.
        layer: &'static str,
        /// What the library said.
        reason: String,
    },
    /// The proof belongs to another family of circuits.
    #[error("the proof belongs to the key set {got}, not to {expected}")]
    OtherKeySet {
        /// The key set of this family.
        expected: Digest,
        /// The proof's.
        got: Digest,
    },
}
