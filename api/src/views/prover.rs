//! Jobs of provers and those who do them.

use core::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Finality, FixedBytes, Progress, Time};

/// The proof of a batch as a tree of jobs: segments and tables of openings are the leaves, the last job makes the proof that
/// L1 verifies.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProofTreeView {
    /// Number of the batch.
    pub batch: u32,
    /// The last step that the batch has reached.
    pub status: Finality,
    /// Jobs done, of those that are known; more come while the batch is not sealed.
    pub progress: Progress,
    /// How long the rest will take; absent if nothing of its kind was measured yet, or nothing is left.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<EstimateView>,
    /// The jobs, children before parents.
    pub jobs: Vec<JobView>,
}

/// An estimate of the time until a batch is proven.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct EstimateView {
    /// Seconds from now.
    pub seconds: f64,
    /// Workers that are reckoned with.
    pub workers: u32,
}

/// A job.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Hash of what it proves.
    pub id: FixedBytes<32>,
    /// Number of the batch.
    pub batch: u32,
    /// Place among the jobs of the batch.
    pub position: u32,
    /// Its name, unique in the batch, such as `segment 3`.
    pub name: String,
    /// One word for what it does.
    pub kind: String,
    /// How far it is.
    pub state: JobStateName,
    /// Its priority inside of the batch: of the jobs that can be done, the one with the lowest goes first. 0 is the last
    /// proof, 1 the one before it, 1024 are the leaves, and a merge has one less than what it merges.
    pub height: u16,
    /// Jobs whose proofs it needs.
    pub children: Vec<FixedBytes<32>>,
    /// Who does it or has done it.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// What that worker does at the moment, by its own word.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Memory that its proof takes, in MiB.
    pub memory_mib: u32,
    /// When it was put in.
    pub created_at: Time,
    /// When the worker that does it began.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When its proof was taken.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Time>,
    /// Seconds from its begin to its proof.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<f64>,
    /// Processor time that its proof took, of all threads together, by the worker's word.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// What went wrong so far.
    pub attempts: AttemptsView,
    /// Why it is in quarantine, or what went wrong last.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl JobView {
    /// Key in lists over all batches: rises from batch to batch, and in a batch from job to job.
    #[must_use]
    pub fn key(&self) -> u64 {
        u64::from(self.batch) << 32 | u64::from(self.position)
    }
}

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStateName {
    /// Waits for proofs that it needs.
    Waiting,
    /// Waits for a worker.
    Ready,
    /// A worker does it.
    Leased,
    /// Proved, and the proof was checked.
    Done,
    /// Given up; an operator may put it back.
    Quarantined,
    /// Nobody needs it any more.
    Cancelled,
}

impl JobStateName {
    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Quarantined => "quarantined",
            Self::Cancelled => "cancelled",
        }
    }

    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Ready, Self::Leased, Self::Done, Self::Quarantined, Self::Cancelled];
}

impl FromStr for JobStateName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|state| state.name() == text);
        found.ok_or("the states are waiting, ready, leased, done, quarantined and cancelled")
    }
}

/// How often a job was tried and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AttemptsView {
    /// Times that a worker took it.
    pub claims: u32,
    /// Errors that workers reported.
    pub errors: u32,
    /// Workers that were not heard of again.
    pub lost: u32,
    /// Proofs that did not hold.
    pub invalid: u32,
}

/// A prover that has registered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerView {
    /// Number of its registration.
    pub id: u64,
    /// The name that it gave itself.
    pub name: String,
    /// What it does.
    pub state: WorkerState,
    /// Name of the job that it does, as `batch/job`.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What it does of that job, by its own word.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Build of its program.
    pub build: String,
    /// Threads that it proves with.
    pub cores: u32,
    /// Memory that it may use, in MiB.
    pub memory_mib: u32,
    /// When it registered.
    pub registered_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
    /// Proofs that were taken from it.
    pub done: u64,
    /// Jobs that it gave back, lost or proved wrongly.
    pub failed: u64,
    /// What went wrong last.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// What a worker does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Waits for a job.
    Idle,
    /// Does a job.
    Working,
    /// Finishes its job and takes no other.
    Draining,
    /// Its last job hung, and it has asked for no other since.
    Stuck,
    /// Failed much more than it proved: it gets no jobs for a while, if there are others.
    SetAside,
    /// Gave too many proofs that did not hold: it gets no jobs.
    Suspended,
    /// Was not heard of for longer than a lease.
    Lost,
}

/// The workers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkersView {
    /// All that have registered and not said goodbye.
    pub workers: Vec<WorkerView>,
    /// Jobs in quarantine, with the reason of each.
    pub quarantined: Vec<JobView>,
}
