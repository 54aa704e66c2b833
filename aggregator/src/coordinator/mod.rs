//! Who proves what: jobs of batches out of the sequencer's orders, leases for workers, checked proofs back.
//!
//! ```text
//! orders → BatchPlan → store (jobs) ── claim ──→ worker
//!                      blobs (inputs, proofs)      │
//! event ← settle ← blob ← check (verifier) ←── submit
//! ```
//! Whatever a worker sends is checked against the job's statement and circuit before it counts. All that has to outlive a
//! crash is in the store and in the blobs; the workers, the plans and the statistics in memory are made again.

mod batch;
mod blobs;
mod conduct;
mod config;
mod fleet;
mod intake;
mod mend;
mod order;
mod registration;
mod statistics;
mod tick;
mod verifier;
mod views;
mod whole;
mod workers;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore};
use weft_storage::blobs::{BlobError, BlobStore};
use weft_storage::jobs::{Aftermath, JobKey, JobStore, Millis, NewJob, StoreError};

use crate::circuits::Circuits;
use crate::message::FleetError;
use crate::statement::Order;
use crate::{FleetEvent, JobNews, Observer};

pub use conduct::ConductLimits;
pub use config::{FleetConfig, LeaseMax, StallLimits};
pub use fleet::CLAIM_WAIT_MAX;
pub use order::{BATCHES_KEPT, BatchResult, JobCost, WrappedBatch};
pub use registration::WorkerPlace;
pub use views::{CurrentJob, FleetCounts, JobView, KindCounts, WorkerState, WorkerView};
pub(crate) use whole::whole;

use batch::BatchPlan;
use statistics::Statistics;
use verifier::Verifier;
use workers::Workers;

/// Claims that may wait for a job at a time.
const WAITERS_MAX: usize = 1024;
/// Proofs that are checked or wait for it at a time; each may have two megabytes.
const SUBMISSIONS_MAX: usize = 64;
/// Failures, releases and goodbyes that are under way at a time.
const REPORTS_MAX: usize = 256;

/// Says what time it is.
pub type Clock = Box<dyn Fn() -> Millis + Send + Sync>;

/// See the [module](self).
pub struct Coordinator<S, B> {
    circuits: Arc<dyn Circuits>,
    store: S,
    blobs: B,
    clock: Clock,
    observer: Observer,
    config: FleetConfig,
    verifier: Verifier,
    /// Held while jobs are put in, so that those of a batch come in order.
    plans: tokio::sync::Mutex<BTreeMap<u32, BatchPlan>>,
    workers: Mutex<Workers>,
    statistics: Mutex<Statistics>,
    /// There may be a job to do.
    wake: Notify,
    waiters: Arc<Semaphore>,
    submissions: Arc<Semaphore>,
    reports: Arc<Semaphore>,
}

