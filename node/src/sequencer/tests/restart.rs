use std::sync::Arc;

use serde_json::{Value, json};
use weft_api::{BatchSelector, Finality, PageRequest, Submission};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Object};
use weft_storage::{Applied, Change, RollupStore, Standing, StateCommit};

use super::world::*;
use super::*;
use crate::compute::Compute;
use crate::config::BatchLimits;
use crate::l1::Lapse;
use crate::proving::CheckedProof;

const ONE_AT_A_TIME: BatchLimits = BatchLimits { unverified_max: 1, ..LIMITS };
const THREE_AT_A_TIME: BatchLimits = BatchLimits { unverified_max: 3, ..LIMITS };
const DAY: u64 = 25 * 3600;

/// What a sequencer has gone through, with the ids of its transactions.
type Play = fn() -> (World, Vec<Digest>);

const PLAYS: [(BatchLimits, Play); 2] =
    [(ONE_AT_A_TIME, || play(|world, _| world)), (THREE_AT_A_TIME, || play_roll_back(|world, _| world))];

/// All that can be seen of a sequencer.
fn seen(world: &mut World, ids: &[Digest]) -> Value {
    let page = PageRequest { after: None, limit: 100 };
    let sequencer = &mut world.sequencer;
    let transactions: Vec<_> =
        ids.iter().map(|id| sequencer.now(|sequencer, shelf| sequencer.transaction(id, shelf))).collect();
    let mut history =
        |index| sequencer.now(|sequencer, shelf| sequencer.account_transactions(AccountIndex(index), page, shelf));
    let histories: Vec<_> = (0..3).map(&mut history).collect();
    let accounts: Vec<_> = (0..4).map(|index| sequencer.account(AccountIndex(index))).collect();
    let cursor = sequencer.queue_cursor();
    json!({
        "root": sequencer.root().to_string(),
        "log_next": sequencer.machine.log_next,
        "batches": sequencer.now(|sequencer, shelf| sequencer.batches(page, shelf)),
        "verified": sequencer.now(|sequencer, shelf| sequencer.batch(BatchSelector::Verified, shelf)),
        "transactions": transactions,
        "histories": histories,
        "accounts": accounts,
        "queue": [cursor.next.to_string(), hex::encode(cursor.chain)],
        "pool": sequencer.machine.pool.len(),
        "unverified": sequencer.unverified(),
    })
}

/// Restarts and compares. L1's head is not kept: the watcher tells it again.
fn restart(mut world: World, ids: &[Digest]) -> World {
    let (before, head) = (seen(&mut world, ids), world.sequencer.l1);
    let mut world = world.restarted();
    assert_eq!(seen(&mut world, ids), before);
    world.sequencer.observe_l1(head);
    world
}

fn id_of(world: &World, (from, to, nonce): (u32, u32, u32)) -> Digest {
    world.transfer(from, to, nonce).transaction.id(&world.domain())
}

/// A rollup with a verified, a sealed and an open batch or a pool, restarted after every step if `restart` says so.
fn play(mut step: impl FnMut(World, &[Digest]) -> World) -> (World, Vec<Digest>) {
    let mut world = World::new(ONE_AT_A_TIME);
    let ids: Vec<_> =
        [(1, 2, 0), (2, 1, 0), (1, 2, 1), (1, 2, 2), (2, 1, 1)].map(|transfer| id_of(&world, transfer)).to_vec();
    world = step(world, &ids);
    world.submit_transfer(1, 2, 0);
    world.submit_transfer(2, 1, 0);
    world = step(world, &ids);
    world.seal();
    world = step(world, &ids);
    // These wait: one batch may be open.
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(1, 2, 1), Finality::Accepted);
    world.open(3, 3);
    world = step(world, &ids);
    world.prove(1);
    world = step(world, &ids);
    world.verify(1);
    world = step(world, &ids);
    assert_eq!(world.submit_transfer(1, 2, 2), Finality::Executed);
    world.seal();
    world = step(world, &ids);
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(2, 1, 1), Finality::Accepted);
    world = step(world, &ids);
    world.prove(2);
    world.verify(2);
    world = step(world, &ids);
    (world, ids)
}

