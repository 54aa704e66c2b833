//! Errors of the pool and of batches.

use weft_prover::ProofError;

use crate::Job;

/// A batch has no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A job failed as often as it may.
    #[error("batch {batch} is not proved: {job} failed {attempts} times, last: {error}")]
    Job {
        /// Number of the batch.
        batch: u32,
        /// The job.
        job: Job,
        /// How often it was tried.
        attempts: u32,
        /// Why it failed the last time.
        error: ProofError,
    },
    /// Its [`BatchProver`](crate::BatchProver) was dropped before the batch was finished.
    #[error("batch {batch} was given up before its end")]
    Cancelled {
        /// Number of the batch.
        batch: u32,
    },
    /// The pool was dropped before the batch was proved.
    #[error("the pool stopped before batch {batch} was proved")]
    Stopped {
        /// Number of the batch.
        batch: u32,
    },
}

/// A segment or the end of a batch is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The batch has failed, or its pool has stopped; its result says why.
    #[error("batch {batch} is not being proved any more")]
    Closed {
        /// Number of the batch.
        batch: u32,
    },
    /// The segment belongs to another batch or deployment.
    #[error("the segment is one of batch {got}, or of another deployment or time, not of batch {expected}")]
    OtherBatch {
        /// Number of this batch.
        expected: u32,
        /// Number in the segment.
        got: u32,
    },
    /// The batch ends without a segment.
    #[error("batch {batch} has no segment")]
    Empty {
        /// Number of the batch.
        batch: u32,
    },
}

/// A pool cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The threads of a worker do not start.
    #[error("the threads of a worker do not start: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A worker does not start.
    #[error("a worker does not start: {0}")]
    Worker(#[from] std::io::Error),
}
