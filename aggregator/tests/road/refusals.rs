//! Proofs that do not count.

use weft_aggregator::{Circuits as _, JobStatement, Refusal, Task, TaskError, prove_lift, prove_seal, prove_wrap};
use weft_circuits::builder::CircuitName;
use weft_circuits::recursion::merge::MergeError;
use weft_circuits::recursion::{AggregateProof, Assembly, Proof, ProveError, SealError};
use weft_circuits::segment::SegmentCircuit;
use weft_executor::ExecutedSegment;
use weft_protocol::{SegmentWitness, WitnessError};
use weft_prover::{CircuitSet, ProofError, ProvenSegment, SegmentClaim, SegmentSize, StageLog, table_statement};

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
            let result = circuits.verify_segment(&proof, &proven.claim);
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
    let result = circuits.verify_segment(&proven.proof, &last.claim);
    let (expected, got) = (Box::new(last.claim.claimed()), Box::new(proven.claim.claimed()));
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
    let large = SegmentClaim::of(SegmentSize::Large, segment).expect("the segment is good");
    let result = circuits.verify_segment(&proven.proof, &large);
    assert!(matches!(result, Err(ProofError::Verify(_))), "{result:?}");

    let name = CircuitName { name: "foreign", version: 1 };
    let foreign = SegmentCircuit::build(name, segment.slots.len(), Assembly::FRESH);
    let witness = foreign.witness(segment).expect("it has the circuit's slots");
    let proof = foreign.layer.circuit().data.prove(witness.into_partial()).expect("the segment is good");
    let proof = Proof::new(proof).expect("it is a segment's");
    assert_eq!(foreign.verify(&proof), Ok(proven.claim.claimed()), "it proves the same statement in the same shape");
    let result = circuits.verify_segment(&proof, &proven.claim);
    assert!(matches!(result, Err(ProofError::Verify(_))), "{result:?}");
    let result = prove_lift(circuits, SMALL, &[proof], &mut StageLog::new());
    assert!(matches!(result, Err(ProofError::Prove(_) | ProofError::Verify(_))), "{result:?}");
}

/// What the coordinator refuses, and which jobs are not proved in vain.
pub(crate) fn jobs(circuits: &CircuitSet, world: &ExecutedWorld) {
    let [first, second] = [2, 3].map(|at| &world.segments[at].1);
    let proven = circuits.prove_segment(SMALL, &first.witness, &mut StageLog::new()).expect("the segment is good");
    let proof = proven.proof.to_bytes();
    let segment = |statement| JobStatement::Segment(SegmentClaim::Small(statement));
    let [first_statement, second_statement] = [first, second].map(ExecutedSegment::statement);
    assert_eq!(circuits.verify(&segment(first_statement), &proof), Ok(()));
    let other = circuits.verify(&segment(second_statement), &proof);
    assert!(matches!(other, Err(Refusal::OtherStatement { .. })), "{other:?}");
    let large = JobStatement::Segment(world.segments[0].0);
    for statement in [large, JobStatement::Lift { size: SMALL, statement: first_statement }] {
        let result = circuits.verify(&statement, &proof);
        assert!(matches!(result, Err(Refusal::Invalid { .. })), "{statement:?}: {result:?}");
    }
    let lift = prove_lift(circuits, SMALL, &[proven.proof], &mut StageLog::new()).expect("a good segment");
    // Of the same statement, but not by the circuit of the job.
    lift_counts_for_its_circuit(circuits, first_statement, &lift);

    let order = &world.orders()[2];
    let mut log = StageLog::new();
    let task = |statement, blobs| Task { statement, blobs };
    let none = circuits.prove(&task(segment(first_statement), Vec::new()), &mut log);
    assert_eq!(none, Err(TaskError::Blobs { expected: 1, got: 0 }));
    let wrong = circuits.prove(&task(segment(second_statement), vec![order.input.to_bytes()]), &mut log);
    assert!(matches!(wrong, Err(TaskError::Proof(ProofError::OtherStatement { .. }))), "{wrong:?}");
    let lift = JobStatement::Lift { size: SMALL, statement: second_statement };
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

/// Tables of openings and joins that were changed, or belong elsewhere. The proofs are those of the lift, the table and the
/// join of the first two segments.
pub(crate) fn openings(circuits: &CircuitSet, world: &ExecutedWorld, proofs: &[Vec<u8>]) {
    let [lift, table, join] = proofs else { unreachable!("three proofs") };
    let [first, second] = [0, 1].map(|at| match world.segments[at].0 {
        SegmentClaim::Large(opened) => opened,
        SegmentClaim::Small(_) => unreachable!("the first two are large"),
    });
    assert!(first.begins_table() && !second.begins_table(), "they share a table");
    let both = first.to(&second);
    let opened = JobStatement::Openings(table_statement(&both));
    assert_eq!(circuits.verify(&opened, table), Ok(()));
    for (position, bytes) in flipped(table) {
        assert!(
            circuits.verify(&opened, &bytes).is_err(),
            "the byte at {position} of {} makes no difference",
            table.len()
        );
    }
    let part = JobStatement::Openings(table_statement(&first));
    let result = circuits.verify(&part, table);
    assert!(matches!(result, Err(Refusal::OtherStatement { .. })), "{result:?}");
    assert_eq!(circuits.verify(&JobStatement::Join(both), join), Ok(()));
    let result = circuits.verify(&JobStatement::Join(first), join);
    assert!(matches!(result, Err(Refusal::OtherStatement { .. })), "{result:?}");
    let result = circuits.verify(&JobStatement::Join(both), lift);
    assert!(matches!(result, Err(Refusal::Invalid { .. })), "a lift does not know the roots: {result:?}");

    let mut log = StageLog::new();
    let mut prove = |statement, blobs| circuits.prove(&Task { statement, blobs }, &mut log);
    let inputs: Vec<_> = world.orders()[..2].iter().map(|order| order.input.to_bytes()).collect();
    for blobs in [Vec::new(), inputs[..1].to_vec(), vec![inputs[1].clone(), inputs[0].clone()]] {
        let result = prove(opened, blobs);
        assert!(matches!(result, Err(TaskError::Proof(ProofError::OtherOpenings { .. }))), "{result:?}");
    }
    let result = prove(JobStatement::Join(first), vec![lift.clone(), table.clone()]);
    assert!(matches!(result, Err(TaskError::Proof(ProofError::OtherStatement { .. }))), "{result:?}");
    let mut broken = table.clone();
    broken[table.len() / 2] ^= 1;
    let result = prove(JobStatement::Join(both), vec![lift.clone(), broken]);
    assert!(matches!(result, Err(TaskError::Proof(ProofError::Openings(_)))), "{result:?}");
    let result = prove(JobStatement::Join(both), vec![lift.clone(), join.clone()]);
    assert!(matches!(result, Err(TaskError::Child(_))), "{result:?}");
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
