//! What jobs have to prove, and their identity.

use serde::{Deserialize, Serialize};
use weft_circuits::openings::OpeningsStatement;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{Context, OpenedStatement, Record, RunningState, SealStatement, SegmentStatement, chain_records};
use weft_prover::{SegmentClaim, SegmentInput, SegmentSize};
use weft_storage::jobs::{BlobId, JobKey};

use crate::{Job, JobKind};

/// What the proof of a job has to claim, and by which circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JobStatement {
    /// A segment.
    Segment(SegmentClaim),
    /// Adjacent segments of one size.
    Lift {
        /// The segments' size.
        size: SegmentSize,
        /// What it claims, of large segments without their table.
        statement: SegmentStatement,
    },
    /// The openings of adjacent large segments.
    Openings(OpeningsStatement),
    /// Adjacent large segments with their table.
    Join(OpenedStatement),
    /// Adjacent lifts of small segments, joins and aggregates.
    Aggregate {
        /// What it claims.
        statement: SegmentStatement,
    },
    /// The public statement of a batch.
    Seal {
        /// Digest of a [`SealStatement`].
        digest: Digest,
    },
    /// The same for L1.
    Wrap {
        /// Digest of a [`SealStatement`].
        digest: Digest,
    },
}

impl JobStatement {
    /// What kind of job proves it.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Segment(_) => JobKind::Segment,
            Self::Lift { .. } => JobKind::Lift,
            Self::Openings(_) => JobKind::Openings,
            Self::Join(_) => JobKind::Join,
            Self::Aggregate { .. } => JobKind::Aggregate,
            Self::Seal { .. } => JobKind::Seal,
            Self::Wrap { .. } => JobKind::Wrap,
        }
    }

    /// The batch's context, where the statement has it in the open.
    #[must_use]
    pub const fn context(&self) -> Option<Context> {
        match self {
            Self::Segment(claim) => Some(claim.context()),
            Self::Lift { statement, .. } | Self::Aggregate { statement } => Some(statement.context),
            Self::Join(statement) => Some(statement.context),
            Self::Openings(_) | Self::Seal { .. } | Self::Wrap { .. } => None,
        }
    }

    /// The public inputs that it fixes.
    #[must_use]
    pub fn elements(&self) -> Vec<Goldilocks> {
        match self {
            Self::Segment(claim) => claim.claimed().elements().to_vec(),
            Self::Lift { statement, .. } | Self::Aggregate { statement } => statement.elements().to_vec(),
            Self::Join(statement) => statement.joined().elements().to_vec(),
            Self::Openings(OpeningsStatement { root_before, root_after, accesses }) => {
                [root_before, root_after, accesses].into_iter().flat_map(|digest| digest.0).collect()
            }
            Self::Seal { digest } | Self::Wrap { digest } => digest.0.to_vec(),
        }
    }

    /// Identity of the job that proves this with the circuit of that digest, out of the proofs of these children. Proofs
    /// do not enter it: a child that is proved again changes nothing above it.
    #[must_use]
    pub fn key(&self, circuit: &[u8; 32], children: &[JobKey]) -> JobKey {
        let mut hasher = blake3::Hasher::new_derive_key("weft prover job v1");
        hasher.update(circuit);
        for element in self.elements() {
            hasher.update(&element.as_u64().to_le_bytes());
        }
        for child in children {
            hasher.update(&child.0);
        }
        JobKey(*hasher.finalize().as_bytes())
    }
}

/// A segment to be proved.
#[derive(Clone, PartialEq, Debug)]
pub struct SegmentOrder {
    /// Its place in the batch, from 0.
    pub position: usize,
    /// What it has to claim, and by which circuit.
    pub claim: SegmentClaim,
    /// All that its witness follows from.
    pub input: SegmentInput,
}

/// What is known of a batch when all its slots are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BatchEnd {
    /// State root before the batch.
    pub root_before: Digest,
    /// State root after it.
    pub root_after: Digest,
    /// Its public data.
    pub records: Vec<Record>,
}

impl BatchEnd {
    /// The public statement of a batch of this context that ends so, with z as L1 computes it.
    #[must_use]
    pub fn statement(&self, context: Context) -> SealStatement {
        let chain = chain_records(Digest::ZERO, &self.records);
        SealStatement::of_batch(context, [self.root_before, self.root_after], chain, &self.records)
    }

    /// What the segments of the batch must claim together.
    #[must_use]
    pub fn merged(&self, context: Context) -> SegmentStatement {
        let chain = chain_records(Digest::ZERO, &self.records);
        let after = RunningState { chain, ..RunningState::start_of_batch(self.root_after) };
        SegmentStatement {
            context,
            before: RunningState::start_of_batch(self.root_before).digest(),
            after: after.digest(),
        }
    }
}

/// The blob of a seal's input. The context keeps batches that end alike, empty ones, from sharing one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SealBlob {
    pub(crate) context: Context,
    pub(crate) end: BatchEnd,
}

/// What the coordinator keeps of a job in the store, beside what the store itself reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) job: Job,
    pub(crate) statement: JobStatement,
    /// What a segment, openings or a seal are made from; merges and wraps need only proofs.
    pub(crate) inputs: Vec<BlobId>,
    /// Jobs whose proofs it merges, from left to right.
    pub(crate) children: Vec<JobKey>,
    /// Trace of the batch (W3C Trace Context).
    pub(crate) traceparent: String,
}

/// A job with everything that its proof needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Task {
    /// What is to be proved.
    pub statement: JobStatement,
    /// The inputs of a segment, openings or a seal, then the proofs that are merged, from left to right.
    pub blobs: Vec<Vec<u8>>,
}
