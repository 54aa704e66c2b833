use proptest::prelude::*;
use proptest::sample::Index;
use weft_executor::{BatchBuilder, ExecutedSegment, State, check_signatures};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Goldilocks, Tag, poseidon};
use weft_protocol::{
    Address, AssetId, Deposit, Domain, FeeAsset, Lane, OpeningDeposit, QueueEntry, QueueOperation, Timestamp,
    Transaction, TransactionKind, WitnessError,
};

use super::*;
use crate::CircuitSizes;

/// Neighbours, cousins, and leaves far away.
const ACCOUNTS: [u32; 6] = [0, 1, 5, 64, 1 << 20, (1 << 20) + 3];
const TIME: u64 = 1_800_000_000;

fn domain() -> Domain {
    Domain(poseidon::hash(Tag::DOMAIN, &[]))
}

fn amount(value: u64) -> Amount {
    Amount::new(value).expect("a small amount")
}

fn owner(index: AccountIndex) -> Address {
    let mut bytes = [7; 20];
    bytes[..4].copy_from_slice(&index.0.to_be_bytes());
    Address(bytes)
}

fn secret(index: AccountIndex) -> SecretKey {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&index.0.to_be_bytes());
    SecretKey::from_seed(&seed)
}

fn builder(accounts: impl IntoIterator<Item = AccountIndex>) -> BatchBuilder {
    let account = |index| {
        let account = Object::account(owner(index), secret(index).public_key().digest());
        (index, account.credited(AssetId::ETH, amount(1 << 40), 1).expect("there is room"))
    };
    let state = State::from_objects(accounts.into_iter().map(account)).expect("in the tree");
    let timestamp = Timestamp::new(TIME).expect("below 2^40");
    BatchBuilder::new(Environment { domain: domain(), batch_number: 1, timestamp }, state)
}

/// Pays from one account to another, or out on L1.
fn pay(builder: &mut BatchBuilder, from: AccountIndex, to: Option<AccountIndex>, value: u64, fee: u16) {
    let sender = builder.objects().get(from).expect("it signs, so it exists");
    let transaction = Transaction {
        kind: to.map_or(TransactionKind::Withdraw, |to| TransactionKind::Transfer { to }),
        sender: from,
        lane: Lane::Main,
        asset: AssetId::ETH,
        amount: amount(value),
        fee_asset: FeeAsset::default(),
        fee: Fee(fee),
        named_address: owner(to.unwrap_or(from)),
        group: Digest::ZERO,
        nonce: sender.nonce,
        expiry: Timestamp::MAX,
    };
    let signed = transaction.sign(&domain(), &secret(from));
    let checked = check_signatures(&domain(), vec![signed]).pop().expect("one result").expect("signed above");
    builder.push_transaction(checked).expect("it pays what it has");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pay { from: usize, to: Option<usize>, value: u64, fee: u16 },
    Deposit { account: u32 },
    Open { seed: u32 },
    Collect,
}

fn arb_steps() -> impl Strategy<Value = Vec<Step>> {
    let account = 0..ACCOUNTS.len();
    let fee = prop_oneof![Just(0), 1..9u16].prop_map(|mantissa| mantissa << 5);
    let to = proptest::option::weighted(0.8, account.clone());
    let pay = (account, to, 1..999u64, fee)
        .prop_filter("not to itself", |(from, to, _, _)| Some(*from) != *to)
        .prop_map(|(from, to, value, fee)| Step::Pay { from, to, value, fee });
    // Of the deposits some bounce: nobody is there, or that is no leaf at all.
    let deposit = proptest::sample::select(vec![0, 64, 65, u32::MAX]).prop_map(|account| Step::Deposit { account });
    let step = prop_oneof![
        6 => pay,
        2 => deposit,
        1 => any::<u32>().prop_map(|seed| Step::Open { seed }),
        1 => Just(Step::Collect)
    ];
    proptest::collection::vec(step, 1..24)
}

fn run(builder: &mut BatchBuilder, step: Step) {
    let entry = |operation| QueueEntry { operation, sender: Address([9; 20]) };
    let (asset, sum) = (AssetId::ETH, amount(5));
    match step {
        Step::Pay { from, to, value, fee } => {
            let [from, to] = [Some(from), to].map(|at| at.map(|at| AccountIndex(ACCOUNTS[at])));
            pay(builder, from.expect("there is a sender"), to, value, fee);
        }
        Step::Deposit { account } => {
            let account = AccountIndex(account);
            let deposit = Deposit { account, owner: owner(account), asset, amount: sum, by_owner: false };
            builder.push_queue_entry(&entry(QueueOperation::Deposit(deposit))).expect("there is room");
        }
        Step::Open { seed } => {
            let index = AccountIndex(seed);
            let opening =
                OpeningDeposit { owner: owner(index), key: secret(index).public_key().digest(), asset, amount: sum };
            builder.push_queue_entry(&entry(QueueOperation::OpeningDeposit(opening))).expect("there is room");
        }
        Step::Collect => {
            builder.collect_fees(AccountIndex(ACCOUNTS[0])).expect("it has an entry");
        }
    }
}

