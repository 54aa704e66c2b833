//! Clauses that claim something of many wires: each wire, forged alone, breaks its clause.

use std::collections::BTreeSet;

use plonky2::field::types::Field;
use weft_protocol::{AccountIndex, Amount, AssetId, Deposit, Entry, Slot};

use super::clauses::{Case, HASH_OUTPUT, accepted, one_slot};
use super::world::{World, amount, opening, owner, transfer};
use crate::builder::{Bool, Mode, Target};
use crate::config::F;
use crate::gates::{EntryChange, GateShape};
use crate::ledger::{Assertion, Claim, ClauseId};
use crate::segment::SegmentWires;
use crate::testing::checker::value_of;
use crate::testing::mutate::untied_public_inputs;
use crate::testing::{Checker, Violation, generate};

const TRANSFER: usize = 0;
const WITHDRAWAL: usize = 3;
const OPENING: usize = 4;
const DEPOSIT: usize = 5;
const COLLECTION: usize = 11;
const PADDING: usize = 12;
/// Behind the slots of [`accepted`].
const BOUNCED_OPENING: usize = 13;

/// What a wire is forged to.
#[derive(Clone, Copy)]
enum Lie {
    /// 2.
    NoBit,
    /// The least integer that has more bits than these.
    Above(u32),
    /// One more than the honest value.
    OneMore,
}

/// A clause, the slot that it is violated in, its wires and the lie.
type Claimed = (ClauseId, usize, Lie, fn(&SegmentWires) -> Vec<Target>);

fn cases() -> Vec<Case> {
    let bounced = Case::new(&World::with_users(3), &opening(9, 3, 0));
    accepted().into_iter().chain([bounced]).collect()
}

fn targets(flags: &[Bool]) -> Vec<Target> {
    flags.iter().map(|flag| flag.target()).collect()
}

fn widths() -> Vec<Claimed> {
    vec![
        ("SE-1", TRANSFER, Lie::Above(32), |wires| vec![wires.environment.batch_number.target()]),
        ("SE-1", TRANSFER, Lie::Above(40), |wires| vec![wires.environment.timestamp.target()]),
        ("SL-2", TRANSFER, Lie::NoBit, |wires| {
            let input = &wires.slots[0].input;
            let (selectors, fields) = (&input.selectors, &input.fields);
            let flags = [selectors.transfer, selectors.withdraw, selectors.deposit, selectors.opening];
            let others = [selectors.collect, fields.lane, fields.bounced, input.a_exists];
            targets(&[&flags[..], &others, &fields.fee_asset, &fields.fee_exponent].concat())
        }),
        ("SL-2", TRANSFER, Lie::Above(8), |wires| vec![wires.slots[0].input.fields.amount_high.target()]),
        ("SL-2", TRANSFER, Lie::Above(11), |wires| vec![wires.slots[0].input.fields.fee_mantissa.target()]),
        ("SL-2", TRANSFER, Lie::Above(16), |wires| vec![wires.slots[0].input.fields.asset.target()]),
        ("SL-2", TRANSFER, Lie::Above(32), |wires| {
            let fields = &wires.slots[0].input.fields;
            vec![fields.a, fields.b]
        }),
        ("SL-2", TRANSFER, Lie::Above(40), |wires| vec![wires.slots[0].input.fields.expiry.target()]),
        ("SL-2", TRANSFER, Lie::Above(48), |wires| vec![wires.slots[0].input.fields.address.elements()[0]]),
        ("SL-2", TRANSFER, Lie::Above(54), |wires| vec![wires.slots[0].input.fields.amount_low.target()]),
        ("SL-2", TRANSFER, Lie::Above(56), |wires| wires.slots[0].input.fields.address.elements()[1..].to_vec()),
        ("SL-2", OPENING, Lie::Above(8), |wires| {
            wires.slots[0].input.fields.key.iter().map(|key| key.carry.target()).collect()
        }),
        ("SL-2", OPENING, Lie::Above(16), |wires| {
            wires.slots[0].input.fields.key.iter().map(|key| key.high.target()).collect()
        }),
        ("SL-2", OPENING, Lie::Above(48), |wires| {
            wires.slots[0].input.fields.key.iter().map(|key| key.middle.target()).collect()
        }),
        ("SL-2", OPENING, Lie::Above(56), |wires| {
            wires.slots[0].input.fields.key.iter().map(|key| key.low.target()).collect()
        }),
        ("SL-8", TRANSFER, Lie::Above(16), |wires| {
            let input = &wires.slots[0].input;
            input.a.ids.iter().chain(&input.b.ids).map(|id| id.target()).collect()
        }),
    ]
}

