//! A coordinator that dies and comes back over the same folder, while its workers go on.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use weft_aggregator::message::Beat;
use weft_aggregator::{BatchResult, FleetError, Job, JobKind, JobNews, OrderError, Transport as _, WorkerPass};
use weft_storage::jobs::{BeatReply, Budgets, JobState, RocksJobStore};

use crate::http::{serve, transport};
use crate::leases::{claim, held};
use crate::toy::{Mishap, Toy};
use crate::world::{BUDGETS, Batch, PATIENCE, Running, World, config, hello, in_process, start};

/// Bound on the time from a coordinator's return to the next proof that it takes.
const BACK_IN_BUSINESS: Duration = Duration::from_secs(3);

type Fleet = World<RocksJobStore>;

/// Leases that outlast the coordinator's absence.
fn budgets() -> Budgets {
    Budgets { lease: Duration::from_secs(5), ..BUDGETS }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// A coordinator in a runtime of its own, which can be ended under it.
fn rise(dir: &Path, address: &str) -> (Runtime, Fleet, SocketAddr) {
    let runtime = runtime();
    let (world, address) = runtime.block_on(async {
        let begun = Instant::now();
        // What is left of the one before lets go of the folder when its last task has ended.
        let store = loop {
            match RocksJobStore::open(&dir.join("jobs"), budgets()) {
                Ok(store) => break store,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let world = World::new(store, dir, weft_aggregator::FleetConfig { budgets: budgets(), ..config() });
        world.coordinator.resume(0).await.expect("the store is whole");
        let address = serve(&world, address).await;
        (world, address)
    });
    (runtime, world, address)
}

/// Ends a coordinator in the middle of whatever it does.
fn die(runtime: Runtime, world: Fleet) {
    drop(world);
    runtime.shutdown_timeout(Duration::from_secs(2));
}

fn worker(runtime: &Runtime, address: SocketAddr, toy: Toy) -> Running {
    let _entered = runtime.enter();
    start("a", transport(address), in_process(toy))
}

#[test]
fn a_finished_proof_is_delivered_to_the_next_coordinator() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, world, address) = rise(dir.path(), "127.0.0.1:0");
    let batch = Batch::new(1, 4);
    first.block_on(async {
        world.submit(&batch).await;
        world.finish(&batch).await;
    });
    let workers = runtime();
    let running = worker(&workers, address, Toy::with_next(JobKind::Segment, &[Mishap::Slow(700)]));
    let is_proving = |news: &JobNews| matches!(news, JobNews::Stage { stage } if stage == "proving");
    first.block_on(world.wait_for_job(Job::Segment(0), is_proving));
    die(first, world);
    // The proof is made while nobody is there to take it.
    std::thread::sleep(Duration::from_millis(1000));
    let (second, world, _) = rise(dir.path(), &address.to_string());
    let back = Instant::now();
    second.block_on(async {
        let at = world.wait_for_job(Job::Segment(0), |news| matches!(news, JobNews::Done { .. })).await;
        assert!(at - back < BACK_IN_BUSINESS, "{:?}", at - back);
        // The sequencer tells all that it told before.
        world.submit(&batch).await;
        world.finish(&batch).await;
        world.proven(1).await;
        let views = world.coordinator.job_views(1).await.expect("the store works");
        assert!(views.iter().all(|view| view.attempts.claims == 1), "nothing was done twice: {views:?}");
    });
    workers.block_on(running.stop()).expect("it was asked to");
}

#[test]
fn workers_that_end_with_the_coordinator_are_not_blamed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, world, address) = rise(dir.path(), "127.0.0.1:0");
    let batch = Batch::new(1, 2);
    first.block_on(async {
        world.submit(&batch).await;
        let (local, remote) = (world.local(), transport(address));
        let inside = local.register(hello("local")).await.expect("it fits").pass;
        let outside = remote.register(hello("remote")).await.expect("it fits").pass;
        for (job, number) in [(local.claim(&inside, PATIENCE).await, 0), (remote.claim(&outside, PATIENCE).await, 1)] {
            assert_eq!(job.expect("it may").expect("a job").job, Job::Segment(number));
        }
        assert_eq!(world.coordinator.resume(0).await.expect("the store is whole"), [1]);
        let views = world.coordinator.job_views(1).await.expect("the store works");
        assert!(matches!(views[0].state, JobState::Leased(_)), "the worker is there: {views:?}");
    });
    die(first, world);
    let (second, world, _) = rise(dir.path(), "127.0.0.1:0");
    second.block_on(async {
        let views = world.coordinator.job_views(1).await.expect("the store works");
        let (of_local, of_remote) = (&views[0], &views[1]);
        assert!(matches!(of_local.state, JobState::Ready(_)), "{of_local:?}");
        assert!(of_local.attempts.lost.is_empty() && of_local.attempts.errors.is_empty(), "{of_local:?}");
        assert!(matches!(of_remote.state, JobState::Leased(_)), "its worker may still be there: {of_remote:?}");
    });
    die(second, world);
}

