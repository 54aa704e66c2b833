//! Proofs that do not count.

use weft_aggregator::{Circuits as _, JobStatement, Refusal, Task, TaskError, prove_lift, prove_seal, prove_wrap};
use weft_circuits::builder::CircuitName;
use weft_circuits::recursion::merge::MergeError;
use weft_circuits::recursion::{AggregateProof, Assembly, Proof, ProveError, SealError};
use weft_circuits::segment::SegmentCircuit;
use weft_protocol::{SegmentWitness, WitnessError};
use weft_prover::{CircuitSet, ProofError, ProvenSegment, SegmentSize, StageLog};

use super::world::{ExecutedWorld, SIZES};

const SMALL: SegmentSize = SegmentSize::Small;

/// Bytes are flipped at this many places, spread evenly: caps, openings, Merkle paths, the final polynomial, the nonce of
/// the grinding, public inputs.
const FLIPS: usize = 40;

fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..FLIPS).map(|flip| {
        let position = flip * (bytes.len() - 1) / (FLIPS - 1);
        let mut bytes = bytes.to_vec();
        bytes[position] ^= 1;
        (position, bytes)
    })
}

/// Segment proofs that were changed, are about other slots, or come from another circuit.
pub(crate) fn segment_proofs(circuits: &CircuitSet, world: &ExecutedWorld) {
    let segment = &world.segments[2].1.witness;
    let mut log = StageLog::new();
    let proven = circuits.prove_segment(SMALL, segment, &mut log).expect("the segment is good");
    let bytes = proven.proof.to_bytes();
    assert_eq!(circuits.decode_segment(SMALL, &bytes).as_ref(), Ok(&proven.proof));
    for (position, bytes) in flipped(&bytes) {
        if let Ok(proof) = circuits.decode_segment(SMALL, &bytes) {
            let result = circuits.verify_segment(SMALL, &proof, &proven.statement);
            assert!(result.is_err(), "the byte at {position} of {} makes no difference", bytes.len());
        }
    }
    other_slots(circuits, world, &proven);
    foreign_circuits(circuits, segment, &proven);
}

fn other_slots(circuits: &CircuitSet, world: &ExecutedWorld, proven: &ProvenSegment) {
    let last = &world.segments[3].1.witness;
    let mut log = StageLog::new();
    let last = circuits.prove_segment(SMALL, last, &mut log).expect("the segment is good");
    let result = circuits.verify_segment(SMALL, &proven.proof, &last.statement);
    let (expected, got) = (Box::new(last.statement), Box::new(proven.statement));
    assert_eq!(result, Err(ProofError::OtherStatement { expected, got }));

    let swapped = prove_lift(circuits, SMALL, &[last.proof.clone(), proven.proof.clone()], &mut log);
    let not_adjacent = ProofError::Prove(ProveError::Merge(MergeError::NotAdjacent { child: 1 }));
    assert_eq!(swapped, Err(not_adjacent));

    let part = prove_lift(circuits, SMALL, &[last.proof], &mut log).expect("a good segment");
    let sealed = prove_seal(circuits, &part, &world.end, &mut log);
    assert_eq!(sealed, Err(ProofError::Prove(ProveError::Seal(SealError::Start))));
    let result = circuits.prove_segment(SMALL, &world.segments[0].1.witness, &mut log);
    assert_eq!(
        result,
        Err(ProofError::TooManySlots { got: SIZES.slots(SegmentSize::Large), limit: SIZES.slots(SMALL) })
    );
    let mut moved = world.segments[1].1.witness.clone();
    moved.before = world.segments[0].1.witness.before;
    let result = circuits.prove_segment(SegmentSize::Large, &moved, &mut log);
    assert!(
        matches!(result, Err(ProofError::Witness(WitnessError::Root { .. } | WitnessError::Reject(_)))),
        "{result:?}"
    );
}

fn foreign_circuits(circuits: &CircuitSet, segment: &SegmentWitness, proven: &ProvenSegment) {
    let result = circuits.verify_segment(SegmentSize::Large, &proven.proof, &proven.statement);
    assert!(matches!(result, Err(ProofError::Verify(_))), "{result:?}");

    let name = CircuitName { name: "foreign", version: 1 };
    let foreign = SegmentCircuit::build(name, segment.slots.len(), Assembly::FRESH);
    let witness = foreign.witness(segment).expect("it has the circuit's slots");
    let proof = foreign.layer.circuit().data.prove(witness.into_partial()).expect("the segment is good");
    let proof = Proof::new(proof).expect("it is a segment's");
    assert_eq!(foreign.verify(&proof), Ok(proven.statement), "it proves the same statement in the same shape");
    let result = circuits.verify_segment(SMALL, &proof, &proven.statement);
    assert!(matches!(result, Err(ProofError::Verify(_))), "{result:?}");
    let result = prove_lift(circuits, SMALL, &[proof], &mut StageLog::new());
    assert!(matches!(result, Err(ProofError::Prove(_) | ProofError::Verify(_))), "{result:?}");
}

