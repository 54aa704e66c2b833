//! What sequencer and provers say to each other.

use weft_aggregator::JobKind;
use weft_protocol::{Record, SealStatement, SegmentWitness};
use weft_prover::{Cost, SegmentSize};

/// From the sequencer to the provers.
#[derive(Clone, Debug)]
pub enum ProvingOrder {
    /// Prove a segment. Segments of a batch come in order, before [`Self::Finish`].
    Segment {
        /// Which circuit takes it.
        size: SegmentSize,
        /// The slots, as many as the circuit has or fewer.
        witness: SegmentWitness,
    },
    /// The batch has no more segments: seal and wrap it.
    Finish(BatchClaim),
}

/// What the wrapped proof of a batch must claim.
#[derive(Clone, Debug)]
pub struct BatchClaim {
    /// Number of the batch.
    pub number: u32,
    /// The public statement, computed by the sequencer from what it executed.
    pub statement: SealStatement,
    /// The records.
    pub records: Vec<Record>,
}

/// A wrapped proof that was verified natively against the batch's claim.
#[derive(Clone, Debug)]
pub struct CheckedProof {
    /// Number of the batch.
    pub number: u32,
    /// The proof with its public inputs, as the library writes it.
    pub proof: Vec<u8>,
    /// The same proof as the contract reads it.
    pub l1_proof: Vec<u8>,
    /// What the jobs of the batch took.
    pub costs: Vec<JobCost>,
}

/// What a job took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobCost {
    /// What the job did.
    pub kind: JobKind,
    /// What it took.
    pub cost: Cost,
}