#[test]
fn a_coordinator_that_dies_again_and_again_ends_with_every_job_done() {
    let dir = tempfile::tempdir().expect("a folder");
    let batches = [Batch::new(1, 9), Batch::new(2, 5)];
    let workers = runtime();
    let (mut runtime, mut world, address) = rise(dir.path(), "127.0.0.1:0");
    let running: Vec<_> =
        (0..2).map(|_| worker(&workers, address, Toy::always(JobKind::Segment, Mishap::Slow(40)))).collect();
    for life in 0..4 {
        runtime.block_on(async {
            for batch in &batches {
                world.submit(batch).await;
                world.finish(batch).await;
            }
            tokio::time::sleep(Duration::from_millis(60 + 70 * life)).await;
        });
        die(runtime, world);
        (runtime, world, _) = rise(dir.path(), &address.to_string());
    }
    runtime.block_on(async {
        let begun = Instant::now();
        for (number, jobs) in [(1, 9 + 3 + 1 + 2), (2, 5 + 2 + 1 + 2)] {
            loop {
                match world.coordinator.result(number).await.expect("the store works") {
                    BatchResult::Proven(wrapped) => {
                        assert_eq!(wrapped.jobs.len(), jobs);
                        break;
                    }
                    BatchResult::Unknown | BatchResult::Halted { .. } => unreachable!("batch {number}"),
                    BatchResult::Proving { .. } => assert!(begun.elapsed() < PATIENCE, "it hangs"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        world.coordinator.release_batch(1).await.expect("the store works");
    });
    die(runtime, world);
    let (runtime, world, _) = rise(dir.path(), &address.to_string());
    runtime.block_on(async {
        let released = world.coordinator.result(1).await.expect_err("it was released before the restart");
        assert!(matches!(released, OrderError::Released { batch: 1 }), "{released}");
        assert!(matches!(world.coordinator.result(2).await.expect("the store works"), BatchResult::Proven(_)));
    });
    for worker in running {
        workers.block_on(worker.stop()).expect("it was asked to");
    }
}

#[test]
fn a_worker_is_the_same_for_the_next_coordinator() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, world, address) = rise(dir.path(), "127.0.0.1:0");
    let remote = transport(address);
    let (pass, assignment, left) = first.block_on(async {
        world.submit(&Batch::new(1, 1)).await;
        let (pass, assignment) = claim(&remote, "remote").await;
        let left = remote.register(hello("left")).await.expect("it fits").pass;
        remote.goodbye(&left).await.expect("it may go");
        (pass, assignment, left)
    });
    die(first, world);
    let (second, world, _) = rise(dir.path(), &address.to_string());
    second.block_on(async {
        let beat = || Beat { held: held(&assignment), stage: "proving".to_owned(), is_draining: false };
        let forged = WorkerPass { worker: pass.worker, ..left.clone() };
        assert_eq!(remote.beat(&forged, beat()).await, Err(FleetError::Unauthorized));
        assert_eq!(remote.beat(&left, beat()).await, Err(FleetError::UnknownWorker), "it has left");
        assert!(world.coordinator.worker_views().is_empty(), "nobody has shown who it is");
        assert_eq!(remote.beat(&pass, beat()).await, Ok(BeatReply::Extended), "its lease goes on");
        let views = world.coordinator.worker_views();
        assert_eq!((views.len(), views[0].id, views[0].name.as_str()), (1, pass.worker, "remote"));
        assert!(views[0].current.is_some(), "{views:?}");
    });
    die(second, world);
}
