//! What can be seen of workers and jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{Attempts, JobKey, JobRecord, JobState, JobStore, Millis, WorkerId};

use super::batch::decode;
use super::workers::elapsed;
use super::{Coordinator, OrderError};
use crate::{Job, JobKind};

/// A worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerView {
    /// Its number, new with each registration.
    pub id: WorkerId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub build: String,
    /// Threads that it proves with.
    pub cores: u32,
    /// Memory that its proofs may take.
    pub memory_mib: u32,
    /// What it is up to.
    pub state: WorkerState,
    /// When it came.
    pub registered: Millis,
    /// When it was last heard of.
    pub last_seen: Millis,
    /// Proofs of it that counted.
    pub jobs_done: u64,
    /// Jobs of it that ended with a failure.
    pub jobs_failed: u64,
    /// Processor time of the proofs, by its word.
    pub cpu: Duration,
    /// What it does.
    pub current: Option<CurrentJob>,
    /// What last went wrong with a job of it.
    pub last_failure: Option<String>,
}

/// What a worker is up to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WorkerState {
    /// It waits for a job.
    Idle,
    /// It does one.
    Proving,
    /// It does its last one.
    Draining,
    /// Its last job hung, and it has asked for no other since.
    Stuck,
    /// It failed much more than it proved: it gets no jobs for a while, if there are others.
    SetAside,
    /// Too many of its proofs were invalid.
    Suspended,
    /// It has left, or nothing is heard of it.
    Gone,
}

impl WorkerState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Idle, Self::Proving, Self::Draining, Self::Stuck, Self::SetAside, Self::Suspended, Self::Gone];

    /// One word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Proving => "proving",
            Self::Draining => "draining",
            Self::Stuck => "stuck",
            Self::SetAside => "set_aside",
            Self::Suspended => "suspended",
            Self::Gone => "gone",
        }
    }
}

/// A job that a worker does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentJob {
    /// Number of its batch.
    pub batch: u32,
    /// The job.
    pub job: Job,
    /// The stage that it is at, one word.
    pub stage: String,
    /// When it was begun.
    pub since: Millis,
}

/// A job of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobView {
    /// Its identity.
    pub key: JobKey,
    /// Its name in the batch.
    pub job: Job,
    /// Jobs whose proofs it merges, from left to right: the proof tree.
    pub children: Vec<JobKey>,
    /// Its priority inside of the batch: the lowest goes first.
    pub height: u16,
    /// Memory that its proof takes.
    pub memory_mib: u32,
    /// When it was put in.
    pub inserted: Millis,
    /// How far it is.
    pub state: JobState,
    /// Name of who does or did it.
    pub worker: Option<String>,
    /// What went wrong with it.
    pub attempts: Attempts,
}

/// Jobs of the batches that are not released, by kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FleetCounts {
    /// Jobs by kind.
    pub kinds: BTreeMap<JobKind, KindCounts>,
    /// For how long the oldest of the jobs that could be done now has been known.
    pub oldest_ready: Option<Duration>,
    /// Memory that the jobs take which workers do at the moment.
    pub leased_mib: u32,
}

/// Jobs of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KindCounts {
    /// Their children are not all done.
    pub waiting: u32,
    /// A worker may do them.
    pub ready: u32,
    /// A worker does them.
    pub leased: u32,
    /// They are proved.
    pub done: u32,
    /// Nobody does them any more.
    pub quarantined: u32,
}

impl KindCounts {
    /// Jobs that are still to be done.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.waiting + self.ready + self.leased
    }

    const fn count(&mut self, state: &JobState) {
        match state {
            JobState::Waiting(_) => self.waiting += 1,
            JobState::Ready(_) => self.ready += 1,
            JobState::Leased(_) => self.leased += 1,
            JobState::Done(_) => self.done += 1,
            JobState::Quarantined { .. } => self.quarantined += 1,
            JobState::Cancelled => {}
        }
    }
}

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// All workers that are remembered, in the order in which they came.
    #[must_use]
    pub fn worker_views(&self) -> Vec<WorkerView> {
        self.workers().views(self.now(), &self.config)
    }

    /// The jobs of a batch, children first.
    ///
    /// # Errors
    /// The store failed or is damaged.
    pub async fn job_views(&self, batch: u32) -> Result<Vec<JobView>, OrderError> {
        let records = self.store.batch(batch).await?;
        records.into_iter().map(|record| self.job_view(record)).collect()
    }

    fn job_view(&self, record: JobRecord) -> Result<JobView, OrderError> {
        let order = decode(&record.job)?;
        let worker = match &record.state {
            JobState::Leased(lease) => Some(lease.worker),
            JobState::Done(done) => Some(done.worker),
            JobState::Waiting(_) | JobState::Ready(_) | JobState::Quarantined { .. } | JobState::Cancelled => None,
        };
        Ok(JobView {
            key: record.job.key,
            job: order.job,
            children: order.children,
            height: record.job.height,
            memory_mib: record.job.memory_mib,
            inserted: record.inserted,
            state: record.state,
            worker: worker.map(|worker| self.workers().name(worker)),
            attempts: record.attempts,
        })
    }

    /// Jobs of all batches that are not released.
    ///
    /// # Errors
    /// The store failed or is damaged.
    pub async fn counts(&self) -> Result<FleetCounts, OrderError> {
        let batches: Vec<u32> = self.plans.lock().await.keys().copied().collect();
        let mut counts = FleetCounts::default();
        for batch in batches {
            self.count(batch, &mut counts).await?;
        }
        Ok(counts)
    }

    async fn count(&self, batch: u32, counts: &mut FleetCounts) -> Result<(), OrderError> {
        let now = self.now();
        for record in self.store.batch(batch).await? {
            let kind = decode(&record.job)?.job.kind();
            counts.kinds.entry(kind).or_default().count(&record.state);
            match record.state {
                JobState::Ready(_) => {
                    counts.oldest_ready = counts.oldest_ready.max(Some(elapsed(record.inserted, now)));
                }
                JobState::Leased(_) => counts.leased_mib = counts.leased_mib.saturating_add(record.job.memory_mib),
                JobState::Waiting(_) | JobState::Done(_) | JobState::Quarantined { .. } | JobState::Cancelled => {}
            }
        }
        Ok(())
    }

    /// How long the jobs of a batch that are to be done will take with the workers that are there, if all jobs take as long
    /// as half of their kind did lately. `None` if a kind has not been seen yet, or there is no worker.
    ///
    /// # Errors
    /// The store failed or is damaged.
    pub async fn estimate(&self, batch: u32) -> Result<Option<Duration>, OrderError> {
        let mut counts = FleetCounts::default();
        self.count(batch, &mut counts).await?;
        let can = |view: &&WorkerView| matches!(view.state, WorkerState::Idle | WorkerState::Proving);
        let workers = u32::try_from(self.worker_views().iter().filter(can).count()).unwrap_or(u32::MAX);
        let statistics = self.statistics();
        let mut total = Duration::ZERO;
        for (kind, count) in counts.kinds.iter().filter(|(_, count)| count.open() > 0) {
            let Some(median) = statistics.median(*kind) else { return Ok(None) };
            // The end of a batch is one job after the other.
            let beside = if matches!(kind, JobKind::Seal | JobKind::Wrap) { 1 } else { workers };
            let Some(share) = (median * count.open()).checked_div(beside) else { return Ok(None) };
            total += share;
        }
        Ok(Some(total))
    }
}