/// The segments of a batch, at least one: steps that only collect fees which nobody has paid make none.
fn arb_segments() -> impl Strategy<Value = Vec<ExecutedSegment>> {
    let segments = (arb_steps(), 1..12usize).prop_map(|(steps, slots)| {
        let mut builder = builder(ACCOUNTS.map(AccountIndex));
        for step in steps {
            run(&mut builder, step);
        }
        let mut segments: Vec<_> = core::iter::from_fn(|| builder.next_segment(slots)).collect();
        segments.extend((1..slots).rev().find_map(|slots| builder.next_segment(slots)));
        segments
    });
    segments.prop_filter("no slot", |segments| !segments.is_empty())
}

/// What the input claims, if it is one of a segment that proves a transition.
fn claim(input: &SegmentInput) -> Option<weft_protocol::SegmentStatement> {
    input.expand().ok()?.statement().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_input_gives_the_segment_back(segments in arb_segments()) {
        for ExecutedSegment { witness, .. } in segments {
            let input = SegmentInput::new(&witness);
            prop_assert_eq!(SegmentInput::from_bytes(&input.to_bytes()), Ok(input.clone()));
            prop_assert_eq!(input.expand(), Ok(witness));
        }
    }

    /// Whatever is changed, the input is refused or claims something else.
    #[test]
    fn every_part_of_an_input_counts(segments in arb_segments(), at in any::<Index>()) {
        let segment = &segments[at.index(segments.len())];
        let input = SegmentInput::new(&segment.witness);
        let expected = Some(segment.statement());
        prop_assert_eq!(claim(&input), expected);
        let changed =
            [change_siblings(&input, at), change_objects(&input, at), change_slots(&input, at), change_surroundings(&input)];
        for changed in changed.iter().flatten() {
            prop_assert_ne!(claim(changed), expected, "{:?}", changed);
        }
    }

    /// No byte can be changed, left out or added without an effect.
    #[test]
    fn every_byte_counts(segments in arb_segments(), at in any::<Index>(), bit in 0..8u8) {
        let segment = &segments[at.index(segments.len())];
        let bytes = SegmentInput::new(&segment.witness).to_bytes();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        if let Ok(input) = SegmentInput::from_bytes(&changed) {
            prop_assert_ne!(claim(&input), Some(segment.statement()));
        }
        prop_assert!(SegmentInput::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
        prop_assert_eq!(SegmentInput::from_bytes(&[bytes, vec![0]].concat()), Err(InputError::NotCanonical));
    }
}

fn other(digest: Digest) -> Digest {
    let mut digest = digest;
    digest.0[2] += Goldilocks::ONE;
    digest
}

fn with(input: &SegmentInput, change: impl FnOnce(&mut SegmentInput)) -> SegmentInput {
    let mut changed = input.clone();
    change(&mut changed);
    changed
}

fn change_siblings(input: &SegmentInput, at: Index) -> Vec<SegmentInput> {
    let siblings = &input.multiproof.siblings;
    let at = at.index(siblings.len());
    vec![
        with(input, |input| input.multiproof.siblings[at] = other(siblings[at])),
        with(input, |input| input.multiproof.siblings.push(siblings[at])),
        with(input, |input| input.multiproof.siblings.truncate(siblings.len() - 1)),
    ]
}

fn change_objects(input: &SegmentInput, at: Index) -> Vec<SegmentInput> {
    if input.objects.is_empty() {
        return Vec::new();
    }
    let at = at.index(input.objects.len());
    let (index, object) = input.objects[at];
    let richer = object.map_or_else(
        || Object::account(owner(index), Digest::ZERO),
        |object| object.credited(AssetId::ETH, amount(1), 1).expect("far below 2^62"),
    );
    let removed = if object.is_some() { None } else { Some(richer) };
    vec![
        with(input, |input| input.objects[at].1 = Some(richer)),
        with(input, |input| input.objects[at].1 = removed),
        with(input, |input| input.objects.retain(|object| object.0 != index)),
        with(input, |input| input.objects.insert(at, input.objects[at])),
        with(input, |input| input.objects.push((AccountIndex(1 << 27), None))),
    ]
}

fn change_slots(input: &SegmentInput, at: Index) -> Vec<SegmentInput> {
    let at = at.index(input.slots.len());
    let mut changes = vec![
        with(input, |input| {
            input.slots.remove(at);
        }),
        with(input, |input| input.slots.insert(at, input.slots[at].clone())),
    ];
    if let Slot::Signed(signed) = &input.slots[at] {
        let dearer = amount(signed.transaction.amount.get() + 1);
        changes.push(with(input, |input| {
            let mut signed = signed.clone();
            signed.transaction.amount = dearer;
            input.slots[at] = Slot::Signed(signed);
        }));
    }
    changes
}

fn change_surroundings(input: &SegmentInput) -> Vec<SegmentInput> {
    let later = Timestamp::new(TIME + 1).expect("below 2^40");
    let sums = input.before.fee_sums;
    let sum = amount(sums.get(FeeAsset::default()).get() + 1);
    vec![
        with(input, |input| input.environment.timestamp = later),
        with(input, |input| input.environment.batch_number += 1),
        with(input, |input| input.environment.domain.0 = other(input.environment.domain.0)),
        with(input, |input| input.before.root = other(input.before.root)),
        with(input, |input| input.before.chain = other(input.before.chain)),
        with(input, |input| input.before.fee_sums = sums.with(FeeAsset::default(), sum)),
    ]
}

/// A segment of one transfer.
fn one_transfer() -> SegmentInput {
    let [from, to] = [0, 64].map(AccountIndex);
    let mut builder = builder(ACCOUNTS.map(AccountIndex));
    pay(&mut builder, from, Some(to), 5, 0);
    SegmentInput::new(&builder.next_segment(1).expect("one slot").witness)
}

#[test]
fn each_mistake_has_its_error() {
    let input = one_transfer();
    assert!(input.expand().is_ok());
    let expand =
        |change: &dyn Fn(&mut SegmentInput)| with(&input, |input| change(input)).expand().expect_err("changed");

    let error = expand(&|input| input.slots = vec![Slot::Padding; SegmentInput::MAX_SLOTS + 1]);
    let limit = SegmentInput::MAX_SLOTS;
    assert_eq!(error, InputError::TooManySlots { got: limit + 1, limit });

    // The next fee would overflow, which a rule does not expect.
    let sum = Amount::MAX;
    let error = expand(&|input| input.before.fee_sums = input.before.fee_sums.with(FeeAsset::default(), sum));
    assert_eq!(error, InputError::FeeSum { sum });

    let error = expand(&|input| input.slots.clear());
    assert_eq!(error, InputError::Superfluous { index: AccountIndex(0) });

    let account = AccountIndex(77);
    let error = expand(&|input| input.slots.push(Slot::CollectFees { account, fee_asset: FeeAsset::default() }));
    assert_eq!(error, InputError::Missing { slot: 1, index: account });

    let error = expand(&|input| input.slots.push(input.slots[0].clone()));
    assert_eq!(error, InputError::Refused { slot: 1, reject: Reject::WrongNonce { expected: 1, got: 0 } });

    let expected = other(input.before.root);
    let error = expand(&|input| input.before.root = expected);
    assert_eq!(error, InputError::Root { expected, got: input.before.root });

    let error = expand(&|input| input.objects.reverse());
    assert_eq!(error, InputError::Multiproof(MultiproofError::Order { index: AccountIndex(0) }));

    let (got, limit) = (SegmentInput::MAX_BYTES + 1, SegmentInput::MAX_BYTES);
    assert_eq!(SegmentInput::from_bytes(&vec![0; got]), Err(InputError::TooLong { got, limit }));
    assert!(matches!(SegmentInput::from_bytes(&[]), Err(InputError::Encoding(_))));
}

#[test]
fn a_bad_signature_is_left_to_the_statement() {
    let mut input = one_transfer();
    let Slot::Signed(signed) = &mut input.slots[0] else { unreachable!("a transfer is signed") };
    *signed = signed.transaction.clone().sign(&Domain(Digest::ZERO), &secret(AccountIndex(0)));
    let segment = input.expand().expect("the rules do not ask for the signature");
    assert_eq!(segment.statement(), Err(WitnessError::Reject(Reject::BadSignature)));
}

#[test]
fn a_segment_of_padding_alone_opens_nothing() {
    let input = SegmentInput::new(&crate::idle_segment());
    assert_eq!(input.multiproof.siblings, [input.before.root]);
    assert_eq!(input.expand(), Ok(crate::idle_segment()));
}

/// A full large segment of transfers between accounts drawn uniformly from 2^20: what it weighs.
#[test]
fn a_uniform_transfer_weighs_a_kilobyte() {
    let slots = CircuitSizes::PRODUCTION.large.get();
    let mut word = 1u64;
    let mut draw = || {
        // An odd multiplier of full period; the high bits look random.
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        AccountIndex(u32::try_from(word >> 44).expect("20 bits"))
    };
    let pairs: Vec<_> = (0..slots).map(|_| (draw(), draw())).collect();
    let mut builder = builder(pairs.iter().flat_map(|(from, to)| [*from, *to]));
    for (from, to) in &pairs {
        pay(&mut builder, *from, Some(*to), 12_345, 32);
    }
    let segment = builder.next_segment(slots).expect("so many slots");
    let input = SegmentInput::new(&segment.witness).to_bytes().len();
    let openings = segment.witness.slots.iter().map(|slot| (&slot.slot, &slot.a, &slot.b));
    let witness = postcard::to_stdvec(&openings.collect::<Vec<_>>()).expect("all parts have an encoding").len();
    assert_eq!([input / slots, witness / slots], [1060, 2239], "bytes of a transfer");
}
