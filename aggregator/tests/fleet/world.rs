//! A coordinator, workers and batches for the tests.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weft_aggregator::coordinator::StallLimits;
use weft_aggregator::message::BUILD;
use weft_aggregator::{
    BatchEnd, BatchResult, Coordinator, Executor, FleetConfig, FleetError, FleetEvent, InProcess, Job, JobNews, Local,
    SegmentOrder, Transport, Worker, WorkerConfig, WorkerHello, WrappedBatch,
};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{ACCESS_CHAIN_START, Environment, OpenedStatement, RunningState, SegmentStatement};
use weft_prover::{SegmentClaim, SegmentInput, idle_segment};
use weft_storage::blobs::FileBlobs;
use weft_storage::jobs::{Budgets, JobStore, MemoryJobStore, Millis};

use super::toy::Toy;

/// Longer than anything takes that does not hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const BUDGETS: Budgets = Budgets {
    errors_max: 3,
    lost_max: 5,
    invalid_max: 4,
    backoff: Duration::from_millis(10),
    lease: Duration::from_millis(600),
};

pub(crate) fn config() -> FleetConfig {
    FleetConfig {
        budgets: BUDGETS,
        beat: Duration::from_millis(100),
        tick: Duration::from_millis(50),
        stall: StallLimits { factor: 5, floor: Duration::from_secs(1), unknown: Duration::from_secs(1) },
        ..FleetConfig::default()
    }
}

fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Millis(u64::try_from(elapsed.as_millis()).expect("for a long time"))
}

/// A coordinator that is looked after, and what it has told.
pub(crate) struct World<S> {
    pub(crate) coordinator: Arc<Coordinator<S, FileBlobs>>,
    events: Arc<Mutex<Vec<(Instant, FleetEvent)>>>,
    ticks: JoinHandle<()>,
}

impl<S> Drop for World<S> {
    fn drop(&mut self) {
        self.ticks.abort();
    }
}

/// In memory, but for the blobs.
pub(crate) fn in_memory(dir: &Path) -> World<MemoryJobStore> {
    World::new(MemoryJobStore::new(BUDGETS), dir, config())
}

impl<S: JobStore> World<S> {
    pub(crate) fn new(store: S, dir: &Path, config: FleetConfig) -> Self {
        let blobs = FileBlobs::open(&dir.join("blobs")).expect("a folder");
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&events);
        let observer = Box::new(move |event| log.lock().expect("not poisoned").push((Instant::now(), event)));
        let coordinator =
            Coordinator::new(Arc::new(Toy::good()), (store, blobs), Box::new(now), config, observer).expect("threads");
        let coordinator = Arc::new(coordinator);
        let looked_after = Arc::clone(&coordinator);
        let ticks = tokio::spawn(async move { looked_after.tick_forever().await });
        Self { coordinator, events, ticks }
    }

    pub(crate) fn local(&self) -> Local<S, FileBlobs> {
        Local(Arc::clone(&self.coordinator))
    }

    /// A worker in this process.
    pub(crate) fn worker(&self, name: &str, toy: Toy) -> Running {
        start(name, self.local(), in_process(toy))
    }

    pub(crate) fn events(&self) -> Vec<FleetEvent> {
        self.events.lock().expect("not poisoned").iter().map(|(_, event)| event.clone()).collect()
    }

    pub(crate) fn news_of(&self, wanted: Job) -> Vec<JobNews> {
        let news = self.events().into_iter().filter_map(|event| match event {
            FleetEvent::Job { job, news, .. } if job == wanted => Some(news),
            FleetEvent::Job { .. } | FleetEvent::Proven { .. } | FleetEvent::Halted { .. } => None,
        });
        news.collect()
    }

    /// Waits for an event, and says when it was.
    pub(crate) async fn wait_for(&self, what: &str, is_it: impl Fn(&FleetEvent) -> bool) -> (Instant, FleetEvent) {
        let begun = Instant::now();
        loop {
            let found = self.events.lock().expect("not poisoned").iter().find(|(_, event)| is_it(event)).cloned();
            if let Some(found) = found {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "waiting for {what}; heard {:?}", self.events());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits for news of a job, and says when they came.
    pub(crate) async fn wait_for_job(&self, wanted: Job, is_it: impl Fn(&JobNews) -> bool) -> Instant {
        let is_event =
            |event: &FleetEvent| matches!(event, FleetEvent::Job { job, news, .. } if *job == wanted && is_it(news));
        self.wait_for(&format!("news of {wanted}"), is_event).await.0
    }

    pub(crate) async fn proven(&self, batch: u32) -> WrappedBatch {
        self.wait_for("the proof", |event| *event == FleetEvent::Proven { batch }).await;
        match self.coordinator.result(batch).await.expect("the store works") {
            BatchResult::Proven(wrapped) => *wrapped,
            other => unreachable!("{other:?}"),
        }
    }

    pub(crate) async fn submit(&self, batch: &Batch) {
        for order in batch.orders() {
            self.coordinator.submit_segment(order).await.expect("a segment in order");
        }
    }

    pub(crate) async fn finish(&self, batch: &Batch) {
        self.coordinator.finish(&batch.environment, batch.end.clone()).await.expect("the end of these segments");
    }
}

pub(crate) fn in_process(toy: Toy) -> InProcess {
    InProcess::new(Arc::new(toy), NonZeroUsize::MIN).expect("threads")
}

/// A worker that runs.
pub(crate) struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), FleetError>>,
}

