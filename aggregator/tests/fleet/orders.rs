//! Orders in, proofs of batches out.

use std::time::Duration;

use weft_aggregator::coordinator::WorkerState;
use weft_aggregator::{BatchEnd, BatchResult, FleetEvent, Job, JobKind, JobNews, OrderError, Span, Transport as _};
use weft_storage::jobs::{BeatReply, JobKey, JobState};

use crate::toy::{Mishap, Toy, proof_of};
use crate::world::{Batch, Running, digest, hello, in_memory, in_process, start};

fn span(first: usize, last: usize) -> Span {
    Span { first, last }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_become_proofs_and_every_job_is_done_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let workers = [world.worker("a", Toy::good()), world.worker("b", Toy::good())];
    let batches = [(1, 8), (2, 1), (3, 14)].map(|(number, segments)| Batch::new(number, segments));
    for batch in &batches {
        world.submit(batch).await;
        world.finish(batch).await;
    }
    for batch in &batches {
        let number = batch.environment.batch_number;
        let wrapped = world.proven(number).await;
        let digest = batch.end.statement(batch.environment.context()).digest();
        assert_eq!(wrapped.proof, proof_of(weft_aggregator::JobStatement::Wrap { digest }));
        assert_eq!(wrapped.segments, batch.claims.len());
        let views = world.coordinator.job_views(number).await.expect("the store works");
        assert_eq!(views.len(), wrapped.jobs.len());
        assert!(views.iter().all(|view| view.attempts.claims == 1), "{views:?}");
    }
    let jobs: Vec<_> = world.coordinator.job_views(1).await.expect("the store works");
    let mut names: Vec<_> = jobs.iter().map(|view| view.job).collect();
    names.sort_unstable();
    let merges = [Job::Lift(span(0, 2)), Job::Lift(span(3, 5)), Job::Lift(span(6, 7)), Job::Aggregate(span(0, 7))];
    assert_eq!(names[8..], [&merges[..], &[Job::Seal, Job::Wrap]].concat());
    let root = jobs.iter().find(|view| view.job == Job::Aggregate(span(0, 7))).expect("it is there");
    let children: Vec<_> = root.children.iter().map(|key| jobs.iter().find(|view| view.key == *key)).collect();
    assert_eq!(
        children.iter().map(|view| view.map(|view| view.job)).collect::<Vec<_>>(),
        [Some(merges[0]), Some(merges[1]), Some(merges[2])]
    );
    let news = world.news_of(Job::Wrap);
    assert!(matches!(news[0], JobNews::Queued), "{news:?}");
    for worker in workers {
        worker.stop().await.expect("it was asked to");
    }
    let views = world.coordinator.worker_views();
    assert_eq!(views.iter().map(|view| view.state).collect::<Vec<_>>(), [WorkerState::Gone; 2]);
    assert_eq!(views.iter().map(|view| view.jobs_done).sum::<u64>(), 14 + 4 + 21 + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_segments_are_joined_with_their_tables() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::large(1, &[2, 3, 1]);
    world.submit(&batch).await;
    world.finish(&batch).await;
    let mut plan = world.coordinator.job_views(1).await.expect("the store works");
    plan.sort_unstable_by_key(|view| view.job);
    let spans = [span(0, 1), span(2, 4), span(5, 5)];
    let [lifts, tables, joins] = [Job::Lift, Job::Openings, Job::Join].map(|job| spans.map(job));
    let end = [Job::Aggregate(span(0, 5)), Job::Seal, Job::Wrap];
    let names: Vec<_> = plan.iter().map(|view| view.job).collect();
    assert_eq!(names[6..], [&lifts[..], &tables, &joins, &end].concat());
    let children = |job| {
        let view = plan.iter().find(|view| view.job == job).expect("it is planned");
        let name = |key: &JobKey| plan.iter().find(|view| view.key == *key).map(|view| view.job);
        view.children.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(children(joins[1]), [lifts[1], tables[1]]);
    assert_eq!(children(lifts[1]), [2, 3, 4].map(Job::Segment));
    assert_eq!(children(tables[1]), []);
    assert_eq!(children(end[0]), joins);

    // A coordinator that starts anew plans the same.
    world.submit(&batch).await;
    let again = Batch::large(1, &[2, 1, 3]);
    let other = world.coordinator.submit_segment(again.order(3)).await;
    assert!(matches!(other, Err(OrderError::OtherSegment { batch: 1, position: 3 })), "{other:?}");
    let _worker = world.worker("a", Toy::good());
    let wrapped = world.proven(1).await;
    assert_eq!((wrapped.segments, wrapped.jobs.len()), (6, plan.len()));

    // Accesses that follow no table, or another one.
    let mut lone = Batch::large(2, &[2]);
    lone.claims.remove(0);
    let refused = world.coordinator.submit_segment(lone.order(0)).await;
    assert!(matches!(refused, Err(OrderError::NotAdjacent { batch: 2, position: 0 })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_merged_before_the_batch_is_finished() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let _worker = world.worker("a", Toy::good());
    let batch = Batch::new(1, 4);
    for position in 0..3 {
        world.coordinator.submit_segment(batch.order(position)).await.expect("in order");
    }
    world.wait_for_job(Job::Lift(span(0, 2)), |news| matches!(news, JobNews::Done { .. })).await;
    assert_eq!(world.coordinator.result(1).await.expect("the store works"), BatchResult::Proving { done: 4, total: 4 });
    assert_eq!(world.coordinator.result(2).await.expect("the store works"), BatchResult::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_come_again_change_nothing_and_others_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let (batch, other) = (Batch::new(1, 4), Batch::new(1, 5));
    let coordinator = &world.coordinator;
    let refused = coordinator.submit_segment(batch.order(1)).await.expect_err("the first one is missing");
    assert!(matches!(refused, OrderError::Gap { batch: 1, expected: 0, got: 1 }), "{refused}");
    let empty = coordinator.finish(&batch.environment, batch.end.clone()).await.expect_err("nothing is there");
    assert!(matches!(empty, OrderError::Empty { batch: 1 }), "{empty}");
    for _ in 0..2 {
        world.submit(&batch).await;
    }
    let refused = coordinator.submit_segment(other.order(4)).await.expect_err("not from where the last one ended");
    assert!(matches!(refused, OrderError::NotAdjacent { position: 4, .. }), "{refused}");
    let refused = coordinator.submit_segment(other.order(3)).await.expect_err("it is known otherwise");
    assert!(matches!(refused, OrderError::OtherSegment { position: 3, .. }), "{refused}");
    let elsewhere = BatchEnd { root_after: digest(77), ..batch.end.clone() };
    let refused = coordinator.finish(&batch.environment, elsewhere.clone()).await.expect_err("not where it leads");
    assert!(matches!(refused, OrderError::OtherEnd { batch: 1 }), "{refused}");
    for _ in 0..2 {
        world.finish(&batch).await;
    }
    let refused = coordinator.finish(&batch.environment, elsewhere).await.expect_err("it has ended otherwise");
    assert!(matches!(refused, OrderError::OtherEnd { batch: 1 }), "{refused}");
    let queued =
        world.events().into_iter().filter(|event| matches!(event, FleetEvent::Job { news: JobNews::Queued, .. }));
    assert_eq!(queued.count(), 4 + 3 + 2, "every job was queued once");
    let _worker = world.worker("a", Toy::good());
    world.proven(1).await;
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert!(matches!(coordinator.result(1).await.expect("the store works"), BatchResult::Proven(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_knows_only_the_store_takes_the_same_orders() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 5);
    world.submit(&batch).await;
    world.coordinator.release_batch(1).await.expect("the plan is forgotten, and the inputs");
    world.submit(&batch).await;
    world.finish(&batch).await;
    let resumed = world.coordinator.resume(0).await.expect("the store is whole");
    assert_eq!(resumed, [1]);
    let views = world.coordinator.job_views(1).await.expect("the store works");
    assert_eq!(views.len(), 5 + 3 + 2);
    let counts = world.coordinator.counts().await.expect("the store works");
    assert_eq!(counts.kinds[&JobKind::Segment].ready, 5);
    assert_eq!(counts.kinds[&JobKind::Wrap].waiting, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_batch_leaves_only_its_summary() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let worker = world.worker("a", Toy::good());
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    world.finish(&batch).await;
    world.proven(1).await;
    world.coordinator.release_batch(1).await.expect("the store works");
    let gone = world.coordinator.result(1).await.expect_err("the proof is deleted");
    assert!(matches!(gone, OrderError::Released { batch: 1 }), "{gone}");
    let views = world.coordinator.job_views(1).await.expect("the store works");
    assert_eq!(views.len(), 3 + 1 + 2);
    assert!(views.iter().all(|view| view.worker.as_deref() == Some("a")), "{views:?}");
    assert!(world.coordinator.resume(0).await.expect("the store is whole").is_empty(), "nothing is left to do");
    worker.stop().await.expect("it was asked to");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_hear_that_a_batch_was_given_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    let transport = world.local();
    let welcome = transport.register(hello("a")).await.expect("it fits");
    let assignment = transport.claim(&welcome.pass, Duration::ZERO).await.expect("it may").expect("a job");
    world.coordinator.drop_batch(1).await.expect("the store works");
    let held = weft_aggregator::message::Held { lease: assignment.lease, key: assignment.key };
    let beat = weft_aggregator::message::Beat { held, stage: "proving".to_owned(), is_draining: false };
    let reply = transport.beat(&welcome.pass, beat).await.expect("it is known");
    assert!(matches!(reply, BeatReply::Cancelled | BeatReply::Lost), "{reply:?}");
    assert_eq!(world.coordinator.result(1).await.expect("the store works"), BatchResult::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rest_takes_is_told_from_what_was_done() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let slow: Vec<_> = vec![Mishap::Slow(50); 3];
    let worker: Running = start("a", world.local(), in_process(Toy::with_next(JobKind::Segment, &slow)));
    let batch = Batch::new(1, 3);
    world.submit(&batch).await;
    world.finish(&batch).await;
    world.proven(1).await;
    worker.stop().await.expect("it was asked to");
    let next = Batch::new(2, 3);
    world.submit(&next).await;
    assert_eq!(world.coordinator.estimate(2).await.expect("the store works"), None, "nobody is there");
    let transport = world.local();
    transport.register(hello("b")).await.expect("it fits");
    let estimate = world.coordinator.estimate(2).await.expect("the store works").expect("all kinds are known");
    assert!(estimate >= Duration::from_millis(150) && estimate < Duration::from_secs(5), "{estimate:?}");
    let views = world.coordinator.job_views(2).await.expect("the store works");
    assert!(matches!(views[0].state, JobState::Ready(_)), "{views:?}");
}
