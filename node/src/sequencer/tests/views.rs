//! What the API is shown, before and after a restart.

use weft_api::{AccountFilter, PageRequest, QueueEntryView, QueueState, StateAt, TransactionView};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, MerklePath};

use super::world::*;
use crate::config::BatchLimits;
use crate::sequencer::{FetchError, Sequencer, Shelf};

const LIMITS: BatchLimits = BatchLimits { unverified_max: 8, ..super::world::LIMITS };

/// Two verified batches, one sealed one, one in work; the queue has an entry that waits for none of them.
fn world() -> World {
    let mut world = World::new(LIMITS);
    world.submit_transfer(1, 2, 0);
    world.seal();
    world.advance_l1(5);
    world.open(3, 3);
    world.submit_transfer(1, 2, 1);
    world.seal();
    for number in [1, 2] {
        world.prove(number);
        world.verify(number);
    }
    world.advance_l1(10);
    world.submit_transfer(2, 1, 0);
    world.open(4, 4);
    world.seal();
    world.advance_l1(15);
    world.submit_transfer(1, 2, 2);
    world
}

fn all<T>(limit: usize, mut page: impl FnMut(PageRequest) -> Vec<(u64, T)>) -> Vec<T> {
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let part = page(PageRequest { after, limit });
        let Some((last, _)) = part.last() else { return items };
        assert!(part.len() <= limit);
        after = Some(*last);
        items.extend(part.into_iter().map(|(_, item)| item));
    }
}

fn queue(sequencer: &mut Sequencer, limit: usize) -> Vec<QueueEntryView> {
    all(limit, |page| {
        let entries = sequencer.now(|sequencer, shelf| sequencer.queue_entries(page, shelf));
        entries.into_iter().map(|entry| (entry.position, entry)).collect()
    })
}

fn history(sequencer: &mut Sequencer, account: u32, limit: usize) -> Vec<(u32, u32)> {
    let sent = |view: TransactionView| (view.transaction.sender, view.transaction.nonce);
    let views = all(limit, |page| {
        sequencer.now(|sequencer, shelf| sequencer.account_transactions(AccountIndex(account), page, shelf))
    });
    views.into_iter().map(sent).collect()
}

