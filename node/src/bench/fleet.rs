//! What a second worker gains, and what the way of the jobs costs: a batch of small segments in a fleet of one process, over
//! stores on the disk.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::runtime::Runtime;
use weft_aggregator::{
    BatchEnd, Circuits, FleetBatch, FleetConfig, FleetCosts, FleetGoal, FleetRun, SegmentOrder, bench_fleet,
};
use weft_executor::ExecutedSegment;
use weft_prover::{CircuitSet, SegmentClaim, SegmentInput, SegmentSize, bench_segment};
use weft_storage::blobs::FileBlobs;
use weft_storage::jobs::{Millis, RocksJobStore};

use super::workload::{ACCOUNT_BITS, Workload};
use super::{Run, ms, on_threads};
use crate::{circuits, clock};

/// Segments of the batch, if nobody says.
pub const SEGMENTS: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");

pub(super) fn fleet(run: &mut Run<'_>, cache: Option<&Path>, segments: NonZeroUsize) -> Result<()> {
    let size = SegmentSize::Small;
    let circuits = Arc::new(circuits::load(cache));
    let slots = circuits.sizes().slots(size);
    run.params = json!({
        "accounts": 1 << ACCOUNT_BITS,
        "segments": segments,
        "transfers_per_segment": slots,
        "threads_per_worker": 1,
        "hot": false,
    });
    let batch = batch(slots, segments, |segment| SegmentClaim::Small(segment.statement()))?;
    // The first proof reads the circuit into memory, which neither of the fleets is to pay for.
    on_threads(1, || bench_segment(&circuits, size))?.0?;
    let goals = [FleetGoal::Segments, FleetGoal::Merged];
    run.threads = 1;
    let one = FleetRun { workers: NonZeroUsize::MIN, threads: NonZeroUsize::MIN, goals: &goals };
    let one = prove(&circuits, batch.clone(), one)?;
    let seconds_before = |goals: usize| one.walls.iter().take(goals).sum::<Duration>().as_secs_f64();
    let [one_segments, one_merged] = [1, 2].map(seconds_before);
    run.figure("segments_seconds_1_worker", one_segments, "s", one.cpu);
    run.figure("batch_seconds_1_worker", one_merged, "s", one.cpu);
    run.threads = 2;
    let two = NonZeroUsize::new(2).expect("not zero");
    // Of several workers some merge while others prove segments: each goal is a run of its own.
    let mut ratio = |name, goal, of| -> Result<()> {
        let fleet = FleetRun { workers: two, threads: NonZeroUsize::MIN, goals: &[goal] };
        let costs = prove(&circuits, batch.clone(), fleet)?;
        let wall = costs.walls.iter().sum::<Duration>();
        run.figure(name, wall.as_secs_f64() / of, "", costs.cpu);
        Ok(())
    };
    ratio("segments_ratio_2_workers", FleetGoal::Segments, one_segments)?;
    ratio("batch_ratio_2_workers", FleetGoal::Merged, one_merged)?;
    // One worker has a core of the two for itself and the coordinator another: nothing waits for a processor.
    run.figure("store_overhead_ms", ms(one.overhead), "ms", one.cpu);
    Ok(())
}

/// A batch of full segments of so many slots, which make these claims.
pub(super) fn batch(
    slots: usize,
    segments: NonZeroUsize,
    mut claim: impl FnMut(&ExecutedSegment) -> SegmentClaim,
) -> Result<FleetBatch> {
    let workload = Workload::new(slots * segments.get())?;
    let root_before = workload.state.root();
    let (mut builder, checked) = workload.begin()?;
    let environment = *builder.environment();
    for transaction in checked {
        builder.push_transaction(transaction)?;
    }
    let orders = (0..segments.get()).map(|position| {
        let segment = builder.next_segment(slots).context("the transfers fill the segments")?;
        Ok(SegmentOrder { position, claim: claim(&segment), input: SegmentInput::new(&segment.witness) })
    });
    let segments = orders.collect::<Result<_>>()?;
    let (state, executed) = builder.finish().ok().context("a batch without fees ends")?;
    let end = BatchEnd { root_before, root_after: state.root(), records: executed.records() };
    Ok(FleetBatch { environment, segments, end })
}

/// Proves the batch over empty stores.
pub(super) fn prove(circuits: &Arc<CircuitSet>, batch: FleetBatch, run: FleetRun<'_>) -> Result<FleetCosts> {
    let dir = tempfile::tempdir().context("cannot make a temporary folder")?;
    let jobs = RocksJobStore::open(&dir.path().join("jobs"), FleetConfig::default().budgets)?;
    let blobs = FileBlobs::open(&dir.path().join("blobs"))?;
    let runtime = Runtime::new().context("cannot start threads")?;
    let circuits: Arc<dyn Circuits> = Arc::<CircuitSet>::clone(circuits);
    let clock = Box::new(|| Millis(clock::now().unix_ms()));
    let costs = runtime.block_on(bench_fleet(circuits, (jobs, blobs), clock, batch, run));
    costs.context("the batch of the workload is not proved")
}