fn values() -> Vec<Claimed> {
    vec![
        ("SL-3", WITHDRAWAL, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.b]),
        ("SL-3", DEPOSIT, Lie::OneMore, |wires| {
            let fields = &wires.slots[0].input.fields;
            [&targets(&fields.fee_asset)[..], &[fields.fee_mantissa.target()]].concat()
        }),
        ("SL-3", OPENING, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.lane.target()]),
        ("SL-3", TRANSFER, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.bounced.target()]),
        ("SL-3", PADDING, Lie::OneMore, |wires| {
            let fields = &wires.slots[0].input.fields;
            vec![fields.a, fields.asset.target(), fields.amount_low.target()]
        }),
        ("SL-4", OPENING, Lie::OneMore, |wires| {
            let a = &wires.slots[0].input.a;
            let ids = [0, 3, 6, 9].map(|word| a.ids[word].target());
            [&a.agent[..], &[a.nonce, a.agent_nonce], &ids, &a.amounts].concat()
        }),
        ("SL-4", TRANSFER, Lie::OneMore, |wires| wires.before.root.to_vec()),
        ("SL-7", TRANSFER, Lie::Above(28), |wires| {
            let fields = &wires.slots[0].input.fields;
            vec![fields.a, fields.b]
        }),
        ("TX-2", TRANSFER, Lie::OneMore, |wires| wires.slots[0].input.a.main_key.to_vec()),
        ("TX-4", TRANSFER, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.nonce]),
        ("TX-7", TRANSFER, Lie::OneMore, |wires| wires.slots[0].input.fields.group.to_vec()),
        ("TX-8", TRANSFER, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.lane.target()]),
        ("TR-2", TRANSFER, Lie::OneMore, |wires| vec![wires.slots[0].input.b.header]),
        ("TR-3", TRANSFER, Lie::OneMore, |wires| wires.slots[0].input.b.owner.to_vec()),
        ("DO-3", OPENING, Lie::OneMore, |wires| {
            let a = &wires.slots[0].input.a;
            [&[a.header][..], &a.owner, &a.main_key].concat()
        }),
        ("DO-3", BOUNCED_OPENING, Lie::OneMore, |wires| vec![wires.slots[0].input.fields.a]),
        ("CF-1", COLLECTION, Lie::OneMore, |wires| {
            let fields = &wires.slots[0].input.fields;
            vec![fields.asset.target(), fields.amount_low.target()]
        }),
    ]
}

#[test]
fn each_wire_of_a_clause_forged_alone_breaks_it() {
    let circuit = one_slot(Mode::Checking);
    let checker = Checker::new(circuit.layer.circuit());
    let cases = cases();
    let honest: Vec<_> = cases
        .iter()
        .map(|case| {
            generate(circuit.layer.circuit(), &circuit.witness(&case.segment()).expect("one slot"), &[]).witness
        })
        .collect();
    honest.iter().for_each(|honest| assert_eq!(checker.broken_claims(honest), []));
    for (clause, case, lie, wires) in widths().into_iter().chain(values()) {
        for wire in wires(&circuit.wires) {
            let value = match lie {
                Lie::NoBit => F::TWO,
                Lie::Above(bits) => F::from_canonical_u64(1 << bits),
                Lie::OneMore => value_of(&honest[case], wire) + F::ONE,
            };
            let failed = cases[case].failed_clauses(&circuit, &checker, &[(wire, value)]);
            assert!(failed.contains(clause), "{clause} does not fail for {value} at {wire:?}, but {failed:?}");
        }
    }
}

/// SL-13: a deposit that would overflow does not bounce, without a carry: only the range of the sum refuses it.
#[test]
fn an_amount_of_63_bits_breaks_the_range_of_amounts() {
    let mut world = World::with_users(2);
    let mut rich = *world.object(AccountIndex(2)).expect("a user");
    rich.entries[0] = Entry { asset: AssetId(1), amount: Amount::MAX };
    world.put(AccountIndex(2), rich);
    let asset = AssetId(1);
    let deposit = Deposit { account: AccountIndex(2), owner: owner(2), asset, amount: amount(5), by_owner: false };
    let case = Case::new(&world, &Slot::Deposit(deposit));
    let sum = F::from_canonical_u64(amount(5).get() + Amount::MAX.get());
    for mode in [Mode::Checking, Mode::Proving] {
        let circuit = one_slot(mode);
        let checker = Checker::new(circuit.layer.circuit());
        let mut rows = (0..checker.rows()).filter(|&row| checker.gate(row).0.id().starts_with(EntryChange::NAME));
        let row = rows.next().expect("a change of A's entry");
        let inverse = EntryChange.num_wires() - 1;
        let forged = [
            (EntryChange::OVERFLOW, F::ZERO),
            (EntryChange::LOW, sum),
            (EntryChange::AMOUNTS_AFTER.start, sum),
            (inverse, sum.inverse()),
        ]
        .map(|(column, value)| (Target::wire(row, column), value));
        let bounced = circuit.wires.slots[0].input.fields.bounced.target();
        let forged = [&forged[..], &[(bounced, F::ZERO)]].concat();
        let witness = circuit.witness(&case.segment()).expect("one slot");
        let generated = generate(circuit.layer.circuit(), &witness, &forged);
        match mode {
            Mode::Checking => {
                assert_eq!(case.failed_clauses(&circuit, &checker, &forged), BTreeSet::from(["SL-13"]));
            }
            Mode::Proving => assert!(!checker.broken_rows(&generated.witness).is_empty()),
        }
    }
}

