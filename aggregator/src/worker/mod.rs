//! Does the coordinator's jobs, one at a time.
//!
//! ```text
//! register → claim → fetch blobs → prove (executor) → submit → claim …        beats: a thread of their own
//! ```
//! A coordinator that is away is waited for; a finished proof is sent until it is taken. Asked to stop, a worker finishes its
//! job if that is quick, else gives it back.

mod child;
mod drain;
mod executor;
mod frame;
mod heart;
mod link;
mod transport;

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;
use tracing::Instrument as _;
use weft_storage::jobs::Failure;

use crate::Task;
use crate::message::{Assignment, BUILD, FailureReport, FleetError, Held, ProofOutcome, Submission, WorkerHello};
use crate::trace::trace_id;

pub use child::{ChildProcess, serve_child};
pub use executor::{Executor, ExecutorError, InProcess, MadeProof, Progress};
pub use transport::{Local, Transport};

use drain::Drain;
use heart::Heart;
use link::Link;

/// How often a stage is looked at for hanging.
const STALL_POLL: Duration = Duration::from_millis(100);
/// The stage before the executor has the task: it lasts as long as the coordinator is away.
const FETCHING: &str = "fetching";

/// What a worker is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerConfig {
    /// Its name, for people: unique in the fleet.
    pub name: String,
    /// Threads that its executor proves with.
    pub cores: u32,
    /// Memory that its proofs may take.
    pub memory_mib: u32,
    /// How long a running job is waited for when the worker is to stop.
    pub grace: Duration,
    /// Wait before the coordinator is asked again after it was away: at first, and at most.
    pub retry: (Duration, Duration),
}

impl WorkerConfig {
    /// A worker with this name and these means.
    #[must_use]
    pub fn new(name: String, cores: u32, memory_mib: u32) -> Self {
        let retry = (Duration::from_millis(200), Duration::from_secs(10));
        Self { name, cores, memory_mib, grace: Duration::from_secs(20), retry }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Worker<T, E> {
    transport: T,
    executor: E,
    config: WorkerConfig,
}

/// What became of a task.
enum End {
    Made(MadeProof),
    Failed(Failure),
    /// Nobody needs it.
    Cancelled,
    /// The worker has to go.
    Released,
}

impl<T: Transport, E: Executor> Worker<T, E> {
    /// A worker that has not begun.
    pub const fn new(transport: T, executor: E, config: WorkerConfig) -> Self {
        Self { transport, executor, config }
    }

    /// Does jobs until `shutdown` is ready and the running job is done or given back.
    ///
    /// # Errors
    /// The coordinator does not want this worker: its token, version or circuits are wrong, or it is suspended; or the
    /// system starts no thread.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), FleetError> {
        let Self { transport, mut executor, config } = self;
        let mut drain = Drain::new(shutdown, config.grace);
        if drain.unless(ready(&mut executor, config.retry)).await.is_none() {
            return Ok(());
        }
        let hello = WorkerHello {
            name: config.name.clone(),
            build: BUILD.to_owned(),
            circuits: executor.circuits(),
            cores: config.cores,
            memory_mib: config.memory_mib,
        };
        let beater = transport.separate()?;
        let link = Link::new(transport, hello, config.retry);
        let Some(welcome) = drain.unless(link.register()).await.transpose()? else { return Ok(()) };
        let heart = Heart::start(beater, link.identity().clone(), welcome.beat)
            .map_err(|error| FleetError::Protocol { reason: format!("no thread for beats: {error}") })?;
        let mut shift = Shift { link, executor, heart, drain };
        let result = shift.work(config.retry).await;
        shift.link.goodbye().await;
        result
    }
}

/// Waits until the executor is ready, for ever.
async fn ready(executor: &mut impl Executor, (first, max): (Duration, Duration)) {
    let mut pause = first;
    while let Err(error) = executor.ready().await {
        tracing::error!(%error, "the prover does not start");
        sleep(pause).await;
        pause = (pause * 2).min(max);
    }
}

/// A registered worker.
struct Shift<T, E> {
    link: Link<T>,
    executor: E,
    heart: Heart,
    drain: Drain,
}

impl<T: Transport, E: Executor> Shift<T, E> {
    async fn work(&mut self, retry: (Duration, Duration)) -> Result<(), FleetError> {
        loop {
            let Self { link, executor, drain, .. } = self;
            let next = async {
                ready(executor, retry).await;
                link.claim().await
            };
            let Some(claimed) = drain.unless(next).await else { return Ok(()) };
            let Some(assignment) = claimed? else { continue };
            let Assignment { batch, job, attempt, ref traceparent, .. } = assignment;
            let span = tracing::info_span!("job", batch, %job, attempt, trace_id = trace_id(traceparent), traceparent);
            self.job(assignment).instrument(span).await?;
        }
    }

