//! The order of jobs, without threads.

use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::Span;
use crate::testing::{FakeBackend, end, failure, segment};

type Results = Receiver<Result<ProvenBatch<FakeBackend>, BatchError>>;

/// A scheduler with batches of these numbers of large segments, all finished; batch numbers count from 1.
fn with_batches(segments: &[u64]) -> (Scheduler<FakeBackend>, Vec<(BatchId, Results)>) {
    let mut scheduler = Scheduler::new();
    let batches = segments.iter().zip(1..).map(|(count, number)| {
        let (sender, receiver) = channel();
        let on_result: OnResult<FakeBackend> = Box::new(move |result| sender.send(result).expect("the test listens"));
        let id = scheduler.begin(segment(number, 0).environment, on_result);
        for position in 0..*count {
            let witness = segment(number, position);
            scheduler.push_segment(id, SegmentSize::Large, witness).expect("it is known").expect("it is open");
        }
        scheduler.finish(id, end()).expect("it is known").expect("it has segments");
        (id, receiver)
    });
    let batches = batches.collect();
    (scheduler, batches)
}

fn run(scheduler: &mut Scheduler<FakeBackend>, assignment: Assignment<FakeBackend>) {
    let mut log = StageLog::new();
    let result = assignment.task.run(&FakeBackend::default(), &mut log).map(|output| (output, log));
    scheduler.complete(assignment, Cost::default(), result);
}

fn fail(scheduler: &mut Scheduler<FakeBackend>, assignment: Assignment<FakeBackend>) {
    scheduler.complete(assignment, Cost::default(), Err(failure()));
}

/// Hands out messages and returns the news among them.
fn news(scheduler: &mut Scheduler<FakeBackend>) -> Vec<(u32, Job, JobState)> {
    let mut news = Vec::new();
    while let Some(message) = scheduler.next_message() {
        match message {
            Message::Event(JobEvent { batch, job, state }) => news.push((batch, job, state)),
            Message::Result(on_result, result) => on_result(*result),
        }
    }
    news
}

fn next(scheduler: &mut Scheduler<FakeBackend>) -> (u32, Job, Assignment<FakeBackend>) {
    let assignment = scheduler.next_assignment().expect("there is a job");
    (assignment.batch, assignment.task.job(), assignment)
}

/// Runs jobs one after the other until `wanted` comes, which is returned.
fn run_until(scheduler: &mut Scheduler<FakeBackend>, wanted: Job) -> Assignment<FakeBackend> {
    loop {
        let (_, job, assignment) = next(scheduler);
        if job == wanted {
            return assignment;
        }
        run(scheduler, assignment);
    }
}

#[test]
fn batches_are_served_in_order_and_later_ones_fill_gaps() {
    let (mut scheduler, batches) = with_batches(&[2, 1]);
    let (_, job, first) = next(&mut scheduler);
    assert_eq!(job, Job::Segment(0));
    let (_, job, second) = next(&mut scheduler);
    assert_eq!(job, Job::Segment(1));
    let (batch, job, other) = next(&mut scheduler);
    assert_eq!((batch, job), (2, Job::Segment(0)), "the first batch waits for its segments");
    for assignment in [second, other, first] {
        run(&mut scheduler, assignment);
    }
    let (batch, job, lift) = next(&mut scheduler);
    assert_eq!((batch, job), (1, Job::Lift(Span { first: 0, last: 1 })), "the first batch has a job again");
    run(&mut scheduler, lift);
    while let Some(assignment) = scheduler.next_assignment() {
        run(&mut scheduler, assignment);
    }
    news(&mut scheduler);
    for ((_, result), (number, segments)) in batches.iter().zip([(1, 2), (2, 1)]) {
        let proven = result.try_recv().expect("it is proved").expect("nothing failed");
        assert_eq!((proven.batch, proven.segments), (number, segments));
        assert_eq!(proven.wrapped, Span { first: 0, last: segments - 1 });
    }
}

#[test]
fn a_failed_job_is_tried_again_before_others() {
    let (mut scheduler, batches) = with_batches(&[2]);
    let (_, _, first) = next(&mut scheduler);
    news(&mut scheduler);
    fail(&mut scheduler, first);
    let (_, job, retry) = next(&mut scheduler);
    assert_eq!(job, Job::Segment(0));
    let reason = failure().to_string();
    assert_eq!(
        news(&mut scheduler),
        [(1, job, JobState::Failed { reason }), (1, job, JobState::Started)],
        "it was queued before"
    );
    run(&mut scheduler, retry);
    while let Some(assignment) = scheduler.next_assignment() {
        run(&mut scheduler, assignment);
    }
    news(&mut scheduler);
    batches[0].1.try_recv().expect("it is proved").expect("one failure is forgiven");
}

