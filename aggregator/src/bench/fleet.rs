//! What a fleet in one process takes for a batch, and what the way of the jobs costs beside the proofs.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use weft_protocol::Environment;
use weft_prover::{SegmentClaim, SegmentSize, table_statement};
use weft_storage::blobs::{BlobId, BlobStore};
use weft_storage::jobs::{BeatReply, JobStore};

use crate::circuits::CircuitId;
use crate::coordinator::Clock;
use crate::message::{
    Assignment, Beat, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello,
};
use crate::worker::{Executor, ExecutorError, MadeProof, Progress};
use crate::{
    BatchEnd, Circuits, Coordinator, FleetConfig, FleetEvent, InProcess, Job, JobNews, JobStatement, Local, OrderError,
    SegmentOrder, Span, Task, Transport, Worker, WorkerConfig, WorkerPass,
};

/// How far the proofs of a batch are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FleetGoal {
    /// All segments.
    Segments,
    /// The merge of all segments.
    Merged,
}

/// What a batch took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FleetCosts {
    /// For each goal, how long it took to get there from the one before.
    pub walls: Vec<Duration>,
    /// What a job took beside its proof: claim, fetch, check and settling, on average.
    pub overhead: Duration,
    /// Jobs that were done.
    pub jobs: u64,
    /// Processor time of their proofs.
    pub cpu: Duration,
}

/// A batch to be proved.
#[derive(Clone, PartialEq, Debug)]
pub struct FleetBatch {
    /// What its segments share.
    pub environment: Environment,
    /// Its segments, in order.
    pub segments: Vec<SegmentOrder>,
    /// Its end, which the segments lead to.
    pub end: BatchEnd,
}

/// Who proves it, and how far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FleetRun<'a> {
    /// Workers at the same time.
    pub workers: NonZeroUsize,
    /// Threads of each.
    pub threads: NonZeroUsize,
    /// One after the other.
    pub goals: &'a [FleetGoal],
}

/// There is nothing to measure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The batch is not good, or a store failed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The system starts no threads.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A job failed for good.
    #[error("{job} is not proved: {reason}")]
    Halted {
        /// The job.
        job: Job,
        /// Why.
        reason: String,
    },
}

/// Proves a batch over these stores, to one goal after the other. On the way to a goal nobody works for what lies behind it, and
/// jobs are taken in the fleet's order.
///
/// # Errors
/// The batch is not good, a store failed, or a job did.
pub async fn bench_fleet<S: JobStore, B: BlobStore>(
    circuits: Arc<dyn Circuits>,
    stores: (S, B),
    clock: Clock,
    batch: FleetBatch,
    run: FleetRun<'_>,
) -> Result<FleetCosts, BenchError> {
    let FleetRun { workers, threads, goals } = run;
    let route: Vec<_> = goals.iter().map(|goal| (*goal, goal.circuits(&*circuits, &batch.segments))).collect();
    let span = Span { first: 0, last: batch.segments.len().saturating_sub(1) };
    let is_large = batch.segments.first().is_some_and(|order| order.claim.size() == SegmentSize::Large);
    // What merges a batch that one lift can take.
    let lone = if is_large { Job::Join(span) } else { Job::Lift(span) };
    let news = Arc::new(News::default());
    let heard = Arc::clone(&news);
    let observer = Box::new(move |event| heard.hear(event));
    let coordinator = Coordinator::new(Arc::clone(&circuits), stores, clock, FleetConfig::default(), observer)?;
    // Nobody looks after the leases: they do not end, however long a job takes.
    let coordinator = Arc::new(coordinator);
    for order in batch.segments {
        coordinator.submit_segment(order).await?;
    }
    coordinator.finish(&batch.environment, batch.end).await?;

    let overhead = Arc::new(Overhead::default());
    let transport = Timed { inner: Local(coordinator), overhead: Arc::clone(&overhead) };
    let mut walls = Vec::new();
    for (goal, part) in route {
        let begun = Instant::now();
        let (stop, stopped) = watch::channel(());
        let mut running = Vec::new();
        for number in 0..workers.get() {
            let inner = InProcess::new(Arc::clone(&circuits), threads)?;
            let executor = Part { inner, circuits: part.clone() };
            let config =
                WorkerConfig::new(format!("bench {number}"), threads.get().try_into().unwrap_or(u32::MAX), u32::MAX);
            let mut stopped = stopped.clone();
            // It ends when the sender is dropped.
            let shutdown = async move { drop(stopped.changed().await) };
            running.push(tokio::spawn(Worker::new(transport.clone(), executor, config).run(shutdown)));
        }
        let result = news.wait_for(&|done| goal.is_reached(done, span, lone)).await;
        walls.push(begun.elapsed());
        drop(stop);
        for worker in running {
            // A worker that could not go on has halted a job.
            drop(worker.await);
        }
        result?;
    }
    let jobs = overhead.jobs.load(Ordering::Relaxed);
    let cpu = Duration::from_nanos(overhead.cpu_nanos.load(Ordering::Relaxed));
    let nanos = overhead.nanos.load(Ordering::Relaxed).checked_div(jobs).unwrap_or(0);
    Ok(FleetCosts { walls, overhead: Duration::from_nanos(nanos), jobs, cpu })
}

