//! Each clause violated: by slots that the native rules reject, and by wires that no native value can have.

use std::collections::BTreeSet;

use plonky2::field::types::Field;
use plonky2::iop::witness::PartitionWitness;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Deposit, Environment, Fee, FeeAsset, Lane, Object, Reject, RunningState,
    SegmentWitness, Slot, SlotWitness, Timestamp, Transaction, TransactionKind, WitnessError,
};

use super::world::{World, amount, opening, owner, secret, transfer, withdrawal};
use crate::builder::{CircuitName, Mode, Target};
use crate::config::F;
use crate::ledger::{Claim, ClauseId};
use crate::recursion::Assembly;
use crate::segment::{CLAUSES, SegmentCircuit, SlotWires};
use crate::testing::checker::{clauses_of, value_of};
use crate::testing::mutate::class_of;
use crate::testing::{Checker, generate, prove_anyway};

/// Column of the first output of a row with a permutation.
pub(super) const HASH_OUTPUT: usize = 12;

/// A slot in a state.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) environment: Environment,
    pub(super) before: RunningState,
    pub(super) slot: SlotWitness,
}

impl Case {
    pub(super) fn new(world: &World, slot: &Slot) -> Self {
        Self { environment: world.environment, before: world.state, slot: world.witness(slot) }
    }

    pub(super) fn segment(&self) -> SegmentWitness {
        SegmentWitness { environment: self.environment, before: self.before, slots: vec![self.slot.clone()] }
    }

    /// The clauses that fail in the checking circuit, with some wires forced.
    pub(super) fn failed_clauses(
        &self,
        circuit: &SegmentCircuit,
        checker: &Checker<'_, crate::config::C>,
        forced: &[(Target, F)],
    ) -> BTreeSet<ClauseId> {
        let witness = circuit.witness(&self.segment()).expect("one slot");
        let generated = generate(circuit.layer.circuit(), &witness, forced);
        clauses_of(&checker.broken_claims(&generated.witness))
    }

    /// Values that this slot's kind does not read: no constraint but their own range concerns them.
    pub(super) fn unread_wires(&self, circuit: &SegmentCircuit, witness: &PartitionWitness<'_, F>) -> BTreeSet<usize> {
        let input = &circuit.wires.slots[0].input;
        let mut unread = Vec::new();
        if !matches!(self.slot.slot, Slot::Signed(_)) {
            unread.push(input.fields.nonce);
            unread.extend(input.fields.group);
        }
        unread.into_iter().map(|target| class_of(witness, target)).collect()
    }
}

/// The circuit of one slot.
pub(super) fn one_slot(mode: Mode) -> SegmentCircuit {
    let name = CircuitName { name: "segment-of-one", version: 1 };
    SegmentCircuit::build(name, 1, Assembly { mode, cache: None })
}

/// The clause that a rejection names.
pub(super) fn clause_of(slot: &Slot, error: &WitnessError) -> ClauseId {
    let reject = match error {
        WitnessError::Openings => return "SL-7",
        WitnessError::Root { index } if slot.a() == Some(AccountIndex(*index)) => return "SL-4",
        WitnessError::Root { .. } => return "SL-6",
        WitnessError::Reject(reject) => reject,
    };
    let collects = matches!(slot, Slot::CollectFees { .. });
    match reject {
        Reject::IndexOutOfRange { .. } => "SL-7",
        Reject::UnknownAccount { .. } if collects => "CF-2",
        Reject::UnknownAccount { .. } => "TX-1",
        Reject::WrongKey => "TX-2",
        Reject::BadSignature => "SG-3",
        Reject::WrongNonce { .. } => "TX-4",
        Reject::NonceExhausted => "TX-5",
        Reject::Expired { .. } => "TX-6",
        Reject::UnsupportedGroup => "TX-7",
        Reject::UnsupportedLane => "TX-8",
        Reject::ZeroAmount | Reject::UnknownAsset => "TX-9",
        Reject::InsufficientBalance { balance, .. } | Reject::InsufficientFee { balance, .. } => {
            // A fee in the paid asset is taken together with the amount.
            let Slot::Signed(signed) = slot else { unreachable!("only signed slots pay") };
            let transaction = &signed.transaction;
            let same = transaction.fee_asset.asset() == transaction.asset;
            let fee_is_short = matches!(reject, Reject::InsufficientFee { .. });
            if balance.is_zero() && !(fee_is_short && same) { "TX-10" } else { "SL-13" }
        }
        Reject::SelfTransfer => "TR-1",
        Reject::UnknownRecipient { .. } => "TR-2",
        Reject::WrongRecipient => match slot {
            Slot::Signed(signed) if signed.transaction.kind == TransactionKind::Withdraw => "WD-1",
            _ => "TR-3",
        },
        Reject::EntriesFull | Reject::RecipientOverflow if collects => "CF-2",
        Reject::EntriesFull | Reject::RecipientOverflow => "TR-4",
        Reject::NotEmpty { .. } => "DO-2",
        Reject::NothingToCollect => "CF-1",
    }
}