#[test]
fn a_second_failure_ends_the_batch_alone() {
    let (mut scheduler, batches) = with_batches(&[4, 1]);
    let lift = Job::Lift(Span { first: 0, last: 2 });
    let assignment = run_until(&mut scheduler, lift);
    let (_, _, running) = next(&mut scheduler);
    fail(&mut scheduler, assignment);
    let (_, job, assignment) = next(&mut scheduler);
    assert_eq!(job, lift);
    fail(&mut scheduler, assignment);
    news(&mut scheduler);
    let expected = BatchError::Job { batch: 1, job: lift, attempts: MAX_ATTEMPTS, error: failure() };
    assert_eq!(batches[0].1.try_recv().expect("it has ended").expect_err("it has failed"), expected);
    run(&mut scheduler, running);
    assert!(news(&mut scheduler).is_empty(), "nobody hears of jobs whose batch has ended");
    let (batch, ..) = next(&mut scheduler);
    assert_eq!(batch, 2);
    let late = scheduler.push_segment(batches[0].0, SegmentSize::Large, segment(1, 4));
    assert!(late.is_none(), "the batch is closed");
}

#[test]
fn wraps_run_one_at_a_time() {
    let (mut scheduler, batches) = with_batches(&[1, 1]);
    let first = run_until(&mut scheduler, Job::Wrap);
    let seal = run_until(&mut scheduler, Job::Seal);
    run(&mut scheduler, seal);
    assert!(scheduler.next_assignment().is_none(), "the other wrap waits");
    fail(&mut scheduler, first);
    let (batch, job, retry) = next(&mut scheduler);
    assert_eq!((batch, job), (1, Job::Wrap));
    assert!(scheduler.next_assignment().is_none(), "the other wrap waits for the retry, too");
    scheduler.cancel(batches[0].0);
    run(&mut scheduler, retry);
    let (batch, job, _) = next(&mut scheduler);
    assert_eq!((batch, job), (2, Job::Wrap), "a given up batch does not block the wrap for good");
}

#[test]
fn a_given_up_batch_has_a_result_and_no_more_jobs() {
    let (mut scheduler, batches) = with_batches(&[2]);
    let (_, _, assignment) = next(&mut scheduler);
    fail(&mut scheduler, assignment);
    scheduler.cancel(batches[0].0);
    scheduler.cancel(batches[0].0);
    news(&mut scheduler);
    let results: Vec<_> = batches[0].1.try_iter().map(|result| result.expect_err("it was given up")).collect();
    assert_eq!(results, [BatchError::Cancelled { batch: 1 }]);
    assert!(scheduler.next_assignment().is_none(), "its retry is dropped");
}

#[test]
fn segments_of_other_batches_and_batches_without_segments_are_refused() {
    let (mut scheduler, _) = with_batches(&[]);
    let id = scheduler.begin(segment(1, 0).environment, Box::new(|_| {}));
    let other = scheduler.push_segment(id, SegmentSize::Small, segment(2, 0));
    assert_eq!(other, Some(Err(SubmitError::OtherBatch { expected: 1, got: 2 })));
    assert_eq!(scheduler.finish(id, end()), Some(Err(SubmitError::Empty { batch: 1 })));
}

#[test]
fn what_is_queued_after_the_end_is_all_that_is_done() {
    let (mut scheduler, _batches) = with_batches(&[14]);
    while let Some(assignment) = scheduler.next_assignment() {
        run(&mut scheduler, assignment);
    }
    let jobs = |news: &[(u32, Job, JobState)], is_wanted: fn(&JobState) -> bool| {
        let mut jobs: Vec<_> = news.iter().filter(|(.., state)| is_wanted(state)).map(|(_, job, _)| *job).collect();
        jobs.sort_unstable();
        jobs
    };
    let news = news(&mut scheduler);
    let queued = jobs(&news, |state| *state == JobState::Queued);
    // 14 segments, 5 lifts, an aggregate of three of them and one of the rest, seal, wrap.
    assert_eq!(queued.len(), 14 + 5 + 2 + 2);
    assert_eq!(queued, jobs(&news, |state| *state == JobState::Started));
    assert_eq!(queued, jobs(&news, |state| matches!(state, JobState::Done(_))));
}
