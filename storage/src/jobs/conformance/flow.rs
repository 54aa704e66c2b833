//! Cases in which nothing goes wrong with a proof.

use super::super::{
    Aftermath, BeatReply, Claimant, DoneJob, Failure, Holder, JobKey, JobState, JobStore, LeaseId, Millis, Settled,
    StoreError, WORKERS_KEPT, WorkerId,
};
use super::{BUDGETS, Driver, claimant, done, job, key};

pub(super) async fn order<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 2, 0, &[]), job(2, 1, 5, &[]), job(3, 1, 5, &[]), job(4, 1, 300, &[])]).await;
    on.insert(vec![job(5, 1, 4, &[])]).await;
    let lone = Claimant { workers: 1, ..claimant(1) };
    assert_eq!(claim_all(on, &lone).await, [5, 2, 3, 4, 1].map(key));
}

pub(super) async fn last_of_the_farthest<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 2, &[]), job(2, 1, 3, &[]), job(3, 1, 3, &[]), job(4, 2, 9, &[])]).await;
    on.insert(vec![job(5, 1, 2, &[])]).await;
    // One of three workers would stand idle after 2 and 3; two are busy with them, so 1 is done before.
    let [two, three] = [2, 3].map(|workers| Claimant { workers, ..claimant(1) });
    let (first, _) = on.claim_as(0, &two).await.expect("it is ready");
    assert_eq!(first, key(1));
    assert_eq!(claim_all(on, &three).await, [2, 3, 5, 4].map(key));
}

async fn claim_all<S: JobStore>(on: &Driver<'_, S>, claimant: &Claimant) -> Vec<JobKey> {
    let mut claimed = Vec::new();
    while let Some((key, _)) = on.claim_as(0, claimant).await {
        claimed.push(key);
    }
    claimed
}

pub(super) async fn children<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 2, &[]), job(2, 1, 2, &[])]).await;
    on.settle(key(1), done(1, 5)).await;
    on.insert(vec![job(3, 1, 2, &[]), job(4, 1, 1, &[1, 2, 2, 3]), job(5, 1, 0, &[4, 4])]).await;
    assert_eq!(on.state(key(4)).await, JobState::Waiting(2), "one is done, one is named twice");
    assert_eq!(on.settle(key(2), done(2, 6)).await, Settled::First);
    assert_eq!(on.settle(key(2), done(2, 7)).await, Settled::Duplicate);
    assert_eq!(on.state(key(4)).await, JobState::Waiting(1), "a proof counts once");
    on.settle(key(3), done(3, 8)).await;
    assert_eq!(on.state(key(4)).await, JobState::Ready(Millis(8)));
    assert_eq!(on.state(key(5)).await, JobState::Waiting(1));
    assert_eq!(on.must_claim(8, 1).await.0, key(4));
    on.settle(key(4), done(4, 9)).await;
    assert_eq!(on.must_claim(9, 1).await.0, key(5));
    on.insert(vec![job(6, 1, 0, &[1, 2])]).await;
    assert_eq!(on.state(key(6)).await, JobState::Ready(Millis(0)), "all children are done before it comes");
}

pub(super) async fn unknown_child<S: JobStore>(on: &Driver<'_, S>) {
    for jobs in [vec![job(1, 1, 1, &[]), job(2, 1, 0, &[1, 9])], vec![job(1, 1, 0, &[1])]] {
        let refused = on.store.insert(Millis(0), jobs).await;
        assert!(matches!(refused, Err(StoreError::UnknownChild { .. })), "{refused:?}");
        assert_eq!(on.store.job(&key(1)).await.expect("the store works"), None);
    }
    let refused = on.store.insert(Millis(0), vec![job(2, 1, 0, &[1]), job(1, 1, 1, &[])]).await;
    assert!(matches!(refused, Err(StoreError::UnknownChild { child }) if child == key(1)), "children come first");
    assert!(on.store.batches().await.expect("the store works").is_empty());
    assert_eq!(on.claim(0, 1).await, None);
}

pub(super) async fn again<S: JobStore>(on: &Driver<'_, S>) {
    let jobs = vec![job(1, 1, 1, &[]), job(2, 1, 0, &[1])];
    assert_eq!(on.insert(jobs.clone()).await, [1, 2].map(key));
    on.must_claim(3, 1).await;
    let before = on.store.batch(1).await.expect("the store works");
    assert!(on.insert(jobs).await.is_empty());
    assert_eq!(on.insert(vec![job(3, 1, 0, &[]), job(3, 1, 0, &[])]).await, [key(3)]);
    let after = on.store.batch(1).await.expect("the store works");
    assert_eq!(after[..2], before);
    assert_eq!(after.len(), 3);
    assert_eq!(after[0].job.payload, [1; 1000]);
}

