//! Segments: chained slots, proofs, size.

use weft_protocol::{AccountIndex, Fee, FeeAsset, SegmentWitness, Slot, Transaction};

use super::world::{World, opening, transfer, withdrawal};
use crate::builder::CircuitName;
use crate::recursion::{Assembly, ProveError, SegmentProof};
use crate::segment::SegmentCircuit;
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
    insta::assert_snapshot!("segment-of-five", summary(&circuit.layer.circuit));
    let rows = [4, 24].map(SegmentCircuit::rows_for);
    let rows_of_twenty = rows[1] - rows[0];
    insta::assert_snapshot!("rows-of-twenty-slots", rows_of_twenty.to_string());
    assert!(rows_of_twenty <= 20 * 200);
}
