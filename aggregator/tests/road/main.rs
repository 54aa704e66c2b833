//! The road of a batch with real proofs: executed, proved in segments of both sizes, joined with its openings, merged, sealed,
//! wrapped; and what is refused on it. One test, because all of it shares one set of circuits.

mod decoders;
mod keys;
mod refusals;
mod world;

use std::alloc::System;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap::Cap;
use tokio::sync::oneshot;
use weft_aggregator::coordinator::Clock;
use weft_aggregator::{
    BatchResult, Coordinator, EndCosts, FleetBatch, FleetConfig, FleetEvent, FleetGoal, FleetRun, InProcess, Job,
    JobNews, JobStatement, Local, MergeCosts, Span, Worker, WorkerConfig, WrappedBatch, bench_end, bench_fleet,
    bench_merges,
};
use weft_prover::{CircuitSet, SegmentInput, SegmentSize};
use weft_storage::blobs::{BlobStore as _, FileBlobs};
use weft_storage::jobs::{Budgets, JobState, MemoryJobStore, Millis};

use decoders::Proofs;
use world::{ExecutedWorld, SIZES};

/// Longer than any batch of these sizes takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Counts, and bounds what a decoder may take.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

type Fleet = Arc<Coordinator<MemoryJobStore, FileBlobs>>;
type Events = Arc<Mutex<Vec<FleetEvent>>>;

fn span(first: usize, last: usize) -> Span {
    Span { first, last }
}

