//! Proofs that do not hold, jobs that fail.

use std::time::Duration;

use tokio::time::timeout;
use weft_aggregator::coordinator::WorkerState;
use weft_aggregator::message::FailureReport;
use weft_aggregator::{BatchResult, FleetError, FleetEvent, Job, JobKind, JobNews, Transport as _, WrappedBatch};
use weft_storage::jobs::{Failure, JobState, MemoryJobStore};

use crate::leases::{claim, held, proof};
use crate::toy::{Mishap, Toy};
use crate::world::{Batch, PATIENCE, World, in_memory};

/// A batch under one worker that is told to fail and, once it has, another one.
async fn survives(mishaps: &[Mishap], kind: JobKind) -> (WrappedBatch, World<MemoryJobStore>, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("bad", Toy::with_next(kind, mishaps));
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    world.finish(&batch).await;
    world.wait_for("a failure", |event| matches!(event, FleetEvent::Job { news: JobNews::Requeued { .. }, .. })).await;
    let other = world.worker("good", Toy::good());
    let wrapped = world.proven(1).await;
    drop((worker, other));
    (wrapped, world, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_forgiven() {
    for (kind, mishap) in [
        (JobKind::Segment, Mishap::Error),
        (JobKind::Lift, Mishap::Panic),
        (JobKind::Seal, Mishap::Garbage),
        (JobKind::Wrap, Mishap::Lie),
    ] {
        let (wrapped, world, _dir) = survives(&[mishap], kind).await;
        assert_eq!(wrapped.jobs.len(), 3 + 1 + 2, "{kind:?} {mishap:?}");
        let view = &world.coordinator.worker_views()[0];
        let reason = view.last_failure.clone().expect("it failed");
        let expected = match mishap {
            Mishap::Panic => "the job panicked",
            Mishap::Garbage => "the proof is invalid",
            Mishap::Lie => "the proof is of another statement",
            Mishap::Error | Mishap::Slow(_) | Mishap::Abort => "as it was told",
        };
        assert!(reason.contains(expected), "{mishap:?}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_suspended_until_it_is_forgiven() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    let liar = world.worker("liar", Toy::always(JobKind::Segment, Mishap::Lie));
    assert_eq!(liar.end().await, Err(FleetError::Suspended));
    // It has left, and comes back under its name.
    let back = world.worker("liar", Toy::good());
    assert_eq!(back.end().await, Err(FleetError::Suspended), "a new start is no excuse");
    let views = world.coordinator.worker_views();
    assert!(views.iter().all(|view| view.state == WorkerState::Suspended && view.jobs_done == 0), "{views:?}");
    assert!(world.news_of(Job::Segment(0)).iter().all(|news| !matches!(news, JobNews::Done { .. })));
    assert_eq!(world.coordinator.readmit("liar"), Ok(true));
    let _forgiven = world.worker("liar", Toy::good());
    world.finish(&batch).await;
    world.proven(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_always_fails_is_put_aside_with_its_reason_and_can_be_tried_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let bad = world.worker("bad", Toy::always(JobKind::Lift, Mishap::Error));
    let (first, second) = (Batch::new(1, 4), Batch::new(2, 2));
    world.submit(&first).await;
    let (_, halted) = world.wait_for("the end", |event| matches!(event, FleetEvent::Halted { .. })).await;
    let FleetEvent::Halted { batch: 1, job, reason } = halted else { unreachable!("{halted:?}") };
    assert!(matches!(job, Job::Lift(_)) && reason.contains("as it was told"), "{job}: {reason}");
    assert_eq!(
        world.coordinator.result(1).await.expect("the store works"),
        BatchResult::Halted { job, reason: reason.clone() }
    );
    let views = world.coordinator.job_views(1).await.expect("the store works");
    let view = views.iter().find(|view| view.job == job).expect("it is there");
    assert_eq!((view.attempts.errors.len(), &view.state), (6, &JobState::Quarantined { reason }));
    world.wait_for_job(Job::Segment(3), |news| matches!(news, JobNews::Done { .. })).await;
    bad.stop().await.expect("it was asked to");

    let _good = world.worker("good", Toy::good());
    world.submit(&second).await;
    world.finish(&second).await;
    world.proven(2).await;
    world.finish(&first).await;
    assert_eq!(world.coordinator.retry(1).await.expect("the store works"), 1);
    world.proven(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_says_is_done_and_told_even_if_it_does_not_wait_for_the_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    world.submit(&Batch::new(1, 2)).await;
    let transport = world.local();
    let (pass, assignment) = claim(&transport, "hasty").await;
    // Begun, and given up unless it was quicker than that.
    drop(timeout(Duration::ZERO, transport.submit(&pass, proof(&assignment))).await);
    world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Done { .. })).await;
    let next = transport.claim(&pass, PATIENCE).await.expect("it may").expect("a job");
    let report = FailureReport { held: held(&next), failure: Failure::Error("no such wire".to_owned()) };
    drop(timeout(Duration::ZERO, transport.fail(&pass, report)).await);
    world.wait_for_job(Job::Segment(1), |news| matches!(news, JobNews::Requeued { .. })).await;
}
