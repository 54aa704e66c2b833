//! Measurements of proofs.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use weft_aggregator::{BatchEnd, JobStatement, Task, bench_library, bench_merges, prove_lift, prove_seal, prove_wrap};
use weft_circuits::recursion::merge::ARITY;
use weft_circuits::recursion::{AggregateProof, SealProof, WrappedProof};
use weft_protocol::SegmentWitness;
use weft_protocol::crypto::Digest;
use weft_prover::{
    CircuitSet, Comparison, Cost, SegmentClaim, SegmentInput, SegmentSize, StageLog, bench_segment,
    compare_small_recursion,
};

use super::alone::prove_alone;
use super::group::Group;
use super::workload::{ACCOUNT_BITS, Workload};
use super::{Run, ms, on_threads, real};
use crate::circuits;

const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");
/// Checks of a wrapped proof that are timed.
const CHECKS: u32 = 20;

pub(super) fn segment(run: &mut Run<'_>, cache: Option<&Path>) -> Result<()> {
    let size = SegmentSize::Large;
    let circuits = circuits::load(cache);
    let slots = circuits.sizes().slots(size);
    run.params = json!({ "accounts": 1 << ACCOUNT_BITS, "transfers": slots, "hot": false });
    let rows = circuits.segment(size).summary().rows;
    let witness = Workload::new(slots)?.segment()?;
    let cost = prove_segment(&circuits, size, &witness, run.threads)?;
    run.figure("rows_per_transfer", real(rows) / real(slots), "rows", cost.cpu);
    run.figure("cpu_ms_per_transfer", ms(cost.cpu) / real(slots), "ms", cost.cpu);
    run.figure("wall_ms", ms(cost.wall), "ms", cost.cpu);
    drop(circuits);
    let statement = JobStatement::Segment(SegmentClaim::of(size, &witness)?);
    prove_alone(run, cache, Task { statement, blobs: vec![SegmentInput::new(&witness).to_bytes()] })?.print(run);
    Ok(())
}

pub(super) fn aggregate(run: &mut Run<'_>, cache: Option<&Path>) -> Result<()> {
    run.params = json!({ "children": ARITY });
    let circuits = circuits::load(cache);
    let (costs, _) = on_threads(run.threads, || bench_merges(&circuits, SegmentSize::Small))?;
    let costs = costs?;
    run.figure("cpu_ms", ms(costs.aggregate.cpu), "ms", costs.aggregate.cpu);
    run.figure("wall_ms", ms(costs.aggregate.wall), "ms", costs.aggregate.cpu);
    run.figure("lift_cpu_ms", ms(costs.lift.cpu), "ms", costs.lift.cpu);
    let (compared, _) = on_threads(run.threads, || bench_library(&circuits))?;
    let Comparison { ours, library } = compared?;
    run.figure("ratio_to_library", library.cpu.as_secs_f64() / ours.cpu.as_secs_f64(), "", ours.cpu + library.cpu);
    let (compared, _) = on_threads(run.threads, compare_small_recursion)?;
    let Comparison { ours, library } = compared?;
    run.figure("ratio_to_library_2_12", library.cpu.as_secs_f64() / ours.cpu.as_secs_f64(), "", ours.cpu + library.cpu);
    let lift = prove_idle_lift(&circuits)?;
    drop(circuits);
    // Segments that do nothing merge to one that does nothing.
    let statement = JobStatement::Aggregate { statement: lift.public_inputs().statement };
    prove_alone(run, cache, Task { statement, blobs: vec![lift.to_bytes(); ARITY] })?.print(run);
    Ok(())
}

pub(super) fn wrap(run: &mut Run<'_>, cache: Option<&Path>) -> Result<()> {
    let circuits = circuits::load(cache);
    let (end, _) = on_threads(run.threads, || prove_end(&circuits))?;
    let End { digest, sealed, wrapped, seal, wrap } = end?;
    run.figure("cpu_ms", ms(wrap.cpu), "ms", wrap.cpu);
    run.figure("wall_ms", ms(wrap.wall), "ms", wrap.cpu);
    run.figure("proof_bytes", real(wrapped.to_bytes().len()), "bytes", wrap.cpu);
    run.figure("seal_cpu_ms", ms(seal.cpu), "ms", seal.cpu);
    drop(circuits);
    let task = Task { statement: JobStatement::Wrap { digest }, blobs: vec![sealed.to_bytes()] };
    prove_alone(run, cache, task)?.print(run);
    Ok(())
}

