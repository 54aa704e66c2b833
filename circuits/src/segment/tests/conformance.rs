//! Native rules and slot circuit compared, over hand-picked slots and random ones.

use std::collections::BTreeMap;

use plonky2::field::types::Field;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use weft_protocol::testing::{arb_deposit, arb_object, arb_opening_deposit};
use weft_protocol::{AccountIndex, Amount, Fee, FeeAsset, Object, Outcome, Slot, Transaction, TransactionKind};

use super::clauses::{Case, accepted, clause_of, one_slot, rejected};
use super::world::{World, owner, secret, transfer, withdrawal};
use crate::builder::Mode;
use crate::config::F;
use crate::testing::checker::value_of;
use crate::testing::motion::movable_classes;
use crate::testing::mutate::{unconstrained_classes, undetermined_hints};
use crate::testing::{Checker, generate};
use crate::wired::to_field;

const CASES: usize = 48;

/// Random values of a strategy, the same in every run.
fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("strategies do not give up").current()).collect()
}

/// Native rule and circuit accept the same slots with the same states after; the clause that the native rule names fails.
fn assert_agree(cases: &[Case]) {
    let proving = one_slot(Mode::Proving);
    let checking = one_slot(Mode::Checking);
    let (prover, checker) = (Checker::new(proving.layer.circuit()), Checker::new(checking.layer.circuit()));
    for case in cases {
        let segment = case.segment();
        let witness = proving.witness(&segment).expect("one slot");
        let generated = generate(proving.layer.circuit(), &witness, &[]);
        let satisfied = generated.is_complete() && prover.broken_rows(&generated.witness).is_empty();
        let failed = case.failed_clauses(&checking, &checker, &[]);
        match segment.statement() {
            Ok(statement) => {
                assert!(satisfied, "the circuit refuses {case:?}: {:?}", prover.broken_rows(&generated.witness));
                assert!(failed.is_empty(), "{failed:?} fail for {case:?}");
                let public = &proving.layer.circuit().data.prover_only.public_inputs;
                let values: Vec<F> = public.iter().map(|&target| value_of(&generated.witness, target)).collect();
                assert_eq!(values, statement.elements().map(to_field).to_vec());
                assert_value_is_kept(case);
            }
            Err(reject) => {
                assert!(!satisfied, "the circuit accepts what is rejected by {reject:?}: {case:?}");
                let clause = clause_of(&case.slot.slot, &reject);
                assert!(failed.contains(clause), "{clause} does not fail for {reject:?}, but {failed:?}: {case:?}");
            }
        }
    }
}

/// Of each asset as much comes in as goes out: entries and fee sums together change by what L1 locks or pays. The states
/// after are those of the circuit, so that no slot that it accepts makes or loses anything.
fn assert_value_is_kept(case: &Case) {
    let (_, effects) = case.slot.evaluate(&case.environment, &case.before).expect("accepted");
    let mut change: BTreeMap<u16, i128> = BTreeMap::new();
    let mut add = |asset: u16, amount: Amount, sign: i128| {
        *change.entry(asset).or_default() += sign * i128::from(amount.get());
    };
    for (opening, after) in [(&case.slot.a, &effects.a_after), (&case.slot.b, &effects.b_after)] {
        let Some(after) = after else { continue };
        let before = opening.as_ref().and_then(|opening| opening.object.as_ref());
        before.into_iter().flat_map(|object| &object.entries).for_each(|e| add(e.asset.0, e.amount, -1));
        after.entries.iter().for_each(|entry| add(entry.asset.0, entry.amount, 1));
    }
    for ((asset, before), after) in (1..).zip(case.before.fee_sums.amounts()).zip(effects.fee_sums.amounts()) {
        add(asset, before, -1);
        add(asset, after, 1);
    }
    let is_done = effects.outcome == Outcome::Done;
    match &case.slot.slot {
        Slot::Deposit(deposit) if is_done => add(deposit.asset.0, deposit.amount, -1),
        Slot::OpeningDeposit { deposit, .. } if is_done => add(deposit.asset.0, deposit.amount, -1),
        Slot::Signed(signed) if signed.transaction.kind == TransactionKind::Withdraw => {
            add(signed.transaction.asset.0, signed.transaction.amount, 1);
        }
        _ => {}
    }
    assert!(change.values().all(|&change| change == 0), "{change:?} appears in {case:?}");
}

#[test]
fn hand_picked_slots_agree() {
    let cases: Vec<_> = accepted().into_iter().chain(rejected().into_iter().map(|(_, case)| case)).collect();
    assert_agree(&cases);
}

