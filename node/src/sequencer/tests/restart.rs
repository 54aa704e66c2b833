use std::sync::Arc;

use serde_json::{Value, json};
use weft_api::{BatchSelector, Finality, PageRequest};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Object};
use weft_storage::{Applied, Change, RollupStore, StateCommit};

use super::world::*;
use super::*;
use crate::compute::Compute;
use crate::config::BatchLimits;

const ONE_AT_A_TIME: BatchLimits = BatchLimits { unverified_max: 1, ..LIMITS };

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
    world.sequencer.l1 = head;
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
fn every_beginning_of_the_log_leads_to_the_same_end() {
    let (mut world, ids) = play(|world, _| world);
    let expected = seen(&mut world, &ids);
    let (entries, _dir) = entries(world);
    assert!(entries.len() > 15, "the log tells of all of it");
    for kept in 0..entries.len() {
        let dir = with_log(&entries[..kept]);
        // Whatever was applied of the beginning stays applied.
        drop(open(dir.path(), ONE_AT_A_TIME, &Recorder::default()).unwrap());
        let identity = settings(LIMITS).deployment.domain.0.to_bytes();
        let (store, _) = RollupStore::open(dir.path(), &identity).unwrap();
        store.append(&entries[kept..]).unwrap();
        drop(store);
        let mut world = World::on(dir, ONE_AT_A_TIME);
        assert_eq!(seen(&mut world, &ids), expected, "begun with {kept} entries");
    }
}

#[test]
fn a_crash_after_any_order_ends_with_all_orders_given() {
    let (mut world, ids) = play(|world, _| world);
    let expected = seen(&mut world, &ids);
    let (_, claims) = world.ordered();
    let (entries, _dir) = entries(world);
    let mut crashes = 0;
    for left in 0.. {
        let dir = with_log(&entries);
        let recorder = Recorder::default();
        recorder.0.lock().unwrap().fail_after = Some(left);
        if open(dir.path(), ONE_AT_A_TIME, &recorder).is_ok() {
            break;
        }
        crashes += 1;
        recorder.0.lock().unwrap().fail_after = None;
        drop(open(dir.path(), ONE_AT_A_TIME, &recorder).unwrap());
        for claim in &claims {
            assert!(recorder.0.lock().unwrap().claims.contains(claim), "batch {}", claim.environment.batch_number);
        }
        let mut world = World::on(dir, ONE_AT_A_TIME);
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
    let commit = StateCommit::<_, TransactionRecord> {
        applied: Applied { batch: batch + 1, root, log_next },
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
