use proptest::prelude::*;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, AssetId, Deposit, Kind, MAX_RECORDS, Reject, chain_accesses};

use super::*;
use crate::testing::{
    Mistake, OPERATOR, Payment, Step, address, amount, arb_steps, builder_with_accounts, environment, opening,
    reject_of,
};
use crate::{UndoError, check_signatures};

/// Asset ids that the steps name: the one that does not exist, too.
const ASSETS: core::ops::RangeInclusive<u16> = 0..=18;

/// Everything that a refused slot must leave alone.
fn visible(builder: &BatchBuilder) -> (Objects, FeeSums, usize, usize, Vec<Withdrawal>) {
    (
        builder.objects().clone(),
        builder.fee_sums(),
        builder.record_count(),
        builder.slot_count(),
        builder.withdrawals.clone(),
    )
}

/// Sum of an asset over accounts, fees and withdrawals.
fn held(builder: &BatchBuilder, asset: AssetId) -> u128 {
    let accounts = builder.objects().iter().map(|(_, object)| object.balance(asset));
    let fees = FeeAsset::all()
        .filter(|fee_asset| fee_asset.asset() == asset)
        .map(|fee_asset| builder.fee_sums().get(fee_asset));
    let withdrawals =
        builder.withdrawals.iter().filter(|withdrawal| withdrawal.asset == asset).map(|withdrawal| withdrawal.amount);
    let all = accounts.chain(fees).chain(withdrawals);
    all.map(|amount| u128::from(amount.get())).sum()
}

/// What an entry pays in.
fn paid_in(entry: &QueueEntry) -> (AssetId, u128) {
    let (asset, amount) = match entry.operation {
        QueueOperation::Deposit(deposit) => (deposit.asset, deposit.amount),
        QueueOperation::OpeningDeposit(deposit) => (deposit.asset, deposit.amount),
    };
    (asset, u128::from(amount.get()))
}

/// What L1 pays out: it knows the records and the senders of the queue.
fn withdrawals_on_l1(records: &[Record], senders: &[Address]) -> Vec<Withdrawal> {
    let mut senders = senders.iter();
    let mut withdrawals = Vec::new();
    for (position, record) in records.iter().enumerate() {
        let Ok(fields) = record.fields() else {
            continue;
        };
        let owner = match (fields.kind, fields.outcome) {
            (Kind::Withdraw, _) => {
                let [high, middle, low] = records[position + 1].limbs();
                let bytes = |limb: u64, len: usize| limb.to_be_bytes()[8 - len..].to_vec();
                let bytes = [bytes(high, 6), bytes(middle, 7), bytes(low, 7)].concat();
                Some(Address(bytes.try_into().expect("20 bytes")))
            }
            (Kind::Deposit | Kind::OpeningDeposit, outcome) => {
                let sender = senders.next().expect("one sender for each operation");
                (outcome == Outcome::Bounced).then_some(*sender)
            }
            _ => None,
        };
        let (asset, amount) = (fields.asset, fields.amount);
        withdrawals.extend(owner.map(|owner| Withdrawal { owner, asset, amount }));
    }
    withdrawals
}

/// A tree built from nothing but the objects.
fn rebuilt_root(objects: &Objects) -> Digest {
    let objects = objects.iter().map(|(index, object)| (index, *object));
    State::from_objects(objects).expect("in range").root()
}

/// Segments of any length prove the batch.
fn assert_provable(batch: &ExecutedBatch) {
    for slots_per_segment in [1, 3, 64] {
        let mut state = batch.trace.before();
        for segment in batch.segments(slots_per_segment) {
            assert_eq!(segment.slots.len(), slots_per_segment);
            assert_eq!(segment.before, state);
            assert_eq!(segment.environment, *batch.environment());
            state = segment.evaluate().expect("the rules accepted every slot");
        }
        assert_eq!(state, batch.trace.after());
    }
}

/// Each entry of the trace says what its witness shows.
fn assert_entries_hold(batch: &ExecutedBatch) {
    let mut state = batch.trace.before();
    for entry in batch.trace.entries() {
        let shown = entry.witness.evaluate(batch.environment(), &state);
        assert_eq!(shown, Ok((entry.after, entry.effects.clone())));
        state = entry.after;
    }
    assert_eq!(state.chain, weft_protocol::chain_records(Digest::ZERO, &batch.records()));
}

fn transact(builder: &mut BatchBuilder, payment: Payment) -> Result<Receipt, Refusal> {
    let mut receipts = Step::Payment(payment).run(builder)?;
    Ok(receipts.pop().expect("one transaction"))
}

