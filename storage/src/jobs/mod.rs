//! Jobs of provers: what is to be proved, by whom, how often it was tried.
//!
//! ```text
//! waiting(n children) → ready → leased(until) → done
//!                         ↑________| lost, failed, released
//!                         └→ quarantined (a budget is used up)      any but done → cancelled
//! ```
//! A job is known by what it proves: the same statement under the same circuit is the same job, whoever asks for it. So
//! *exactly once* is: verify, then put if absent. Done is final, and a proof that comes after its lease has ended is as good as any.
//!
//! A store changes state in single transactions and knows neither clocks nor chance: the time comes with each call.

#[cfg(feature = "testing")]
pub mod conformance;
mod memory;
mod rocks;
mod transitions;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::blobs::BlobId;
pub use memory::MemoryJobStore;
pub use rocks::RocksJobStore;

/// A job that was lost so often runs alone on a worker.
pub const ALONE_AFTER_LOSSES: usize = 2;

/// So often the memory class of a job is doubled, and once for each worker: one that cries for memory does not put a job
/// out of reach of all others.
pub const MEMORY_DOUBLINGS_MAX: usize = 3;

/// A job does not go to the worker that failed it last for so long, if there are others. After that it does: perhaps none of
/// the others can do it.
pub const BARRED: Duration = Duration::from_secs(120);

/// Registrations of workers that are kept; the newest ones.
pub const WORKERS_KEPT: usize = 4096;

/// Longest reason of a failure that is kept, in bytes.
pub const REASON_BYTES_MAX: usize = 1024;

/// Longest stage of a beat that is kept, in bytes.
pub const STAGE_BYTES_MAX: usize = 64;

/// Identity of a job: a hash of what it proves. See the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct JobKey(pub [u8; 32]);

/// A worker that registered; new with each registration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct WorkerId(pub u64);

/// A lease; every claim makes a new one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LeaseId(pub u64);

/// Milliseconds since the UNIX epoch, by the caller's clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Millis(pub u64);

/// A job as it is put in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewJob {
    /// What it is.
    pub key: JobKey,
    /// The batch that it is for.
    pub batch: u32,
    /// Its name in the batch, such as `lift 0..2`: unique there, for people.
    pub name: String,
    /// Its kind: one word, for metrics and circuits' statistics.
    pub kind: String,
    /// Digest of the circuit that proves it: a worker gets only jobs of circuits that it has.
    pub circuit: [u8; 32],
    /// Its priority inside of the batch: of the jobs that can be done, the one with the lowest number goes first.
    pub height: u16,
    /// Memory that its proof takes.
    pub memory_mib: u32,
    /// Longest time that a worker may have it, however often it beats.
    pub lease_max: Duration,
    /// Jobs whose proofs it needs; put in before it or with it.
    pub children: Vec<JobKey>,
    /// What else it needs: the store does not read it.
    pub payload: Vec<u8>,
}

/// How far a job is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JobState {
    /// So many children are not done.
    Waiting(u32),
    /// May be claimed, but not before this time.
    Ready(Millis),
    /// A worker does it.
    Leased(Lease),
    /// Proved: the proof, verified.
    Done(DoneJob),
    /// Nobody does it any more.
    Quarantined {
        /// Why.
        reason: String,
    },
    /// Nobody needs it any more.
    Cancelled,
}

/// Who does a job, and until when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// The lease.
    pub id: LeaseId,
    /// Who has it.
    pub worker: WorkerId,
    /// When it began.
    pub since: Millis,
    /// When it ends without a further beat.
    pub until: Millis,
    /// What the worker does at the moment, by its own word.
    pub stage: String,
    /// Last time at which the stage changed.
    pub stage_since: Millis,
}

impl Lease {
    /// The lease, and whose it is.
    #[must_use]
    pub const fn holder(&self) -> Holder {
        Holder { worker: self.worker, lease: self.id }
    }
}

/// A lease, and the worker that speaks for it: only the one that has it is heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// Who speaks.
    pub worker: WorkerId,
    /// For which lease.
    pub lease: LeaseId,
}

/// A job that is proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DoneJob {
    /// The proof.
    pub proof: BlobId,
    /// Who made it.
    pub worker: WorkerId,
    /// When it was taken.
    pub at: Millis,
    /// Time from the lease's begin to the proof, as the coordinator saw it.
    pub wall: Duration,
    /// Processor time that it took, by the worker's word.
    pub cpu: Duration,
}