pub(super) fn verify(run: &mut Run<'_>, cache: Option<&Path>) -> Result<()> {
    run.params = json!({ "checks": CHECKS });
    run.threads = 1;
    let circuits = circuits::load(cache);
    let End { wrapped, .. } = prove_end(&circuits)?;
    let check = || (0..CHECKS).try_for_each(|_| circuits.family().verify_wrapped(&wrapped).map(drop));
    let (result, cost) = on_threads(1, check)?;
    result?;
    run.figure("ms", ms(cost.wall / CHECKS), "ms", cost.cpu);
    Ok(())
}

/// The share of a transfer in a large batch, by parts; and a small batch from its slots to the wrapped proof.
pub(super) fn batch(run: &mut Run<'_>, cache: Option<&Path>) -> Result<()> {
    let circuits = Arc::new(circuits::load(cache));
    let group = Group::new(&circuits)?;
    run.params = json!({ "accounts": 1 << ACCOUNT_BITS, "transfers": group.transfers, "hot": false });
    let costs = group.prove(&circuits, run.threads)?;
    let total = costs.total();
    let parts = [
        ("cpu_ms_per_transfer", total),
        ("segments_cpu_ms_per_transfer", costs.segments),
        ("openings_cpu_ms_per_transfer", costs.openings),
        ("merges_cpu_ms_per_transfer", costs.merges),
        ("aggregates_cpu_ms_per_transfer", costs.aggregates),
    ];
    for (metric, cost) in parts {
        run.figure(metric, ms(cost.cpu) / real(group.transfers), "ms", cost.cpu);
    }
    if run.threads >= 2 {
        let [one, two] = [NonZeroUsize::MIN, TWO].map(|threads| group.prove_by_fleet(&circuits, threads));
        let (one, two) = (one?, two?);
        let [one_wall, two_wall] = [&one, &two].map(|costs| costs.walls.iter().sum::<Duration>().as_secs_f64());
        run.figure("speedup_2_threads", one_wall / two_wall, "", one.cpu + two.cpu);
    }
    let started = Instant::now();
    let (end, cost) = on_threads(run.threads, || prove_end(&circuits))?;
    end?;
    run.figure("seconds_small_batch", started.elapsed().as_secs_f64(), "s", cost.cpu);
    drop(circuits);
    prove_alone(run, cache, group.openings_task())?.print_peak(run, "openings_peak_bytes");
    Ok(())
}

fn prove_segment(circuits: &CircuitSet, size: SegmentSize, witness: &SegmentWitness, threads: usize) -> Result<Cost> {
    let (result, _) = on_threads(threads, || {
        let mut log = StageLog::new();
        circuits.prove_segment(size, witness, &mut log).map(|_| log.total())
    })?;
    result.context("the segment of the workload is not proved")
}

/// The merge of a batch of one idle segment.
fn prove_idle_lift(circuits: &CircuitSet) -> Result<AggregateProof> {
    let (segment, _) = bench_segment(circuits, SegmentSize::Small)?;
    Ok(prove_lift(circuits, SegmentSize::Small, &[segment.proof], &mut StageLog::new())?)
}

/// The end of a batch.
struct End {
    digest: Digest,
    sealed: SealProof,
    wrapped: WrappedProof,
    seal: Cost,
    wrap: Cost,
}

/// Seals and wraps a batch of one idle segment.
fn prove_end(circuits: &CircuitSet) -> Result<End> {
    let root = prove_idle_lift(circuits)?;
    let end = BatchEnd { root_before: Digest::ZERO, root_after: Digest::ZERO, records: Vec::new() };
    let (mut seal, mut wrap) = (StageLog::new(), StageLog::new());
    let (statement, sealed) = prove_seal(circuits, &root, &end, &mut seal)?;
    let digest = statement.digest();
    let wrapped = prove_wrap(circuits, &sealed, digest, &mut wrap)?;
    Ok(End { digest, sealed, wrapped, seal: seal.total(), wrap: wrap.total() })
}