    /// Does a job, to whatever end.
    async fn job(&mut self, assignment: Assignment) -> Result<(), FleetError> {
        let Assignment { lease, key, .. } = assignment;
        let progress = Progress::new(FETCHING);
        self.heart.begin(lease, key, progress.clone());
        let end = self.prove(assignment, &progress).await;
        progress.set("reporting");
        let held = Held { lease, key };
        let reported = match end? {
            End::Made(MadeProof { proof, cost }) => {
                let submission = Submission { held, proof, wall: cost.wall, cpu: cost.cpu };
                match self.drain.unless_over(self.link.submit(submission)).await {
                    Some(Ok(ProofOutcome::Refused(refusal))) => {
                        tracing::error!(%refusal, "the proof was refused");
                        Ok(())
                    }
                    Some(Ok(ProofOutcome::Taken(settled))) => {
                        tracing::info!(?settled, wall = ?cost.wall, cpu = ?cost.cpu, "proof delivered");
                        Ok(())
                    }
                    Some(Err(error)) => Err(error),
                    None => Ok(()),
                }
            }
            End::Failed(failure) => {
                tracing::warn!(?failure, "the job failed");
                let report = FailureReport { held, failure };
                self.drain.unless_over(self.link.fail(report)).await.unwrap_or(Ok(()))
            }
            End::Released => self.drain.unless_over(self.link.release(held)).await.unwrap_or(Ok(())),
            End::Cancelled => {
                tracing::info!("nobody needs the job any more");
                Ok(())
            }
        };
        self.heart.end();
        reported
    }

    /// Makes the proof, unless something comes between.
    async fn prove(&mut self, assignment: Assignment, progress: &Progress) -> Result<End, FleetError> {
        let Self { link, executor, heart, drain } = self;
        let Assignment { lease, statement, blobs, stall, .. } = assignment;
        let work = async {
            let mut task = Task { statement, blobs: Vec::new() };
            for blob in blobs {
                match link.blob(blob).await {
                    Ok(bytes) => task.blobs.push(bytes),
                    Err(FleetError::NoSuchBlob) => {
                        return Ok(End::Failed(Failure::Error(format!("the blob {} is gone", hex::encode(blob.0)))));
                    }
                    Err(error) => return Err(error),
                }
            }
            progress.set("waiting");
            Ok(match executor.execute(task, progress).await {
                Ok(made) => End::Made(made),
                Err(failure) => End::Failed(failure),
            })
        };
        let over = async {
            drain.begun().await;
            link.identity().drain();
            drain.over().await;
        };
        tokio::select! {
            biased;
            end = work => end,
            () = heart.cancelled(lease) => Ok(End::Cancelled),
            stage = stalled(progress, stall) => {
                Ok(End::Failed(Failure::Crashed(format!("no progress in stage {stage} for {stall:?}"))))
            }
            () = over => Ok(End::Released),
        }
    }
}

/// Returns when a stage of the executor lasts too long, with its name.
async fn stalled(progress: &Progress, limit: Duration) -> String {
    loop {
        sleep(STALL_POLL.min(limit)).await;
        let (stage, since) = progress.get();
        if stage != FETCHING && since.elapsed() > limit {
            return stage;
        }
    }
}