pub(super) async fn shared<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 2, &[]), job(2, 1, 1, &[1]), job(3, 1, 0, &[2])]).await;
    // Batch 2 names the child alone, and needs what that waits for as well.
    assert_eq!(on.insert(vec![job(4, 2, 0, &[2])]).await, [key(4)]);
    assert_eq!(on.keys_of(2).await, [1, 2, 4].map(key));
    on.store.cancel(1).await.expect("the store works");
    assert_eq!(on.state(key(3)).await, JobState::Cancelled);
    assert_eq!(on.state(key(2)).await, JobState::Waiting(1));
    on.store.forget(1).await.expect("the store works");
    assert_eq!(on.store.job(&key(3)).await.expect("the store works"), None);
    assert_eq!(on.record(key(1)).await.job.batch, 2, "it ranks with a batch that needs it");
    on.store.cancel(2).await.expect("the store works");
    assert_eq!(on.state(key(1)).await, JobState::Cancelled);
    assert!(on.insert(vec![job(1, 2, 2, &[])]).await.is_empty());
    assert_eq!(on.state(key(1)).await, JobState::Cancelled, "its batch has given it up");
    on.insert(vec![job(5, 3, 0, &[2])]).await;
    assert_eq!(on.state(key(2)).await, JobState::Waiting(1), "another batch needs it");
    assert_eq!(on.must_claim(0, 1).await.0, key(1));
}

pub(super) async fn batches<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 9, 0, &[]), job(2, u32::MAX, 0, &[]), job(3, 0, 0, &[]), job(4, 9, 7, &[])]).await;
    assert_eq!(on.store.batches().await.expect("the store works"), [0, 9, u32::MAX]);
    assert_eq!(on.keys_of(9).await, [1, 4].map(key));
    let (_, lease) = on.must_claim(0, 1).await;
    on.store.forget(0).await.expect("the store works");
    assert_eq!(on.store.batches().await.expect("the store works"), [9, u32::MAX]);
    assert_eq!(on.store.job(&key(3)).await.expect("the store works"), None);
    assert_eq!(on.settle(key(3), done(1, 1)).await, Settled::Unknown);
    assert_eq!(on.store.beat(Millis(1), lease.holder(), "prove").await.expect("the store works"), BeatReply::Cancelled);
    assert_eq!(on.insert(vec![job(3, 0, 0, &[])]).await, [key(3)]);
    let expired = on.store.expire(lease.until).await.expect("the store works");
    assert!(expired.is_empty(), "the lease was of the job that was forgotten: {expired:?}");
    assert_eq!(on.state(key(3)).await, JobState::Ready(Millis(0)));
}

pub(super) async fn limits<S: JobStore>(on: &Driver<'_, S>) {
    let mut large = job(1, 1, 0, &[]);
    large.memory_mib = 1001;
    let mut foreign = job(2, 1, 0, &[]);
    foreign.circuit = [8; 32];
    on.insert(vec![large, foreign, job(3, 1, 1, &[])]).await;
    assert_eq!(on.must_claim(0, 1).await.0, key(3), "it cannot do what comes first");
    assert_eq!(on.claim(0, 1).await, None);
    let strong = Claimant { memory_mib: 1001, ..claimant(2) };
    assert_eq!(on.claim_as(0, &strong).await.map(|(key, _)| key), Some(key(1)));
    let versed = Claimant { circuits: vec![[6; 32], [8; 32]], ..claimant(3) };
    assert_eq!(on.claim_as(0, &versed).await.map(|(key, _)| key), Some(key(2)));
}

pub(super) async fn leases<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(10, 1).await;
    let term = u64::try_from(BUDGETS.lease.as_millis()).expect("a lease is short");
    assert_eq!(lease.until, Millis(10 + term));
    for (now, stage, stage_since) in [(100, "witness", 100), (200, "witness", 100), (300, "prove", 300)] {
        let reply = on.store.beat(Millis(now), lease.holder(), stage).await.expect("the store works");
        assert_eq!(reply, BeatReply::Extended);
        let JobState::Leased(lease) = on.state(key(1)).await else { panic_lease() };
        assert_eq!((lease.until, lease.stage_since), (Millis(now + term), Millis(stage_since)));
        assert_eq!((lease.stage.as_str(), lease.since), (stage, Millis(10)));
    }
    assert!(on.store.expire(Millis(299 + term)).await.expect("the store works").is_empty());
    assert_eq!(on.claim(300 + term, 2).await, None);
    let expired = on.store.expire(Millis(300 + term)).await.expect("the store works");
    assert_eq!(expired.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key(1)]);
    assert!(on.store.expire(Millis(300 + term)).await.expect("the store works").is_empty());
    for id in [lease.id, LeaseId(u64::MAX)] {
        let holder = Holder { lease: id, ..lease.holder() };
        assert_eq!(on.store.beat(Millis(20_000), holder, "prove").await.expect("the store works"), BeatReply::Lost);
    }
    let (_, second) = on.must_claim(20_000, 2).await;
    assert_ne!(second.id, lease.id);
    let workers = [on.store.new_worker().await, on.store.new_worker().await].map(|id| id.expect("the store works"));
    assert_ne!(workers[0], workers[1]);
}