/// A rollup whose second batch is taken back with the open one after it, proven or not, restarted after every step if `step`
/// says so. The last transaction waits when that happens.
fn play_roll_back(mut step: impl FnMut(World, &[Digest]) -> World) -> (World, Vec<Digest>) {
    let mut world = World::new(THREE_AT_A_TIME);
    let transfers = [(1, 2, 0), (2, 1, 0), (1, 2, 1), (1, 2, 2), (1, 2, 3), (2, 1, 1), (0, 1, 0)];
    let mut ids: Vec<_> = transfers.map(|transfer| id_of(&world, transfer)).to_vec();
    let mut short = world.transfer(1, 2, 2).transaction;
    world.submit_transfer(1, 2, 0);
    world.seal();
    world = step(world, &ids);
    world.advance_l1(5);
    world.submit_transfer(2, 1, 0);
    world.open(3, 3);
    assert_eq!(world.submit_transfer(1, 2, 1), Finality::Executed);
    world.seal();
    world.prove(1);
    world.verify(1);
    world = step(world, &ids);
    world.advance_l1(5);
    // It holds in the batch that is taken back, and not in the next one.
    short.expiry = world.sequencer.next_environment().unwrap().timestamp;
    ids[3] = short.id(&world.domain());
    let signed = short.sign(&world.domain(), &key(1));
    assert!(matches!(world.submit(signed), Ok(Submission::Accepted(view)) if view.status == Finality::Executed));
    assert_eq!(world.submit_transfer(1, 2, 3), Finality::Executed);
    world.open(4, 4);
    world.prove(2);
    world = step(world, &ids);
    world.seal();
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(2, 1, 1), Finality::Executed, "a third batch may be open");
    world.seal();
    world.advance_l1(DAY);
    assert_eq!(world.submit_transfer(0, 1, 0), Finality::Accepted);
    world = step(world, &ids);
    world.abandon(2);
    world = step(world, &ids);
    world.seal();
    world = step(world, &ids);
    world.prove(2);
    world.verify(2);
    world = step(world, &ids);
    (world, ids)
}

/// The entries of a log.
fn entries(world: World) -> (Vec<LogEntry>, Arc<tempfile::TempDir>) {
    let domain = world.domain();
    let dir = world.stopped();
    let (store, _) = RollupStore::open(dir.path(), &domain.0.to_bytes()).unwrap();
    let entries = store.replay(0).map(|entry| entry.unwrap().1).collect();
    (entries, dir)
}

fn with_log(entries: &[LogEntry]) -> Arc<tempfile::TempDir> {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let identity = settings(LIMITS).deployment.domain.0.to_bytes();
    let (store, _) = RollupStore::open(dir.path(), &identity).unwrap();
    store.append(entries).unwrap();
    dir
}

#[test]
fn a_restart_after_every_step_changes_nothing_that_can_be_seen() {
    let (mut world, ids) = play(restart);
    let view = world.sequencer.now(|sequencer, shelf| sequencer.transaction(&ids[2], shelf)).expect("it was accepted");
    assert_eq!((view.status, view.batch), (Finality::Verified, Some(2)));
    assert_eq!(world.sequencer.status().unwrap().last_verified, 2);
}

