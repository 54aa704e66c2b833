//! What coordinator and workers say to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weft_storage::jobs::{BlobId, Failure, JobKey, LeaseId, Settled};

use crate::circuits::{CircuitId, Refusal};
use crate::pass::WorkerPass;
use crate::{Job, JobStatement};

/// The program's version. Workers of another one are refused: nothing of what is exchanged is kept compatible.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// Bytes of a name at most.
pub const NAME_BYTES_MAX: usize = 64;

/// What a worker says of itself when it comes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerHello {
    /// Its name, for people, at most [`NAME_BYTES_MAX`] bytes; how it has behaved is kept under it.
    pub name: String,
    /// Its version, see [`BUILD`].
    pub build: String,
    /// Digests of the circuits that it has built.
    pub circuits: Vec<CircuitId>,
    /// Threads that it proves with.
    pub cores: u32,
    /// Memory that its proofs may take.
    pub memory_mib: u32,
}

/// What a worker is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// What it is called from now on, and shows with everything that it says.
    pub pass: WorkerPass,
    /// How long a lease lasts without a beat.
    pub lease: Duration,
    /// How often it has to beat.
    pub beat: Duration,
}

/// What a worker must be like.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Expected {
    /// Its version.
    pub build: String,
    /// Digests of the circuits that it may have.
    pub circuits: Vec<CircuitId>,
}

/// A job that a worker has to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The lease.
    pub lease: LeaseId,
    /// The job.
    pub key: JobKey,
    /// Number of its batch.
    pub batch: u32,
    /// Its name in the batch.
    pub job: Job,
    /// What is to be proved.
    pub statement: JobStatement,
    /// What a [`Task`](crate::Task) consists of.
    pub blobs: Vec<BlobId>,
    /// Trace of the batch (W3C Trace Context).
    pub traceparent: String,
    /// How often it was begun, this time included.
    pub attempt: u32,
    /// No stage lasts longer, unless it hangs.
    pub stall: Duration,
}

/// A lease, and for which job. Whose it is shows who says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The lease.
    pub lease: LeaseId,
    /// The job.
    pub key: JobKey,
}

/// A worker lives, and does this.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// What it does.
    pub held: Held,
    /// The stage that it is at: one word; what is longer than [`NAME_BYTES_MAX`] is cut.
    pub stage: String,
    /// Whether it is the worker's last job.
    pub is_draining: bool,
}

/// A proof comes in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Submission {
    /// Of what. The lease may have ended.
    pub held: Held,
    /// The proof.
    pub proof: Vec<u8>,
    /// Time that it took.
    pub wall: Duration,
    /// Processor time that it took.
    pub cpu: Duration,
}

/// What became of a proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ProofOutcome {
    /// It holds.
    Taken(Settled),
    /// It does not count.
    Refused(Refusal),
}

/// A worker gives a job up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureReport {
    /// Which one.
    pub held: Held,
    /// Why.
    pub failure: Failure,
}

/// The coordinator does not do what a worker asks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FleetError {
    /// The worker is of another version, or has circuits that are not this deployment's.
    #[error("the worker does not fit: expected build {} and {} circuits", .0.build, .0.circuits.len())]
    Refused(Box<Expected>),
    /// What the worker says of itself is out of bounds.
    #[error("the worker's name is empty, too long or not printable")]
    BadHello,
    /// Nobody knows the worker: it is to register, as after a restart of the coordinator.
    #[error("the worker is not registered")]
    UnknownWorker,
    /// The worker gave too many invalid proofs.
    #[error("the worker is suspended: too many of its proofs were invalid")]
    Suspended,
    /// Too many ask at once.
    #[error("the coordinator is busy")]
    Busy,
    /// This one asks too often.
    #[error("too many requests, come again in {wait:?}")]
    TooMany {
        /// When the same may succeed.
        wait: Duration,
    },
    /// Nobody may give orders: the coordinator has no token for operators.
    #[error("the routes of operators are closed: set provers.operator_token_file of the node to a file with a token")]
    NoOperator,
    /// There is no such blob.
    #[error("there is no such blob")]
    NoSuchBlob,
    /// There are no jobs of the batch that an operator names.
    #[error("there are no jobs of this batch")]
    NoSuchBatch,
    /// There is no worker of the name that an operator gives.
    #[error("there is no worker of this name")]
    NoSuchWorker,
    /// The store failed.
    #[error("the coordinator's store failed: {reason}")]
    Store {
        /// What it said.
        reason: String,
    },
    /// The token is not the coordinator's, or the secret not the worker's.
    #[error("the token is wrong")]
    Unauthorized,
    /// Something between here and the coordinator does not let this through.
    #[error("refused on the way to the coordinator: {reason}")]
    Forbidden {
        /// What was said.
        reason: String,
    },
    /// The coordinator cannot be reached, or gives up on the way.
    #[error("the coordinator cannot be reached: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
        /// When the same may succeed, if that was said.
        wait: Option<Duration>,
    },
    /// A message is larger than the other side takes.
    #[error("the message is too large")]
    TooLarge,
    /// What was said is not understood by the other side.
    #[error("the other side does not speak this protocol: {reason}")]
    Protocol {
        /// What was said.
        reason: String,
    },
}

impl FleetError {
    /// Whether the same may succeed later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::TooMany { .. } | Self::Store { .. } | Self::Unreachable { .. })
    }

    /// When the same may succeed, if that is known.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait } => Some(*wait),
            Self::Unreachable { wait, .. } => *wait,
            _ => None,
        }
    }
}
