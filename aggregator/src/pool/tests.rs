//! The threads.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::testing::{FakeBackend, Mishap, end, segment};
use crate::{Job, JobKind, JobState, Span};

const PATIENCE: Duration = Duration::from_secs(60);

type Results = Receiver<Result<ProvenBatch<FakeBackend>, BatchError>>;

fn config() -> PoolConfig {
    let two = NonZeroUsize::new(2).expect("not zero");
    PoolConfig { workers: two, threads_per_worker: NonZeroUsize::MIN }
}

fn start(backend: FakeBackend) -> (ProvingPool<FakeBackend>, Receiver<JobEvent>) {
    let (sender, events) = channel();
    let observer = move |event| drop(sender.send(event));
    let pool = ProvingPool::start(Arc::new(backend), config(), observer).expect("threads");
    (pool, events)
}

fn begin(pool: &ProvingPool<FakeBackend>, number: u32) -> (BatchProver<FakeBackend>, Results) {
    let (sender, results) = channel();
    let batch = pool.begin_batch(&segment(number, 0).environment, move |result| drop(sender.send(result)));
    assert_eq!(batch.number(), number);
    (batch, results)
}

fn submit(batch: &BatchProver<FakeBackend>, positions: std::ops::Range<u64>) {
    for position in positions {
        batch.submit_segment(SegmentSize::Small, segment(batch.number(), position)).expect("the batch is open");
    }
}

#[test]
fn batches_of_many_segments_are_proved_beside_each_other() {
    let (pool, events) = start(FakeBackend::default());
    let batches: Vec<_> = (1..=5).map(|number| begin(&pool, number)).collect();
    for (batch, _) in &batches {
        submit(batch, 0..u64::from(batch.number()) * 7);
    }
    for (batch, results) in batches {
        let number = batch.number();
        let segments = usize::try_from(number * 7).expect("a small number");
        batch.finish(end()).expect("the batch is open");
        let proven = results.recv_timeout(PATIENCE).expect("the batch ends").expect("nothing fails");
        assert_eq!((proven.batch, proven.segments), (number, segments));
        assert_eq!(*proven.sealed, Span { first: 0, last: segments - 1 });
        assert_eq!(proven.wrapped, *proven.sealed);
        let mut jobs: Vec<_> = proven.reports.iter().map(|report| report.job).collect();
        jobs.sort_unstable();
        let count = jobs.len();
        jobs.dedup();
        assert_eq!(jobs.len(), count, "a job ran twice");
    }
    drop(pool);
    let events: Vec<_> = events.iter().collect();
    let wraps: Vec<_> = events.iter().filter(|event| event.job == Job::Wrap && is_done(event)).collect();
    assert_eq!(wraps.len(), 5);
}

fn is_done(event: &JobEvent) -> bool {
    matches!(event.state, JobState::Done(_))
}

#[test]
fn segments_are_lifted_before_the_batch_is_finished() {
    let (pool, events) = start(FakeBackend::default());
    let (batch, _results) = begin(&pool, 1);
    submit(&batch, 0..3);
    let lift = Job::Lift(Span { first: 0, last: 2 });
    let mut events = std::iter::from_fn(|| events.recv_timeout(PATIENCE).ok());
    assert!(events.any(|event| event.job == lift && is_done(&event)));
}

#[test]
fn a_panic_is_a_failure_and_the_pool_survives_it() {
    let (pool, _) = start(FakeBackend::default().with_mishaps(JobKind::Seal, &[Mishap::Panic, Mishap::Failure]));
    let (batch, results) = begin(&pool, 1);
    submit(&batch, 0..2);
    batch.finish(end()).expect("the batch is open");
    let error = results.recv_timeout(PATIENCE).expect("the batch ends").expect_err("it failed twice");
    let error_expected = ProofError::Panicked { message: "a bug in Seal".to_owned() };
    assert_eq!(error, BatchError::Job { batch: 1, job: Job::Seal, attempts: 2, error: error_expected });
    let (batch, results) = begin(&pool, 2);
    submit(&batch, 0..2);
    batch.finish(end()).expect("the batch is open");
    results.recv_timeout(PATIENCE).expect("the batch ends").expect("all mishaps have happened");
}

#[test]
fn dropping_a_batch_gives_it_up() {
    let (pool, events) = start(FakeBackend::default());
    pool.shared.backend.close_gate();
    let (batch, results) = begin(&pool, 1);
    submit(&batch, 0..5);
    for _ in 0..7 {
        events.recv_timeout(PATIENCE).expect("five segments and a lift are queued, one is started");
    }
    drop(batch);
    assert_eq!(
        results.recv_timeout(PATIENCE).expect("the batch ends").expect_err("it was given up"),
        BatchError::Cancelled { batch: 1 }
    );
    pool.shared.backend.open_gate();
    let backend = Arc::clone(&pool.shared.backend);
    drop(pool);
    assert!(backend.ran().len() <= 2, "what had not begun was not done: {:?}", backend.ran());
}

#[test]
fn dropping_the_pool_gives_all_batches_up() {
    let (pool, _) = start(FakeBackend::default());
    let (open, results_open) = begin(&pool, 1);
    let (finished, results_finished) = begin(&pool, 2);
    pool.shared.backend.close_gate();
    submit(&open, 0..1);
    submit(&finished, 0..1);
    finished.finish(end()).expect("the batch is open");
    let backend = Arc::clone(&pool.shared.backend);
    let dropping = thread::spawn(move || drop(pool));
    for (results, batch) in [(results_open, 1), (results_finished, 2)] {
        let error = results.recv_timeout(PATIENCE).expect("the batch ends").expect_err("the pool stops");
        assert_eq!(error, BatchError::Stopped { batch });
    }
    let late = open.submit_segment(SegmentSize::Small, segment(1, 1));
    assert_eq!(late, Err(SubmitError::Closed { batch: 1 }));
    backend.open_gate();
    dropping.join().expect("the workers end");
}

#[test]
fn an_observer_may_call_the_pool_and_panic() {
    let (sender, results) = channel();
    let pool = Arc::new(Mutex::new(None::<BatchProver<FakeBackend>>));
    let next = Arc::clone(&pool);
    let observer = move |event: JobEvent| {
        if event.batch == 1 && event.job == Job::Wrap && is_done(&event) {
            let batch = next.lock().expect("not poisoned").take().expect("it was put there");
            submit(&batch, 0..1);
            batch.finish(end()).expect("the batch is open");
            panic!("an observer with a bug");
        }
    };
    let proving = ProvingPool::start(Arc::new(FakeBackend::default()), config(), observer).expect("threads");
    let second = proving.begin_batch(&segment(2, 0).environment, move |result| drop(sender.send(result)));
    *pool.lock().expect("not poisoned") = Some(second);
    let (first, _first_results) = begin(&proving, 1);
    submit(&first, 0..1);
    first.finish(end()).expect("the batch is open");
    results.recv_timeout(PATIENCE).expect("the batch ends").expect("nothing fails");
}
