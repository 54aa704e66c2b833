//! The provers of a node: coordinator, local workers, and the way from orders to checked proofs.
//!
//! ```text
//! dispatcher ── orders ──► coordinator ◄── local workers, and external ones over HTTP
//!                              └── events ──► collector ── checked proofs ──► sequencer
//! ```
//! A local worker is of the same kind as an external one; it only speaks to the coordinator directly.

mod collector;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use weft_aggregator::gateway::Token;
use weft_aggregator::worker::{InProcess, Local, Worker, WorkerConfig};
use weft_aggregator::{BatchEnd, Coordinator, FleetConfig, FleetError, FleetEvent, FleetKey, OrderError};
use weft_protocol::Environment;
use weft_prover::{CircuitSet, SegmentInput};
use weft_storage::blobs::FileBlobs;
use weft_storage::jobs::{Millis, RocksJobStore};

use crate::clock;
use crate::config::ProverLimits;
use crate::dispatch::Outlets;
use crate::journal::Failure;
use crate::l1::{PostCommand, PostOrder};
use crate::proving::{BatchClaim, SegmentOrder};
use crate::supervise::{Watchdog, endless};

pub use collector::{Collector, CollectorError};

/// The coordinator of a node.
pub type NodeCoordinator = Coordinator<RocksJobStore, FileBlobs>;