/// An order or a question about a batch cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The segment belongs to another batch or deployment.
    #[error("the segment is not one of batch {batch}")]
    OtherBatch {
        /// Number of the batch.
        batch: u32,
    },
    /// There is another segment at this place.
    #[error("batch {batch} has another segment {position}")]
    OtherSegment {
        /// Number of the batch.
        batch: u32,
        /// Its place.
        position: usize,
    },
    /// Segments before this one are missing.
    #[error("segment {got} of batch {batch} comes before segment {expected}")]
    Gap {
        /// Number of the batch.
        batch: u32,
        /// The next place.
        expected: usize,
        /// The segment's place.
        got: usize,
    },
    /// The segment does not start where the one before it ended.
    #[error("segment {position} of batch {batch} does not start where the one before it ended")]
    NotAdjacent {
        /// Number of the batch.
        batch: u32,
        /// Its place.
        position: usize,
    },
    /// The end of the batch is known.
    #[error("batch {batch} is finished")]
    Finished {
        /// Number of the batch.
        batch: u32,
    },
    /// The batch ends without a segment.
    #[error("batch {batch} has no segment")]
    Empty {
        /// Number of the batch.
        batch: u32,
    },
    /// The batch has another end, or its segments do not lead to this one.
    #[error("batch {batch} ends otherwise")]
    OtherEnd {
        /// Number of the batch.
        batch: u32,
    },
    /// A job in the store does not decode.
    #[error("{job} of batch {batch} in the store does not decode")]
    Damaged {
        /// Number of the batch.
        batch: u32,
        /// Name of the job.
        job: String,
    },
    /// There are no jobs of the batch.
    #[error("there are no jobs of batch {batch}")]
    Unknown {
        /// Number of the batch.
        batch: u32,
    },
    /// The bytes that a job needs are not in the store of blobs any more. Ordered again, an input comes back; for a proof
    /// the batch has to be dropped and ordered again.
    #[error("{what} of batch {batch} is gone from the store of blobs")]
    BlobGone {
        /// Number of the batch.
        batch: u32,
        /// What they are.
        what: String,
    },
    /// The proof was released.
    #[error("the proof of batch {batch} is not kept any more")]
    Released {
        /// Number of the batch.
        batch: u32,
    },
    /// The store of the jobs failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store of the blobs failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// A coordinator over what is in the stores. Somebody has to run [`Self::tick_forever`].
    ///
    /// # Errors
    /// The system starts no threads.
    pub fn new(
        circuits: Arc<dyn Circuits>,
        (store, blobs): (S, B),
        clock: Clock,
        config: FleetConfig,
        observer: Observer,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let verifier = Verifier::start(config.verifier_threads)?;
        Ok(Self {
            circuits,
            store,
            blobs,
            clock,
            observer,
            config,
            verifier,
            plans: tokio::sync::Mutex::default(),
            workers: Mutex::default(),
            statistics: Mutex::default(),
            wake: Notify::new(),
            waiters: Arc::new(Semaphore::new(WAITERS_MAX)),
            submissions: Arc::new(Semaphore::new(SUBMISSIONS_MAX)),
            reports: Arc::new(Semaphore::new(REPORTS_MAX)),
        })
    }

    /// The circuits that proofs are checked with.
    #[must_use]
    pub fn circuits(&self) -> &Arc<dyn Circuits> {
        &self.circuits
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statistics(&self) -> MutexGuard<'_, Statistics> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, job: &NewJob, order: &Order, news: JobNews) {
        (self.observer)(FleetEvent::Job { batch: job.batch, job: order.job, news });
    }

    /// Tells what a failure of a job has led to.
    async fn tell_aftermath(&self, key: &JobKey, aftermath: Aftermath, reason: &str) -> Result<(), StoreError> {
        if aftermath == Aftermath::Ignored {
            return Ok(());
        }
        let Some(record) = self.store.job(key).await? else { return Ok(()) };
        let job = record.job;
        let Ok(order) = batch::decode(&job) else { return Ok(()) };
        metrics::counter!("fleet_lease_lost_total", "kind" => order.job.kind().name()).increment(1);
        match aftermath {
            Aftermath::Quarantined(reason) => {
                tracing::error!(batch = job.batch, job = job.name, reason, "job quarantined");
                metrics::counter!("fleet_quarantined_total", "kind" => order.job.kind().name()).increment(1);
                self.tell(&job, &order, JobNews::Quarantined { reason: reason.clone() });
                (self.observer)(FleetEvent::Halted { batch: job.batch, job: order.job, reason });
            }
            Aftermath::Requeued => {
                tracing::warn!(batch = job.batch, job = job.name, reason, "job queued again");
                self.tell(&job, &order, JobNews::Requeued { reason: reason.to_owned() });
                self.wake.notify_waiters();
            }
            Aftermath::Ignored => {}
        }
        Ok(())
    }
}

/// Does something with the store of jobs and notes how long it takes.
async fn timed<T>(op: &'static str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let result = work.await;
    metrics::histogram!("fleet_store_op_seconds", "op" => op).record(begun.elapsed());
    result
}

impl From<StoreError> for FleetError {
    fn from(error: StoreError) -> Self {
        Self::Store { reason: error.to_string() }
    }
}

impl From<OrderError> for FleetError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Unknown { .. } => Self::NoSuchBatch,
            error => Self::Store { reason: error.to_string() },
        }
    }
}

impl<S, B> fmt::Debug for Coordinator<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator").field("circuits", &self.circuits).finish_non_exhaustive()
    }
}