#[test]
fn the_queue_is_shown_whole_in_any_pages() {
    let mut world = world();
    for _ in 0..2 {
        for limit in 1..=6 {
            let entries = queue(&mut world.sequencer, limit);
            assert_eq!(entries.iter().map(|entry| entry.position).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
            let batches: Vec<_> = entries.iter().map(|entry| entry.batch).collect();
            assert_eq!(batches, [1, 1, 1, 2, 3].map(Some));
            assert_eq!((entries[3].state, entries[4].state), (QueueState::Verified, QueueState::Executed));
            assert!(entries.iter().all(|entry| entry.read_at.is_some() && entry.age_seconds.is_none()));
        }
        world = world.restarted();
    }
}

#[test]
fn entries_that_wait_have_an_age() {
    let mut world = World::new(BatchLimits { unverified_max: 1, ..LIMITS });
    world.seal();
    world.open(5, 5);
    let entries = queue(&mut world.sequencer, 2);
    let waiting = entries.last().unwrap();
    assert_eq!((waiting.position, waiting.state, waiting.batch), (3, QueueState::Waiting, None));
    assert!(waiting.age_seconds.is_some());
}

#[test]
fn histories_are_the_same_in_any_pages() {
    let mut world = world();
    for _ in 0..2 {
        for limit in 1..=5 {
            assert_eq!(history(&mut world.sequencer, 1, limit), [(1, 2), (2, 0), (1, 1), (1, 0)]);
        }
        assert_eq!(history(&mut world.sequencer, 3, 9), []);
        world = world.restarted();
    }
}

#[test]
fn places_are_those_of_the_log_and_stay() {
    let mut world = world();
    let transfers = [(1, 2, 0), (1, 2, 1), (2, 1, 0), (1, 2, 2)];
    let ids = transfers.map(|(from, to, nonce)| world.transfer(from, to, nonce).transaction.id(&world.domain()));
    let place = |world: &mut World, id| world.sequencer.now(|sequencer, shelf| sequencer.place(&id, shelf));
    let places = ids.map(|id| place(&mut world, id).unwrap());
    assert!(places.is_sorted_by(|(a, _), (b, _)| a < b));
    world = world.restarted();
    assert_eq!(ids.map(|id| place(&mut world, id).unwrap()), places);
    assert_eq!(place(&mut world, Digest::ZERO), None);
}

#[test]
fn states_after_batches_can_be_proved() {
    let world = world();
    let mut roots = Vec::new();
    for batch in 0..=3 {
        for index in [0, 1, 3, 77] {
            let StateAt::Found(proof) = world.sequencer.account_proof(AccountIndex(index), Some(batch)) else {
                panic!("the state after batch {batch} is kept")
            };
            let siblings = proof.siblings.iter().map(|word| Digest::from_bytes(&word.0).unwrap());
            let path = MerklePath { siblings: siblings.collect::<Vec<_>>().try_into().unwrap() };
            assert_eq!(path.root(AccountIndex(index), proof.leaf), proof.root);
            let opened = match index {
                0 | 1 => batch >= 1,
                3 => batch >= 2,
                _ => false,
            };
            assert_eq!(proof.object.is_some(), opened, "account {index} after batch {batch}");
            roots.push((batch, proof.root));
        }
    }
    roots.dedup();
    assert_eq!(roots.len(), 4, "each batch has one root");
    let newest = world.sequencer.account_proof(AccountIndex(1), None);
    assert!(matches!(newest, StateAt::Found(proof) if proof.batch == 3));
    assert_eq!(world.sequencer.account_proof(AccountIndex(1), Some(4)), StateAt::NotSealed);

    let restarted = world.restarted();
    let newest = restarted.sequencer.account_proof(AccountIndex(1), None);
    assert!(matches!(newest, StateAt::Found(proof) if proof.batch == 3));
    let old = restarted.sequencer.account_proof(AccountIndex(1), Some(0));
    assert!(matches!(old, StateAt::Gone { oldest } if oldest >= 1), "{old:?}");
}

#[test]
fn accounts_are_filtered_by_owner_and_key() {
    let world = world();
    let indices = |filter| {
        let accounts = world.sequencer.accounts(filter, PageRequest { after: None, limit: 9 });
        accounts.into_iter().map(|account| account.index).collect::<Vec<_>>()
    };
    let key_of = |index| Some(key(index).public_key().digest());
    assert_eq!(indices(AccountFilter::default()), [0, 1, 2, 3, 4]);
    assert_eq!(indices(AccountFilter { owner: Some(owner(1)), key: None }), [1]);
    assert_eq!(indices(AccountFilter { owner: Some(owner(1)), key: key_of(1) }), [1]);
    assert_eq!(indices(AccountFilter { owner: Some(owner(1)), key: key_of(2) }), [0; 0]);
}

#[test]
fn readiness_names_what_is_not_in_order() {
    let mut world = World::new(LIMITS);
    world.sequencer.l1_answered_at = None;
    let failed = |world: &World| {
        let checks = world.sequencer.checks().into_iter().filter(|check| !check.ok);
        checks.map(|check| check.name).collect::<Vec<_>>()
    };
    assert_eq!(failed(&world), ["l1"]);
    let head = world.sequencer.l1;
    world.sequencer.observe_l1(head);
    assert_eq!(failed(&world), [""; 0]);
    world.seal();
    world.sequencer.stuck(1, Some("a job is in quarantine".to_owned()));
    assert_eq!(failed(&world), ["proving"]);
    world.sequencer.stuck(1, None);
    assert_eq!(failed(&world), [""; 0]);
}

#[test]
fn what_is_old_is_read_by_who_asks_for_it() {
    let mut world = world().restarted();
    let archive = world.sequencer.archive().clone();
    let page = PageRequest { after: None, limit: 9 };
    let mut shelf = Shelf::default();
    let without = world.sequencer.batches(page, &mut shelf);
    assert!(!shelf.is_complete());
    assert_eq!(without.iter().map(|batch| batch.number).min(), Some(3), "only what is not verified is in memory");
    shelf.fetch(&archive).unwrap();
    let whole = world.sequencer.batches(page, &mut shelf);
    assert!(shelf.is_complete());
    assert_eq!(whole.iter().map(|batch| batch.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
}

#[test]
fn a_request_reads_no_more_than_its_bound() {
    let world = world();
    let mut shelf = Shelf::default();
    let error = (1..).find_map(|number| {
        world.sequencer.batch_of(1_000 + number, &mut shelf);
        shelf.fetch(world.sequencer.archive()).err()
    });
    assert!(matches!(error, Some(FetchError::TooMuch(_))));
    let mut shelf = Shelf::default();
    for number in 1_000..3_000 {
        world.sequencer.batch_of(number, &mut shelf);
    }
    assert!(matches!(shelf.fetch(world.sequencer.archive()), Err(FetchError::TooMuch(_))));
}
