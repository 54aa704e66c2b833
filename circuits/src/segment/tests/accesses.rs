//! Slots over accesses: the clauses of slots with paths, and what replaces the paths.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use weft_protocol::chain_accesses;
use weft_protocol::crypto::Digest;
use weft_protocol::{SegmentWitness, Slot, WitnessError};

use super::clauses::{Case, accepted, clause_of, forgeries, rejected};
use crate::builder::{CircuitName, Mode};
use crate::config::{C, F};
use crate::gates::{Comb, EntryChange, GateShape as _, ScalarMul};
use crate::recursion::Assembly;
use crate::segment::{Leaves, SegmentCircuit};
use crate::testing::checker::{clauses_of, value_of};
use crate::testing::motion::movable_classes;
use crate::testing::mutate::{unconstrained_classes, undetermined_hints};
use crate::testing::{Checker, generate};
use crate::wired::{Witness, from_field};

/// Where the chain of accesses begins in these tests: nowhere special.
const CHAIN: Digest = Digest::ZERO;

/// The circuit of one slot over accesses.
pub(super) fn one_slot(mode: Mode) -> &'static SegmentCircuit {
    static CIRCUITS: LazyLock<[SegmentCircuit; 2]> = LazyLock::new(|| {
        let name = CircuitName { name: "segment-of-one", version: 1 };
        [Mode::Proving, Mode::Checking]
            .map(|mode| SegmentCircuit::build_with(name, 1, Leaves::ByAccesses, Assembly { mode, cache: None }))
    });
    match mode {
        Mode::Proving => &CIRCUITS[0],
        Mode::Checking => &CIRCUITS[1],
    }
}

fn witness(circuit: &SegmentCircuit, segment: &SegmentWitness) -> Witness {
    circuit.witness_from(segment, CHAIN).expect("one slot")
}

/// Whether the gates of the circuit for proving object.
pub(super) fn is_refused(checker: &Checker<'_, C>, case: &Case, forced: &[(Target, F)]) -> bool {
    let circuit = one_slot(Mode::Proving);
    let generated = generate(circuit.layer.circuit(), &witness(circuit, &case.segment()), forced);
    // A forced wire is in conflict with its generator, which says nothing.
    let is_conflict = forced.is_empty() && !generated.is_complete();
    is_conflict || !checker.broken_rows(&generated.witness).is_empty()
}

fn failed_clauses(
    checker: &Checker<'_, C>,
    case: &Case,
    forced: &[(Target, F)],
) -> std::collections::BTreeSet<&'static str> {
    let circuit = one_slot(Mode::Checking);
    let generated = generate(circuit.layer.circuit(), &witness(circuit, &case.segment()), forced);
    clauses_of(&checker.broken_claims(&generated.witness))
}

#[test]
fn what_is_rejected_breaks_the_same_clause_as_with_paths() {
    let (proving, checking) = (one_slot(Mode::Proving), one_slot(Mode::Checking));
    let (prover, checker) = (Checker::new(proving.layer.circuit()), Checker::new(checking.layer.circuit()));
    for (clause, case) in rejected() {
        let error = case.segment().evaluate().expect_err("the slot is bad");
        assert_eq!(clause_of(&case.slot.slot, &error), clause);
        // Paths are the table's business.
        let is_about_paths = matches!(error, WitnessError::Root { .. });
        assert_eq!(is_refused(&prover, &case, &[]), !is_about_paths, "{clause}: {case:?}");
        assert_eq!(failed_clauses(&checker, &case, &[]).contains(clause), !is_about_paths, "{clause}: {case:?}");
    }
    let honest = accepted();
    for (clause, case, tamper) in forgeries() {
        let failed = failed_clauses(&checker, &honest[case], &tamper(&checking.wires.slots[0]));
        assert!(failed.contains(clause), "{clause} does not fail, but {failed:?}");
        assert!(is_refused(&prover, &honest[case], &tamper(&proving.wires.slots[0])), "{clause}: the gates accept");
    }
}