#[test]
fn receipts_say_where_a_slot_stands() {
    let mut builder = builder_with_accounts(&[1], 1_000);
    let withdraw = Payment { to: None, ..Payment::transfer(1, 0, 100, 0) };
    let bounced = QueueEntry {
        operation: QueueOperation::Deposit(Deposit {
            account: AccountIndex(u32::MAX),
            owner: address(1),
            asset: AssetId::ETH,
            amount: amount(7),
            by_owner: false,
        }),
        sender: address(55),
    };
    let expected = |slot, outcome, account, withdrawal| Receipt { batch_number: 1, slot, outcome, account, withdrawal };
    let account = Some(AccountIndex(1));
    assert_eq!(transact(&mut builder, withdraw), Ok(expected(2, Outcome::Done, account, Some(0))));
    assert_eq!(builder.push_queue_entry(&bounced), Ok(expected(3, Outcome::Bounced, None, Some(1))));
    assert_eq!(transact(&mut builder, Payment::transfer(1, 0, 100, 0)), Ok(expected(4, Outcome::Done, account, None)));
    let opened = builder.push_queue_entry(&opening(1, AssetId(3), amount(1)));
    assert_eq!(opened, Ok(expected(5, Outcome::Done, Some(AccountIndex(2)), None)));
    let owned: Vec<_> = builder.objects().owned_by(&address(1), AccountIndex(0)).collect();
    assert_eq!(owned, [1, 2].map(AccountIndex));
    let key = builder.objects().get(AccountIndex(2)).map(|o| o.main_key);
    let (objects, key) = (builder.objects(), key.expect("just opened"));
    assert_eq!(objects.with_key(&key, AccountIndex(0)).collect::<Vec<_>>(), owned);
    assert_eq!(objects.of(address(1), key, AccountIndex(0)).collect::<Vec<_>>(), owned);
    assert_eq!(objects.of(address(55), key, AccountIndex(0)).count(), 0);
    for first in [2, 3].map(AccountIndex) {
        let behind: Vec<_> = owned.iter().copied().filter(|index| *index >= first).collect();
        assert_eq!(objects.owned_by(&address(1), first).collect::<Vec<_>>(), behind);
        assert_eq!(objects.with_key(&key, first).collect::<Vec<_>>(), behind);
        assert_eq!(objects.of(address(1), key, first).collect::<Vec<_>>(), behind);
        assert!(objects.from(first).all(|(index, _)| index >= first));
    }
    let (_, batch) = builder.finish().expect("no fees");
    let paid = [(address(1), 100), (address(55), 7)].map(|(owner, value)| Withdrawal {
        owner,
        asset: AssetId::ETH,
        amount: amount(value),
    });
    assert_eq!(batch.withdrawals, paid);
}

#[test]
fn each_mistake_has_its_reject() {
    let mut builder = builder_with_accounts(&[1, 2], 1_000);
    let timestamp = builder.environment().timestamp;
    let expiry = weft_protocol::Timestamp::new(timestamp.get() - 1).expect("below 2^40");
    let cases = [
        (Mistake::Nonce, Reject::WrongNonce { expected: 0, got: 1 }),
        (Mistake::Key, Reject::WrongKey),
        (Mistake::Address, Reject::WrongRecipient),
        (Mistake::Time, Reject::Expired { expiry, timestamp }),
        (Mistake::Signature, Reject::BadSignature),
    ];
    let before = visible(&builder);
    for (mistake, reject) in cases {
        let payment = Payment { mistake: Some(mistake), ..Payment::transfer(1, 2, 5, 1) };
        assert_eq!(reject_of(&transact(&mut builder, payment)), Some(reject));
        assert_eq!(visible(&builder), before);
    }
}

#[test]
fn signatures_are_checked_in_order() {
    let builder = builder_with_accounts(&[1, 2], 1_000);
    let environment = environment(1);
    let signed = |mistake| {
        let payment = Payment { mistake, ..Payment::transfer(1, 2, 5, 1) };
        payment.sign(&environment, builder.objects())
    };
    let mistakes = [None, Some(Mistake::Signature), None, None];
    let transactions: Vec<_> = mistakes.into_iter().map(signed).collect();
    let results = check_signatures(&environment.domain, transactions.clone());
    assert_eq!(results.len(), mistakes.len());
    for ((result, mistake), transaction) in results.iter().zip(mistakes).zip(&transactions) {
        match mistake {
            None => assert_eq!(result.as_ref().map(CheckedTransaction::get), Ok(transaction)),
            Some(_) => assert_eq!(*result, Err(Reject::BadSignature)),
        }
    }
    let elsewhere = weft_protocol::Domain(Digest::ZERO);
    let results = check_signatures(&elsewhere, transactions);
    assert!(results.iter().all(|result| *result == Err(Reject::BadSignature)));
}