/// SE-1, SE-2: what is public is what the slots are proved for.
#[test]
fn no_public_input_can_lie() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    let witness = circuit.witness(&accepted()[TRANSFER].segment()).expect("one slot");
    assert_eq!(untied_public_inputs(&checker, &witness), Vec::<usize>::new());
}

/// SL-2: that an index lies in the tree, or not, is no choice of the prover's, whatever inverse it claims.
#[test]
fn no_index_lies_about_the_tree() {
    let circuit = one_slot(Mode::Checking);
    let checker = Checker::new(circuit.layer.circuit());
    let hints = circuit.layer.circuit().ledger.hints().iter().filter(|hint| hint.scope == "SL-2");
    let hints: Vec<_> = hints.map(|hint| hint.target).collect();
    let [a, a_inverse, b, b_inverse] = hints[..] else { panic!("a flag and an inverse for each index: {hints:?}") };
    let outside = (circuit.wires.slots[0].input.fields.b, F::from_canonical_u64(1 << 28));
    let (cases, outside_a) = (cases(), 9);
    for (case, forged) in [
        (outside_a, vec![(a, F::ONE), (a_inverse, F::ZERO)]),
        (TRANSFER, vec![outside, (b, F::ONE), (b_inverse, F::ZERO)]),
        (TRANSFER, vec![(a, F::ZERO)]),
        (TRANSFER, vec![(b, F::ZERO)]),
    ] {
        let failed = cases[case].failed_clauses(&circuit, &checker, &forged);
        assert!(failed.contains("SL-2"), "{forged:?} on {:?}: {failed:?}", cases[case]);
    }
}

/// TR-1: a transfer to its sender cannot say that it goes elsewhere.
#[test]
fn no_transfer_to_its_sender_lies_about_it() {
    let world = World::with_users(2);
    let case = Case::new(&world, &world.sign(transfer(1, 1, 1, 5)));
    let circuit = one_slot(Mode::Checking);
    let checker = Checker::new(circuit.layer.circuit());
    let hint = circuit.layer.circuit().ledger.hints().iter().find(|hint| hint.scope == "TR-1");
    let is_same = hint.expect("a test for zero").target;
    assert!(case.failed_clauses(&circuit, &checker, &[(is_same, F::ZERO)]).contains("TR-1"));
}

/// SL-6: all of the root that B's path leads to is compared.
#[test]
fn each_element_of_the_root_above_b_is_compared() {
    let circuit = one_slot(Mode::Checking);
    let checker = Checker::new(circuit.layer.circuit());
    let assertions = circuit.layer.circuit().ledger.assertions().iter();
    let end = assertions.filter(|assertion| assertion.clause == "SL-6").find_map(|assertion| match assertion.claim {
        Claim::Rows { end, .. } => Some(end),
        _ => None,
    });
    let end = end.expect("SL-6 claims rows");
    let root = (0..end).rev().find(|&row| checker.gate(row).0.id().starts_with("PoseidonGate")).expect("a path");
    let witness = circuit.witness(&accepted()[TRANSFER].segment()).expect("one slot");
    for lane in 0..4 {
        let forged = [(Target::wire(root, HASH_OUTPUT + lane), F::ONE)];
        let generated = generate(circuit.layer.circuit(), &witness, &forged);
        let is_comparison = |violation: &Violation| {
            let Violation::Clause(Assertion { clause, claim }) = violation else { return false };
            *clause == "SL-6" && matches!(claim, Claim::EqualIf { .. })
        };
        let broken = checker.broken_claims(&generated.witness).into_iter().filter(is_comparison).count();
        assert_eq!(broken, 1, "element {lane}");
    }
}