/// Folder of the jobs in the data folder.
const JOBS: &str = "jobs";
/// Folder of inputs and proofs of jobs in the data folder.
const BLOBS: &str = "blobs";
/// How long local workers may take for the job that they have when the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// Coordinator and local workers, running.
#[derive(Debug)]
pub struct Fleet {
    coordinator: Arc<NodeCoordinator>,
    ticker: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Fleet {
    /// Opens jobs and blobs in the data folder, for external workers with this token. Returns what the coordinator will tell,
    /// too. Blocks on the disk.
    ///
    /// # Errors
    /// The stores cannot be opened, or the system gives no threads.
    pub fn open(
        circuits: Arc<CircuitSet>,
        data: &Path,
        workers: Option<&Token>,
    ) -> Result<(Arc<NodeCoordinator>, mpsc::UnboundedReceiver<FleetEvent>)> {
        let config = FleetConfig { fleet: FleetKey::of(workers), ..FleetConfig::default() };
        let jobs = RocksJobStore::open(&data.join(JOBS), config.budgets).context("cannot open the store of jobs")?;
        let blobs = FileBlobs::open(&data.join(BLOBS)).context("cannot open the store of proofs")?;
        let (events, arrivals) = mpsc::unbounded_channel();
        let observer = Box::new(move |event| {
            // Nobody listens while the node stops.
            let _ = events.send(event);
        });
        let clock = Box::new(|| Millis(clock::now().unix_ms()));
        let coordinator = Coordinator::new(circuits, (jobs, blobs), clock, config, observer);
        Ok((Arc::new(coordinator.context("cannot start the coordinator")?), arrivals))
    }

    /// Takes up what the job store has of the batches from `first` on, and starts the local workers. What ends by itself is
    /// left in `failure`.
    ///
    /// # Errors
    /// The store cannot be read, or the system gives no threads.
    pub async fn start(
        coordinator: Arc<NodeCoordinator>,
        first: u32,
        limits: &ProverLimits,
        failure: &Failure,
    ) -> Result<Self> {
        let open = coordinator.resume(first).await.context("the jobs cannot be taken up")?;
        tracing::info!(batches = ?open, "jobs taken up");
        let (stop, stopped) = watch::channel(false);
        let ticking = Arc::clone(&coordinator);
        let tick = async move { ticking.tick_forever().await };
        let ticker = tokio::spawn(endless("the clock of the leases", failure.clone(), tick));
        let mut workers = Vec::new();
        for number in 0..limits.local_workers {
            let worker = start_worker(&coordinator, number, limits, stopped.clone())?;
            workers.push(tokio::spawn(told(worker, failure.clone())));
        }
        Ok(Self { coordinator, ticker, workers, stop })
    }

    /// The coordinator.
    #[must_use]
    pub fn coordinator(&self) -> &Arc<NodeCoordinator> {
        &self.coordinator
    }

    /// Has the local workers finish or give back what they do, and stops.
    pub async fn stop(self) {
        // Without workers nobody listens.
        let _ = self.stop.send(true);
        for worker in self.workers {
            // Whatever had gone wrong was told when it did.
            drop(worker.await);
        }
        self.ticker.abort();
        // It holds the store until it has ended.
        drop(self.ticker.await);
    }
}

/// Runs a worker. One that gives up halts the node.
async fn told(worker: impl Future<Output = Result<(), FleetError>>, failure: Failure) {
    let _watchdog = Watchdog::new("a local worker", failure.clone());
    if let Err(error) = worker.await {
        failure.set(format!("a local worker has ended: {error}"));
    }
}

fn start_worker(
    coordinator: &Arc<NodeCoordinator>,
    number: u32,
    limits: &ProverLimits,
    mut stopped: watch::Receiver<bool>,
) -> Result<impl Future<Output = Result<(), FleetError>> + use<>> {
    let all = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = limits.threads.unwrap_or_else(all);
    let circuits = Arc::clone(coordinator.circuits());
    let executor = InProcess::new(circuits, threads).context("cannot start the threads of a local worker")?;
    let cores = u32::try_from(threads.get()).unwrap_or(u32::MAX);
    let config =
        WorkerConfig { grace: GRACE, ..WorkerConfig::new(format!("local-{number}"), cores, limits.memory_mib) };
    let worker = Worker::new(Local(Arc::clone(coordinator)), executor, config);
    Ok(worker.run(async move {
        // A dropped sender stops the worker as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    }))
}

/// Whether all of a batch was ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchEnds {
    /// It is sealed.
    Known,
    /// There may be more of it.
    Open,
}

/// Gives orders to the coordinator and to the poster.
#[derive(Debug)]
pub struct FleetOutlets {
    coordinator: Arc<NodeCoordinator>,
    posts: mpsc::UnboundedSender<PostCommand>,
    runtime: Handle,
}

impl FleetOutlets {
    /// Outlets to a coordinator and a poster; at most one batch is with the poster at a time.
    #[must_use]
    pub fn new(coordinator: Arc<NodeCoordinator>, posts: mpsc::UnboundedSender<PostCommand>, runtime: Handle) -> Self {
        Self { coordinator, posts, runtime }
    }
}

impl FleetOutlets {
    /// Whether something is gone that the proof of a batch needs.
    ///
    /// # Errors
    /// The store of jobs or of blobs fails.
    pub fn has_lost(&self, batch: u32, ended: BatchEnds) -> Result<bool> {
        let lost = self.runtime.block_on(async {
            match ended {
                BatchEnds::Known => self.coordinator.is_whole(batch).await.map(|is_whole| !is_whole),
                BatchEnds::Open => self.coordinator.is_broken(batch).await,
            }
        });
        lost.with_context(|| format!("the jobs of batch {batch} cannot be looked through"))
    }

    /// Forgets what there is of a batch, so that it can be ordered again.
    ///
    /// # Errors
    /// The store of jobs or of blobs fails.
    pub fn forget(&self, batch: u32) -> Result<()> {
        let dropped = self.runtime.block_on(self.coordinator.drop_batch(batch));
        dropped.with_context(|| format!("the jobs of batch {batch} cannot be forgotten"))
    }
}

impl Outlets for FleetOutlets {
    fn segment(&mut self, order: SegmentOrder) -> Result<()> {
        let SegmentOrder { position, claim, witness } = order;
        let order = weft_aggregator::SegmentOrder {
            position: usize::try_from(position).expect("32 bits"),
            claim,
            input: SegmentInput::new(&witness),
        };
        let submitted = self.runtime.block_on(self.coordinator.submit_segment(order));
        submitted.context("a segment cannot be given to the provers")
    }

    fn finish(&mut self, claim: BatchClaim) -> Result<()> {
        let end = BatchEnd {
            root_before: claim.statement.root_before,
            root_after: claim.statement.root_after,
            records: claim.records,
        };
        let finished = self.runtime.block_on(self.coordinator.finish(&claim.environment, end));
        finished.context("the end of a batch cannot be given to the provers")
    }

    fn post(&mut self, order: PostOrder) {
        // The poster is gone only after it has halted the node.
        let _ = self.posts.send(PostCommand::Post(Box::new(order)));
    }

    fn abandon(&mut self, batch: &Environment) -> Result<()> {
        // As in `post`.
        let _ = self.posts.send(PostCommand::GiveUp(*batch));
        let abandoned = self.runtime.block_on(self.coordinator.abandon_batch(batch));
        abandoned.context("the jobs of a batch that is taken back cannot be given up")
    }

    fn release(&mut self, batch: u32) -> Result<()> {
        match self.runtime.block_on(self.coordinator.release_batch(batch)) {
            Ok(_) => Ok(()),
            // What cannot be deleted takes up room, no more.
            Err(OrderError::Blobs(error)) => {
                tracing::warn!(batch, %error, "proofs of a verified batch were not deleted");
                Ok(())
            }
            Err(error) => Err(error).context("the jobs of a verified batch cannot be released"),
        }
    }
}