/// What went wrong with a job so far: the budgets of retries are counted here and outlive every crash.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// Claims so far.
    pub claims: u32,
    /// Errors that workers reported, by worker.
    pub errors: Vec<WorkerId>,
    /// Leases that ended without a word, by worker.
    pub lost: Vec<WorkerId>,
    /// Proofs that did not hold, by worker.
    pub invalid: Vec<WorkerId>,
    /// Who failed it last, and when.
    pub last_failure: Option<(WorkerId, Millis)>,
    /// Workers for which its memory class was doubled; they outlive fresh budgets.
    pub memory: Vec<WorkerId>,
    /// What happened last.
    pub last_reason: Option<String>,
}

/// A job with all that is known of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobRecord {
    /// As it was put in. Its memory class rises if a worker runs out of memory, see [`MEMORY_DOUBLINGS_MAX`].
    pub job: NewJob,
    /// How far it is.
    pub state: JobState,
    /// What went wrong.
    pub attempts: Attempts,
    /// When it was put in.
    pub inserted: Millis,
}

/// What a worker can do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claimant {
    /// Who asks.
    pub worker: WorkerId,
    /// Circuits that it has.
    pub circuits: Vec<[u8; 32]>,
    /// Memory that it has left. A job whose memory class has outgrown all workers is given to nobody: the caller
    /// may state more than there is for the largest worker while it does nothing.
    pub memory_mib: u32,
    /// Jobs that it does at the moment.
    pub running: u32,
    /// Workers that are there, this one included. If there are others, a job does not go to the worker that failed it last
    /// for a [while](BARRED).
    pub workers: u32,
}

/// How many times what may go wrong with a job: at the last time it is quarantined.
///
/// One worker spends at most half of a budget, rounded up: what it fails may be its own fault. But twice as many failures as
/// the budget has end the job whoever they are of, so that it ends if there is but one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budgets {
    /// Errors that workers report.
    pub errors_max: u32,
    /// Leases that ended without a word or lasted too long, and crashes.
    pub lost_max: u32,
    /// Proofs that do not hold.
    pub invalid_max: u32,
    /// Wait after the first error; twice as long after each further one.
    pub backoff: Duration,
    /// How long a lease lasts without a beat.
    pub lease: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            errors_max: 3,
            lost_max: 5,
            invalid_max: 4,
            backoff: Duration::from_millis(200),
            lease: Duration::from_secs(15),
        }
    }
}

/// Why a worker gives a job back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Failure {
    /// The prover said so: a bad input or a bug.
    Error(String),
    /// The prover's process ended: killed, aborted, crashed.
    Crashed(String),
    /// The prover's process was killed for want of memory: the memory class is doubled, within bounds.
    OutOfMemory(String),
    /// Its proof does not hold, or is of another statement.
    InvalidProof(String),
}

/// What a beat is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BeatReply {
    /// Go on.
    Extended,
    /// The lease has ended: somebody else may do the job. A proof is still welcome.
    Lost,
    /// Nobody needs the job any more.
    Cancelled,
}

/// What became of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Settled {
    /// The first one: it counts.
    First,
    /// There was one before.
    Duplicate,
    /// There is no such job, or it was cancelled.
    Unknown,
}

/// What became of a job after something went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Aftermath {
    /// It will be tried again.
    Requeued,
    /// A budget is used up.
    Quarantined(String),
    /// The lease had ended, or the job is done: nothing has changed.
    Ignored,
}

/// A store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A child of a new job is unknown.
    #[error("a job needs {child:?}, which is not in the store")]
    UnknownChild {
        /// The child.
        child: JobKey,
    },
    /// What is on the disk does not decode.
    #[error("the store is damaged: {what} does not decode")]
    Damaged {
        /// The record.
        what: String,
    },
    /// Another version of this software has written it.
    #[error("{} has format {found}, this version knows {expected}: use the version that wrote it, or delete the folder: jobs are made again from the log", path.display())]
    OtherFormat {
        /// The database.
        path: PathBuf,
        /// What this version knows.
        expected: u32,
        /// What is stored.
        found: u64,
    },
    /// A write to the disk failed before: only opening the store again tells what is there.
    #[error("a write to the store failed before: open it again")]
    Halted,
    /// The store itself failed.
    #[error("the store failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// See the [module](self). All methods may be called at once from many tasks; each is one transaction.
