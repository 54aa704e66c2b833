use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use weft_circuits::recursion::SealCapacity;
use weft_executor::check_signatures;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    Address, Amount, AssetId, Domain, Fee, FeeAsset, Lane, OpeningDeposit, QueueOperation, RunningState,
    SignedTransaction, Transaction, TransactionKind,
};

use super::*;
use crate::proving::BatchClaim;

const SMALL: usize = 3;
const LARGE: usize = 8;

type Orders = Arc<Mutex<Vec<ProvingOrder>>>;

struct World {
    sequencer: Sequencer,
    orders: Orders,
    chain: [u8; 32],
}

fn key(index: u32) -> SecretKey {
    let mut seed = [5; 32];
    seed[..4].copy_from_slice(&index.to_be_bytes());
    SecretKey::from_seed(&seed)
}

fn owner(index: u32) -> Address {
    Address([u8::try_from(index).unwrap() + 1; 20])
}

fn amount(value: u64) -> Amount {
    Amount::new(value).unwrap()
}

fn settings(limits: BatchLimits) -> Settings {
    let contract = Address([0xc0; 20]);
    let domain = Domain::new(31_337, &contract, &Digest::ZERO).unwrap();
    Settings {
        deployment: Deployment { chain_id: 31_337, contract, domain },
        genesis_salt: Digest::ZERO,
        fee_collector: FeeCollector { owner: owner(0), key: key(0).public_key().digest() },
        wrap_digest: CircuitDigest([7; 32]),
        batch: limits,
        sizes: CircuitSizes {
            small: NonZeroUsize::new(SMALL).unwrap(),
            large: NonZeroUsize::new(LARGE).unwrap(),
            records: SealCapacity::PROTOCOL,
        },
        streamed: SegmentSize::Small,
        pool_max: 2,
        circuits: Vec::new(),
    }
}

const LIMITS: BatchLimits = BatchLimits { slots_max: 100, seal_after: Duration::from_secs(3600), unverified_max: 2 };

impl World {
    /// Accounts 0 (which collects fees), 1 and 2 with 1,000 ETH units each, in batch 1.
    fn new(limits: BatchLimits) -> Self {
        let mut world = Self::empty(limits);
        (0..3).for_each(|index| world.open(index, index));
        world
    }

    fn empty(limits: BatchLimits) -> Self {
        let orders = Orders::default();
        let kept = Arc::clone(&orders);
        let outlets = Outlets {
            proving: Box::new(move |order| kept.lock().unwrap().push(order)),
            posting: Box::new(|_| unreachable!("no test here proves a batch")),
        };
        let sequencer = Sequencer::new(settings(limits), Compute::new().unwrap(), outlets);
        Self { sequencer, orders, chain: [0; 32] }
    }

    /// Opens an account for the owner and with the key of these users.
    fn open(&mut self, owner_of: u32, key_of: u32) {
        let deposit = OpeningDeposit {
            owner: owner(owner_of),
            key: key(key_of).public_key().digest(),
            asset: AssetId::ETH,
            amount: amount(1000),
        };
        let entry = QueueEntry { operation: QueueOperation::OpeningDeposit(deposit), sender: owner(owner_of) };
        self.chain = entry.extend(&self.chain);
        self.sequencer.enqueue(vec![(entry, self.chain)]);
        self.sequencer.advance();
    }

    fn transfer(&self, from: u32, to: u32, nonce: u32) -> SignedTransaction {
        let transaction = Transaction {
            kind: TransactionKind::Transfer { to: AccountIndex(to) },
            sender: AccountIndex(from),
            lane: Lane::Main,
            asset: AssetId::ETH,
            amount: amount(10),
            fee_asset: FeeAsset::default(),
            fee: Fee::at_least(amount(1)).unwrap(),
            named_address: owner(to),
            group: Digest::ZERO,
            nonce,
            expiry: Timestamp::MAX,
        };
        transaction.sign(&self.sequencer.settings.deployment.domain, &key(from))
    }

    fn submit(&mut self, signed: SignedTransaction) -> Result<Submission, SubmitError> {
        let domain = self.sequencer.settings.deployment.domain;
        let checked = check_signatures(&domain, vec![signed]).pop().unwrap().expect("the tests sign rightly");
        self.sequencer.submit(checked)
    }

    fn submit_transfer(&mut self, from: u32, to: u32, nonce: u32) -> Finality {
        match self.submit(self.transfer(from, to, nonce)).expect("it is taken") {
            Submission::Accepted(view) | Submission::Known(view) => view.status,
        }
    }

    /// L1's time runs ahead of the real clock, so that the next batch need not wait for a second to pass.
    fn advance_l1(&mut self, seconds: u64) {
        let timestamp = self.sequencer.l1.timestamp.max(clock::now_seconds()) + seconds;
        self.sequencer.observe_l1(L1Head { number: 1, timestamp }, Vec::new());
        self.sequencer.advance();
    }

