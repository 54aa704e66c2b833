//! Takes what the coordinator tells to the sequencer: how far batches are, and proofs, checked. It also looks by itself now
//! and then: what is in the store of jobs counts, whether or not it was told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval};
use weft_aggregator::coordinator::JobView;
use weft_aggregator::{BatchResult, FleetEvent, Job, JobNews, OrderError, WrappedBatch};
use weft_api::BackendError;
use weft_circuits::recursion::DecodeError;
use weft_circuits::wrap_config::{EncodeError, encode_proof};
use weft_prover::{CircuitSet, ProofError};
use weft_storage::jobs::JobState;

use super::NodeCoordinator;
use crate::compute::Compute;
use crate::proving::{BatchClaim, CheckedProof, JobCost};
use crate::sequencer::SequencerHandle;

/// How often it looks at the batches that are not proven.
const LOOK: Duration = Duration::from_secs(10);

/// The coordinator's results are not what the sequencer needs: the node halts.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The coordinator's store failed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The sequencer does not answer.
    #[error(transparent)]
    Sequencer(#[from] BackendError),
    /// The proof is no proof.
    #[error("the proof of batch {batch} does not decode: {source}")]
    Decode {
        /// The batch.
        batch: u32,
        /// Why.
        source: DecodeError,
    },
    /// It does not prove what the sequencer claims.
    #[error("the proof of batch {batch} does not hold: {source}")]
    Proof {
        /// The batch.
        batch: u32,
        /// Why.
        source: ProofError,
    },
    /// It has no form for the contract.
    #[error("the proof of batch {batch} cannot be written for L1: {source}")]
    Encode {
        /// The batch.
        batch: u32,
        /// Why.
        source: EncodeError,
    },
    /// The check panicked.
    #[error("the check of the proof of batch {batch} panicked")]
    Panicked {
        /// The batch.
        batch: u32,
    },
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Collector {
    coordinator: Arc<NodeCoordinator>,
    circuits: Arc<CircuitSet>,
    sequencer: SequencerHandle,
    compute: Compute,
}

impl Collector {
    /// A collector of what this coordinator tells.
    #[must_use]
    pub fn new(
        coordinator: Arc<NodeCoordinator>,
        circuits: Arc<CircuitSet>,
        sequencer: SequencerHandle,
        compute: Compute,
    ) -> Self {
        Self { coordinator, circuits, sequencer, compute }
    }

    /// Takes what comes. Ends when nothing can come any more, or with an error: then the node halts.
    pub async fn run(self, mut events: UnboundedReceiver<FleetEvent>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let taken = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => return,
                },
                _ = looks.tick() => self.look_at_all().await,
            };
            if let Err(error) = taken {
                return self.sequencer.halt(error.to_string());
            }
        }
    }

    /// Notices what was missed.
    async fn look_at_all(&self) -> Result<(), CollectorError> {
        for batch in self.sequencer.ask(|sequencer| sequencer.unproven()).await? {
            self.look(batch).await?;
        }
        Ok(())
    }

    async fn take(&self, event: FleetEvent) -> Result<(), CollectorError> {
        match event {
            // One job that goes on says nothing of the others of its batch.
            FleetEvent::Proven { batch }
            | FleetEvent::Halted { batch, .. }
            | FleetEvent::Job { batch, news: JobNews::Requeued { .. }, .. } => self.look(batch).await,
            FleetEvent::Job { batch, job: Job::Segment(_), news: JobNews::Done { .. } } => self.count(batch).await,
            FleetEvent::Job { .. } => Ok(()),
        }
    }

    /// Finds out how far a batch is, and tells the sequencer.
    ///
    /// # Errors
    /// The store fails, or the proof does not hold.
    pub async fn look(&self, batch: u32) -> Result<(), CollectorError> {
        match self.coordinator.result(batch).await {
            Ok(BatchResult::Unknown) | Err(OrderError::Released { .. }) => Ok(()),
            Ok(BatchResult::Proving { .. }) => {
                self.sequencer.post(move |sequencer| sequencer.stuck(batch, None));
                self.count(batch).await
            }
            Ok(BatchResult::Halted { job, reason }) => {
                let reason = format!("{job}: {reason}");
                self.sequencer.post(move |sequencer| sequencer.stuck(batch, Some(reason)));
                self.count(batch).await
            }
            Ok(BatchResult::Proven(proven)) => self.proven(*proven).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn count(&self, batch: u32) -> Result<(), CollectorError> {
        let is_proved = |view: &&JobView| matches!((&view.job, &view.state), (Job::Segment(_), JobState::Done(_)));
        let jobs = self.coordinator.job_views(batch).await?;
        let proved = u32::try_from(jobs.iter().filter(is_proved).count()).unwrap_or(u32::MAX);
        self.sequencer.post(move |sequencer| sequencer.segments_proved(batch, proved));
        Ok(())
    }

    /// Checks the wrapped proof against what the sequencer has computed: nothing else is posted.
    async fn proven(&self, proven: WrappedBatch) -> Result<(), CollectorError> {
        let batch = proven.batch;
        let Some(claim) = self.claim(batch).await? else { return Ok(()) };
        if claim.environment.context() != proven.context {
            // The proof is of a batch of the same number that was taken back.
            return Ok(());
        }
        let circuits = Arc::clone(&self.circuits);
        let checked = self.compute.run(move || check(&circuits, &proven, &claim)).await;
        let checked = checked.ok_or(CollectorError::Panicked { batch })??;
        self.sequencer.post(move |sequencer| sequencer.proven(&checked));
        Ok(())
    }

    /// What the sequencer claims of a batch; `None` if the batch is verified or was taken back.
    async fn claim(&self, batch: u32) -> Result<Option<BatchClaim>, CollectorError> {
        Ok(self.sequencer.ask(move |sequencer| sequencer.claim(batch)).await?)
    }
}

fn check(circuits: &CircuitSet, proven: &WrappedBatch, claim: &BatchClaim) -> Result<CheckedProof, CollectorError> {
    let batch = proven.batch;
    let family = circuits.family();
    let wrapped = family.decode_wrapped(&proven.proof).map_err(|source| CollectorError::Decode { batch, source })?;
    let got = family.verify_wrapped(&wrapped).map_err(ProofError::from);
    let held = got.and_then(|got| ProofError::check_batch(claim.statement.digest(), got));
    held.map_err(|source| CollectorError::Proof { batch, source })?;
    let data = family.wrap.layer.verifier();
    let l1_proof = encode_proof(wrapped.inner(), &data.verifier_only, &data.common)
        .map_err(|source| CollectorError::Encode { batch, source })?;
    let costs = proven.jobs.iter().map(|job| JobCost { kind: job.job.kind(), wall: job.cost.wall, cpu: job.cost.cpu });
    Ok(CheckedProof { environment: claim.environment, proof: proven.proof.clone(), l1_proof, costs: costs.collect() })
}