pub(crate) fn start(name: &str, transport: impl Transport, executor: impl Executor + 'static) -> Running {
    start_with(transport, executor, worker_config(name))
}

pub(crate) fn worker_config(name: &str) -> WorkerConfig {
    let retry = (Duration::from_millis(20), Duration::from_millis(200));
    WorkerConfig { retry, grace: Duration::from_millis(300), ..WorkerConfig::new(name.to_owned(), 1, 100) }
}

pub(crate) fn start_with(
    transport: impl Transport,
    executor: impl Executor + 'static,
    config: WorkerConfig,
) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = Worker::new(transport, executor, config);
    let task = tokio::spawn(worker.run(async move { drop(stopped.await) }));
    Running { stop: Some(stop), task }
}

impl Running {
    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), FleetError> {
        drop(self.stop.take());
        self.end().await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn end(self) -> Result<(), FleetError> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").expect("it does not panic")
    }
}

/// A batch of segments that are about nothing, but adjacent.
pub(crate) struct Batch {
    pub(crate) environment: Environment,
    pub(crate) claims: Vec<SegmentClaim>,
    pub(crate) end: BatchEnd,
}

impl Batch {
    pub(crate) fn new(number: u32, segments: usize) -> Self {
        let environment = Environment { batch_number: number, ..idle_segment().environment };
        let end = BatchEnd { root_before: digest(0), root_after: digest(number.into()), records: Vec::new() };
        let SegmentStatement { context, before, after } = end.merged(environment.context());
        let mut points = vec![before];
        points.extend((1..segments).map(|position| digest(1000 + u64::try_from(position).expect("few"))));
        points.push(after);
        let statements = points.windows(2).map(|pair| SegmentStatement { context, before: pair[0], after: pair[1] });
        Self { environment, claims: statements.map(SegmentClaim::Small).collect(), end }
    }

    /// The same of large segments, as many in a table as each number says.
    pub(crate) fn large(number: u32, tables: &[usize]) -> Self {
        let Self { environment, end, .. } = Self::new(number, 1);
        let segments: usize = tables.iter().sum();
        let last = u64::try_from(segments).expect("few");
        let root = |position: u64| if position == last { end.root_after } else { digest(position) };
        let mut claims = Vec::new();
        for table in tables {
            let mut chain = ACCESS_CHAIN_START;
            for _ in 0..*table {
                let position = u64::try_from(claims.len()).expect("few");
                let states = [position, position + 1].map(|at| RunningState::start_of_batch(root(at)));
                let chains = [chain, digest(2000 + position)];
                chain = chains[1];
                let context = environment.context();
                claims.push(SegmentClaim::Large(OpenedStatement { context, states, chains }));
            }
        }
        Self { environment, claims, end }
    }

    pub(crate) fn order(&self, position: usize) -> SegmentOrder {
        let mut witness = idle_segment();
        witness.environment = self.environment;
        let input = SegmentInput::new(&witness);
        SegmentOrder { position, claim: self.claims[position], input }
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = SegmentOrder> {
        (0..self.claims.len()).map(|position| self.order(position))
    }
}

pub(crate) fn digest(value: u64) -> Digest {
    Digest([Goldilocks::from_u64(value); 4])
}

/// What a worker of good circuits says of itself.
pub(crate) fn hello(name: &str) -> WorkerHello {
    use weft_aggregator::Circuits as _;
    WorkerHello {
        name: name.to_owned(),
        build: BUILD.to_owned(),
        circuits: Toy::good().ids(),
        cores: 1,
        memory_mib: 100,
    }
}