fn collect(account: u32) -> Slot {
    Slot::CollectFees { account: AccountIndex(account), fee_asset: FeeAsset::default() }
}

fn deposit(account: u32, asset: u16, value: u64) -> Deposit {
    let (account, asset) = (AccountIndex(account), AssetId(asset));
    Deposit { account, owner: owner(account.0), asset, amount: amount(value), by_owner: false }
}

/// Users 1 to 3 and a fee sum.
fn world() -> World {
    let mut world = World::with_users(3);
    world.state.fee_sums = world.state.fee_sums.with(FeeAsset::default(), amount(1_000));
    world
}

/// Good slots, at least one of each kind.
pub(super) fn accepted() -> Vec<Case> {
    let world = world();
    let second = FeeAsset::new(1).expect("below 4");
    let signed = [
        transfer(1, 2, 1, 500),
        Transaction { fee: Fee(7 << 5 | 3), ..transfer(1, 2, 1, 500) },
        Transaction { fee: Fee(7 << 5 | 3), fee_asset: second, ..transfer(1, 2, 1, 1_000_000) },
        withdrawal(3, 2, 1_000_000),
    ];
    let mut slots: Vec<_> = signed.into_iter().map(|transaction| world.sign(transaction)).collect();
    slots.extend([
        opening(9, 3, 77),
        Slot::Deposit(deposit(1, 1, 5)),
        Slot::Deposit(deposit(2, 7, 5)),
        Slot::Deposit(Deposit { by_owner: true, ..deposit(2, 7, 5) }),
        Slot::Deposit(deposit(50, 1, 5)),
        Slot::Deposit(deposit(u32::MAX, 1, 5)),
        Slot::Deposit(Deposit { owner: owner(3), ..deposit(2, 1, 5) }),
        collect(3),
        Slot::Padding,
    ]);
    slots.iter().map(|slot| Case::new(&world, slot)).collect()
}