    /// The segments and the claim of the batches so far.
    fn ordered(&self) -> (Vec<(SegmentSize, weft_protocol::SegmentWitness)>, Vec<BatchClaim>) {
        let (mut segments, mut claims) = (Vec::new(), Vec::new());
        for order in self.orders.lock().unwrap().iter().cloned() {
            match order {
                ProvingOrder::Segment { size, witness } => segments.push((size, witness)),
                ProvingOrder::Finish(claim) => claims.push(claim),
            }
        }
        (segments, claims)
    }
}

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
    world.sequencer.seal();

    let (segments, claims) = world.ordered();
    let [claim] = &claims[..] else { panic!("one batch was sealed") };
    let mut state = RunningState::genesis();
    for (size, segment) in &segments {
        assert!(segment.slots.len() <= world.sequencer.settings.sizes.slots(*size));
        assert_eq!(segment.before, state);
        state = segment.evaluate().expect("a segment proves a transition");
    }
    assert_eq!(claim.statement.root_before, RunningState::genesis().root);
    assert_eq!(claim.statement.root_after, state.root);
    assert_eq!(claim.statement.chain, state.chain);
    assert!(state.fee_sums.is_empty(), "the fees were collected");
    assert_ne!(open_root, state.root, "the collection of fees is part of the batch");
    let collector = world.sequencer.account(AccountIndex(0)).expect("it is open");
    assert_eq!(collector.balances[0].amount, amount(1004));
    let batch = world.sequencer.batch(weft_api::BatchSelector::Latest).expect("there is one");
    assert_eq!((batch.status, batch.slots, batch.root), (Finality::Sealed, 8, state.root));
}

#[test]
fn a_batch_ends_at_its_limits() {
    let mut world = World::new(BatchLimits { slots_max: 4, ..LIMITS });
    assert_eq!(world.ordered().1.len(), 0);
    world.submit_transfer(1, 2, 0);
    assert_eq!(world.ordered().1.len(), 1, "four slots");

    let mut world = World::new(BatchLimits { seal_after: Duration::ZERO, ..LIMITS });
    world.sequencer.advance();
    assert_eq!(world.ordered().1.len(), 1, "the time is over at once");
}

#[test]
fn times_of_batches_strictly_rise_and_transactions_wait_for_that() {
    let mut world = World::new(LIMITS);
    world.advance_l1(100);
    world.sequencer.seal();
    world.advance_l1(0);
    world.submit_transfer(1, 2, 0);
    world.sequencer.seal();
    let time = |world: &World, number: usize| world.sequencer.batches[number].environment().timestamp;
    assert!(time(&world, 0) < time(&world, 1));

    // No second has passed for L1 since batch 2, so there is no batch 3 yet; and then there are two in work.
    assert_eq!(world.submit_transfer(1, 2, 1), Finality::Accepted);
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(1, 2, 2), Finality::Accepted, "two batches are not verified");
    let third = world.submit(world.transfer(1, 2, 3));
    assert!(matches!(third, Err(SubmitError::PoolFull { .. })), "{third:?}");
    assert_eq!(world.sequencer.account(AccountIndex(1)).expect("it is open").pending_nonce, 3);

    let l1 = weft_api::L1Transaction { hash: weft_api::FixedBytes([0; 32]), gas: 1, data_bytes: 1 };
    world.sequencer.verified(1, l1);
    world.sequencer.advance();
    for (nonce, slot) in [(1, 0), (2, 1)] {
        let id = world.transfer(1, 2, nonce).transaction.id(&world.sequencer.settings.deployment.domain);
        let view = world.sequencer.transaction(&id).expect("it was accepted");
        assert_eq!((view.status, view.batch, view.slot), (Finality::Executed, Some(3), Some(slot)));
    }
}

#[test]
fn what_waits_and_is_refused_says_why() {
    let mut world = World::new(BatchLimits { unverified_max: 1, ..LIMITS });
    world.sequencer.seal();
    let mut too_much = world.transfer(1, 2, 0).transaction;
    too_much.amount = amount(1_000_000);
    let id = too_much.id(&world.sequencer.settings.deployment.domain);
    let signed = too_much.sign(&world.sequencer.settings.deployment.domain, &key(1));
    assert!(matches!(world.submit(signed), Ok(Submission::Accepted(view)) if view.status == Finality::Accepted));
    let l1 = weft_api::L1Transaction { hash: weft_api::FixedBytes([0; 32]), gas: 1, data_bytes: 1 };
    world.sequencer.verified(1, l1);
    world.advance_l1(5);
    let view = world.sequencer.transaction(&id).expect("it was accepted");
    assert_eq!(view.status, Finality::Rejected);
    assert_eq!(view.rejected.expect("it says why").code, "insufficient_balance");
    assert!(matches!(world.sequencer.stage, Stage::Between(_)), "a refused slot begins no batch");
}

#[test]
fn refused_transactions_change_nothing() {
    let mut world = World::new(LIMITS);
    world.submit_transfer(1, 2, 0);
    let root = world.sequencer.root();
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
    let foreign = world.transfer(1, 2, 1).transaction.sign(&world.sequencer.settings.deployment.domain, &key(2));
    assert!(matches!(world.submit(foreign), Err(SubmitError::Rejected(Reject::WrongKey))));
    assert!(matches!(world.submit(world.transfer(1, 2, 0)), Ok(Submission::Known(_))), "the same again");
    assert_eq!(world.sequencer.root(), root);
}

#[test]
fn a_halted_node_takes_nothing() {
    let mut world = World::new(LIMITS);
    world.sequencer.halt("a test");
    assert!(matches!(world.submit(world.transfer(1, 2, 0)), Err(SubmitError::Backend(BackendError::NotReady { .. }))));
    assert!(world.sequencer.status().is_err());
    let slots = world.sequencer.batches[0].slots;
    world.open(3, 3);
    assert_eq!(world.sequencer.batches[0].slots, slots);
}

#[test]
fn queue_ranges_of_batches_meet() {
    let mut world = World::new(BatchLimits { slots_max: 2, unverified_max: 9, ..LIMITS });
    world.advance_l1(10);
    world.advance_l1(10);
    let ranges: Vec<_> = world.sequencer.batches.iter().map(|batch| batch.queue.clone()).collect();
    assert_eq!(ranges[0], 0..2, "sealed by its second entry");
    assert_eq!(ranges[1].start, 2);
    world.sequencer.seal();
    assert_eq!(world.sequencer.batches[1].queue, 2..3);
}
