//! Workers that speak for others, ask too much, or fail all the time.

use std::time::{Duration, Instant};

use weft_aggregator::coordinator::{ConductLimits, LeaseMax, StallLimits, WorkerState};
use weft_aggregator::message::{Beat, FailureReport};
use weft_aggregator::{
    FleetConfig, FleetError, FleetEvent, Job, JobKind, JobNews, ProofOutcome, Transport, WorkerPass,
};
use weft_storage::jobs::{BeatReply, Failure, JobState, MemoryJobStore, Settled};

use crate::leases::{claim, held, proof};
use crate::toy::{Mishap, Toy};
use crate::world::{BUDGETS, Batch, World, config, hello, in_memory};

const ONCE: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another_worker() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    world.submit(&Batch::new(1, 2)).await;
    let transport = world.local();
    let (owner, assignment) = claim(&transport, "owner").await;
    let thief = transport.register(hello("thief")).await.expect("it fits").pass;
    // Numbers are public: with one's own secret they are worth nothing.
    let forged = WorkerPass { worker: owner.worker, secret: thief.secret.clone() };
    let beat = Beat { held: held(&assignment), stage: "proving".to_owned(), is_draining: true };
    let failure = FailureReport { held: held(&assignment), failure: Failure::Error("as I like".to_owned()) };
    assert_eq!(transport.claim(&forged, ONCE).await, Err(FleetError::Unauthorized));
    assert_eq!(transport.beat(&forged, beat.clone()).await, Err(FleetError::Unauthorized));
    assert_eq!(transport.fail(&forged, failure.clone()).await, Err(FleetError::Unauthorized));
    assert_eq!(transport.release(&forged, held(&assignment)).await, Err(FleetError::Unauthorized));
    assert_eq!(transport.goodbye(&forged).await, Err(FleetError::Unauthorized));
    assert_eq!(transport.submit(&forged, proof(&assignment)).await, Err(FleetError::Unauthorized));
    let blob = assignment.blobs[0];
    assert_eq!(transport.blob(&forged, blob).await, Err(FleetError::Unauthorized));
    // As itself it has nothing to say of the lease of another one.
    assert_eq!(transport.beat(&thief, beat.clone()).await, Ok(BeatReply::Lost));
    assert_eq!(transport.fail(&thief, failure).await, Ok(()));
    assert_eq!(transport.release(&thief, held(&assignment)).await, Ok(()));
    let view = world.coordinator.job_views(1).await.expect("the store works").swap_remove(0);
    let JobState::Leased(lease) = view.state else { unreachable!("{view:?}") };
    assert_eq!((lease.id, lease.worker), (assignment.lease, owner.worker));
    assert!(view.attempts.errors.is_empty() && view.attempts.last_reason.is_none(), "{:?}", view.attempts);
    assert_eq!(transport.beat(&owner, Beat { is_draining: false, ..beat }).await, Ok(BeatReply::Extended));
    // But a proof is a proof.
    let taken = transport.submit(&thief, proof(&assignment)).await;
    assert_eq!(taken, Ok(ProofOutcome::Taken(Settled::First)));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_stages_keep_a_job_only_for_its_longest_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let lease_max = LeaseMax { segment: Duration::from_millis(1_500), ..LeaseMax::default() };
    let long = Duration::from_secs(600);
    let stall = StallLimits { factor: 5, floor: long, unknown: long };
    let world = World::new(MemoryJobStore::new(BUDGETS), dir.path(), FleetConfig { lease_max, stall, ..config() });
    world.submit(&Batch::new(1, 1)).await;
    let transport = world.local();
    let (worker, assignment) = claim(&transport, "busy").await;
    let begun = Instant::now();
    for step in 0.. {
        let beat = Beat { held: held(&assignment), stage: format!("stage {step}"), is_draining: false };
        if transport.beat(&worker, beat).await.expect("it is known") != BeatReply::Extended {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it is held for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() > Duration::from_millis(1_400), "too early: {:?}", begun.elapsed());
    let is_slow = |news: &JobNews| matches!(news, JobNews::Requeued { reason } if reason.contains("too slow"));
    world.wait_for_job(Job::Segment(0), is_slow).await;
    let attempts = world.coordinator.job_views(1).await.expect("the store works")[0].attempts.clone();
    assert_eq!(attempts.lost, [worker.worker]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_worker_is_set_aside_and_no_job_is_given_up_for_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let conduct = ConductLimits { failures_max: 3, cooling: Duration::from_secs(600), ..ConductLimits::default() };
    let world = World::new(MemoryJobStore::new(BUDGETS), dir.path(), FleetConfig { conduct, ..config() });
    let broken = world.worker("broken", Toy::always(JobKind::Segment, Mishap::Error));
    let good = world.worker("good", Toy::always(JobKind::Segment, Mishap::Slow(20)));
    let batch = Batch::new(1, 40);
    world.submit(&batch).await;
    world.finish(&batch).await;
    world.proven(1).await;
    assert!(world.events().iter().all(|event| !matches!(event, FleetEvent::Halted { .. })));
    let view = world.coordinator.worker_views().into_iter().find(|view| view.name == "broken").expect("it is there");
    assert_eq!((view.state, view.jobs_failed), (WorkerState::SetAside, 3), "{view:?}");
    let reason = view.last_failure.expect("it failed");
    assert!(reason.contains("set aside") && reason.contains("as it was told"), "{reason}");
    assert_eq!(world.coordinator.readmit("broken"), Ok(true));
    for worker in [broken, good] {
        worker.stop().await.expect("it was asked to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_worker_ends_a_job_that_it_cannot_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let _lone = world.worker("lone", Toy::always(JobKind::Segment, Mishap::Error));
    world.submit(&Batch::new(1, 1)).await;
    let (_, halted) = world.wait_for("the end", |event| matches!(event, FleetEvent::Halted { .. })).await;
    let FleetEvent::Halted { reason, .. } = halted else { unreachable!("{halted:?}") };
    assert!(reason.contains("6 errors, on 1 workers") && reason.contains("as it was told"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_given_back_and_claims_in_haste_cost_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let transport = world.local();
    let hasty = transport.register(hello("hasty")).await.expect("it fits").pass;
    let mut claims = 0;
    let refused = loop {
        match transport.claim(&hasty, ONCE).await {
            Ok(none) => assert_eq!(none, None),
            Err(error) => break error,
        }
        claims += 1;
        assert!(claims < 100, "there is no bound");
    };
    assert!(matches!(refused, FleetError::TooMany { wait } if !wait.is_zero()), "{refused}");
    let (other, waiting) = (hasty.clone(), transport.clone());
    let waiting = tokio::spawn(async move { waiting.claim(&other, Duration::from_secs(5)).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(transport.claim(&hasty, ONCE).await, Err(FleetError::TooMany { .. })), "one claim at a time");
    world.submit(&Batch::new(1, 1)).await;
    let assignment = waiting.await.expect("no panic").expect("it may").expect("a job");
    transport.release(&hasty, held(&assignment)).await.expect("it may");
    let begun = Instant::now();
    let next = transport.claim(&hasty, Duration::from_secs(5)).await.expect("it may").expect("a job");
    assert_eq!(next.key, assignment.key);
    assert!(begun.elapsed() > Duration::from_millis(1_500), "it rests: {:?}", begun.elapsed());
}