/// Slots that the native rules reject, each with its clause.
pub(super) fn rejected() -> Vec<(ClauseId, Case)> {
    let world = world();
    let sign = |transaction| Case::new(&world, &world.sign(transaction));
    let late = Timestamp::new(world.environment.timestamp.get() - 1).expect("earlier");
    let word = |value| Digest([Goldilocks::from_u64(value); 4]);
    let replayed = world.sign_as_is(Transaction { nonce: 1, ..transfer(1, 2, 1, 5) });
    let with = |index: u32, change: &dyn Fn(&mut Object)| {
        let mut world = world.clone();
        let mut object = *world.object(AccountIndex(index)).expect("a user");
        change(&mut object);
        world.put(AccountIndex(index), object);
        world
    };
    let in_world = |world: World, transaction| Case::new(&world, &world.sign(transaction));
    let full = |object: &mut Object| {
        (0..8).for_each(|i| object.entries[i].asset = AssetId(20 + u16::try_from(i).expect("small")));
        object.entries.iter_mut().for_each(|entry| entry.amount = amount(1));
        (8..12).for_each(|i| object.entries[i] = weft_protocol::Entry::default());
    };
    let crowded = |object: &mut Object| {
        let entry = |i: u16| weft_protocol::Entry { asset: AssetId(20 + i), amount: amount(1) };
        object.entries = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(entry);
    };
    let rich = |object: &mut Object| object.entries[0].amount = Amount::MAX;
    let other_kind = |object: &mut Object| object.kind = 2;
    let mut forged = world.sign(transfer(1, 2, 1, 5));
    if let (Slot::Signed(forged), Slot::Signed(other)) = (&mut forged, world.sign(transfer(1, 2, 1, 6))) {
        forged.signature = other.signature;
    }
    let mut wrong_path = Case::new(&world, &world.sign(transfer(1, 2, 1, 5)));
    let mut wrong_path_b = wrong_path.clone();
    wrong_path.slot.a.as_mut().expect("A is opened").path.siblings[3] = word(5);
    wrong_path_b.slot.b.as_mut().expect("B is opened").path.siblings[3] = word(5);
    let other_key = with(1, &|object| object.main_key = secret(2).public_key().digest());
    let poor = Transaction { fee: Fee(1 << 5), fee_asset: FeeAsset::new(2).expect("below 4"), ..transfer(1, 2, 1, 5) };
    vec![
        ("SL-4", wrong_path),
        ("SL-6", wrong_path_b),
        ("SL-7", sign(transfer(1, 1 << 28 | 2, 1, 5))),
        ("SL-13", sign(transfer(1, 2, 1, 1_000_001))),
        ("SL-13", sign(Transaction { fee: Fee(1 << 5), ..transfer(1, 2, 1, 1_000_000) })),
        ("TX-1", sign(transfer(40, 2, 1, 5))),
        ("TX-1", in_world(with(1, &other_kind), transfer(1, 2, 1, 5))),
        ("TX-2", in_world(other_key, transfer(1, 2, 1, 5))),
        ("SG-3", Case::new(&world, &forged)),
        ("TX-4", Case::new(&world, &replayed)),
        ("TX-5", in_world(with(1, &|object| object.nonce = u32::MAX), transfer(1, 2, 1, 5))),
        ("TX-6", sign(Transaction { expiry: late, ..transfer(1, 2, 1, 5) })),
        ("TX-7", sign(Transaction { group: word(1), ..transfer(1, 2, 1, 5) })),
        ("TX-8", sign(Transaction { lane: Lane::Agent, ..transfer(1, 2, 1, 5) })),
        ("TX-9", sign(transfer(1, 2, 1, 0))),
        ("TX-9", sign(transfer(1, 2, 0, 5))),
        ("TX-10", sign(transfer(1, 2, 9, 5))),
        ("TX-10", sign(poor)),
        ("TR-1", sign(transfer(1, 1, 1, 5))),
        ("TR-2", in_world(with(2, &other_kind), transfer(1, 2, 1, 5))),
        ("TR-3", sign(Transaction { named_address: Address([9; 20]), ..transfer(1, 2, 1, 5) })),
        ("TR-4", in_world(with(2, &full), transfer(1, 2, 1, 5))),
        ("TR-4", in_world(with(2, &rich), transfer(1, 2, 1, 5))),
        ("WD-1", sign(Transaction { named_address: owner(2), ..withdrawal(1, 1, 5) })),
        ("DO-2", Case::new(&world, &opening(3, 1, 5))),
        ("CF-1", Case::new(&World::with_users(3), &collect(3))),
        ("CF-2", Case::new(&world, &collect(40))),
        ("CF-2", Case::new(&with(3, &crowded), &collect(3))),
    ]
}

#[test]
fn rejected_slots_break_the_clause_that_the_native_rule_names() {
    for (clause, case) in rejected() {
        let error = case.segment().evaluate().expect_err("the slot is bad");
        assert_eq!(clause_of(&case.slot.slot, &error), clause, "{case:?}");
    }
}

/// Wires and the values that are forced onto them.
pub(super) type Tamper = fn(&SlotWires) -> Vec<(Target, F)>;

