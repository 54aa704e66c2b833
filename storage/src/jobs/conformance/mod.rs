//! What every [`JobStore`] does, as cases that run on any store.
//!
//! ```no_run
//! # async fn example() {
//! use weft_storage::jobs::conformance::{BUDGETS, Case};
//! use weft_storage::jobs::MemoryJobStore;
//!
//! for case in Case::ALL {
//!     case.run(&MemoryJobStore::new(BUDGETS)).await;
//! }
//! # }
//! ```

mod faults;
mod flow;

use std::time::Duration;

use super::{
    Budgets, Claimant, DoneJob, JobKey, JobRecord, JobState, JobStore, Lease, Millis, NewJob, Settled, WorkerId,
};
use crate::blobs::BlobId;

/// Budgets of the store that a case runs on.
pub const BUDGETS: Budgets = Budgets {
    errors_max: 3,
    lost_max: 4,
    invalid_max: 2,
    backoff: Duration::from_millis(200),
    lease: Duration::from_secs(15),
};

/// Longest time that a worker has a job.
const LEASE_MAX: Duration = Duration::from_secs(600);

/// The circuit of all jobs and of all workers.
const CIRCUIT: [u8; 32] = [7; 32];

/// A case: a store does this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// Jobs are claimed by batch, then height, then order of insertion.
    Order,
    /// The last of the jobs farthest from the end go first.
    LastOfTheFarthest,
    /// A parent waits for its children, each counted once.
    Children,
    /// A job without its child is refused, and all that came with it.
    UnknownChild,
    /// A job that is put in again is the same job.
    Again,
    /// A job of two batches lives as long as one of them needs it.
    Shared,
    /// Batches are listed, and forgotten.
    Batches,
    /// A worker gets only what it can do.
    Limits,
    /// Beats extend a lease; without them it ends.
    Leases,
    /// The first proof counts, whenever it comes.
    Settle,
    /// Nobody does what was cancelled.
    Cancel,
    /// A lease ends when it is as long as the job may take, whatever is beaten.
    TooSlow,
    /// Only the worker that holds a lease speaks for it.
    Holders,
    /// Registrations are kept up to a bound.
    Workers,
    /// Errors are tried again, later each time, until they are too many.
    Errors,
    /// One worker spends a part of a budget, and what it failed goes to others first.
    Share,
    /// So are losses, at once.
    Losses,
    /// A lease does not outlast a clock that is set back.
    ClockSetBack,
    /// A worker that loses a job alone is given the benefit of the doubt.
    LoneWorker,
    /// A job that was lost twice has a worker for itself.
    Alone,
    /// So are proofs that do not hold.
    InvalidProofs,
    /// Want of memory doubles the memory class, within bounds.
    Memory,
    /// A lease that is given back leaves no trace.
    Release,
    /// All leases of a worker end at once.
    LostWorker,
    /// A quarantined job comes back with fresh budgets, or by a proof.
    Quarantine,
    /// What workers say is kept up to a bound.
    Bounds,
}

impl Case {
    /// All cases.
    pub const ALL: [Self; 26] = [
        Self::Order,
        Self::LastOfTheFarthest,
        Self::Children,
        Self::UnknownChild,
        Self::Again,
        Self::Shared,
        Self::Batches,
        Self::Limits,
        Self::Leases,
        Self::Settle,
        Self::Cancel,
        Self::TooSlow,
        Self::Holders,
        Self::Workers,
        Self::Errors,
        Self::Share,
        Self::Losses,
        Self::ClockSetBack,
        Self::LoneWorker,
        Self::Alone,
        Self::InvalidProofs,
        Self::Memory,
        Self::Release,
        Self::LostWorker,
        Self::Quarantine,
        Self::Bounds,
    ];