#[test]
fn what_is_taken_back_goes_into_new_batches_in_its_old_order() {
    let (mut world, ids) = play_roll_back(restart);
    let steps =
        |world: &mut World, id| -> Vec<Finality> { world.view(id).steps.iter().map(|step| step.step).collect() };
    let statuses: Vec<_> = ids.iter().map(|id| world.view(id).status).collect();
    let verified = Finality::Verified;
    assert_eq!(statuses, [verified, verified, verified, Finality::Expired, Finality::Rejected, verified, verified]);
    use Finality::{Accepted, Executed, Expired, Posted, Proven, Proving, Sealed, Verified};
    assert_eq!(steps(&mut world, &ids[0]), [Accepted, Executed, Sealed, Proving, Proven, Posted, Verified], "it stays");
    let lost = [Accepted, Executed, Sealed, Proving, Proven, Accepted];
    let again = [Executed, Sealed, Proving, Proven, Posted, Verified];
    assert_eq!(steps(&mut world, &ids[1]), [&lost[..], &again[..]].concat());
    assert_eq!(steps(&mut world, &ids[3]), [Accepted, Executed, Sealed, Accepted, Expired]);
    let rejected = world.view(&ids[4]);
    assert_eq!(rejected.rejected.expect("it says why").code, "wrong_nonce");
    let returned = rejected.returned.expect("it says why");
    assert_eq!((returned.batch, returned.reason.as_str()), (3, "its data were not on L1 within 24 hours"));
    let places: Vec<_> = [1, 2, 5, 6].map(|index| world.view(&ids[index])).to_vec();
    let places: Vec<_> = places.iter().map(|view| (view.batch, view.slot)).collect();
    // The two deposits come first.
    assert_eq!(places, [2, 3, 4, 5].map(|slot| (Some(2), Some(slot))));
    let batch = world.sequencer.now(|sequencer, shelf| sequencer.batch(BatchSelector::Number(2), shelf)).unwrap();
    assert_eq!((batch.queue.first, batch.queue.end), (3, 5));
    assert_eq!(world.sequencer.status().unwrap().last_sealed, 2, "its number was given again");
    assert!(world.sequencer.account(AccountIndex(4)).is_some(), "deposits are taken again");
}

#[test]
fn a_roll_back_leaves_nothing_of_the_batches() {
    let mut abandoned = Vec::new();
    let (world, _) = play_roll_back(|mut world, _| {
        if world.sequencer.is_held_back() {
            abandoned = [4, 3, 2].map(|number| world.environment(number)).to_vec();
            let proofs = abandoned.iter().map(|batch| world.sequencer.proof(batch).is_some());
            assert!(proofs.eq([false, false, true]));
        }
        world
    });
    let notes = world.recorder.0.lock().unwrap();
    assert_eq!(notes.abandoned, abandoned, "the newest first");
    let of = |number| notes.claims.iter().filter(move |claim| claim.environment.batch_number == number);
    assert_eq!(of(2).count(), 2);
    assert_eq!(
        notes.posts.iter().filter(|post| post.environment.batch_number == 2).count(),
        2,
        "the first was not taken"
    );
    let [old, new] = of(2).map(|claim| claim.environment).collect::<Vec<_>>()[..] else { panic!("two batches") };
    assert_eq!(old, abandoned[2]);
    assert!(new.timestamp.get() > abandoned[0].timestamp.get() + DAY - 10);
    let archive = &world.sequencer.archive;
    assert_eq!((archive.proof(&old).unwrap(), archive.proof(&new).unwrap().is_some()), (None, true));
    assert_eq!(archive.batch(3).unwrap(), None);
}

/// News that were on their way when the batch was taken back.
#[test]
fn late_news_of_a_batch_that_was_taken_back_say_nothing_of_the_next() {
    let mut world = World::new(THREE_AT_A_TIME);
    world.seal();
    let old = world.environment(1);
    world.advance_l1(DAY);
    world.abandon(1);
    world.seal();
    let before = seen(&mut world, &[]);
    let proof = CheckedProof { environment: old, proof: vec![1], l1_proof: vec![2], costs: Vec::new() };
    world.sequencer.proven(&proof);
    world.sequencer.posted(&old, l1_transaction(1));
    world.sequencer.verified(&old, l1_transaction(2));
    world.sequencer.delayed(&old, "no".to_owned());
    world.sequencer.abandon(&old, Lapse::Unproven);
    world.advance();
    assert_eq!(seen(&mut world, &[]), before);
    assert!(world.sequencer.checks().iter().all(|check| check.name != "proving" || check.ok));
    assert_eq!(world.recorder.0.lock().unwrap().posts.len(), 0);
}

