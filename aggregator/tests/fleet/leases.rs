//! Workers that go away, hang, come late.

use std::time::{Duration, Instant};

use weft_aggregator::coordinator::WorkerState;
use weft_aggregator::message::{Beat, Held, Submission};
use weft_aggregator::{Assignment, FleetError, Job, JobKind, JobNews, ProofOutcome, Transport, WorkerPass};
use weft_storage::jobs::{BeatReply, Settled, WorkerId};

use crate::toy::{Mishap, Toy, proof_of};
use crate::world::{BUDGETS, Batch, hello, in_memory};

/// Bound on the time from the end of a lease to the next one.
const SWEEP: Duration = Duration::from_secs(1);

pub(crate) fn held(assignment: &Assignment) -> Held {
    Held { lease: assignment.lease, key: assignment.key }
}

pub(crate) fn proof(assignment: &Assignment) -> Submission {
    let proof = proof_of(assignment.statement);
    Submission { held: held(assignment), proof, wall: Duration::from_millis(1), cpu: Duration::from_millis(1) }
}

/// Registers and claims by hand.
pub(crate) async fn claim(transport: &impl Transport, name: &str) -> (WorkerPass, Assignment) {
    let pass = transport.register(hello(name)).await.expect("it fits").pass;
    let assignment = transport.claim(&pass, Duration::from_secs(5)).await.expect("it may").expect("a job");
    (pass, assignment)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_dead_worker_goes_to_another_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    let begun = Instant::now();
    let (dead, _) = claim(&world.local(), "dead").await;
    let _worker = world.worker("alive", Toy::good());
    let at = world
        .wait_for_job(
            Job::Segment(0),
            |news| matches!(news, JobNews::Leased { worker, attempt: 2 } if worker == "alive"),
        )
        .await;
    let waited = at - begun;
    // The coordinator counts whole milliseconds, so a lease may be a part of one shorter.
    let lease = BUDGETS.lease - Duration::from_millis(1);
    assert!(waited >= lease && waited < lease + SWEEP, "{waited:?}");
    world.finish(&batch).await;
    world.proven(1).await;
    let view =
        world.coordinator.worker_views().into_iter().find(|view| view.id == dead.worker).expect("it is remembered");
    assert!(view.current.is_none() && view.last_failure.is_some(), "{view:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_beats_without_progress_loses_its_job() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    let transport = world.local();
    let (zombie, assignment) = claim(&transport, "zombie").await;
    let begun = Instant::now();
    let _worker = world.worker("alive", Toy::good());
    let beat = Beat { held: held(&assignment), stage: "proving".to_owned(), is_draining: false };
    while transport.beat(&zombie, beat.clone()).await.expect("it is known") == BeatReply::Extended {
        assert!(begun.elapsed() < Duration::from_secs(10), "it hangs for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A stage may last a second, and a lease longer.
    assert!(begun.elapsed() > Duration::from_secs(1), "too early: {:?}", begun.elapsed());
    world.finish(&batch).await;
    world.proven(1).await;
    let reasons: Vec<_> = world
        .news_of(Job::Segment(0))
        .into_iter()
        .filter_map(|news| if let JobNews::Requeued { reason } = news { Some(reason) } else { None })
        .collect();
    assert!(reasons[0].contains("no progress in stage proving"), "{reasons:?}");
    let view =
        world.coordinator.worker_views().into_iter().find(|view| view.id == zombie.worker).expect("it is remembered");
    assert_eq!(view.state, WorkerState::Stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_keeps_a_job_for_longer_than_a_stage_may_last() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    world.submit(&Batch::new(1, 1)).await;
    let transport = world.local();
    let (slow, assignment) = claim(&transport, "slow").await;
    for step in 0..30 {
        let stage = format!("stage {}", step / 5);
        let beat = Beat { held: held(&assignment), stage, is_draining: false };
        assert_eq!(transport.beat(&slow, beat).await.expect("it is known"), BeatReply::Extended);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let outcome = transport.submit(&slow, proof(&assignment)).await.expect("it is known");
    assert_eq!(outcome, ProofOutcome::Taken(Settled::First));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_proof_counts_and_a_second_one_does_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    world.submit(&Batch::new(1, 1)).await;
    let transport = world.local();
    let (first, early) = claim(&transport, "first").await;
    let (second, late) = claim(&transport, "second").await;
    assert_eq!(early.key, late.key);
    assert_ne!(early.lease, late.lease, "the first lease has ended");
    let outcome = transport.submit(&first, proof(&early)).await.expect("it is known");
    assert_eq!(outcome, ProofOutcome::Taken(Settled::First));
    for _ in 0..2 {
        let outcome = transport.submit(&second, proof(&late)).await.expect("it is known");
        assert_eq!(outcome, ProofOutcome::Taken(Settled::Duplicate));
    }
    let done = world.news_of(Job::Segment(0)).into_iter().filter(|news| matches!(news, JobNews::Done { .. }));
    assert_eq!(done.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_did_not_hear_the_answer_gets_its_job_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    world.submit(&Batch::new(1, 2)).await;
    let transport = world.local();
    let (worker, assignment) = claim(&transport, "a").await;
    let again = transport.claim(&worker, Duration::ZERO).await.expect("it may").expect("its job");
    assert_eq!(again, assignment);
    transport.submit(&worker, proof(&assignment)).await.expect("it is known");
    let next = transport.claim(&worker, Duration::ZERO).await.expect("it may").expect("another job");
    assert_ne!(next.key, assignment.key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_woken_by_a_job() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let transport = world.local();
    let worker = transport.register(hello("a")).await.expect("it fits").pass;
    let waiting = tokio::spawn(async move { transport.claim(&worker, Duration::from_secs(10)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    world.submit(&Batch::new(1, 1)).await;
    waiting.await.expect("no panic").expect("it may").expect("a job");
    assert!(begun.elapsed() < Duration::from_millis(400), "it was polled for: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_to_register() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let transport = world.local();
    let known = transport.register(hello("known")).await.expect("it fits").pass;
    let stranger = WorkerPass { worker: WorkerId(u64::MAX), ..known };
    assert_eq!(transport.claim(&stranger, Duration::ZERO).await, Err(FleetError::UnknownWorker));
    let mut hello = hello("a");
    hello.name = "\n".to_owned();
    assert_eq!(transport.register(hello).await, Err(FleetError::BadHello));
}

/// In this process a job that hangs cannot be ended, but it is given to another worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hangs_is_done_by_another_worker() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let _hanging = world.worker("hanging", Toy::with_next(JobKind::Segment, &[Mishap::Slow(6_000)]));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Leased { .. })).await;
    let begun = Instant::now();
    let _worker = world.worker("alive", Toy::good());
    world.finish(&batch).await;
    world.proven(1).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it was waited for: {:?}", begun.elapsed());
}
