//! Proofs that do not count.

use std::sync::Arc;

use weft_aggregator::{Backend as _, ProvenBatch, SealedBatch};
use weft_circuits::builder::CircuitName;
use weft_circuits::recursion::merge::MergeError;
use weft_circuits::recursion::{Assembly, ProveError, SealError};
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
    let segment = &world.segments[2].1;
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
    let last = &world.segments[3].1;
    let mut log = StageLog::new();
    let last = circuits.prove_segment(SMALL, last, &mut log).expect("the segment is good");
    let result = circuits.verify_segment(SMALL, &proven.proof, &last.statement);
    let (expected, got) = (Box::new(last.statement), Box::new(proven.statement));
    assert_eq!(result, Err(ProofError::OtherStatement { expected, got }));

    let [first, last] = [Arc::new(proven.clone()), Arc::new(last)];
    let swapped = circuits.lift(SMALL, &[Arc::clone(&last), first], &mut log);
    let not_adjacent = ProofError::Prove(ProveError::Merge(MergeError::NotAdjacent { child: 1 }));
    assert_eq!(swapped, Err(not_adjacent));

    let part = circuits.lift(SMALL, &[last], &mut log).expect("a good segment");
    let sealed = circuits.seal(&part, &world.end, &mut log);
    assert_eq!(sealed, Err(ProofError::Prove(ProveError::Seal(SealError::Start))));
    let too_long = SegmentWitness { slots: world.segments[0].1.slots.clone(), ..world.segments[2].1.clone() };
    let result = circuits.prove_segment(SMALL, &too_long, &mut log);
    assert_eq!(
        result,
        Err(ProofError::TooManySlots { got: SIZES.slots(SegmentSize::Large), limit: SIZES.slots(SMALL) })
    );
    let mut moved = world.segments[1].1.clone();
    moved.before = world.segments[0].1.before;
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
    let proof = foreign.prove(segment).expect("the segment is good");
    assert_eq!(foreign.verify(&proof), Ok(proven.statement), "it proves the same statement in the same shape");
    let result = circuits.verify_segment(SMALL, &proof, &proven.statement);
    assert!(matches!(result, Err(ProofError::Verify(_))), "{result:?}");
    let foreign = Arc::new(ProvenSegment { proof, ..proven.clone() });
    let result = circuits.lift(SMALL, &[foreign], &mut StageLog::new());
    assert!(matches!(result, Err(ProofError::Prove(_) | ProofError::Verify(_))), "{result:?}");
}

/// Wrapped proofs that were changed or are about another batch.
pub(crate) fn wrapped_proofs(circuits: &CircuitSet, proven: &ProvenBatch) {
    let family = circuits.family();
    let bytes = proven.wrapped.to_bytes();
    assert_eq!(family.decode_wrapped(&bytes).as_ref(), Ok(&proven.wrapped));
    for (position, bytes) in flipped(&bytes) {
        if let Ok(proof) = family.decode_wrapped(&bytes) {
            let result = family.verify_wrapped(&proof);
            assert!(result.is_err(), "the byte at {position} of {} makes no difference", bytes.len());
        }
    }
    let SealedBatch { mut statement, proof } = SealedBatch::clone(&proven.sealed);
    let got = statement.digest();
    statement.record_count += 1;
    let expected = statement.digest();
    let result = circuits.wrap(&SealedBatch { statement, proof }, &mut StageLog::new());
    assert_eq!(result, Err(ProofError::OtherBatch { expected, got }));
}