#[test]
fn nothing_is_taken_back_before_the_store_has_it() {
    let mut world = World::new(THREE_AT_A_TIME);
    world.sequencer.seal();
    let batch = world.environment(1);
    world.sequencer.abandon(&batch, Lapse::Uncommitted);
    assert_eq!(world.sequencer.unverified(), [1], "the batch is not applied yet");
    world.advance();
    world.sequencer.abandon(&batch, Lapse::Uncommitted);
    assert!(world.sequencer.unverified().is_empty());
}

#[test]
fn batches_are_overdue_when_l1_is_past_their_time() {
    let mut world = World::new(THREE_AT_A_TIME);
    let first = world.environment(1).timestamp.get();
    world.seal();
    world.advance_l1(3600);
    world.submit_transfer(1, 2, 0);
    let overdue = |world: &World, hours: u64, minutes: u64| -> Vec<(u32, bool)> {
        let overdue = world.sequencer.overdue(first + hours * 3600 + minutes * 60);
        overdue.iter().map(|batch| (batch.environment.batch_number, batch.commitment.is_some())).collect()
    };
    assert_eq!(overdue(&world, 24, 14), [], "what is on its way may still arrive");
    assert_eq!(overdue(&world, 24, 16), [(1, true)]);
    assert_eq!(overdue(&world, 26, 0), [(1, true), (2, false)], "the open batch has no data yet");
    world.prove(1);
    world.verify(1);
    assert_eq!(overdue(&world, 24, 16), []);
}

#[test]
fn every_beginning_of_the_log_leads_to_the_same_end() {
    for (limits, play) in PLAYS {
        begin_anywhere(limits, play);
    }
}

fn begin_anywhere(limits: BatchLimits, play: Play) {
    let (mut world, ids) = play();
    let expected = seen(&mut world, &ids);
    let (entries, _dir) = entries(world);
    assert!(entries.len() > 15, "the log tells of all of it");
    for kept in 0..entries.len() {
        let dir = with_log(&entries[..kept]);
        // Whatever was applied of the beginning stays applied.
        drop(open(dir.path(), limits, &Recorder::default()).unwrap());
        let identity = settings(LIMITS).deployment.domain.0.to_bytes();
        let (store, _) = RollupStore::open(dir.path(), &identity).unwrap();
        store.append(&entries[kept..]).unwrap();
        drop(store);
        let mut world = World::on(dir, limits);
        assert_eq!(seen(&mut world, &ids), expected, "begun with {kept} entries");
    }
}

#[test]
fn a_crash_after_any_order_ends_with_all_orders_given() {
    for (limits, play) in PLAYS {
        crash_anywhere(limits, play);
    }
}

fn crash_anywhere(limits: BatchLimits, play: Play) {
    let (mut world, ids) = play();
    let expected = seen(&mut world, &ids);
    let (_, mut claims) = world.ordered();
    let abandoned = world.recorder.0.lock().unwrap().abandoned.clone();
    claims.retain(|claim| !abandoned.contains(&claim.environment));
    let (entries, _dir) = entries(world);
    let mut crashes = 0;
    for left in 0.. {
        let dir = with_log(&entries);
        let recorder = Recorder::default();
        recorder.0.lock().unwrap().fail_after = Some(left);
        if open(dir.path(), limits, &recorder).is_ok() {
            break;
        }
        crashes += 1;
        recorder.0.lock().unwrap().fail_after = None;
        drop(open(dir.path(), limits, &recorder).unwrap());
        let notes = std::mem::take(&mut *recorder.0.lock().unwrap());
        for claim in &claims {
            assert!(notes.claims.contains(claim), "batch {}", claim.environment.batch_number);
        }
        // Provers may know another batch of the number.
        assert!(notes.claims.iter().all(|claim| !abandoned.contains(&claim.environment)));
        assert!(abandoned.iter().all(|batch| notes.abandoned.contains(batch)));
        for number in [1, 2] {
            assert!(notes.released.contains(&number), "batch {number} is verified: its blobs are not kept");
        }
        let mut world = World::on(dir, limits);
        assert_eq!(seen(&mut world, &ids), expected, "crashed after {left} orders");
    }
    assert!(crashes >= 6, "two batches have segments and an end, and are released");
}

