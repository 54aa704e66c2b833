use weft_api::{BatchSelector, Finality};
use weft_protocol::{ACCESS_CHAIN_START, AccountIndex, Amount, Reject, RunningState};
use weft_prover::{SegmentClaim, SegmentSize};

use super::world::*;
use super::*;
use crate::config::BatchLimits;

/// Keys are public: somebody may open an account with the collector's key first, but it is his own.
#[test]
fn the_fee_account_is_known_by_owner_and_key() {
    let mut world = World::empty(LIMITS);
    world.open(9, 0);
    assert_eq!(world.sequencer.fee_account(), None);
    world.open(0, 0);
    assert_eq!(world.sequencer.fee_account(), Some(AccountIndex(1)));
}

#[test]
fn segments_are_handed_out_as_they_fill_and_prove_what_the_claim_says() {
    let mut world = World::new(LIMITS);
    assert_eq!(world.ordered().0.len(), 1, "three deposits fill a small segment");
    for nonce in 0..4 {
        assert_eq!(world.submit_transfer(1, 2, nonce), Finality::Executed);
    }
    assert_eq!(world.ordered().0.len(), 2, "the fourth transfer waits for a segment");
    let open_root = world.sequencer.root();
    world.seal();

    let (segments, claims) = world.ordered();
    let [claim] = &claims[..] else { panic!("one batch was sealed") };
    let mut state = RunningState::genesis();
    for (order, position) in segments.iter().zip(0..) {
        let (witness, claim) = (&order.witness, &order.claim);
        assert_eq!(order.position, position);
        assert!(witness.slots.len() <= world.sequencer.settings.sizes.slots(claim.size()));
        assert_eq!(witness.before, state);
        state = witness.evaluate().expect("a segment proves a transition");
        assert_eq!(claim.joined().after, state.digest());
    }
    assert_eq!(claim.statement.root_before, RunningState::genesis().root);
    assert_eq!(claim.statement.root_after, state.root);
    assert_eq!(claim.statement.chain, state.chain);
    assert!(state.fee_sums.is_empty(), "the fees were collected");
    assert_ne!(open_root, state.root, "the collection of fees is part of the batch");
    let collector = world.sequencer.account(AccountIndex(0)).expect("it is open");
    assert_eq!(collector.balances[0].amount, amount(1004));
    let batch =
        world.sequencer.now(|sequencer, shelf| sequencer.batch(BatchSelector::Latest, shelf)).expect("there is one");
    assert_eq!((batch.status, batch.slots, batch.root), (Finality::Sealed, 8, state.root));
}

#[test]
fn large_segments_share_tables_as_they_come() {
    let mut world = World::empty(LIMITS);
    world.sequencer.settings.streamed = SegmentSize::Large;
    (0..3).for_each(|index| world.open(index, index));
    for nonce in 0..26 {
        world.submit_transfer(1, 2, nonce);
    }
    assert_eq!(world.ordered().0.len(), 3, "29 slots fill three large segments");
    world.seal();
    let (segments, _) = world.ordered();
    assert_eq!(segments.iter().map(|order| order.witness.slots.len()).collect::<Vec<_>>(), [8, 8, 8, 3, 3]);
    let mut chain = ACCESS_CHAIN_START;
    for (order, is_large) in segments.iter().zip([true, true, true, false, false]) {
        match order.claim {
            SegmentClaim::Large(opened) => {
                assert!(is_large);
                assert_eq!(order.witness.opened_statement(chain), Ok(opened));
                chain = opened.chains[1];
            }
            SegmentClaim::Small(statement) => {
                assert!(!is_large);
                assert_eq!(order.witness.statement(), Ok(statement));
            }
        }
    }

    // Deposits that bounce open nothing, and a table needs an access.
    world.advance_l1(1);
    (0..8).for_each(|_| world.open_with(Amount::ZERO, 1, 1));
    let (segments, _) = world.ordered();
    let bounced: Vec<_> = segments[5..].iter().map(|order| (order.claim.size(), order.witness.slots.len())).collect();
    assert_eq!(bounced, [(SegmentSize::Small, 3), (SegmentSize::Small, 3), (SegmentSize::Small, 2)]);
}

