//! A batch with every kind of slot.

use std::num::NonZeroUsize;

use weft_aggregator::{BatchEnd, SegmentOrder};
use weft_circuits::recursion::SealCapacity;
use weft_executor::{BatchBuilder, ExecutedSegment, State, check_signatures};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Deposit, Domain, Environment, Fee, FeeAsset, Lane, OpeningDeposit,
    QueueEntry, QueueOperation, SegmentWitness, Slot, Timestamp, Transaction, TransactionKind,
};
use weft_prover::{CircuitSizes, SegmentClaim, SegmentInput, SegmentSize, TableGroup, plan_segments};

/// Circuits that are built in seconds.
pub(crate) const SIZES: CircuitSizes = CircuitSizes {
    small: NonZeroUsize::new(3).expect("not zero"),
    large: NonZeroUsize::new(7).expect("not zero"),
    openings_degree_bits: 10,
    records: SealCapacity::new(64).expect("in range"),
};

const OPERATOR: AccountIndex = AccountIndex(0);
const ALICE: AccountIndex = AccountIndex(1);
const BOB: AccountIndex = AccountIndex(2);
/// Outside of the tree.
const NOWHERE: AccountIndex = AccountIndex(1 << 28);
const TRANSFERS: u32 = 11;

/// An executed batch, cut into segments.
#[derive(Debug)]
pub(crate) struct ExecutedWorld {
    pub(crate) environment: Environment,
    pub(crate) segments: Vec<(SegmentClaim, ExecutedSegment)>,
    pub(crate) end: BatchEnd,
}

impl ExecutedWorld {
    /// The segments as they are ordered.
    pub(crate) fn orders(&self) -> Vec<SegmentOrder> {
        let orders = self.segments.iter().enumerate().map(|(position, (claim, segment))| SegmentOrder {
            position,
            claim: *claim,
            input: SegmentInput::new(&segment.witness),
        });
        orders.collect()
    }

    /// The first segment with one signature replaced by that of another message.
    pub(crate) fn forged_segment(&self) -> SegmentWitness {
        let mut segment = self.segments[0].1.witness.clone();
        let signed = segment.slots.iter_mut().find_map(|slot| match &mut slot.slot {
            Slot::Signed(signed) => Some(signed),
            Slot::Padding | Slot::Deposit(_) | Slot::OpeningDeposit { .. } | Slot::CollectFees { .. } => None,
        });
        let signed = signed.expect("there is a transfer in the first segment");
        signed.transaction.expiry = Timestamp::new(signed.transaction.expiry.get() + 1).expect("below 2^40");
        segment
    }
}

fn amount(value: u64) -> Amount {
    Amount::new(value).expect("a small amount")
}

fn address(index: AccountIndex) -> Address {
    Address([u8::try_from(index.0 % 256).expect("reduced"); 20])
}

fn secret(index: AccountIndex) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(index.0).expect("few accounts") + 1; 32])
}

fn push_entry(builder: &mut BatchBuilder, operation: QueueOperation) {
    let entry = QueueEntry { operation, sender: Address([200; 20]) };
    builder.push_queue_entry(&entry).expect("there is room");
}

fn open(builder: &mut BatchBuilder, index: AccountIndex) {
    let key = secret(index).public_key().digest();
    let deposit = OpeningDeposit { owner: address(index), key, asset: AssetId::ETH, amount: amount(1_000_000) };
    push_entry(builder, QueueOperation::OpeningDeposit(deposit));
    assert!(builder.objects().get(index).is_some(), "indices are given out in order");
}

fn pay_in(builder: &mut BatchBuilder, account: AccountIndex) {
    let deposit = Deposit { account, owner: address(account), asset: AssetId::ETH, amount: amount(77), by_owner: true };
    push_entry(builder, QueueOperation::Deposit(deposit));
}

/// Alice's transaction number `nonce`.
fn alice(builder: &mut BatchBuilder, nonce: u32, kind: TransactionKind) {
    let environment = *builder.environment();
    let named_address = match kind {
        TransactionKind::Transfer { to } => address(to),
        TransactionKind::Withdraw => address(ALICE),
    };
    let transaction = Transaction {
        kind,
        sender: ALICE,
        lane: Lane::Main,
        asset: AssetId::ETH,
        amount: amount(100 + u64::from(nonce)),
        fee_asset: FeeAsset::from_asset(AssetId::ETH).expect("fees are paid in it"),
        fee: Fee::at_least(amount(3)).expect("a small fee"),
        named_address,
        group: Digest::ZERO,
        nonce,
        expiry: environment.timestamp,
    };
    let signed = transaction.sign(&environment.domain, &secret(ALICE));
    let checked = check_signatures(&environment.domain, vec![signed]).pop().expect("one result");
    builder.push_transaction(checked.expect("the signature is valid")).expect("the transaction is good");
}

/// Three accounts are opened, one deposit is credited and one bounces, Alice pays Bob and withdraws, fees are collected.
pub(crate) fn execute() -> ExecutedWorld {
    let domain = Domain(poseidon::hash(Tag::DOMAIN, &[]));
    let timestamp = Timestamp::new(1_700_000_000).expect("below 2^40");
    let environment = Environment { domain, batch_number: 1, timestamp };
    let state = State::new();
    let root_before = state.root();
    let mut builder = BatchBuilder::new(environment, state);
    for index in [OPERATOR, ALICE, BOB] {
        open(&mut builder, index);
    }
    pay_in(&mut builder, BOB);
    pay_in(&mut builder, NOWHERE);
    for nonce in 0..TRANSFERS {
        alice(&mut builder, nonce, TransactionKind::Transfer { to: BOB });
    }
    alice(&mut builder, TRANSFERS, TransactionKind::Withdraw);
    builder.collect_fees(OPERATOR).expect("the operator can take the fees");
    let slots = builder.slot_count();
    let mut left = slots;
    let mut group = TableGroup::new(SIZES.openings_degree_bits);
    let segments = plan_segments(slots, &SIZES).into_iter().map(|size| {
        let slots = SIZES.slots(size).min(left);
        left -= slots;
        let segment = builder.next_segment(slots).expect("as many slots were executed");
        let claim = match size {
            SegmentSize::Small => SegmentClaim::Small(segment.statement()),
            SegmentSize::Large => SegmentClaim::Large(segment.opened_statement(group.push(&segment.accesses()))),
        };
        (claim, segment)
    });
    let segments = segments.collect();
    let (state, batch) = builder.finish().expect("all fees are collected");
    assert_eq!(batch.withdrawals.len(), 2, "the bounced deposit and the withdrawal");
    let end = BatchEnd { root_before, root_after: state.root(), records: batch.records() };
    ExecutedWorld { environment, segments, end }
}
