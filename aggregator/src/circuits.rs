//! The circuits of a deployment, as coordinator and workers see them: digests, and proofs as bytes.

mod set;

use std::fmt;

use weft_circuits::recursion::DecodeError;
use weft_prover::{InputError, ProofError, StageLog};

use crate::{JobStatement, Task};

/// Digest of a circuit.
pub type CircuitId = [u8; 32];

/// A circuit, as far as the distribution of jobs is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CircuitInfo {
    /// Its digest.
    pub id: CircuitId,
    /// Memory that a proof takes at most, beside the loaded circuits.
    pub memory_mib: u32,
}

/// See the [module](self). [`weft_prover::CircuitSet`] makes real proofs.
pub trait Circuits: fmt::Debug + Send + Sync + 'static {
    /// Digests of all circuits that prove jobs.
    fn ids(&self) -> Vec<CircuitId>;

    /// The circuit that proves a statement.
    fn circuit(&self, statement: &JobStatement) -> CircuitInfo;

    /// Proves a task on the current rayon pool; the proof has been checked against the statement.
    ///
    /// # Errors
    /// The blobs do not fit the statement, or prove something else.
    fn prove(&self, task: &Task, log: &mut StageLog) -> Result<Vec<u8>, TaskError>;

    /// Checks that bytes are a valid proof of exactly this statement by its circuit.
    ///
    /// # Errors
    /// They are not.
    fn verify(&self, statement: &JobStatement, proof: &[u8]) -> Result<(), Refusal>;
}

/// A task gives no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// A blob is missing or too many.
    #[error("the job has {got} blobs instead of {expected}")]
    Blobs {
        /// Number that its kind needs.
        expected: usize,
        /// Number found.
        got: usize,
    },
    /// The input is not encoded as one of its kind.
    #[error("the input does not decode: {0}")]
    Encoding(#[from] postcard::Error),
    /// A child's bytes are no proof.
    #[error("a child is no proof: {0}")]
    Child(#[from] DecodeError),
    /// The input of a segment is none.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The input proves something else than the job should.
    #[error("the input leads to another statement than the job's")]
    OtherStatement,
    /// No proof that counts was made.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A proof is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum Refusal {
    /// The bytes are no proof, or the proof does not hold.
    #[error("the proof is invalid: {reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// It is valid, but of something else.
    #[error("the proof is of another statement: {reason}")]
    OtherStatement {
        /// What it claims.
        reason: String,
    },
}