#[expect(clippy::panic, reason = "a case fails by a panic")]
fn panic_lease() -> ! {
    panic!("the job is not leased")
}

pub(super) async fn holders<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 0, &[])]).await;
    let (_, lease) = on.must_claim(10, 1).await;
    let other = Holder { worker: WorkerId(2), ..lease.holder() };
    assert_eq!(on.store.beat(Millis(20), other, "prove").await.expect("the store works"), BeatReply::Lost);
    let failure = Failure::Error("not mine".to_owned());
    assert_eq!(on.store.fail(Millis(20), other, failure).await.expect("the store works"), Aftermath::Ignored);
    assert!(!on.store.release(Millis(20), other).await.expect("the store works"));
    assert_eq!(on.state(key(1)).await, JobState::Leased(lease.clone()), "nothing has changed");
    let reply = on.store.beat(Millis(30), lease.holder(), "prove").await.expect("the store works");
    assert_eq!(reply, BeatReply::Extended);
    assert!(on.store.release(Millis(40), lease.holder()).await.expect("the store works"));
}

pub(super) async fn workers<S: JobStore>(on: &Driver<'_, S>) {
    let count = u64::try_from(WORKERS_KEPT).expect("a few thousand");
    for worker in 2..=count + 1 {
        on.store.keep_worker(WorkerId(worker), worker.to_be_bytes().to_vec()).await.expect("the store works");
    }
    on.store.keep_worker(WorkerId(3), vec![3]).await.expect("the store works");
    let kept = async |worker| on.store.kept_worker(WorkerId(worker)).await.expect("the store works");
    assert_eq!(kept(2).await, Some(2_u64.to_be_bytes().to_vec()), "one was kept again, not one more");
    on.store.keep_worker(WorkerId(1), vec![1]).await.expect("the store works");
    assert_eq!((kept(1).await, kept(2).await.is_some()), (None, true), "the smallest one is the oldest");
    on.store.keep_worker(WorkerId(u64::MAX), vec![9]).await.expect("the store works");
    assert_eq!((kept(2).await, kept(3).await, kept(u64::MAX).await), (None, Some(vec![3]), Some(vec![9])));
    on.store.forget_worker(WorkerId(3)).await.expect("the store works");
    on.store.forget_worker(WorkerId(3)).await.expect("the store works");
    assert_eq!(kept(3).await, None);
}

pub(super) async fn settle<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 2, &[]), job(2, 1, 1, &[1]), job(3, 1, 0, &[2])]).await;
    let (_, first) = on.must_claim(0, 1).await;
    on.store.expire(first.until).await.expect("the store works");
    let (_, second) = on.must_claim(first.until.0, 2).await;
    let late = DoneJob { worker: first.worker, ..done(1, 20_000) };
    assert_eq!(on.settle(key(1), late.clone()).await, Settled::First, "a late proof is as good as any");
    assert_eq!(
        on.store.beat(Millis(20_001), second.holder(), "prove").await.expect("the store works"),
        BeatReply::Cancelled
    );
    assert_eq!(on.settle(key(1), done(9, 20_002)).await, Settled::Duplicate);
    assert_eq!(on.state(key(1)).await, JobState::Done(late.clone()), "done is final");
    assert!(on.store.expire(Millis(90_000)).await.expect("the store works").is_empty());
    on.store.cancel(1).await.expect("the store works");
    assert_eq!(on.state(key(1)).await, JobState::Done(late));
    assert_eq!(on.settle(key(9), done(9, 1)).await, Settled::Unknown);
    on.insert(vec![job(4, 2, 1, &[]), job(5, 2, 0, &[4])]).await;
    assert_eq!(on.settle(key(5), done(5, 1)).await, Settled::First, "a proof that is there already needs no children");
    assert_eq!(on.settle(key(4), done(4, 2)).await, Settled::First);
    assert_eq!(on.state(key(5)).await, JobState::Done(done(5, 1)));
}

pub(super) async fn cancel<S: JobStore>(on: &Driver<'_, S>) {
    on.insert(vec![job(1, 1, 2, &[]), job(2, 1, 2, &[]), job(3, 1, 0, &[1, 2]), job(4, 2, 0, &[])]).await;
    let (_, lease) = on.must_claim(0, 1).await;
    on.store.cancel(1).await.expect("the store works");
    for n in 1..=3 {
        assert_eq!(on.state(key(n)).await, JobState::Cancelled);
    }
    assert_eq!(on.store.beat(Millis(1), lease.holder(), "prove").await.expect("the store works"), BeatReply::Cancelled);
    assert_eq!(on.settle(key(1), done(1, 1)).await, Settled::Unknown);
    assert!(on.store.expire(Millis(90_000)).await.expect("the store works").is_empty());
    assert_eq!(on.must_claim(1, 1).await.0, key(4), "another batch goes on");
    assert_eq!(on.claim(1, 1).await, None);
    assert!(!on.store.retry(Millis(1), &key(1)).await.expect("the store works"));
}
