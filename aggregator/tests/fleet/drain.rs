//! Workers that are asked to stop.

use std::time::{Duration, Instant};

use weft_aggregator::coordinator::WorkerState;
use weft_aggregator::{Job, JobKind, JobNews};

use crate::toy::{Mishap, Toy};
use crate::world::{Batch, PATIENCE, in_memory};

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_job_is_finished_and_no_other_is_begun() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("a", Toy::always(JobKind::Segment, Mishap::Slow(150)));
    world.submit(&Batch::new(1, 2)).await;
    world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Leased { .. })).await;
    worker.stop().await.expect("it was asked to");
    assert!(world.news_of(Job::Segment(0)).iter().any(|news| matches!(news, JobNews::Done { .. })));
    assert!(world.news_of(Job::Segment(1)).iter().all(|news| *news == JobNews::Queued));
    assert_eq!(world.coordinator.worker_views()[0].state, WorkerState::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_job_is_given_back_and_nobody_is_blamed() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("a", Toy::always(JobKind::Segment, Mishap::Slow(3_000)));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Leased { .. })).await;
    let begun = Instant::now();
    worker.stop().await.expect("it was asked to");
    assert!(begun.elapsed() < Duration::from_secs(1), "its grace is shorter: {:?}", begun.elapsed());
    let _other = world.worker("b", Toy::good());
    world.finish(&batch).await;
    world.proven(1).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "the lease was not waited for: {:?}", begun.elapsed());
    let attempts = world.coordinator.job_views(1).await.expect("the store works")[0].attempts.clone();
    assert_eq!((attempts.claims, attempts.errors.len(), attempts.lost.len()), (2, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_waits_for_a_job_leaves_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("a", Toy::good());
    let begun = Instant::now();
    while world.coordinator.worker_views().is_empty() {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.stop().await.expect("it was asked to");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