/// What the coordinator refuses, and which jobs are not proved in vain.
pub(crate) fn jobs(circuits: &CircuitSet, world: &ExecutedWorld) {
    let [first, second] = [2, 3].map(|at| &world.segments[at].1);
    let proven = circuits.prove_segment(SMALL, &first.witness, &mut StageLog::new()).expect("the segment is good");
    let proof = proven.proof.to_bytes();
    let segment = |statement| JobStatement::Segment { size: SMALL, statement };
    assert_eq!(circuits.verify(&segment(first.statement), &proof), Ok(()));
    let other = circuits.verify(&segment(second.statement), &proof);
    assert!(matches!(other, Err(Refusal::OtherStatement { .. })), "{other:?}");
    let large = JobStatement::Segment { size: SegmentSize::Large, statement: first.statement };
    for statement in [large, JobStatement::Lift { size: SMALL, statement: first.statement }] {
        let result = circuits.verify(&statement, &proof);
        assert!(matches!(result, Err(Refusal::Invalid { .. })), "{statement:?}: {result:?}");
    }
    let lift = prove_lift(circuits, SMALL, &[proven.proof], &mut StageLog::new()).expect("a good segment");
    // Of the same statement, but not by the circuit of the job.
    lift_counts_for_its_circuit(circuits, first.statement, &lift);

    let order = &world.orders()[2];
    let mut log = StageLog::new();
    let task = |statement, blobs| Task { statement, blobs };
    let none = circuits.prove(&task(segment(order.statement), Vec::new()), &mut log);
    assert_eq!(none, Err(TaskError::Blobs { expected: 1, got: 0 }));
    let wrong = circuits.prove(&task(segment(second.statement), vec![order.input.to_bytes()]), &mut log);
    assert!(matches!(wrong, Err(TaskError::Proof(ProofError::OtherStatement { .. }))), "{wrong:?}");
    let lift = JobStatement::Lift { size: SMALL, statement: second.statement };
    assert_eq!(circuits.prove(&task(lift, vec![proof]), &mut log), Err(TaskError::OtherStatement));
    let garbage = circuits.prove(&task(lift, vec![vec![1; 9]]), &mut log);
    assert!(matches!(garbage, Err(TaskError::Child(_))), "{garbage:?}");
}

fn lift_counts_for_its_circuit(
    circuits: &CircuitSet,
    statement: weft_protocol::SegmentStatement,
    lift: &AggregateProof,
) {
    let bytes = lift.to_bytes();
    assert_eq!(circuits.verify(&JobStatement::Lift { size: SMALL, statement }, &bytes), Ok(()));
    for other in [JobStatement::Lift { size: SegmentSize::Large, statement }, JobStatement::Aggregate { statement }] {
        let result = circuits.verify(&other, &bytes);
        assert!(matches!(result, Err(Refusal::Invalid { .. })), "{other:?}: {result:?}");
    }
}

/// Wrapped proofs that were changed or are about another batch.
pub(crate) fn wrapped_proofs(circuits: &CircuitSet, world: &ExecutedWorld, wrapped: &[u8]) {
    let family = circuits.family();
    let statement = world.end.statement(world.environment.context());
    let wrap = |digest| JobStatement::Wrap { digest };
    assert_eq!(circuits.verify(&wrap(statement.digest()), wrapped), Ok(()));
    assert_eq!(family.decode_wrapped(wrapped).expect("it is one").to_bytes(), wrapped);
    for (position, bytes) in flipped(wrapped) {
        let result = circuits.verify(&wrap(statement.digest()), &bytes);
        assert!(result.is_err(), "the byte at {position} of {} makes no difference", bytes.len());
    }
    let mut other = statement;
    other.record_count += 1;
    let result = circuits.verify(&wrap(other.digest()), wrapped);
    assert!(matches!(result, Err(Refusal::OtherStatement { .. })), "{result:?}");
}

/// A seal is wrapped only for its own batch.
pub(crate) fn seals(circuits: &CircuitSet, world: &ExecutedWorld, seal: &[u8]) {
    let mut statement = world.end.statement(world.environment.context());
    let got = statement.digest();
    let seal = circuits.family().decode_seal(seal).expect("it is one");
    statement.record_count += 1;
    let expected = statement.digest();
    let result = prove_wrap(circuits, &seal, expected, &mut StageLog::new());
    assert_eq!(result, Err(ProofError::OtherBatch { expected, got }));
}