    /// Runs the case on an empty store with [`BUDGETS`].
    ///
    /// # Panics
    /// If the store does otherwise, or fails.
    pub async fn run<S: JobStore>(self, store: &S) {
        let store = &Driver { store };
        match self {
            Self::Order => flow::order(store).await,
            Self::LastOfTheFarthest => flow::last_of_the_farthest(store).await,
            Self::Children => flow::children(store).await,
            Self::UnknownChild => flow::unknown_child(store).await,
            Self::Again => flow::again(store).await,
            Self::Shared => flow::shared(store).await,
            Self::Batches => flow::batches(store).await,
            Self::Limits => flow::limits(store).await,
            Self::Leases => flow::leases(store).await,
            Self::Settle => flow::settle(store).await,
            Self::Cancel => flow::cancel(store).await,
            Self::TooSlow => faults::too_slow(store).await,
            Self::Holders => flow::holders(store).await,
            Self::Workers => flow::workers(store).await,
            Self::Errors => faults::errors(store).await,
            Self::Share => faults::share(store).await,
            Self::Losses => faults::losses(store).await,
            Self::ClockSetBack => faults::clock_set_back(store).await,
            Self::LoneWorker => faults::lone_worker(store).await,
            Self::Alone => faults::alone(store).await,
            Self::InvalidProofs => faults::invalid_proofs(store).await,
            Self::Memory => faults::memory(store).await,
            Self::Release => faults::release(store).await,
            Self::LostWorker => faults::lost_worker(store).await,
            Self::Quarantine => faults::quarantine(store).await,
            Self::Bounds => faults::bounds(store).await,
        }
    }
}

/// A store that works, or the case fails.
struct Driver<'a, S> {
    store: &'a S,
}

impl<S: JobStore> Driver<'_, S> {
    async fn insert(&self, jobs: Vec<NewJob>) -> Vec<JobKey> {
        self.store.insert(Millis(0), jobs).await.expect("the jobs are whole")
    }

    async fn claim_as(&self, now: u64, claimant: &Claimant) -> Option<(JobKey, Lease)> {
        let record = self.store.claim(Millis(now), claimant).await.expect("the store works")?;
        let stored = self.record(record.job.key).await;
        assert_eq!(stored, record, "what is claimed is what is stored");
        let JobState::Leased(lease) = record.state else { panic_state(&record) };
        assert_eq!(lease.worker, claimant.worker);
        Some((record.job.key, lease))
    }

    /// A claim of a worker that is idle, one of several, and can do everything.
    async fn claim(&self, now: u64, worker: u64) -> Option<(JobKey, Lease)> {
        self.claim_as(now, &claimant(worker)).await
    }

    async fn must_claim(&self, now: u64, worker: u64) -> (JobKey, Lease) {
        self.claim(now, worker).await.expect("there is a job for it")
    }

    async fn settle(&self, key: JobKey, done: DoneJob) -> Settled {
        self.store.settle(&key, done).await.expect("the store works")
    }

    async fn record(&self, key: JobKey) -> JobRecord {
        self.store.job(&key).await.expect("the store works").expect("the job is known")
    }

    async fn state(&self, key: JobKey) -> JobState {
        self.record(key).await.state
    }

    async fn keys_of(&self, batch: u32) -> Vec<JobKey> {
        let records = self.store.batch(batch).await.expect("the store works");
        records.into_iter().map(|record| record.job.key).collect()
    }
}

#[expect(clippy::panic, reason = "a case fails by a panic")]
fn panic_state(record: &JobRecord) -> ! {
    panic!("not the state that was expected: {record:?}")
}

fn key(n: u8) -> JobKey {
    JobKey([n; 32])
}

fn job(n: u8, batch: u32, height: u16, children: &[u8]) -> NewJob {
    NewJob {
        key: key(n),
        batch,
        name: format!("job {n}"),
        kind: "lift".to_owned(),
        circuit: CIRCUIT,
        height,
        memory_mib: 100,
        lease_max: LEASE_MAX,
        children: children.iter().map(|&child| key(child)).collect(),
        payload: vec![n; 1000],
    }
}

fn claimant(worker: u64) -> Claimant {
    Claimant { worker: WorkerId(worker), circuits: vec![CIRCUIT], memory_mib: 1000, running: 0, workers: 2 }
}

fn done(proof: u8, at: u64) -> DoneJob {
    DoneJob {
        proof: BlobId([proof; 32]),
        worker: WorkerId(1),
        at: Millis(at),
        wall: Duration::from_secs(3),
        cpu: Duration::from_secs(5),
    }
}
