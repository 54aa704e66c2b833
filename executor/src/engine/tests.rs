use proptest::prelude::*;
use weft_protocol::{AccountIndex, Reject};

use super::*;
use crate::testing::{OPERATOR, Payment, Step, amount, arb_steps, builder_with_accounts, environment, opening};

fn signed(objects: &Objects, payment: Payment) -> Slot {
    Slot::Signed(payment.sign(&environment(2), objects))
}

/// A ledger with the operator and accounts 1 and 2.
fn ledger() -> Ledger {
    let builder = builder_with_accounts(&[1, 2], 1_000);
    Ledger::new(environment(2), builder.objects().clone())
}

#[test]
fn refused_slots_are_left_out_and_the_others_go_on() {
    let mut ledger = ledger();
    let objects = ledger.objects().clone();
    let slots = vec![
        signed(&objects, Payment::transfer(1, 2, 600, 1)),
        // Its nonce was right before the first one.
        signed(&objects, Payment::transfer(1, 2, 600, 1)),
        signed(&objects, Payment::transfer(2, 1, 1_500, 3)),
    ];
    let results = Sequential.execute(&mut ledger, slots.clone());
    let [Ok(first), Err(second), Ok(third)] = &results[..] else {
        panic!("{results:?}");
    };
    assert_eq!([&first.slot, &third.slot], [&slots[0], &slots[2]]);
    let stale = Reject::WrongNonce { expected: 1, got: 0 };
    assert_eq!(*second, Refusal::Rejected(stale));
    assert_eq!(third.before, [first.effects.b_after, first.effects.a_after]);
    let balance = |index| {
        let object = ledger.objects().get(AccountIndex(index));
        object.expect("an account").balance(weft_protocol::AssetId::ETH)
    };
    assert_eq!([1, 2].map(balance), [1_000 - 601 + 1_500, 1_000 + 600 - 1_503].map(amount));
    assert_eq!(ledger.record_count(), 2);
    let fee_asset = FeeAsset::new(0).expect("the first");
    assert_eq!(ledger.fee_sums().get(fee_asset), amount(4));
}

#[test]
fn the_reserve_takes_collections_only() {
    let mut ledger = ledger();
    let objects = ledger.objects().clone();
    ledger.record_count = MAX_RECORDS - COLLECTION_RECORDS - 1;
    let last = signed(&objects, Payment::transfer(1, 2, 10, 1));
    let late = signed(&objects, Payment::transfer(2, 1, 10, 1));
    let collect = Slot::CollectFees { account: OPERATOR, fee_asset: FeeAsset::new(0).expect("the first") };
    let [Ok(_), Err(refusal), Ok(_)] = &Sequential.execute(&mut ledger, vec![last, late, collect])[..] else {
        panic!("the last place, no place, the reserve");
    };
    let used = MAX_RECORDS - COLLECTION_RECORDS;
    assert_eq!(*refusal, Refusal::BatchFull { used, needed: 1 });
    assert_eq!(ledger.record_count(), MAX_RECORDS - COLLECTION_RECORDS + 1);
}

#[test]
fn accesses_name_what_was_read_and_written() {
    let mut ledger = ledger();
    let objects = ledger.objects().clone();
    let slot = signed(&objects, Payment::transfer(1, 2, 600, 1));
    let bounced = opening(7, weft_protocol::AssetId::NONE, amount(5));
    let weft_protocol::QueueOperation::OpeningDeposit(deposit) = bounced.operation else {
        panic!("an opening deposit");
    };
    let index = AccountIndex(3);
    let opening = Slot::OpeningDeposit { deposit, index };
    let results = Sequential.execute(&mut ledger, vec![slot, opening]);
    let [Ok(transfer), Ok(bounced)] = &results[..] else {
        panic!("{results:?}");
    };
    let indices: Vec<_> = transfer.accesses().map(|(index, ..)| index.0).collect();
    assert_eq!(indices, [1, 2]);
    for (index, before, after) in transfer.accesses() {
        assert_eq!(before.as_ref(), objects.get(index));
        assert_eq!(after.as_ref(), ledger.objects().get(index));
    }
    assert_eq!(bounced.accesses().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_list_of_slots_is_the_same_as_one_slot_at_a_time(steps in arb_steps()) {
        let builder = builder_with_accounts(&[1, 2, 3], 3_000);
        let mut single = Ledger::new(environment(2), builder.objects().clone());
        let mut list = single.clone();
        let slots: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Payment(payment) => Some(signed(single.objects(), *payment)),
                Step::Entry(_) | Step::Collect(_) => None,
            })
            .collect();
        let mut expected = Vec::new();
        for slot in &slots {
            let before = single.clone();
            let result = single.apply(slot.clone());
            if result.is_err() {
                prop_assert_eq!(&single, &before);
            }
            expected.push(result);
        }
        prop_assert_eq!(Sequential.execute(&mut list, slots), expected);
        prop_assert_eq!(list, single);
    }
}