#[test]
fn a_batch_does_not_end_with_fees_left() {
    let mut builder = builder_with_accounts(&[1, 2], 1_000);
    transact(&mut builder, Payment::transfer(1, 2, 5, 3)).expect("valid");
    let before = visible(&builder);
    let left = builder.finish().expect_err("a fee of 3");
    assert_eq!(left.sums().amounts(), [3, 0, 0, 0].map(amount));
    let mut builder = left.builder;
    assert_eq!(visible(&builder), before);
    let nobody = AccountIndex(77);
    let refused = builder.collect_fees(nobody);
    assert_eq!(reject_of(&refused), Some(Reject::UnknownAccount { index: 77 }));
    let receipts = builder.collect_fees(OPERATOR).expect("it has an entry");
    assert_eq!(receipts.len(), 1);
    assert_eq!(builder.collect_fees(OPERATOR), Ok(Vec::new()));
    let (state, batch) = builder.finish().expect("collected");
    let operator = state.objects().get(OPERATOR).expect("the operator");
    assert_eq!(operator.balance(AssetId::ETH), amount(1_003));
    assert_provable(&batch);
}

#[test]
fn the_root_is_known_before_the_batch_ends() {
    let mut builder = builder_with_accounts(&[1, 2], 1_000);
    transact(&mut builder, Payment::transfer(1, 2, 5, 0)).expect("valid");
    let root = builder.root();
    assert_eq!(root, rebuilt_root(builder.objects()));
    let (state, batch) = builder.finish().expect("no fees");
    assert_eq!(state.root(), root);
    assert_provable(&batch);
}

#[test]
fn a_batch_without_slots_has_one_segment() {
    let builder = BatchBuilder::new(environment(1), State::new());
    let (state, batch) = builder.finish().expect("no fees");
    assert_eq!(batch.segments(8).len(), 1);
    assert_eq!(batch.trace.after(), RunningState::genesis());
    assert_eq!(state.root(), RunningState::genesis().root);
    assert_provable(&batch);
}

#[test]
fn a_full_batch_has_room_for_all_fees() {
    let mut builder = builder_with_accounts(&[1], 1_000);
    for asset in 2..=4 {
        let entry = deposit(1, asset);
        builder.push_queue_entry(&entry).expect("there is room");
    }
    for fee_asset in 0..4 {
        let payment = Payment { fee_asset, ..Payment::transfer(1, 0, 1, 1) };
        transact(&mut builder, payment).expect("it holds every fee asset");
    }
    let full = loop {
        if let Err(refusal) = builder.push_queue_entry(&deposit(1, 1)) {
            break refusal;
        }
    };
    let used = MAX_RECORDS - FeeAsset::COUNT;
    assert_eq!(full, Refusal::BatchFull { used, needed: 2 });
    let late = transact(&mut builder, Payment::transfer(1, 0, 1, 1));
    assert_eq!(late, Err(Refusal::BatchFull { used, needed: 1 }));
    assert_eq!(builder.collect_fees(OPERATOR).map(|receipts| receipts.len()), Ok(FeeAsset::COUNT));
    let (_, batch) = builder.finish().expect("collected");
    assert_eq!(batch.records().len(), MAX_RECORDS);
    let mut state = batch.trace.before();
    for segment in batch.segments(256) {
        assert_eq!(segment.before, state);
        state = segment.evaluate().expect("provable");
    }
    assert_eq!(state, batch.trace.after());
}

fn deposit(account: u32, asset: u16) -> QueueEntry {
    let operation = QueueOperation::Deposit(Deposit {
        account: AccountIndex(account),
        owner: address(1),
        asset: AssetId(asset),
        amount: amount(1_000),
        by_owner: true,
    });
    let sender = address(1);
    QueueEntry { operation, sender }
}

