//! Cases in which workers, provers or proofs fail.

use std::fmt::Debug;

use super::super::{
    Aftermath, BARRED, BeatReply, Claimant, Failure, JobKey, JobState, JobStore, Lease, Millis, REASON_BYTES_MAX,
    STAGE_BYTES_MAX, Settled, WorkerId,
};
use super::{BUDGETS, Driver, LEASE_MAX, claimant, done, job, key};

async fn fail<S: JobStore>(on: &Driver<'_, S>, now: u64, lease: &Lease, failure: Failure) -> Aftermath {
    on.store.fail(Millis(now), lease.holder(), failure).await.expect("the store works")
}

/// The job is quarantined, and people are told this much.
fn assert_quarantined(aftermath: &Aftermath, state: &JobState, parts: &[&str]) {
    let JobState::Quarantined { reason } = state else { panic_with(state) };
    assert_eq!(*aftermath, Aftermath::Quarantined(reason.clone()));
    assert!(parts.iter().all(|part| reason.contains(part)), "{reason}");
}

#[expect(clippy::panic, reason = "a case fails by a panic")]
fn panic_with(what: impl Debug) -> ! {
    panic!("not what was expected: {what:?}")
}

pub(super) async fn errors<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let mut now = 1000;
    for (worker, backoff) in [(1, 200), (2, 400)] {
        let (_, lease) = on.must_claim(now, worker).await;
        let aftermath = fail(on, now, &lease, Failure::Error("no such wire".to_owned())).await;
        assert_eq!(aftermath, Aftermath::Requeued);
        assert_eq!(fail(on, now, &lease, Failure::Error("again".to_owned())).await, Aftermath::Ignored);
        assert_eq!(on.claim(now + backoff - 1, 3).await, None);
        now += backoff;
    }
    let (_, lease) = on.must_claim(now, 1).await;
    let aftermath = fail(on, now, &lease, Failure::Error("no such gate".to_owned())).await;
    assert_quarantined(&aftermath, &on.state(key(1)).await, &["3 errors", "2 workers", "no such gate"]);
    assert_eq!(on.claim(u64::MAX, 1).await, None);
    let attempts = on.record(key(1)).await.attempts;
    assert_eq!((attempts.claims, attempts.errors), (3, [1, 2, 1].map(WorkerId).to_vec()));
}

pub(super) async fn share<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let error = || Failure::Error("no such wire".to_owned());
    let barred = u64::try_from(BARRED.as_millis()).expect("minutes");
    let mut now = 0;
    // A worker that always fails gets it when nobody else has taken it for a while.
    for _ in 1..2 * BUDGETS.errors_max {
        let (_, lease) = on.must_claim(now, 1).await;
        assert_eq!(fail(on, now, &lease, error()).await, Aftermath::Requeued, "one worker's errors are its own");
        assert_eq!(on.claim(now + barred - 1, 1).await, None, "others first");
        now += barred;
    }
    // If there is nobody else it gets it at once, and the job ends all the same.
    assert!(on.store.release(Millis(now), on.must_claim(now, 2).await.1.holder()).await.expect("the store works"));
    let lone = Claimant { workers: 1, ..claimant(1) };
    let (_, lease) = on.claim_as(now, &lone).await.expect("there is nobody else");
    let aftermath = fail(on, now, &lease, error()).await;
    assert_quarantined(&aftermath, &on.state(key(1)).await, &["6 errors", "1 workers", "no such wire"]);
}

pub(super) async fn too_slow<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(10, 1).await;
    let end = 10 + u64::try_from(LEASE_MAX.as_millis()).expect("minutes");
    for now in (10..end).step_by(10_000) {
        let stage = format!("stage {now}");
        let reply = on.store.beat(Millis(now), lease.holder(), &stage).await.expect("the store works");
        assert_eq!(reply, BeatReply::Extended);
        assert_eq!(on.store.expire(Millis(now)).await.expect("the store works"), []);
    }
    let reply = on.store.beat(Millis(end - 1), lease.holder(), "last").await.expect("the store works");
    assert_eq!(reply, BeatReply::Extended);
    let JobState::Leased(last) = on.state(key(1)).await else { panic_with(on.state(key(1)).await) };
    assert_eq!(last.until, Millis(end), "not longer than a job may take");
    let lost = on.store.expire(Millis(end)).await.expect("the store works");
    assert_eq!(lost, [(key(1), Aftermath::Requeued)]);
    let attempts = on.record(key(1)).await.attempts;
    assert_eq!(attempts.lost, [WorkerId(1)], "it counts as hanging");
    assert!(attempts.last_reason.is_some_and(|reason| reason.contains("too slow")));
}

