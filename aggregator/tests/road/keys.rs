//! Proving keys are read when a job needs them, and only those.

use std::fs;
use std::path::Path;
use std::slice::from_ref;

use weft_aggregator::prove_lift;
use weft_prover::{CircuitSet, ProvenSegment, SegmentSize, StageLog};

use super::world::{ExecutedWorld, SIZES};

const SMALL: SegmentSize = SegmentSize::Small;

pub(crate) fn are_read_when_needed(cache: &Path, world: &ExecutedWorld) {
    let circuits = load(cache);
    assert!(circuits.loaded_keys().is_empty(), "nothing was proved yet");
    let proven = prove(&circuits, world);
    assert_eq!(circuits.loaded_keys(), ["segment-small"]);
    prove_lift(&circuits, SMALL, from_ref(&proven.proof), &mut StageLog::new()).expect("a good segment");
    assert_eq!(circuits.loaded_keys(), ["segment-small", "lift-small"], "there is room for both");

    let circuits = load(cache).with_key_memory(0);
    assert_eq!(prove(&circuits, world), proven);
    prove_lift(&circuits, SMALL, from_ref(&proven.proof), &mut StageLog::new()).expect("a good segment");
    assert_eq!(circuits.loaded_keys(), ["lift-small"], "a key makes room for the next");
    assert_eq!(prove(&circuits, world), proven);
    assert_eq!(circuits.loaded_keys(), ["segment-small"]);

    a_key_is_read_once(cache, world);
    a_lost_file_is_made_up_for(cache, world, &proven);
}

/// Two jobs of one pool that need the same key at the same time.
fn a_key_is_read_once(cache: &Path, world: &ExecutedWorld) {
    let circuits = load(cache).with_key_memory(0);
    let (one, other) = rayon::join(|| prove(&circuits, world), || prove(&circuits, world));
    assert_eq!(one, other);
    assert_eq!(circuits.loaded_keys(), ["segment-small"]);
}

fn a_lost_file_is_made_up_for(cache: &Path, world: &ExecutedWorld, proven: &ProvenSegment) {
    let copy = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    for entry in fs::read_dir(cache).expect("the cache is there") {
        let entry = entry.expect("the disk works");
        fs::hard_link(entry.path(), copy.path().join(entry.file_name())).expect("the same disk");
    }
    let circuits = load(copy.path()).with_key_memory(0);
    for entry in fs::read_dir(copy.path()).expect("it is there") {
        fs::remove_file(entry.expect("the disk works").path()).expect("it is ours");
    }
    assert_eq!(prove(&circuits, world), *proven, "the circuit was built anew");
    assert_eq!(circuits.loaded_keys(), ["segment-small"]);
}

fn load(cache: &Path) -> CircuitSet {
    CircuitSet::load_or_build(SIZES, Some(cache), |_| ())
}

fn prove(circuits: &CircuitSet, world: &ExecutedWorld) -> ProvenSegment {
    let segment = &world.segments[2].1.witness;
    circuits.prove_segment(SMALL, segment, &mut StageLog::new()).expect("the segment is good")
}