#[test]
fn a_batch_ends_at_its_limits() {
    let mut world = World::new(BatchLimits { slots_max: 4, ..LIMITS });
    assert_eq!(world.ordered().1.len(), 0);
    world.submit_transfer(1, 2, 0);
    assert_eq!(world.ordered().1.len(), 1, "four slots");

    let mut world = World::new(BatchLimits { seal_after: Duration::ZERO, ..LIMITS });
    world.advance();
    assert_eq!(world.ordered().1.len(), 1, "the time is over at once");
}

#[test]
fn times_of_batches_strictly_rise_and_transactions_wait_for_that() {
    let mut world = World::new(LIMITS);
    world.advance_l1(100);
    world.seal();
    world.advance_l1(0);
    world.submit_transfer(1, 2, 0);
    world.seal();
    let time = |world: &World, number| world.sequencer.machine.batches[&number].environment().timestamp;
    assert!(time(&world, 1) < time(&world, 2));

    // No second has passed for L1 since batch 2, so there is no batch 3 yet; and then there are two in work.
    assert_eq!(world.submit_transfer(1, 2, 1), Finality::Accepted);
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(1, 2, 2), Finality::Accepted, "two batches are not verified");
    let third = world.submit(world.transfer(1, 2, 3));
    assert!(matches!(third, Err(SubmitError::AccountFull { pending: 2, .. })), "{third:?}");
    assert_eq!(world.submit_transfer(2, 1, 0), Finality::Accepted);
    let fourth = world.submit(world.transfer(2, 1, 1));
    assert!(matches!(fourth, Err(SubmitError::PoolFull { .. })), "{fourth:?}");
    assert_eq!(world.sequencer.account(AccountIndex(1)).expect("it is open").pending_nonce, 3);

    world.prove(1);
    world.verify(1);
    for (nonce, slot) in [(1, 0), (2, 1)] {
        let id = world.transfer(1, 2, nonce).transaction.id(&world.domain());
        let view = world.sequencer.now(|sequencer, shelf| sequencer.transaction(&id, shelf)).expect("it was accepted");
        assert_eq!((view.status, view.batch, view.slot), (Finality::Executed, Some(3), Some(slot)));
    }
}

#[test]
fn what_waits_and_is_refused_says_why() {
    let mut world = World::new(BatchLimits { unverified_max: 1, ..LIMITS });
    world.seal();
    let mut too_much = world.transfer(1, 2, 0).transaction;
    too_much.amount = amount(1_000_000);
    let id = too_much.id(&world.domain());
    let signed = too_much.sign(&world.domain(), &key(1));
    assert!(matches!(world.submit(signed), Ok(Submission::Accepted(view)) if view.status == Finality::Accepted));
    world.prove(1);
    world.verify(1);
    world.advance_l1(5);
    let view = world.sequencer.now(|sequencer, shelf| sequencer.transaction(&id, shelf)).expect("it was accepted");
    assert_eq!(view.status, Finality::Rejected);
    assert_eq!(view.rejected.expect("it says why").code, "insufficient_balance");
    assert!(world.sequencer.machine.building().is_none(), "a refused slot begins no batch");
}