pub(super) async fn clock_set_back<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(1_000_000, 1).await;
    let length = lease.until.0 - 1_000_000;
    // It is 999 seconds earlier all at once: the worker has a lease's time from now on, no more.
    assert_eq!(on.store.expire(Millis(1_000)).await.expect("the store works"), []);
    let JobState::Leased(cut) = on.state(key(1)).await else { panic_with(on.state(key(1)).await) };
    assert_eq!(cut, Lease { since: Millis(1_000), until: Millis(1_000 + length), ..lease });
    assert_eq!(on.store.expire(Millis(1_000 + length - 1)).await.expect("the store works"), []);
    let lost = on.store.expire(Millis(1_000 + length)).await.expect("the store works");
    assert_eq!(lost, [(key(1), Aftermath::Requeued)]);
}

pub(super) async fn losses<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let mut now = 0;
    for worker in [1, 2, 1, 2] {
        let other = 3 - worker;
        if now > 0 {
            assert_eq!(on.claim(now, other).await, None, "it has lost it last");
        }
        let (_, lease) = on.must_claim(now, worker).await;
        now = lease.until.0;
        let expired = on.store.expire(Millis(now)).await.expect("the store works");
        let [(lost, aftermath)] = &expired[..] else { panic_with(expired) };
        assert_eq!(*lost, key(1));
        let state = on.state(key(1)).await;
        if on.record(key(1)).await.attempts.lost.len() < 4 {
            assert_eq!((aftermath, state), (&Aftermath::Requeued, JobState::Ready(Millis(now))));
        } else {
            assert_quarantined(aftermath, &state, &["4 provers were lost", "2 workers", "lease"]);
        }
    }
    assert_eq!(on.claim(now, 3).await, None);
}

pub(super) async fn lone_worker<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let lone = Claimant { workers: 1, ..claimant(1) };
    for loss in 1..=2 * BUDGETS.lost_max {
        let (_, lease) = on.claim_as(0, &lone).await.expect("there is nobody else");
        let aftermath = fail(on, 0, &lease, Failure::Crashed("signal 11".to_owned())).await;
        assert_eq!(aftermath == Aftermath::Requeued, loss < 2 * BUDGETS.lost_max, "loss {loss}");
        if loss == 2 * BUDGETS.lost_max {
            assert_quarantined(&aftermath, &on.state(key(1)).await, &["8 provers", "1 workers", "signal 11"]);
        }
    }
}

pub(super) async fn alone<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[]), job(2, 1, 0, &[]), job(3, 1, 0, &[])]).await;
    for worker in [1, 2] {
        let (lost, lease) = on.must_claim(0, worker).await;
        assert_eq!(lost, key(1));
        fail(on, 0, &lease, Failure::Crashed("signal 6".to_owned())).await;
    }
    let busy = |worker| Claimant { running: 1, ..claimant(worker) };
    assert_eq!(on.claim_as(0, &busy(3)).await, None, "it is kept for when it is idle");
    assert_eq!(on.claim_as(0, &busy(2)).await.map(|(key, _)| key), Some(key(2)), "it has lost it last");
    let (lost, lease) = on.must_claim(0, 3).await;
    assert_eq!(lost, key(1));
    assert_eq!(on.claim_as(0, &busy(3)).await, None, "nothing besides");
    assert_eq!(on.settle(key(1), done(1, 1)).await, Settled::First);
    assert_eq!(on.claim_as(1, &busy(3)).await.map(|(key, _)| key), Some(key(3)), "{lease:?} is over");
}

pub(super) async fn invalid_proofs<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(5, 1).await;
    let invalid = Failure::InvalidProof("wrong statement".to_owned());
    assert_eq!(fail(on, 5, &lease, invalid.clone()).await, Aftermath::Requeued);
    let (_, lease) = on.must_claim(5, 2).await;
    let aftermath = fail(on, 5, &lease, invalid).await;
    assert_quarantined(&aftermath, &on.state(key(1)).await, &["2 proofs", "2 workers", "wrong statement"]);
    assert_eq!(on.record(key(1)).await.attempts.invalid, [1, 2].map(WorkerId));
}

