//! What a segment proof costs, without a state to execute on.

use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{Domain, Environment, RunningState, SegmentWitness, Timestamp};

use crate::{CircuitSet, ProofError, ProvenSegment, SegmentSize, StageLog};

/// A segment that does nothing: any number of them are adjacent.
///
/// Circuits do the same work whatever the slots are; only the native statement, which checks signatures, is cheaper.
#[must_use]
pub fn idle_segment() -> SegmentWitness {
    let domain = Domain(poseidon::hash(Tag::DOMAIN, &[]));
    let environment = Environment { domain, batch_number: 1, timestamp: Timestamp::default() };
    SegmentWitness { environment, before: RunningState::start_of_batch(Digest::ZERO), slots: Vec::new() }
}

/// Proves an idle segment: the proof, and what each stage took.
///
/// # Errors
/// See [`CircuitSet::prove_segment`]; none if the circuits are sound.
pub fn bench_segment(circuits: &CircuitSet, size: SegmentSize) -> Result<(ProvenSegment, StageLog), ProofError> {
    let mut log = StageLog::new();
    let segment = circuits.prove_segment(size, &idle_segment(), &mut log)?;
    Ok((segment, log))
}