fn clock() -> Clock {
    Box::new(|| {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Millis(u64::try_from(elapsed.as_millis()).expect("for a long time"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_becomes_one_proof_and_nothing_else_does() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("circuits");
    let circuits = Arc::new(CircuitSet::load_or_build(SIZES, Some(&cache), |news| println!("{news:?}")));
    for summary in circuits.summaries() {
        println!("{summary:?}");
    }
    let world = world::execute();
    let dir = tempfile::tempdir().expect("a folder");
    let (fleet, events) = start(&circuits, dir.path());
    let proven = proved_by_a_fleet(&circuits, &fleet, &events, &world).await;
    check_wrapped(&circuits, &world, &proven);
    keys::are_read_when_needed(&cache, &world);
    refusals::segment_proofs(&circuits, &world);
    refusals::jobs(&circuits, &world);
    refusals::wrapped_proofs(&circuits, &world, &proven.proof);
    let large = [Job::Lift(span(0, 1)), Job::Openings(span(0, 1)), Job::Join(span(0, 1))];
    let mut proofs = Vec::new();
    for job in large {
        proofs.push(proof_of(&fleet, dir.path(), job).await);
    }
    refusals::openings(&circuits, &world, &proofs);
    let seal = proof_of(&fleet, dir.path(), Job::Seal).await;
    refusals::seals(&circuits, &world, &seal);
    let [lift, openings, join] = <[Vec<u8>; 3]>::try_from(proofs).expect("three jobs");
    let proofs = Proofs {
        small: proof_of(&fleet, dir.path(), Job::Segment(2)).await,
        large: proof_of(&fleet, dir.path(), Job::Segment(0)).await,
        merges: vec![lift, join, proof_of(&fleet, dir.path(), Job::Aggregate(span(0, 3))).await],
        openings,
        seal,
        wrapped: proven.proof,
    };
    let order = world.orders().swap_remove(2);
    decoders::inputs_are_refused(&order.input);
    decoders::messages_are_refused(JobStatement::Segment(order.claim), proofs.small.clone());
    decoders::proofs_are_taken_whole_or_not_at_all(&circuits, proofs);
    a_bad_segment_halts_its_batch(&circuits, &world).await;
    benches_run_every_job(&circuits, world, dir.path()).await;
}

fn start(circuits: &Arc<CircuitSet>, dir: &Path) -> (Fleet, Events) {
    let stores = (MemoryJobStore::new(Budgets::default()), FileBlobs::open(dir).expect("a folder"));
    let events = Events::default();
    let log = Arc::clone(&events);
    let observer = Box::new(move |event| {
        println!("{event:?}");
        log.lock().expect("no test panics with it").push(event);
    });
    let circuits: Arc<dyn weft_aggregator::Circuits> = Arc::<CircuitSet>::clone(circuits);
    let fleet = Coordinator::new(circuits, stores, clock(), FleetConfig::default(), observer).expect("threads");
    (Arc::new(fleet), events)
}

/// Lets two workers of one thread do all jobs until the batch is proved or halted.
async fn work(circuits: &Arc<CircuitSet>, fleet: &Fleet, batch: u32) -> BatchResult {
    let mut stops = Vec::new();
    let mut workers = Vec::new();
    for name in ["a", "b"] {
        let circuits: Arc<dyn weft_aggregator::Circuits> = Arc::<CircuitSet>::clone(circuits);
        let executor = InProcess::new(circuits, NonZeroUsize::MIN).expect("threads");
        let (stop, stopped) = oneshot::channel::<()>();
        let config = WorkerConfig::new(name.to_owned(), 1, 4096);
        let worker = Worker::new(Local(Arc::clone(fleet)), executor, config);
        workers.push(tokio::spawn(worker.run(async move { drop(stopped.await) })));
        stops.push(stop);
    }
    let wait = async {
        loop {
            let looked_after = Arc::clone(fleet);
            looked_after.tick().await.expect("the store works");
            match fleet.result(batch).await.expect("the store works") {
                BatchResult::Unknown | BatchResult::Proving { .. } => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                result @ (BatchResult::Proven(_) | BatchResult::Halted { .. }) => return result,
            }
        }
    };
    let result = tokio::time::timeout(PATIENCE, wait).await.expect("the batch ends");
    drop(stops);
    for worker in workers {
        worker.await.expect("it does not panic").expect("it was asked to stop");
    }
    result
}

/// Proves the batch of the world, and checks the news on the way.
async fn proved_by_a_fleet(
    circuits: &Arc<CircuitSet>,
    fleet: &Fleet,
    events: &Events,
    world: &ExecutedWorld,
) -> WrappedBatch {
    for order in world.orders() {
        fleet.submit_segment(order).await.expect("in order");
    }
    fleet.finish(&world.environment, world.end.clone()).await.expect("the segments lead there");
    let result = work(circuits, fleet, world.environment.batch_number).await;
    let BatchResult::Proven(proven) = result else { unreachable!("{result:?}") };
    let expected = [
        Job::Segment(0),
        Job::Segment(1),
        Job::Segment(2),
        Job::Segment(3),
        Job::Lift(span(0, 1)),
        Job::Lift(span(2, 3)),
        Job::Openings(span(0, 1)),
        Job::Join(span(0, 1)),
        Job::Aggregate(span(0, 3)),
        Job::Seal,
        Job::Wrap,
    ];
    let mut done: Vec<_> = proven.jobs.iter().map(|cost| cost.job).collect();
    done.sort_unstable();
    assert_eq!(done, expected);
    for wanted in expected {
        let events = events.lock().expect("no test panics with it");
        let news = events.iter().filter_map(|event| match event {
            FleetEvent::Job { job, news, .. } if *job == wanted => Some(news),
            FleetEvent::Job { .. } | FleetEvent::Proven { .. } | FleetEvent::Halted { .. } => None,
        });
        let news: Vec<_> = news.filter(|news| !matches!(news, JobNews::Stage { .. })).collect();
        assert!(
            matches!(news[..], [JobNews::Queued, JobNews::Leased { .. }, JobNews::Done { cost, .. }] if !cost.cpu.is_zero()),
            "{wanted}: {news:?}"
        );
    }
    *proven
}

/// The proof says exactly what happened to the state.
fn check_wrapped(circuits: &CircuitSet, world: &ExecutedWorld, proven: &WrappedBatch) {
    assert_eq!(proven.segments, 4);
    let statement = world.end.statement(world.environment.context());
    assert_eq!(usize::try_from(statement.record_count), Ok(world.end.records.len()));
    let wrapped = circuits.family().decode_wrapped(&proven.proof).expect("it is one");
    let got = circuits.family().verify_wrapped(&wrapped).expect("the wrap is valid");
    assert_eq!(got, statement.digest());
}

/// The bytes of a proof that the fleet has kept.
async fn proof_of(fleet: &Fleet, dir: &Path, wanted: Job) -> Vec<u8> {
    let views = fleet.job_views(1).await.expect("the store works");
    let view = views.iter().find(|view| view.job == wanted).expect("it was done");
    let JobState::Done(done) = &view.state else { unreachable!("{view:?}") };
    let blobs = FileBlobs::open(dir).expect("a folder");
    blobs.get(&done.proof).await.expect("the disk works").expect("it is kept")
}

/// A segment with a forged signature is tried as often as allowed, then its batch halts with the job and the reason.
async fn a_bad_segment_halts_its_batch(circuits: &Arc<CircuitSet>, world: &ExecutedWorld) {
    let dir = tempfile::tempdir().expect("a folder");
    let (fleet, _) = start(circuits, dir.path());
    let mut order = world.orders().remove(0);
    order.input = SegmentInput::new(&world.forged_segment());
    fleet.submit_segment(order).await.expect("the coordinator does not look into it");
    let result = work(circuits, &fleet, world.environment.batch_number).await;
    let BatchResult::Halted { job, reason } = result else { unreachable!("{result:?}") };
    assert_eq!(job, Job::Segment(0));
    assert!(reason.contains("signature"), "{reason}");
    let views = fleet.job_views(1).await.expect("the store works");
    let errors = views[0].attempts.errors.len();
    assert_eq!(u32::try_from(errors), Ok(Budgets::default().errors_max));
}

/// The benches need no state, and what they do is accepted by every circuit.
async fn benches_run_every_job(circuits: &Arc<CircuitSet>, world: ExecutedWorld, dir: &Path) {
    let MergeCosts { segment, lift, aggregate } =
        bench_merges(circuits, SegmentSize::Large).expect("idle segments merge");
    let EndCosts { seal, wrap } = bench_end(circuits).expect("an idle batch is sealed");
    for cost in [segment, lift, aggregate, seal, wrap] {
        println!("{cost:?}");
        assert!(!cost.cpu.is_zero(), "{cost:?}");
    }
    assert!(segment.cpu < lift.cpu && seal.cpu < wrap.cpu, "a tiny segment is cheap, the wrap is the largest proof");
    let stores = (MemoryJobStore::new(Budgets::default()), FileBlobs::open(&dir.join("bench")).expect("a folder"));
    let circuits: Arc<dyn weft_aggregator::Circuits> = Arc::<CircuitSet>::clone(circuits);
    let segments = world.orders();
    let statement = JobStatement::Segment(segments[0].claim);
    assert!(circuits.ids().contains(&circuits.circuit(&statement).id));
    let batch = FleetBatch { environment: world.environment, segments, end: world.end };
    let two = NonZeroUsize::new(2).expect("not zero");
    let goals = [FleetGoal::Segments, FleetGoal::Merged];
    let run = FleetRun { workers: two, threads: NonZeroUsize::MIN, goals: &goals };
    let costs = bench_fleet(circuits, stores, clock(), batch, run).await.expect("the batch is good");
    println!("{costs:?}");
    assert_eq!((costs.walls.len(), costs.jobs), (2, 9), "{costs:?}");
    assert!(costs.overhead < Duration::from_millis(500), "{costs:?}");
}
