//! Jobs and blobs that were lost, and records that are too old.

use std::fs;
use std::path::Path;

use weft_aggregator::coordinator::BATCHES_KEPT;
use weft_aggregator::{BatchResult, FleetEvent, Job, OrderError, Span};
use weft_protocol::{Environment, Timestamp};

use crate::toy::Toy;
use crate::world::{Batch, in_memory};

/// Deletes all blobs, as a disk does that has been exchanged.
fn lose_blobs(dir: &Path) {
    for folder in fs::read_dir(dir.join("blobs")).expect("it is there") {
        let folder = folder.expect("it is readable").path();
        if folder.file_name().is_some_and(|name| name != "temp") {
            fs::remove_dir_all(folder).expect("it is ours");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_are_gone_are_told_of_and_come_back_with_the_orders() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    assert!(!world.coordinator.is_whole(1).await.expect("the store works"), "its end is not known");
    world.finish(&batch).await;
    assert!(world.coordinator.is_whole(1).await.expect("the store works"));
    assert!(!world.coordinator.is_whole(2).await.expect("the store works"), "nothing is known of it");
    lose_blobs(dir.path());
    assert!(!world.coordinator.is_whole(1).await.expect("the store works"));
    let _worker = world.worker("a", Toy::good());
    let (_, halted) = world.wait_for("the end", |event| matches!(event, FleetEvent::Halted { .. })).await;
    let FleetEvent::Halted { batch: 1, job: Job::Segment(0), reason } = halted else { unreachable!("{halted:?}") };
    assert!(reason.contains("the input of segment 0 of batch 1 is gone"), "{reason}");
    // All that was ordered comes again, as after a restart.
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert!(world.coordinator.is_whole(1).await.expect("the store works"));
    world.proven(1).await;
    lose_blobs(dir.path());
    assert!(!world.coordinator.is_whole(1).await.expect("the store works"), "its proof is gone");
    world.submit(&batch).await;
    assert!(
        !dir.path().join("blobs").read_dir().expect("it is there").any(|entry| {
            let name = entry.expect("it is readable").file_name();
            name != "temp"
        }),
        "nobody needs the inputs of what is proved"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_proofs_are_gone_is_proved_again_once_it_is_dropped() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("a", Toy::good());
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    let lift = Job::Lift(Span { first: 0, last: 2 });
    world.wait_for_job(lift, |news| matches!(news, weft_aggregator::JobNews::Done { .. })).await;
    worker.stop().await.expect("it was asked to");
    world.finish(&batch).await;
    assert!(world.coordinator.is_whole(1).await.expect("the store works"));
    lose_blobs(dir.path());
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert!(!world.coordinator.is_whole(1).await.expect("the store works"), "the merge does not come back by itself");
    world.coordinator.drop_batch(1).await.expect("the store works");
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert!(world.coordinator.is_whole(1).await.expect("the store works"));
    let _worker = world.worker("b", Toy::good());
    world.proven(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_batches_long_verified_are_forgotten() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let last = 3 + BATCHES_KEPT;
    for number in [2, 3, 4, last] {
        world.submit(&Batch::new(number, 1)).await;
    }
    let coordinator = &world.coordinator;
    assert_eq!(coordinator.resume(4).await.expect("the store is whole"), [4, last], "those before are not read");
    for number in [4, last - 1] {
        coordinator.release_batch(number).await.expect("the store works");
        assert_eq!(coordinator.job_views(2).await.expect("the store works").len(), usize::from(number == 4));
    }
    coordinator.release_batch(last).await.expect("the store works");
    assert_eq!(coordinator.result(3).await.expect("the store works"), BatchResult::Unknown);
    assert_eq!(coordinator.job_views(4).await.expect("the store works").len(), 1);
    let unknown = coordinator.retry(3).await.expect_err("there are no jobs of it");
    assert!(matches!(unknown, OrderError::Unknown { batch: 3 }), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_taken_back_leaves_the_next_of_its_number_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 3);
    let later = Timestamp::new(batch.environment.timestamp.get() + 1).expect("it is in range");
    let other = Environment { timestamp: later, ..batch.environment };
    let jobs = async || world.coordinator.job_views(1).await.expect("the store works").len();
    world.submit(&batch).await;
    let all = jobs().await;
    assert!(all >= 3);
    world.coordinator.abandon_batch(&other).await.expect("the store works");
    assert_eq!(jobs().await, all, "these jobs are those of another batch");
    for _ in 0..2 {
        world.coordinator.abandon_batch(&batch.environment).await.expect("the store works");
        assert_eq!(jobs().await, 0);
    }
}
