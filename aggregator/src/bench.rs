//! What the jobs cost, alone and in a fleet.

mod fleet;

use weft_circuits::recursion::AggregateProof;
use weft_circuits::recursion::merge::ARITY;
use weft_protocol::crypto::Digest;
use weft_prover::{CircuitSet, Comparison, Cost, ProofError, SegmentSize, StageLog, bench_segment, compare_aggregate};

use crate::BatchEnd;
use crate::prove::{prove_aggregate, prove_lift, prove_seal, prove_wrap};

pub use fleet::{BenchError, FleetBatch, FleetCosts, FleetGoal, FleetRun, bench_fleet};

/// What proving and merging costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeCosts {
    /// One segment.
    pub segment: Cost,
    /// A lift of as many segments as it takes.
    pub lift: Cost,
    /// An aggregate of as many lifts as it takes.
    pub aggregate: Cost,
}

/// What the end of a batch costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndCosts {
    /// The seal.
    pub seal: Cost,
    /// Shrink and wrap.
    pub wrap: Cost,
}

/// Makes one segment proof, one lift and one aggregate on the current rayon pool, of segments that do nothing: all of them
/// are adjacent to themselves.
///
/// # Errors
/// None if the circuits are sound.
pub fn bench_merges(circuits: &CircuitSet, size: SegmentSize) -> Result<MergeCosts, ProofError> {
    let (segment, segment_log) = bench_segment(circuits, size)?;
    let mut lift_log = StageLog::new();
    let lift = prove_lift(circuits, size, &vec![segment.proof; ARITY], &mut lift_log)?;
    let mut aggregate_log = StageLog::new();
    prove_aggregate(circuits, &vec![lift; ARITY], &mut aggregate_log)?;
    let [segment, lift, aggregate] = [segment_log, lift_log, aggregate_log].map(|log| log.total());
    Ok(MergeCosts { segment, lift, aggregate })
}

/// Proves an aggregate of segments that do nothing by our prover and by the library's.
///
/// # Errors
/// None if the circuits are sound.
pub fn bench_library(circuits: &CircuitSet) -> Result<Comparison, ProofError> {
    compare_aggregate(circuits, &vec![idle_batch(circuits)?; ARITY])
}

/// Seals and wraps a batch that does nothing, on the current rayon pool.
///
/// # Errors
/// None if the circuits are sound.
pub fn bench_end(circuits: &CircuitSet) -> Result<EndCosts, ProofError> {
    let root = idle_batch(circuits)?;
    let end = BatchEnd { root_before: Digest::ZERO, root_after: Digest::ZERO, records: Vec::new() };
    let mut seal_log = StageLog::new();
    let (statement, seal) = prove_seal(circuits, &root, &end, &mut seal_log)?;
    let mut wrap_log = StageLog::new();
    prove_wrap(circuits, &seal, statement.digest(), &mut wrap_log)?;
    Ok(EndCosts { seal: seal_log.total(), wrap: wrap_log.total() })
}

/// The merge of a batch of one idle segment.
fn idle_batch(circuits: &CircuitSet) -> Result<AggregateProof, ProofError> {
    let (segment, _) = bench_segment(circuits, SegmentSize::Small)?;
    prove_lift(circuits, SegmentSize::Small, &[segment.proof], &mut StageLog::new())
}