pub trait JobStore: Send + Sync + 'static {
    /// A new name for a worker: never given before, not even before a restart.
    fn new_worker(&self) -> impl Future<Output = Result<WorkerId, StoreError>> + Send;

    /// Keeps what the caller wants to know of a worker after a restart. Of more than [`WORKERS_KEPT`] workers the one with the
    /// smallest number is forgotten.
    fn keep_worker(
        &self,
        worker: WorkerId,
        registration: Vec<u8>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What was kept of a worker.
    fn kept_worker(&self, worker: WorkerId) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Forgets a worker, if it was kept.
    fn forget_worker(&self, worker: WorkerId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts jobs in, children first. All or none; durable when it returns. Returns the keys that were new.
    ///
    /// Jobs that are known stay as they are, quarantined and cancelled ones too. But what another batch has put in is from
    /// then on a job of both batches, with all that it waits for, and comes back if it was cancelled; likewise children.
    fn insert(&self, now: Millis, jobs: Vec<NewJob>) -> impl Future<Output = Result<Vec<JobKey>, StoreError>> + Send;

    /// Leases a job that the worker can do: the oldest batch first, then what is nearest to its end, then what was put in
    /// first. But the last jobs that are farthest from the end of that batch, fewer than there are workers, go before:
    /// what is above waits for them, while the others, begun later, still keep all workers busy. A job that was lost [twice](ALONE_AFTER_LOSSES) has a worker for itself: a worker that would be the next one to
    /// do it gets nothing else until it has nothing to do, and nothing further while it does it.
    fn claim(
        &self,
        now: Millis,
        claimant: &Claimant,
    ) -> impl Future<Output = Result<Option<JobRecord>, StoreError>> + Send;

    /// Extends a lease, also one that is over as long as [`expire`](Self::expire) has not ended it; but not beyond the
    /// longest time of the job. Whoever does not hold it is told that it is lost.
    fn beat(
        &self,
        now: Millis,
        holder: Holder,
        stage: &str,
    ) -> impl Future<Output = Result<BeatReply, StoreError>> + Send;

    /// Takes a proof that was verified: the job is done, whatever it was before (but for cancelled), quarantined too, and
    /// its parents wait for one less. Durable when it returns.
    fn settle(&self, key: &JobKey, done: DoneJob) -> impl Future<Output = Result<Settled, StoreError>> + Send;

    /// Takes back a lease after a failure, from whoever holds it.
    fn fail(
        &self,
        now: Millis,
        holder: Holder,
        failure: Failure,
    ) -> impl Future<Output = Result<Aftermath, StoreError>> + Send;

    /// Takes back a lease that nobody is to blame for: the worker drains. Tells whether it held the job.
    fn release(&self, now: Millis, holder: Holder) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends all leases that are over. Returns what became of their jobs. A lease that ends later than one that would begin
    /// now is cut to that: the clock was set back.
    fn expire(&self, now: Millis) -> impl Future<Output = Result<Vec<(JobKey, Aftermath)>, StoreError>> + Send;

    /// Ends the leases of a worker at once: its connection or process is gone.
    fn lose_worker(
        &self,
        now: Millis,
        worker: WorkerId,
    ) -> impl Future<Output = Result<Vec<(JobKey, Aftermath)>, StoreError>> + Send;

    /// Gives up all jobs of a batch that are not done and that no other batch needs.
    fn cancel(&self, batch: u32) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts a quarantined job back, with fresh budgets.
    fn retry(&self, now: Millis, key: &JobKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// One job.
    fn job(&self, key: &JobKey) -> impl Future<Output = Result<Option<JobRecord>, StoreError>> + Send;

    /// All jobs of a batch, in the order in which they were put in.
    fn batch(&self, batch: u32) -> impl Future<Output = Result<Vec<JobRecord>, StoreError>> + Send;

    /// Batches of which there are jobs, rising.
    fn batches(&self) -> impl Future<Output = Result<Vec<u32>, StoreError>> + Send;

    /// Forgets all jobs of a batch that are not also another's. The blobs are the caller's affair.
    fn forget(&self, batch: u32) -> impl Future<Output = Result<(), StoreError>> + Send;
}
