//! What sequencer and provers say to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weft_aggregator::JobKind;
use weft_protocol::{Environment, Record, SealStatement, SegmentWitness};
use weft_prover::{Cost, SegmentClaim};

/// A segment to be proved. Segments of a batch come in order, before its end.
#[derive(Clone, Debug)]
pub struct SegmentOrder {
    /// Its place in the batch, from 0.
    pub position: u32,
    /// What is to be proved, and by which circuit.
    pub claim: SegmentClaim,
    /// The slots, as many as the circuit has or fewer.
    pub witness: SegmentWitness,
}

/// What the wrapped proof of a batch must claim.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchClaim {
    /// The batch.
    pub environment: Environment,
    /// The public statement, computed by the sequencer from what it executed.
    pub statement: SealStatement,
    /// The records.
    pub records: Vec<Record>,
}

/// A wrapped proof that was verified natively against the batch's claim.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckedProof {
    /// The batch.
    pub environment: Environment,
    /// The proof with its public inputs, as the library writes it.
    pub proof: Vec<u8>,
    /// The same proof as the contract reads it.
    pub l1_proof: Vec<u8>,
    /// What the jobs of the batch took.
    pub costs: Vec<JobCost>,
}

/// What a job took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobCost {
    /// What the job did.
    pub kind: JobKind,
    /// Time from its begin to its proof.
    pub wall: Duration,
    /// Processor time, of all threads together.
    pub cpu: Duration,
}

impl JobCost {
    /// Both times.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        Cost { wall: self.wall, cpu: self.cpu }
    }
}
