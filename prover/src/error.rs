//! Why a job gives no proof.

use weft_circuits::openings::{OpeningsError, OpeningsStatement};
use weft_circuits::recursion::merge::MergeError;
use weft_circuits::recursion::{DecodeError, ProveError, VerifyError};
use weft_circuits::wired::AssignError;
use weft_protocol::crypto::Digest;
use weft_protocol::{SegmentStatement, WitnessError};

use crate::InputError;

/// No proof that counts was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The segment has more slots than its circuit.
    #[error("a segment of {got} slots does not fit a circuit of {limit}")]
    TooManySlots {
        /// Slots of the segment.
        got: usize,
        /// Slots of the circuit.
        limit: usize,
    },
    /// What was sent is no segment.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The segment proves no transition.
    #[error("the segment proves no transition: {0}")]
    Witness(#[from] WitnessError),
    /// The circuit cannot take the witness.
    #[error(transparent)]
    Assign(#[from] AssignError),
    /// The prover made no proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The proof does not prove its public inputs.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The proof proves other slots than it was asked to.
    #[error("the proof claims {got:?} instead of {expected:?}")]
    OtherStatement {
        /// What it should claim.
        expected: Box<SegmentStatement>,
        /// What it claims.
        got: Box<SegmentStatement>,
    },
    /// There is no proof of openings, or none that is accepted.
    #[error(transparent)]
    Openings(#[from] OpeningsError),
    /// The openings are others than they should be.
    #[error("the openings are {got:?} instead of {expected:?}")]
    OtherOpenings {
        /// What they should be.
        expected: Box<OpeningsStatement>,
        /// What they are.
        got: Box<OpeningsStatement>,
    },
    /// The proof is about another batch than it was asked to.
    #[error("the proof is about the public statement {got} instead of {expected}")]
    OtherBatch {
        /// Digest of the statement that it should prove.
        expected: Digest,
        /// The digest that it proves.
        got: Digest,
    },
    /// The job panicked, which is a bug in it.
    #[error("the job panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

impl From<MergeError> for ProofError {
    fn from(error: MergeError) -> Self {
        Self::Prove(error.into())
    }
}

impl From<DecodeError> for ProofError {
    fn from(error: DecodeError) -> Self {
        Self::Prove(error.into())
    }
}

impl ProofError {
    /// Compares the statement of a valid proof with that which it should have.
    ///
    /// # Errors
    /// They differ.
    pub fn check_statement(expected: &SegmentStatement, got: &SegmentStatement) -> Result<(), Self> {
        if expected == got {
            return Ok(());
        }
        Err(Self::OtherStatement { expected: Box::new(*expected), got: Box::new(*got) })
    }

    /// Compares openings with those that they should be.
    ///
    /// # Errors
    /// They differ.
    pub fn check_openings(expected: &OpeningsStatement, got: &OpeningsStatement) -> Result<(), Self> {
        if expected == got {
            return Ok(());
        }
        Err(Self::OtherOpenings { expected: Box::new(*expected), got: Box::new(*got) })
    }

    /// Compares the public digest of a valid proof with that which it should have.
    ///
    /// # Errors
    /// They differ.
    pub fn check_batch(expected: Digest, got: Digest) -> Result<(), Self> {
        if expected == got { Ok(()) } else { Err(Self::OtherBatch { expected, got }) }
    }
}