/// Violations that no native slot can express: an honest slot of [`accepted`] and forced wires.
pub(super) fn forgeries() -> Vec<(ClauseId, usize, Tamper)> {
    const TRANSFER: usize = 0;
    const WITHDRAWAL: usize = 3;
    const OPENING: usize = 4;
    const DEPOSIT: usize = 5;
    vec![
        ("SL-1", TRANSFER, |slot| vec![(slot.input.selectors.withdraw.target(), F::ONE)]),
        ("SL-1", TRANSFER, |slot| vec![(slot.input.selectors.collect.target(), F::ONE)]),
        ("SL-2", TRANSFER, |slot| vec![(slot.input.fields.amount_low.target(), F::from_canonical_u64(1 << 54))]),
        ("SL-2", TRANSFER, |slot| vec![(slot.input.fields.amount_high.target(), F::from_canonical_u64(1 << 8))]),
        ("SL-2", TRANSFER, |slot| vec![(slot.input.fields.a, F::from_canonical_u64(1 << 32))]),
        ("SL-2", TRANSFER, |slot| vec![(slot.input.fields.fee_exponent[0].target(), F::TWO)]),
        ("SL-2", OPENING, |slot| vec![(slot.input.fields.key[1].low.target(), F::from_canonical_u64(1 << 56))]),
        ("SL-3", WITHDRAWAL, |slot| vec![(slot.input.fields.b, F::ONE)]),
        ("SL-3", DEPOSIT, |slot| vec![(slot.input.fields.fee_mantissa.target(), F::ONE)]),
        ("SL-3", OPENING, |slot| vec![(slot.input.fields.lane.target(), F::ONE)]),
        ("SL-3", OPENING, |slot| vec![(slot.input.fields.fee_asset[1].target(), F::ONE)]),
        ("SL-3", TRANSFER, |slot| vec![(slot.input.fields.bounced.target(), F::ONE)]),
        ("SL-3", 12, |slot| vec![(slot.input.fields.a, F::ONE)]),
        ("SL-4", OPENING, |slot| vec![(slot.input.a.amounts[11], F::ONE)]),
        ("SL-4", OPENING, |slot| vec![(slot.input.a.agent[0], F::ONE)]),
        ("SL-8", TRANSFER, |slot| vec![(slot.input.a.ids[4].target(), F::from_canonical_u64(1 << 16))]),
        ("DE-1", DEPOSIT, |slot| vec![(slot.input.fields.bounced.target(), F::ONE)]),
        ("DO-1", OPENING, |slot| vec![(slot.input.fields.bounced.target(), F::ONE)]),
        ("DO-3", OPENING, |slot| vec![(slot.input.a.header, F::TWO)]),
        ("DO-3", OPENING, |slot| vec![(slot.input.a.owner[1], F::TWO)]),
        ("DO-3", OPENING, |slot| vec![(slot.input.a.main_key[3], F::TWO)]),
        ("CF-1", 11, |slot| vec![(slot.input.fields.amount_low.target(), F::ONE)]),
    ]
}

#[test]
fn forged_wires_break_their_clause() {
    let (proving, checking) = (one_slot(Mode::Proving), one_slot(Mode::Checking));
    let (prover, checker) = (Checker::new(proving.layer.circuit()), Checker::new(checking.layer.circuit()));
    let honest = accepted();
    for (clause, case, tamper) in forgeries() {
        let case = &honest[case];
        let failed = case.failed_clauses(&checking, &checker, &tamper(&checking.wires.slots[0]));
        assert!(failed.contains(clause), "{clause} does not fail, but {failed:?}: {case:?}");
        let witness = proving.witness(&case.segment()).expect("one slot");
        let forged = generate(proving.layer.circuit(), &witness, &tamper(&proving.wires.slots[0]));
        assert!(!prover.broken_rows(&forged.witness).is_empty(), "{clause}: the gates accept {case:?}");
    }
}