#[test]
fn refused_transactions_change_nothing() {
    let mut world = World::new(LIMITS);
    world.submit_transfer(1, 2, 0);
    let (root, log) = (world.sequencer.root(), world.sequencer.machine.log_next);
    let refusals = [
        (world.transfer(1, 2, 2), "wrong_nonce"),
        (world.transfer(9, 2, 0), "unknown_account"),
        (world.transfer(1, 9, 1), "unknown_recipient"),
    ];
    for (signed, code) in refusals {
        match world.submit(signed) {
            Err(SubmitError::Rejected(reject)) => assert_eq!(reject.code(), code),
            other => panic!("{other:?}"),
        }
    }
    let foreign = world.transfer(1, 2, 1).transaction.sign(&world.domain(), &key(2));
    assert!(matches!(world.submit(foreign), Err(SubmitError::Rejected(Reject::WrongKey))));
    assert!(matches!(world.submit(world.transfer(1, 2, 0)), Ok(Submission::Known(_))), "the same again");
    assert_eq!((world.sequencer.root(), world.sequencer.machine.log_next), (root, log));

    world.advance_l1(5);
    world.seal();
    let log = world.sequencer.machine.log_next;
    world.advance_l1(5);
    assert!(world.submit(world.transfer(1, 9, 1)).is_err());
    assert_eq!(world.sequencer.machine.log_next, log, "nor does the first transaction of a batch");
}

#[test]
fn a_halted_node_takes_nothing() {
    let mut world = World::new(LIMITS);
    world.sequencer.halt("a test");
    assert!(matches!(world.submit(world.transfer(1, 2, 0)), Err(SubmitError::Backend(BackendError::NotReady { .. }))));
    assert!(world.sequencer.status().is_err());
    assert_eq!(world.failure.get(), Some("a test"));
}

#[test]
fn queue_ranges_of_batches_meet() {
    let mut world = World::new(BatchLimits { slots_max: 2, unverified_max: 9, ..LIMITS });
    world.advance_l1(10);
    world.advance_l1(10);
    let range = |world: &World, number| world.sequencer.machine.batches[&number].queue();
    assert_eq!(range(&world, 1), 0..2, "sealed by its second entry");
    assert_eq!(range(&world, 2).start, 2);
    world.seal();
    assert_eq!(range(&world, 2), 2..3);
}

#[test]
fn batches_are_posted_in_order_whichever_is_proved_first() {
    let mut world = World::new(LIMITS);
    world.seal();
    world.advance_l1(5);
    world.submit_transfer(1, 2, 0);
    world.seal();
    let posted = |world: &World| -> Vec<u32> {
        let notes = world.recorder.0.lock().unwrap();
        notes.posts.iter().map(|order| order.environment.batch_number).collect()
    };
    world.prove(2);
    assert!(posted(&world).is_empty(), "L1 takes batches in order");
    world.prove(1);
    world.prove(1);
    assert_eq!(posted(&world), [1]);
    world.verify(1);
    assert_eq!(posted(&world), [1, 2]);
    assert_eq!(world.recorder.0.lock().unwrap().released, [1]);
}

#[test]
fn memory_holds_what_is_open_and_the_store_the_rest() {
    let mut world = World::new(LIMITS);
    world.submit_transfer(1, 2, 0);
    let id = world.transfer(1, 2, 0).transaction.id(&world.domain());
    world.seal();
    assert!(world.sequencer.machine.transactions.get(&id).is_none(), "a sealed batch's transactions are stored");
    world.prove(1);
    world.verify(1);
    assert!(world.sequencer.machine.batches.is_empty(), "a verified batch is stored");
    let view = world.sequencer.now(|sequencer, shelf| sequencer.transaction(&id, shelf)).expect("the store has it");
    assert_eq!((view.status, view.batch), (Finality::Verified, Some(1)));
    assert_eq!(view.l1.prove, Some(l1_transaction(2)));
    let batch = world
        .sequencer
        .now(|sequencer, shelf| sequencer.batch(BatchSelector::Verified, shelf))
        .expect("the store has it");
    let steps: Vec<_> = batch.steps.iter().map(|step| step.step).collect();
    let road = [
        Finality::Executed,
        Finality::Sealed,
        Finality::Proving,
        Finality::Proven,
        Finality::Posted,
        Finality::Verified,
    ];
    assert_eq!(steps, road);
    let batch = world.environment(1);
    assert!(world.sequencer.proof(&batch).is_some());
    let status = world.sequencer.status().expect("it works");
    assert_eq!((status.last_sealed, status.last_proven, status.last_verified), (1, 1, 1));
    assert_eq!(status.queue.head, 3);
}