/// A state with arbitrary objects at 1, 2 and 3, and the keys of users 1 and 2 in the first two where `own` says so.
fn arb_world() -> impl Strategy<Value = World> {
    let object = || proptest::option::weighted(0.9, arb_object());
    (object(), object(), object(), 0..2_000_000u64).prop_map(|(a, b, c, fees)| {
        let mut world = World::new();
        for (user, object) in (1..).zip([a, b, c]) {
            if let Some(object) = object {
                let main_key = secret(user).public_key().digest();
                world.put(AccountIndex(user), Object { main_key, owner: owner(user), ..object });
            }
        }
        let sum = Amount::new(fees).expect("small");
        world.state.fee_sums = world.state.fee_sums.with(FeeAsset::default(), sum);
        world
    })
}

fn arb_transfer() -> impl Strategy<Value = Transaction> {
    let who = (1..4u32, 1..5u32, any::<bool>());
    (who, 1..17u16, 1..1_000u64, 0..4u8, prop_oneof![Just(0), any::<u16>()]).prop_map(
        |((from, to, pays_out), asset, value, fee_asset, fee)| {
            let transaction = if pays_out { withdrawal(from, asset, value) } else { transfer(from, to, asset, value) };
            let fee_asset = FeeAsset::new(fee_asset).expect("below 4");
            Transaction { fee_asset, fee: Fee(fee & 0x3ff), ..transaction }
        },
    )
}

#[test]
fn random_transactions_agree() {
    let cases: Vec<_> = samples(&(arb_world(), arb_transfer()), CASES)
        .into_iter()
        .map(|(world, transaction)| {
            let slot = world.sign(transaction);
            Case::new(&world, &slot)
        })
        .collect();
    assert_agree(&cases);
}

#[test]
fn random_collections_agree() {
    let cases: Vec<_> = samples(&(arb_world(), 1..5u32, 0..2u8), CASES / 2)
        .into_iter()
        .map(|(world, account, fee_asset)| {
            let fee_asset = FeeAsset::new(fee_asset).expect("below 4");
            Case::new(&world, &Slot::CollectFees { account: AccountIndex(account), fee_asset })
        })
        .collect();
    assert_agree(&cases);
}

/// Over arbitrary states and queue entries exactly one outcome satisfies the circuit: the native one.
#[test]
fn queue_entries_have_exactly_one_outcome() {
    let aim = (any::<bool>(), 1..4u32, any::<bool>());
    let deposits = samples(&(arb_world(), arb_deposit(), aim), CASES).into_iter().map(|(world, mut deposit, aim)| {
        let (at_user, user, owned) = aim;
        if at_user {
            deposit.account = AccountIndex(user);
        }
        if owned {
            deposit.owner = owner(user);
        }
        Case::new(&world, &Slot::Deposit(deposit))
    });
    let openings = samples(&(arb_world(), arb_opening_deposit(), 1..6u32), CASES / 2).into_iter().map(
        |(world, deposit, index)| Case::new(&world, &Slot::OpeningDeposit { deposit, index: AccountIndex(index) }),
    );
    let cases: Vec<_> = deposits.chain(openings).collect();
    assert_agree(&cases);
    let proving = one_slot(Mode::Proving);
    let checker = Checker::new(proving.layer.circuit());
    let bounced = proving.wires.slots[0].input.fields.bounced.target();
    let mut outcomes = [0; 2];
    for case in cases {
        let segment = case.segment();
        let witness = proving.witness(&segment).expect("one slot");
        let honest = generate(proving.layer.circuit(), &witness, &[]);
        let outcome = value_of(&honest.witness, bounced);
        let other = generate(proving.layer.circuit(), &witness, &[(bounced, F::ONE - outcome)]);
        assert!(!checker.broken_rows(&other.witness).is_empty(), "the other outcome is accepted: {case:?}");
        if segment.evaluate().is_ok() {
            outcomes[usize::from(outcome == F::ONE)] += 1;
        }
    }
    assert!(outcomes[0] > 5 && outcomes[1] > 5, "both outcomes occur: {outcomes:?}");
}

/// On honest witnesses of each kind, a change of any wire breaks a gate, and so does a lie about any hint.
#[test]
fn every_wire_is_constrained() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    for case in accepted() {
        let witness = circuit.witness(&case.segment()).expect("one slot");
        let honest = generate(circuit.layer.circuit(), &witness, &[]);
        assert!(checker.broken_rows(&honest.witness).is_empty());
        let free = unconstrained_classes(&checker, &honest.witness);
        let unread = case.unread_wires(&circuit, &honest.witness);
        let free: Vec<_> = free.into_iter().filter(|class| !unread.contains(&class.representative)).collect();
        assert!(free.is_empty(), "{case:?}: {free:?}");
        let hints = undetermined_hints(&checker, &witness);
        assert!(hints.is_empty(), "{case:?}: {hints:?}");
    }
    // With all wires at once; slots over accesses are tried in every kind.
    let witness = circuit.witness(&accepted()[2].segment()).expect("one slot");
    let honest = generate(circuit.layer.circuit(), &witness, &[]);
    assert_eq!(movable_classes(&checker, &honest.witness, &witness), Vec::<usize>::new());
}