/// A slot neither leaves out an access, nor invents one, nor claims another end of the chain.
#[test]
fn the_chain_after_a_slot_is_determined() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    let after = circuit.wires.after.root;
    for case in accepted() {
        let (_, accesses) = case.segment().accesses().expect("accepted");
        let opened = [&case.slot.a, &case.slot.b].into_iter().flatten().count();
        assert_eq!(accesses.len(), opened, "what is only read is an access too: {case:?}");
        let honest = generate(circuit.layer.circuit(), &witness(circuit, &case.segment()), &[]);
        let end = Digest(after.map(|wire| from_field(value_of(&honest.witness, wire))));
        assert_eq!(end, chain_accesses(CHAIN, &accesses), "{case:?}");
        let claim = |chain: Digest| -> Vec<(Target, F)> {
            after.into_iter().zip(chain.0.map(crate::wired::to_field)).collect()
        };
        assert!(!is_refused(&checker, &case, &claim(end)));
        let mut others = vec![Digest(end.0.map(|element| element + weft_protocol::crypto::Goldilocks::from_u64(1)))];
        if let Some((last, before)) = accesses.split_last() {
            // The last access left out, made twice, and all left out.
            others.extend([chain_accesses(CHAIN, before), chain_accesses(end, std::slice::from_ref(last)), CHAIN]);
        }
        for other in others {
            assert!(is_refused(&checker, &case, &claim(other)), "another chain is accepted: {case:?}");
        }
    }
}

/// On honest witnesses no wire changes alone and no hint lies; a sample of the kinds, for slots with paths try all.
#[test]
fn every_wire_is_constrained() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    for case in accepted().into_iter().step_by(4) {
        let inputs = witness(circuit, &case.segment());
        let honest = generate(circuit.layer.circuit(), &inputs, &[]);
        assert!(checker.broken_rows(&honest.witness).is_empty());
        let unread = case.unread_wires(circuit, &honest.witness);
        let free = unconstrained_classes(&checker, &honest.witness).into_iter();
        let free: Vec<_> = free.filter(|class| !unread.contains(&class.representative)).collect();
        assert!(free.is_empty(), "{case:?}: {free:?}");
        assert!(undetermined_hints(&checker, &inputs).is_empty(), "{case:?}");
    }
}

/// On honest witnesses of each kind.
#[test]
fn no_wires_move_together() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    for case in accepted() {
        let inputs = witness(circuit, &case.segment());
        let honest = generate(circuit.layer.circuit(), &inputs, &[]);
        assert_eq!(movable_classes(&checker, &honest.witness, &inputs), Vec::<usize>::new(), "{case:?}");
    }
}

/// A slot that opens nothing has no access, whatever its object wires hold.
#[test]
fn objects_that_are_not_opened_have_no_effect() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    let padding =
        accepted().into_iter().find(|case| matches!(case.slot.slot, Slot::Padding)).expect("one of each kind");
    let object = &circuit.wires.slots[0].input.b;
    let forced = [(object.header, F::TWO), (object.owner[0], F::TWO), (object.amounts[3], F::TWO)];
    let generated = generate(circuit.layer.circuit(), &witness(circuit, &padding.segment()), &forced);
    assert!(checker.broken_rows(&generated.witness).is_empty());
    let end = circuit.wires.after.root.map(|wire| from_field(value_of(&generated.witness, wire)));
    assert_eq!(Digest(end), CHAIN);
}

/// Gates of ours whose generators lie, and all that follows is computed from the lie: outputs that other rows read.
#[test]
fn no_gate_hands_on_a_false_output() {
    let circuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    let routed = circuit.layer.circuit().data.common.config.num_routed_wires;
    let case = &accepted()[2];
    let inputs = witness(circuit, &case.segment());
    let honest = generate(circuit.layer.circuit(), &inputs, &[]).witness;
    let outputs = |row: usize| -> Vec<usize> {
        let id = checker.gate(row).0.id();
        let of = |name: &str, columns: Vec<usize>| if id.starts_with(name) { columns } else { Vec::new() };
        let walk = of(ScalarMul::NAME, ScalarMul.outputs(0));
        let comb = of(Comb::NAME, Comb.outputs(0));
        [walk, comb, of(EntryChange::NAME, EntryChange.outputs(0))].concat()
    };
    let mut lies = 0;
    for row in 0..checker.rows() {
        let outputs: Vec<_> = outputs(row).into_iter().filter(|&column| column < routed).collect();
        // One coordinate of a point, each flag and value of an entry.
        let step = if outputs.len() < 30 { 7 } else { 1 };
        for column in outputs.into_iter().step_by(step) {
            let target = Target::wire(row, column);
            let lie = [(target, value_of(&honest, target) + F::ONE)];
            assert!(is_refused(&checker, case, &lie), "row {row}, column {column}");
            lies += 1;
        }
    }
    assert!(lies > 100, "{lies} lies");
}
