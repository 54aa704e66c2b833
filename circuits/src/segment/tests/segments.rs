//! Segments: chained slots, proofs, size.

use std::collections::BTreeSet;

use plonky2::field::types::Field;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{AccountIndex, Fee, FeeAsset, SegmentWitness, Slot, Transaction};

use super::world::{World, amount, opening, transfer, withdrawal};
use crate::builder::CircuitName;
use crate::config::F;
use crate::digest::gate_fingerprint;
use crate::recursion::{Assembly, ProveError, SegmentProof};
use crate::segment::{Leaves, SegmentCircuit};
use crate::testing::Checker;
use crate::testing::conform::summary;
use crate::wired::AssignError;

/// One slot of each kind.
fn segment() -> SegmentWitness {
    let mut world = World::with_users(4);
    let (environment, before) = (world.environment, world.state);
    let mut slots = Vec::new();
    let mut push = |slot: &dyn Fn(&World) -> Slot| slots.push(world.execute(&slot(&world)));
    push(&|world| world.sign(Transaction { fee: Fee(100 << 5), ..transfer(1, 2, 1, 500) }));
    push(&|world| world.sign(withdrawal(2, 2, 1_000_000)));
    push(&|_| opening(9, 3, 77));
    push(&|_| Slot::CollectFees { account: AccountIndex(3), fee_asset: FeeAsset::default() });
    push(&|_| Slot::Padding);
    SegmentWitness { environment, before, slots }
}

fn circuit(slots: usize) -> SegmentCircuit {
    SegmentCircuit::build(CircuitName { name: "segment-test", version: 1 }, slots, Assembly::FRESH)
}

/// The library's proof.
fn prove(circuit: &SegmentCircuit, segment: &SegmentWitness) -> Result<SegmentProof, ProveError> {
    circuit.layer.prove(circuit.witness(segment)?)
}

/// The same over accesses that follow those of this chain.
fn prove_from(circuit: &SegmentCircuit, segment: &SegmentWitness, chain: Digest) -> Result<SegmentProof, ProveError> {
    circuit.layer.prove(circuit.witness_from(segment, chain)?)
}

#[test]
fn a_segment_of_every_kind_is_proved() {
    let segment = segment();
    let circuit = circuit(segment.slots.len());
    let proof = prove(&circuit, &segment).expect("the segment is good");
    assert_eq!(circuit.verify(&proof), Ok(segment.statement().expect("the segment is good")));

    // SE-3: each slot starts where the one before ended.
    let mut swapped = segment.clone();
    swapped.slots.swap(0, 1);
    assert!(swapped.statement().is_err());
    assert!(matches!(prove(&circuit, &swapped), Err(ProveError::Unsatisfied { .. })));
    let mut missing = segment;
    missing.slots.pop();
    let length = AssignError::Length { wires: 5, values: 4 };
    assert_eq!(prove(&circuit, &missing).map(|_| ()), Err(ProveError::Assign(length)));
}

/// Rows, gates and digest of a segment circuit, and the rows of one more slot by gate.
#[test]
fn the_circuit_is_the_recorded_one() {
    let circuit = circuit(5);
    insta::assert_snapshot!("segment-of-five", summary(circuit.layer.circuit()));
    let rows = [4, 24].map(SegmentCircuit::rows_for);
    let rows_of_twenty = rows[1] - rows[0];
    insta::assert_snapshot!("rows-of-twenty-slots", rows_of_twenty.to_string());
    let rows = [4, 24].map(|slots| SegmentCircuit::rows_with(slots, Leaves::ByAccesses));
    insta::assert_snapshot!("rows-of-twenty-slots-over-accesses", (rows[1] - rows[0]).to_string());
    assert!(rows_of_twenty <= 20 * 200);
}

