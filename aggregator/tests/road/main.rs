//! The road of a batch with real proofs: executed, proved in segments of both sizes, merged, sealed, wrapped; and what is
//! refused on it. One test, because all of it shares one set of circuits.

mod refusals;
mod world;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use weft_aggregator::{
    BatchError, EndCosts, Job, JobEvent, JobKind, JobState, MergeCosts, PoolConfig, ProvenBatch, ProvingPool,
    SealedBatch, Span, bench_end, bench_merges,
};
use weft_protocol::{Reject, WitnessError, chain_records};
use weft_prover::{CircuitSet, SegmentSize};

use world::{ExecutedWorld, SIZES};

/// Longer than any batch of these sizes takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);

fn span(first: usize, last: usize) -> Span {
    Span { first, last }
}

#[test]
fn a_batch_becomes_one_proof_and_nothing_else_does() {
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("circuits");
    let circuits = Arc::new(CircuitSet::load_or_build(SIZES, Some(&cache), |news| println!("{news:?}")));
    for summary in circuits.summaries() {
        println!("{summary:?}");
    }
    let world = world::execute();
    let proven = proved_in_a_pool(&circuits, &world);
    check_wrapped(&circuits, &world, &proven);
    refusals::segment_proofs(&circuits, &world);
    refusals::wrapped_proofs(&circuits, &proven);
    a_bad_segment_fails_its_batch(&circuits, &world);
    benches_run_every_job(&circuits);
}

/// Proves the batch of the world, and checks the news on the way.
fn proved_in_a_pool(circuits: &Arc<CircuitSet>, world: &ExecutedWorld) -> ProvenBatch {
    let events = Arc::new(Mutex::new(Vec::<JobEvent>::new()));
    let log = Arc::clone(&events);
    let observer = move |event: JobEvent| {
        println!("{event:?}");
        log.lock().expect("no test panics with it").push(event);
    };
    let pool = ProvingPool::start(Arc::clone(circuits), PoolConfig::default(), observer).expect("threads");
    let (sender, receiver) = mpsc::channel();
    let batch = pool.begin_batch(&world.environment, move |result| sender.send(result).expect("the test waits"));
    for (size, segment) in &world.segments {
        batch.submit_segment(*size, segment.clone()).expect("the batch is open");
    }
    batch.finish(world.end.clone()).expect("the batch is open");
    let proven = receiver.recv_timeout(PATIENCE).expect("the batch ends").expect("the batch is good");

    let expected = [
        Job::Segment(0),
        Job::Segment(1),
        Job::Segment(2),
        Job::Segment(3),
        Job::Lift(span(0, 1)),
        Job::Lift(span(2, 3)),
        Job::Aggregate(span(0, 3)),
        Job::Seal,
        Job::Wrap,
    ];
    let mut done: Vec<_> = proven.reports.iter().map(|report| report.job).collect();
    done.sort_unstable();
    assert_eq!(done, expected);
    for job in expected {
        let news = events.lock().expect("no test panics with it");
        let news: Vec<_> = news.iter().filter(|event| event.job == job).map(|event| event.state.clone()).collect();
        assert!(
            matches!(news[..], [JobState::Queued, JobState::Started, JobState::Done(cost)] if !cost.cpu.is_zero()),
            "{job}: {news:?}"
        );
    }
    for kind in [JobKind::Segment, JobKind::Lift, JobKind::Aggregate, JobKind::Seal, JobKind::Wrap] {
        println!("{kind:?}: {:?}", proven.cost_of(kind));
    }
    proven
}

/// The proof says exactly what happened to the state.
fn check_wrapped(circuits: &CircuitSet, world: &ExecutedWorld, proven: &ProvenBatch) {
    let SealedBatch { statement, .. } = &*proven.sealed;
    assert_eq!(proven.segments, 4);
    assert_eq!(statement.context, world.environment.context());
    assert_eq!(statement.root_before, world.end.root_before);
    assert_eq!(statement.root_after, world.end.root_after);
    assert_eq!(usize::try_from(statement.record_count), Ok(world.end.records.len()));
    assert_eq!(statement.chain, chain_records(world::EMPTY_CHAIN, &world.end.records));
    let got = circuits.family().verify_wrapped(&proven.wrapped).expect("the wrap is valid");
    assert_eq!(got, statement.digest());
}

/// A segment with a forged signature is tried twice, then its batch fails with the job and the reason.
fn a_bad_segment_fails_its_batch(circuits: &Arc<CircuitSet>, world: &ExecutedWorld) {
    let pool = ProvingPool::start(Arc::clone(circuits), PoolConfig::default(), |_| {}).expect("threads");
    let (sender, receiver) = mpsc::channel();
    let batch = pool.begin_batch(&world.environment, move |result| sender.send(result).expect("the test waits"));
    batch.submit_segment(SegmentSize::Large, world.forged_segment()).expect("the batch is open");
    let failure = receiver.recv_timeout(PATIENCE).expect("the batch ends").expect_err("the segment is bad");
    let error = WitnessError::Reject(Reject::BadSignature).into();
    assert_eq!(failure, BatchError::Job { batch: 1, job: Job::Segment(0), attempts: 2, error });
    assert!(batch.submit_segment(SegmentSize::Large, world.segments[1].1.clone()).is_err(), "the batch is closed");
}

/// The benches need no state, and what they do is accepted by every circuit.
fn benches_run_every_job(circuits: &CircuitSet) {
    let MergeCosts { segment, lift, aggregate } =
        bench_merges(circuits, SegmentSize::Large).expect("idle segments merge");
    let EndCosts { seal, wrap } = bench_end(circuits).expect("an idle batch is sealed");
    for cost in [segment, lift, aggregate, seal, wrap] {
        println!("{cost:?}");
        assert!(!cost.cpu.is_zero(), "{cost:?}");
    }
    assert!(segment.cpu < lift.cpu && seal.cpu < wrap.cpu, "a tiny segment is cheap, the wrap is the largest proof");
}