/// Clauses whose claim is that a hash is a hash or an entry's change is the gate's: an output of their rows is forged, and
/// everything after follows from the forgery.
#[test]
fn forged_rows_break_their_clause() {
    let (proving, checking) = (one_slot(Mode::Proving), one_slot(Mode::Checking));
    let (prover, checker) = (Checker::new(proving.layer.circuit()), Checker::new(checking.layer.circuit()));
    let case = &accepted()[1];
    for clause in ["SE-1", "SE-2", "SL-4", "SL-5", "SL-6", "SL-9", "SL-10", "SL-11", "SL-12", "SL-13", "TX-3"] {
        let rows = checking.layer.circuit().ledger.assertions().iter().find_map(|assertion| match assertion.claim {
            Claim::Rows { start, end } if assertion.clause == clause => Some(start..end),
            _ => None,
        });
        let rows = rows.unwrap_or_else(|| panic!("{clause} claims rows"));
        let entry = crate::gates::EntryChange::AMOUNTS_AFTER.start;
        let output = if ["SL-12", "SL-13"].contains(&clause) { entry } else { HASH_OUTPUT };
        let row = rows.clone().find(|&row| checker.gate(row).0.id().starts_with("PoseidonGate") || output == entry);
        let target = Target::wire(row.expect("a row of the clause"), output);
        let forged = [(target, F::from_canonical_u64(12_345))];
        let failed = case.failed_clauses(&checking, &checker, &forged);
        assert!(failed.contains(clause), "{clause} does not fail, but {failed:?}");
        let witness = proving.witness(&case.segment()).expect("one slot");
        let generated = generate(proving.layer.circuit(), &witness, &forged);
        assert!(!prover.broken_rows(&generated.witness).is_empty(), "{clause}: the gates accept");
    }
}

/// Fee sums are computed, not compared: a sum after that differs from the rule breaks the arithmetic (TX-11, CF-3).
#[test]
fn forged_fee_sums_are_refused() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    for (clause, case) in [("TX-11", 1), ("CF-3", 11)] {
        let case = &accepted()[case];
        let witness = circuit.witness(&case.segment()).expect("one slot");
        for sum in circuit.wires.after.fee_sums {
            let honest = value_of(&generate(circuit.layer.circuit(), &witness, &[]).witness, sum);
            let forged = generate(circuit.layer.circuit(), &witness, &[(sum, honest + F::ONE)]);
            assert!(!checker.broken_rows(&forged.witness).is_empty(), "{clause}: another fee sum is accepted");
        }
    }
}

/// Every clause of the segment circuit is violated by one of the tests of this file or of the signature's.
#[test]
fn every_clause_is_violated_somewhere() {
    let elsewhere = ["SG-1", "SG-2", "SE-3", "TX-11", "CF-3"];
    let by_rows = ["SE-1", "SE-2", "SL-5", "SL-9", "SL-10", "SL-11", "SL-12", "TX-3"];
    let violated: BTreeSet<_> = rejected()
        .iter()
        .map(|(clause, _)| *clause)
        .chain(forgeries().iter().map(|(clause, ..)| *clause))
        .chain(elsewhere)
        .chain(by_rows)
        .collect();
    assert_eq!(violated, CLAUSES.iter().copied().collect());
    let declared: BTreeSet<_> = CLAUSES.iter().copied().collect();
    let circuit = one_slot(Mode::Checking);
    let named = circuit.layer.circuit().ledger.clauses();
    let undeclared: Vec<_> = named
        .iter()
        .filter(|id| id.contains('-') && id.as_bytes()[0].is_ascii_uppercase())
        .filter(|id| !declared.contains(*id))
        .collect();
    assert!(undeclared.is_empty(), "{undeclared:?}");
}

/// A few of the bad witnesses are proved; the verifier refuses them.
#[test]
fn proofs_of_bad_witnesses_are_refused() {
    let circuit = one_slot(Mode::Proving);
    let honest = accepted();
    let witness = |case: &Case, forged: &[(Target, F)]| {
        let witness = circuit.witness(&case.segment()).expect("one slot");
        generate(circuit.layer.circuit(), &witness, forged).witness
    };
    assert!(prove_anyway(circuit.layer.circuit(), witness(&honest[0], &[])).is_ok());
    for (clause, case, tamper) in forgeries().into_iter().step_by(4) {
        let forged = witness(&honest[case], &tamper(&circuit.wires.slots[0]));
        assert!(prove_anyway(circuit.layer.circuit(), forged).is_err(), "{clause}");
    }
    for (clause, case) in rejected().into_iter().step_by(4) {
        assert!(prove_anyway(circuit.layer.circuit(), witness(&case, &[])).is_err(), "{clause}");
    }
}