#[test]
fn what_was_acknowledged_and_not_done_is_ordered_again() {
    let mut world = World::new(LIMITS);
    world.sequencer.seal();
    world.wait_for_journal();
    assert_eq!(world.ordered().1.len(), 0, "the batch is in the log, and nothing was done about it");
    let world = world.restarted();
    let (segments, claims) = world.ordered();
    assert_eq!((segments.len(), claims.len()), (1, 1));
    assert_eq!(world.sequencer.unverified(), [1]);
}

#[test]
fn a_state_with_another_root_is_computed_again_from_the_log() {
    let (mut world, ids) = play(|world, _| world);
    let expected = seen(&mut world, &ids);
    let domain = world.domain();
    let dir = world.stopped();
    let (store, opened) = RollupStore::open(dir.path(), &domain.0.to_bytes()).unwrap();
    let Applied { batch, root, log_next } = opened.applied.unwrap();
    let record: Batch = store.batch(batch).unwrap().unwrap();
    let change = Change { index: AccountIndex(1), before: None, after: Some(Object::account(owner(7), root)) };
    let checkpoint: Checkpoint = store.checkpoint().unwrap().unwrap();
    let commit = StateCommit::<_, TransactionRecord, _> {
        standing: Standing { applied: Applied { batch: batch + 1, root, log_next }, checkpoint },
        changes: vec![change],
        record,
        transactions: Vec::new(),
    };
    store.apply(&commit).unwrap();
    drop(store);
    let mut world = World::on(dir, ONE_AT_A_TIME);
    assert_eq!(seen(&mut world, &ids), expected);
}

#[test]
fn a_log_that_does_not_fit_is_refused() {
    let (entries, _dir) = entries(World::new(LIMITS));
    let refused = |entries: &[LogEntry]| {
        open(with_log(entries).path(), LIMITS, &Recorder::default()).expect_err("it is refused").to_string()
    };
    let began = entries.iter().position(|entry| matches!(entry, LogEntry::BatchBegan { .. })).unwrap();
    let twice = [&entries[..=began], &entries[began..]].concat();
    assert!(refused(&twice).contains("within another"));
    let without_deposit = entries.iter().filter(|entry| !matches!(entry, LogEntry::QueueEntry(_))).cloned();
    let queue: Vec<_> = entries.iter().filter(|entry| matches!(entry, LogEntry::QueueEntry(_))).cloned().collect();
    let missing: Vec<_> = without_deposit.chain(queue.into_iter().skip(1)).collect();
    assert!(refused(&missing).contains("missing"));
}

#[test]
fn batches_that_l1_has_verified_are_not_proved_again() {
    let (world, _) = play(|world, _| world);
    let (entries, _dir) = entries(world);
    let dir = with_log(&entries);
    let recorder = Recorder::default();
    let settings = Settings { proven_on_l1: 1, ..settings(ONE_AT_A_TIME) };
    let (store, opened) = RollupStore::open(dir.path(), &settings.deployment.domain.0.to_bytes()).unwrap();
    let mut opening = Opening::begin(settings, &Compute::new().unwrap(), store, opened).unwrap();
    let mut dispatcher = crate::dispatch::Dispatcher::new(Arc::clone(opening.store()), recorder.clone());
    opening.replay(&mut dispatcher).unwrap();
    let claims = recorder.0.lock().unwrap().claims.clone();
    let numbers: Vec<_> = claims.iter().map(|claim| claim.environment.batch_number).collect();
    assert_eq!(numbers, [2]);
}
