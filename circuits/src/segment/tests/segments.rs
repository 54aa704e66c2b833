//! Segments: chained slots, proofs, size.

use std::sync::LazyLock;

use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{AccountIndex, Fee, FeeAsset, SegmentWitness, Slot, Transaction, chain_accesses};

use super::clauses::accepted;
use super::world::{World, amount, opening, transfer, withdrawal};
use crate::builder::CircuitName;
use crate::recursion::{Assembly, ProveError, SegmentProof};
use crate::segment::{Leaves, SegmentCircuit};
use crate::testing::checker::{check, value_of};
use crate::testing::conform::summary;
use crate::testing::generate;
use crate::wired::{AssignError, from_field};

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
    insta::assert_snapshot!("segment-of-five", summary(&circuit.layer.circuit));
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

/// What a slot does not open is no access, and what it only reads is one.
#[test]
fn slots_access_what_they_open() {
    let mut cases = accepted();
    for case in &mut cases {
        let segment = case.segment();
        let (_, accesses) = segment.accesses().expect("accepted");
        let opened = [&case.slot.a, &case.slot.b].into_iter().flatten().count();
        assert_eq!(accesses.len(), opened, "{case:?}");
        let chain = Digest::ZERO;
        let circuit = one_slot_over_accesses();
        let witness = circuit.witness_from(&segment, chain).expect("one slot");
        let generated = generate(&circuit.layer.circuit, &witness, &[]);
        assert!(generated.conflicts.is_empty(), "{case:?}");
        assert_eq!(check(&circuit.layer.circuit, &generated.witness), Ok(()), "{case:?}");
        let after = circuit.wires.after.root.map(|wire| from_field(value_of(&generated.witness, wire)));
        assert_eq!(Digest(after), chain_accesses(chain, &accesses), "{case:?}");
    }
}

fn one_slot_over_accesses() -> &'static SegmentCircuit {
    static CIRCUIT: LazyLock<SegmentCircuit> = LazyLock::new(|| {
        let name = CircuitName { name: "segment-of-one", version: 1 };
        SegmentCircuit::build_with(name, 1, Leaves::ByAccesses, Assembly::FRESH)
    });
    &CIRCUIT
}