pub(super) async fn memory<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(0, 1).await;
    fail(on, 0, &lease, Failure::OutOfMemory("exit 137".to_owned())).await;
    let record = on.record(key(1)).await;
    assert_eq!((record.job.memory_mib, record.attempts.lost.len()), (200, 1));
    assert_eq!(on.claim_as(0, &Claimant { memory_mib: 199, ..claimant(2) }).await, None);
    let lone = |worker| Claimant { workers: 1, memory_mib: 800, ..claimant(worker) };
    for (worker, memory_mib) in [(1, 200), (2, 400)] {
        let (_, lease) = on.claim_as(0, &lone(worker)).await.expect("it is ready");
        fail(on, 0, &lease, Failure::OutOfMemory("exit 137".to_owned())).await;
        assert_eq!(on.record(key(1)).await.job.memory_mib, memory_mib, "once for each worker: {worker}");
    }
    let (_, lease) = on.claim_as(0, &lone(3)).await.expect("it is ready");
    let aftermath = fail(on, 0, &lease, Failure::OutOfMemory("exit 137".to_owned())).await;
    assert_quarantined(&aftermath, &on.state(key(1)).await, &["4 provers were lost"]);
    assert!(on.store.retry(Millis(0), &key(1)).await.expect("the store works"));
    for worker in [1, 4] {
        let (_, lease) = on.claim_as(0, &lone(worker)).await.expect("it is ready");
        fail(on, 0, &lease, Failure::OutOfMemory("exit 137".to_owned())).await;
        assert_eq!(on.record(key(1)).await.job.memory_mib, 800, "three times in all");
    }
}

pub(super) async fn release<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[]), job(2, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(0, 1).await;
    assert!(on.store.release(Millis(7), lease.holder()).await.expect("the store works"));
    let record = on.record(key(1)).await;
    assert_eq!(record.state, JobState::Ready(Millis(7)));
    assert!(record.attempts.lost.is_empty() && record.attempts.last_reason.is_none());
    assert_eq!(on.store.beat(Millis(8), lease.holder(), "prove").await.expect("the store works"), BeatReply::Lost);
    let (again, second) = on.must_claim(8, 1).await;
    assert_eq!(again, key(1), "it has not lost its place");
    assert!(!on.store.release(Millis(9), lease.holder()).await.expect("the store works"));
    assert_eq!(on.state(key(1)).await, JobState::Leased(second), "a lease that is over gives nothing back");
}

pub(super) async fn lost_worker<S: JobStore>(on: &Driver<'_, S>) {
    on.insert((1..=4).map(|n| job(n, 1, 0, &[])).collect()).await;
    let mut claimed: Vec<(JobKey, Lease)> = Vec::new();
    for worker in [1, 2, 1, 1] {
        claimed.push(on.must_claim(0, worker).await);
    }
    on.settle(key(4), done(4, 1)).await;
    let lost = on.store.lose_worker(Millis(2), WorkerId(1)).await.expect("the store works");
    assert_eq!(lost, [1, 3].map(|n| (key(n), Aftermath::Requeued)));
    assert_eq!(on.state(key(2)).await, JobState::Leased(claimed[1].1.clone()));
    assert_eq!(on.record(key(1)).await.attempts.lost, [WorkerId(1)]);
    let reply = on.store.beat(Millis(3), claimed[0].1.holder(), "prove").await.expect("the store works");
    assert_eq!(reply, BeatReply::Lost);
    assert!(on.store.lose_worker(Millis(3), WorkerId(1)).await.expect("the store works").is_empty());
}

pub(super) async fn quarantine<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 1, &[]), job(2, 1, 0, &[1])]).await;
    for round in 0..2 {
        let mut now = 0;
        for worker in [1, 2, 1] {
            let (_, lease) = on.must_claim(now, worker).await;
            fail(on, now, &lease, Failure::Error("bad witness".to_owned())).await;
            now += 10_000;
        }
        assert!(matches!(on.state(key(1)).await, JobState::Quarantined { .. }), "round {round}");
        assert!(on.insert(vec![job(1, 1, 1, &[])]).await.is_empty());
        assert_eq!(on.claim(now, 1).await, None);
        if round == 0 {
            assert!(on.store.retry(Millis(0), &key(1)).await.expect("the store works"));
            assert!(!on.store.retry(Millis(0), &key(1)).await.expect("the store works"), "it is ready already");
            assert!(on.record(key(1)).await.attempts.errors.is_empty());
        }
    }
    assert!(!on.store.retry(Millis(0), &key(9)).await.expect("the store works"));
    assert_eq!(on.settle(key(1), done(1, 99_000)).await, Settled::First, "a proof is a proof");
    assert_eq!(on.must_claim(99_000, 1).await.0, key(2));
}

pub(super) async fn bounds<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(0, 1).await;
    on.store.beat(Millis(1), lease.holder(), &"é".repeat(STAGE_BYTES_MAX)).await.expect("the store works");
    let JobState::Leased(leased) = on.state(key(1)).await else { panic_with("no lease") };
    assert_eq!(leased.stage, "é".repeat(STAGE_BYTES_MAX / 2));
    fail(on, 1, &lease, Failure::Error("x".repeat(REASON_BYTES_MAX + 1))).await;
    assert_eq!(on.record(key(1)).await.attempts.last_reason, Some("x".repeat(REASON_BYTES_MAX)));
}
