//! The proofs of a batch by a fleet of one worker, over stores that are thrown away.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use weft_aggregator::worker::{InProcess, Local, Worker, WorkerConfig};
use weft_aggregator::{BatchEnd, BatchResult, Circuits, Coordinator, FleetConfig, FleetEvent, JobNews};
use weft_prover::{CircuitSet, SegmentInput};
use weft_storage::blobs::FileBlobs;
use weft_storage::jobs::{Budgets, JobState, MemoryJobStore, Millis};

use super::{Listener, News};
use crate::clock;
use crate::proving::{BatchClaim, SegmentOrder};

/// How often it is looked whether the batch is proved.
const POLL: Duration = Duration::from_millis(50);

/// The proofs of a batch.
pub(super) struct Proven {
    /// Hash of each job's proof, by the job's name.
    pub(super) jobs: BTreeMap<String, String>,
    /// The wrapped proof.
    pub(super) wrapped: Vec<u8>,
}

type Fleet = Arc<Coordinator<MemoryJobStore, FileBlobs>>;

/// Proves a batch with so many threads, with files in this folder.
pub(super) fn prove(
    circuits: &Arc<CircuitSet>,
    (segments, claim): (Vec<SegmentOrder>, BatchClaim),
    (threads, folder): (NonZeroUsize, &Path),
    news: &Listener,
) -> Result<Proven> {
    let circuits: Arc<dyn Circuits> = Arc::<CircuitSet>::clone(circuits);
    let stores = (MemoryJobStore::new(Budgets::default()), FileBlobs::open(&folder.join("blobs"))?);
    let clock = Box::new(|| Millis(clock::now().unix_ms()));
    let news = Arc::clone(news);
    let observer = Box::new(move |event| {
        if let FleetEvent::Job { job, news: JobNews::Done { .. }, .. } = event {
            news(News::Proved(job.to_string()));
        }
    });
    let runtime = Runtime::new().context("cannot start threads")?;
    let fleet = Coordinator::new(Arc::clone(&circuits), stores, clock, FleetConfig::default(), observer)?;
    let executor = InProcess::new(circuits, threads).context("cannot start threads")?;
    runtime.block_on(run(Arc::new(fleet), executor, segments, claim))
}

async fn run(fleet: Fleet, executor: InProcess, segments: Vec<SegmentOrder>, claim: BatchClaim) -> Result<Proven> {
    let number = claim.environment.batch_number;
    for SegmentOrder { position, claim, witness } in segments {
        let position = usize::try_from(position).context("a position has 64 bits")?;
        let order = weft_aggregator::SegmentOrder { position, claim, input: SegmentInput::new(&witness) };
        fleet.submit_segment(order).await?;
    }
    let statement = &claim.statement;
    let (root_before, root_after) = (statement.root_before, statement.root_after);
    fleet.finish(&claim.environment, BatchEnd { root_before, root_after, records: claim.records }).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let config = WorkerConfig::new("replay".to_owned(), 1, u32::MAX);
    let worker = Worker::new(Local(Arc::clone(&fleet)), executor, config);
    let working = tokio::spawn(worker.run(async move { drop(stopped.await) }));
    let wrapped = loop {
        match fleet.result(number).await? {
            BatchResult::Proven(proven) => break proven.proof,
            BatchResult::Halted { job, reason } => bail!("{job} is not proved: {reason}"),
            BatchResult::Unknown | BatchResult::Proving { .. } => tokio::time::sleep(POLL).await,
        }
    };
    drop(stop);
    working.await.context("the prover panicked")??;
    let views = fleet.job_views(number).await?;
    let done = views.into_iter().filter_map(|view| match view.state {
        JobState::Done(done) => Some((view.job.to_string(), done.proof.to_string())),
        _ => None,
    });
    Ok(Proven { jobs: done.collect(), wrapped })
}