#[test]
fn only_the_last_batch_is_taken_back() {
    let builder = builder_with_accounts(&[1, 2], 1_000);
    let (state, first) = builder.finish().expect("no fees");
    let (after_first, after_first_root) = (state.objects().clone(), state.root());
    let mut builder = BatchBuilder::new(environment(2), state);
    transact(&mut builder, Payment::transfer(1, 2, 5, 0)).expect("valid");
    let (mut state, second) = builder.finish().expect("no fees");
    let root = state.root();
    assert_eq!(state.undo(&first.undo), Err(UndoError::NotTheLast { expected: first.trace.after().root, got: root }));
    assert_eq!(state.root(), root);
    let objects: Vec<_> = second.undo.objects.iter().map(|(index, object)| (*index, *object)).collect();
    let roots = [after_first_root, root];
    let missing = state.clone().undo(&Undo::of_stored(roots, &objects[1..]));
    assert!(matches!(missing, Err(UndoError::Incomplete { .. })), "{missing:?}");
    // Whatever stands at an index a second time was written by the batch itself.
    let again = objects.iter().map(|(index, _)| (*index, None));
    let stored: Vec<_> = objects.iter().copied().chain(again).collect();
    assert_eq!(Undo::of_stored(roots, &stored), second.undo);
    assert_eq!(state.undo(&second.undo), Ok(()));
    assert_eq!(state.objects(), &after_first);
    assert_eq!(state.undo(&first.undo), Ok(()));
    assert_eq!(state.root(), RunningState::genesis().root);
    assert_eq!(state.objects(), &Objects::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_slot_keeps_the_sums(steps in arb_steps()) {
        let mut builder = builder_with_accounts(&[1, 2, 3], 3_000);
        let mut sums = std::collections::BTreeMap::from([(AssetId::ETH, 12_000u128)]);
        for step in &steps {
            let before = visible(&builder);
            let nonces = nonces(&builder);
            let result = step.run(&mut builder);
            if let (Ok(_), Step::Entry(entry)) = (&result, step) {
                let (asset, amount) = paid_in(entry);
                *sums.entry(asset).or_default() += amount;
            }
            if result.is_err() && !matches!(step, Step::Collect(_)) {
                prop_assert_eq!(visible(&builder), before);
            }
            let risen = nonces.iter().all(|(index, nonce)| {
                builder.objects().get(*index).is_some_and(|object| object.nonce >= *nonce)
            });
            prop_assert!(risen);
            for asset in ASSETS.map(AssetId) {
                prop_assert_eq!(held(&builder, asset), sums.get(&asset).copied().unwrap_or(0));
            }
        }
    }

    #[test]
    fn every_batch_is_provable_and_can_be_taken_back(
        first in arb_steps(),
        second in arb_steps(),
        segment_after in 1..9usize,
    ) {
        let mut builder = builder_with_accounts(&[1, 2, 3], 3_000);
        let mut senders = vec![address(200); 4];
        senders.extend(run(&mut builder, &first));
        builder.collect_fees(OPERATOR).expect("it has room for every fee asset");
        let (state, batch) = builder.finish().expect("collected");
        assert_batch(&state, &batch, &senders);
        let (root, objects) = (state.root(), state.objects().clone());

        let mut builder = BatchBuilder::new(environment(2), state);
        let mut early = Vec::new();
        let mut senders = Vec::new();
        for step in &second {
            senders.extend(run(&mut builder, std::slice::from_ref(step)));
            early.extend(builder.next_segment(segment_after));
        }
        builder.collect_fees(OPERATOR).expect("it has room for every fee asset");
        early.extend(core::iter::from_fn(|| builder.next_segment(segment_after)));
        prop_assert_eq!(early.len(), builder.slot_count() / segment_after);
        let (mut state, batch) = builder.finish().expect("collected");
        assert_batch(&state, &batch, &senders);
        for (segment, witness) in early.iter().zip(batch.segments(segment_after)) {
            prop_assert_eq!(&segment.witness, &witness);
            prop_assert_eq!(witness.statement(), Ok(segment.statement()));
            let opened = witness.opened_statement(Digest::ZERO).expect("it was executed");
            prop_assert_eq!(chain_accesses(Digest::ZERO, &segment.accesses()), opened.chains[1]);
            prop_assert_eq!(segment.opened_statement(opened.chains), opened);
        }

        state.undo(&batch.undo).expect("the last batch");
        prop_assert_eq!(state.root(), root);
        prop_assert_eq!(state.objects(), &objects);
    }

    #[test]
    fn a_batch_that_is_given_up_leaves_nothing(steps in arb_steps(), opened in 0..20usize) {
        let (state, _) = builder_with_accounts(&[1, 2, 3], 3_000).finish().expect("no fees");
        let (root, objects) = (state.root(), state.objects().clone());
        let mut builder = BatchBuilder::new(environment(2), state);
        run(&mut builder, &steps);
        // Some of the slots may be in the tree already.
        builder.next_segment(opened + 1);
        let state = builder.abort();
        prop_assert_eq!(state.root(), root);
        prop_assert_eq!(state.objects(), &objects);
    }
}

fn nonces(builder: &BatchBuilder) -> Vec<(AccountIndex, u32)> {
    let objects = builder.objects().iter();
    objects.map(|(index, object)| (index, object.nonce)).collect()
}

/// Runs the steps; the senders of the entries that are in the batch.
fn run(builder: &mut BatchBuilder, steps: &[Step]) -> Vec<Address> {
    let mut senders = Vec::new();
    for step in steps {
        if let (Step::Entry(entry), Ok(_)) = (step, step.run(builder)) {
            senders.push(entry.sender);
        }
    }
    senders
}

fn assert_batch(state: &State, batch: &ExecutedBatch, senders: &[Address]) {
    assert_entries_hold(batch);
    assert_provable(batch);
    assert_eq!(state.root(), batch.trace.after().root);
    assert_eq!(state.root(), rebuilt_root(state.objects()));
    assert!(batch.trace.after().fee_sums.is_empty());
    assert_eq!(withdrawals_on_l1(&batch.records(), senders), batch.withdrawals);
}