impl FleetGoal {
    /// The circuits of the jobs that lead to it.
    fn circuits(self, circuits: &dyn Circuits, segments: &[SegmentOrder]) -> Vec<CircuitId> {
        let statements = segments.iter().flat_map(|order| {
            let (size, statement) = (order.claim.size(), order.claim.claimed());
            let mut merges = vec![JobStatement::Lift { size, statement }, JobStatement::Aggregate { statement }];
            if let SegmentClaim::Large(opened) = &order.claim {
                merges.extend([JobStatement::Openings(table_statement(opened)), JobStatement::Join(*opened)]);
            }
            let merges = if self == Self::Merged { merges } else { Vec::new() };
            std::iter::once(JobStatement::Segment(order.claim)).chain(merges)
        });
        let ids: BTreeSet<_> = statements.map(|statement| circuits.circuit(&statement).id).collect();
        ids.into_iter().collect()
    }

    fn is_reached(self, done: &BTreeSet<Job>, span: Span, lone: Job) -> bool {
        match self {
            Self::Segments => (span.first..=span.last).all(|position| done.contains(&Job::Segment(position))),
            Self::Merged => done.contains(&lone) || done.contains(&Job::Aggregate(span)),
        }
    }
}

#[derive(Debug, Default)]
struct Heard {
    done: BTreeSet<Job>,
    halted: Option<(Job, String)>,
}

/// What was heard of the jobs.
#[derive(Debug, Default)]
struct News {
    state: Mutex<Heard>,
    wake: Notify,
}

impl News {
    fn hear(&self, event: FleetEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            FleetEvent::Job { job, news: JobNews::Done { .. }, .. } => drop(state.done.insert(job)),
            FleetEvent::Halted { job, reason, .. } => state.halted = Some((job, reason)),
            FleetEvent::Job { .. } | FleetEvent::Proven { .. } => {}
        }
        self.wake.notify_one();
    }

    async fn wait_for(&self, is_over: &dyn Fn(&BTreeSet<Job>) -> bool) -> Result<(), BenchError> {
        loop {
            {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((job, reason)) = state.halted.clone() {
                    return Err(BenchError::Halted { job, reason });
                }
                if is_over(&state.done) {
                    return Ok(());
                }
            }
            self.wake.notified().await;
        }
    }
}

/// A prover that owns up to a part of its circuits only.
#[derive(Debug)]
struct Part {
    inner: InProcess,
    circuits: Vec<CircuitId>,
}

impl Executor for Part {
    async fn ready(&mut self) -> Result<(), ExecutorError> {
        self.inner.ready().await
    }

    fn circuits(&self) -> Vec<CircuitId> {
        self.circuits.clone()
    }

    async fn execute(&mut self, task: Task, progress: &Progress) -> Result<MadeProof, weft_storage::jobs::Failure> {
        self.inner.execute(task, progress).await
    }
}

#[derive(Debug, Default)]
struct Overhead {
    nanos: AtomicU64,
    jobs: AtomicU64,
    cpu_nanos: AtomicU64,
}

/// Measures what the way of the jobs takes.
struct Timed<S, B> {
    inner: Local<S, B>,
    overhead: Arc<Overhead>,
}

impl<S, B> Timed<S, B> {
    fn note(&self, begun: Instant) {
        self.overhead.nanos.fetch_add(nanos(begun.elapsed()), Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl<S, B> Clone for Timed<S, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), overhead: Arc::clone(&self.overhead) }
    }
}

impl<S, B> fmt::Debug for Timed<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timed")
    }
}

impl<S: JobStore, B: BlobStore> Transport for Timed<S, B> {
    fn separate(&self) -> Result<Self, FleetError> {
        Ok(self.clone())
    }

    async fn register(&self, hello: WorkerHello) -> Result<Welcome, FleetError> {
        self.inner.register(hello).await
    }

    async fn claim(&self, pass: &WorkerPass, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        // What there is to do is there from the start: only waits for children are left out.
        let begun = Instant::now();
        if let Some(assignment) = self.inner.claim(pass, Duration::ZERO).await? {
            self.note(begun);
            return Ok(Some(assignment));
        }
        self.inner.claim(pass, wait).await
    }

    async fn beat(&self, pass: &WorkerPass, beat: Beat) -> Result<BeatReply, FleetError> {
        self.inner.beat(pass, beat).await
    }

    async fn blob(&self, pass: &WorkerPass, id: BlobId) -> Result<Vec<u8>, FleetError> {
        let begun = Instant::now();
        let bytes = self.inner.blob(pass, id).await;
        self.note(begun);
        bytes
    }

    async fn submit(&self, pass: &WorkerPass, submission: Submission) -> Result<ProofOutcome, FleetError> {
        self.overhead.cpu_nanos.fetch_add(nanos(submission.cpu), Ordering::Relaxed);
        let begun = Instant::now();
        let outcome = self.inner.submit(pass, submission).await;
        self.note(begun);
        self.overhead.jobs.fetch_add(1, Ordering::Relaxed);
        outcome
    }

    async fn fail(&self, pass: &WorkerPass, report: FailureReport) -> Result<(), FleetError> {
        self.inner.fail(pass, report).await
    }

    async fn release(&self, pass: &WorkerPass, held: Held) -> Result<(), FleetError> {
        self.inner.release(pass, held).await
    }

    async fn goodbye(&self, pass: &WorkerPass) -> Result<(), FleetError> {
        self.inner.goodbye(pass).await
    }
}