#[test]
fn a_segment_over_accesses_claims_them_instead_of_roots() {
    let (segment, chain) = (segment(), Digest([5, 6, 7, 8].map(Goldilocks::from_u64)));
    let name = CircuitName { name: "segment-test", version: 1 };
    let circuit = SegmentCircuit::build_with(name, segment.slots.len(), Leaves::ByAccesses, Assembly::FRESH);
    // Transfer: A and B; withdrawal, opening and collection: A.
    let (_, accesses) = segment.accesses().expect("the segment is good");
    assert_eq!(accesses.iter().map(|access| access.index.0).collect::<Vec<_>>(), [1, 2, 2, 9, 3]);
    let claimed = segment.opened_statement(chain).expect("the segment is good").claimed();
    let proof = prove_from(&circuit, &segment, chain).expect("the segment is good");
    assert_eq!(circuit.verify(&proof), Ok(claimed));
    assert_ne!(claimed, segment.statement().expect("the segment is good"));

    // The paths are not read, and what the leaves hold is bound by the chain alone.
    let mut elsewhere = segment.clone();
    elsewhere.slots[0].a.as_mut().expect("A is opened").path.siblings[0] = chain;
    let proof = prove_from(&circuit, &elsewhere, chain).expect("no path is read");
    assert_eq!(circuit.verify(&proof), Ok(claimed));
    let mut richer = segment;
    let rich = richer.slots[0].a.as_mut().and_then(|opening| opening.object.as_mut()).expect("A exists");
    rich.entries[0].amount = amount(2_000_000);
    let proof = prove_from(&circuit, &richer, chain).expect("the rules hold");
    let other = circuit.verify(&proof).expect("the rules hold");
    assert_eq!((other.context, other.before), (claimed.context, claimed.before));
    assert_ne!(other.after, claimed.after);
}

/// On each row the filter of the row's own gate is open and that of every other gate is closed: no row escapes its gate,
/// none obeys two.
#[test]
fn one_filter_is_open_on_each_row() {
    let circuit = circuit(1);
    let common = &circuit.layer.circuit().data.common;
    let selectors = serde_json::to_value(&common.selectors_info).expect("string keys");
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().expect("a number")).expect("small");
    let groups: Vec<_> = selectors["groups"].as_array().expect("ranges").iter().collect();
    let group_of: Vec<_> = selectors["selector_indices"].as_array().expect("numbers").iter().map(number).collect();
    assert!(groups.len() > 1, "the gates do not fit one selector");
    let columns = &circuit.layer.circuit().data.prover_only.constants_sigmas_commitment.polynomials;
    let columns: Vec<_> = columns[..groups.len()].iter().map(|column| column.clone().fft().values).collect();
    let checker = Checker::new(circuit.layer.circuit());
    let rows = (0..checker.rows()).map(|row| columns.iter().map(|column| column[row]).collect::<Vec<_>>());
    for (row, selectors) in rows.enumerate() {
        let is_open = |gate: usize| {
            let group = groups[group_of[gate]];
            let members = number(&group["start"])..number(&group["end"]);
            assert!(members.contains(&gate));
            let selector = selectors[group_of[gate]];
            let others = members.filter(|&other| other != gate).chain([usize::try_from(u32::MAX).expect("64 bits")]);
            others.map(|other| F::from_canonical_usize(other) - selector).product::<F>().is_nonzero()
        };
        let open: Vec<_> = (0..common.gates.len()).filter(|&gate| is_open(gate)).collect();
        let own: Vec<_> = (0..common.gates.len()).filter(|&gate| common.gates[gate] == *checker.gate(row)).collect();
        assert_eq!(open, own, "row {row}");
    }
}

/// The library tells gates apart by their ids alone: no two gates of a circuit have one id, or one behaviour.
#[test]
fn gates_have_ids_and_behaviour_of_their_own() {
    for leaves in [Leaves::ByPaths, Leaves::ByAccesses] {
        let name = CircuitName { name: "segment-test", version: 1 };
        let circuit = SegmentCircuit::build_with(name, 1, leaves, Assembly::FRESH);
        let gates = &circuit.layer.circuit().data.common.gates;
        let ids: BTreeSet<_> = gates.iter().map(|gate| gate.0.id()).collect();
        let behaviour: BTreeSet<_> = gates.iter().map(|gate| gate_fingerprint(gate.0.as_ref())).collect();
        assert_eq!((ids.len(), behaviour.len()), (gates.len(), gates.len()));
    }
}
