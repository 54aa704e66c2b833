//! From the sequencer's orders to checked proofs: the way to the proving pool and back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use weft_aggregator::{
    BatchEnd, BatchError, BatchProver, Job, JobEvent, JobState, PoolConfig, ProvenBatch, ProvingPool,
};
use weft_circuits::recursion::WrappedProof;
use weft_circuits::wrap_config::encode_proof;
use weft_prover::{CircuitSet, ProofError};

use crate::proving::{BatchClaim, CheckedProof, JobCost, ProvingOrder};
use crate::sequencer::SequencerHandle;

/// Gives orders to the provers.
pub struct ProverBridge {
    pool: ProvingPool,
    circuits: Arc<CircuitSet>,
    sequencer: SequencerHandle,
    /// What the sequencer claims of the batches that have ended: their results wait for it.
    claims: Arc<Mutex<BTreeMap<u32, BatchClaim>>>,
    /// The batch that gets segments.
    current: Mutex<Option<BatchProver>>,
}

impl fmt::Debug for ProverBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProverBridge").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl ProverBridge {
    /// Starts the provers.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn start(circuits: Arc<CircuitSet>, sequencer: SequencerHandle) -> Result<Self> {
        let observer = {
            let sequencer = sequencer.clone();
            move |event| observe(&sequencer, &event)
        };
        let pool = ProvingPool::start(Arc::clone(&circuits), PoolConfig::default(), observer)
            .context("cannot start the provers")?;
        Ok(Self { pool, circuits, sequencer, claims: Arc::default(), current: Mutex::default() })
    }

    /// Takes an order; returns at once.
    pub fn order(&self, order: ProvingOrder) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // A batch that takes nothing any more has failed, and its result says why.
        let taken = match order {
            ProvingOrder::Segment { size, witness, .. } => {
                let batch = current.get_or_insert_with(|| self.begin(&witness.environment));
                batch.submit_segment(size, witness)
            }
            ProvingOrder::Finish(claim) => {
                let end = BatchEnd {
                    root_before: claim.statement.root_before,
                    root_after: claim.statement.root_after,
                    records: claim.records.clone(),
                };
                self.claims.lock().unwrap_or_else(PoisonError::into_inner).insert(claim.number, claim);
                current.take().map_or(Ok(()), |batch| batch.finish(end))
            }
        };
        if let Err(error) = taken {
            tracing::warn!(%error, "an order was not taken");
        }
    }

    fn begin(&self, environment: &weft_protocol::Environment) -> BatchProver {
        let (circuits, claims) = (Arc::clone(&self.circuits), Arc::clone(&self.claims));
        let (sequencer, number) = (self.sequencer.clone(), environment.batch_number);
        self.pool.begin_batch(environment, move |result| {
            let claim = claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            match (result, claim) {
                (Ok(proven), Some(claim)) => match check(&circuits, &proven, &claim) {
                    Ok(proof) => sequencer.post(move |sequencer| sequencer.proven(&proof)),
                    Err(error) => halt(&sequencer, error.to_string()),
                },
                (Ok(_), None) => halt(&sequencer, format!("batch {number} was proved before it was sealed")),
                // The pool stops with the node only.
                (Err(BatchError::Stopped { .. }), _) => {}
                (Err(error), _) => halt(&sequencer, error.to_string()),
            }
        })
    }
}

fn halt(sequencer: &SequencerHandle, reason: String) {
    sequencer.post(move |sequencer| sequencer.halt(reason));
}

fn observe(sequencer: &SequencerHandle, event: &JobEvent) {
    let batch = event.batch;
    match (&event.job, &event.state) {
        (Job::Segment(_), JobState::Done(_)) => sequencer.post(move |sequencer| sequencer.segment_proved(batch)),
        (job, JobState::Failed { reason }) => tracing::warn!(batch, %job, reason, "a job failed"),
        (job, state) => tracing::debug!(batch, %job, ?state, "job"),
    }
}

/// Checks the wrapped proof against what the sequencer has computed: nothing else is posted.
fn check(circuits: &CircuitSet, proven: &ProvenBatch, claim: &BatchClaim) -> Result<CheckedProof> {
    let wrapped: &WrappedProof = &proven.wrapped;
    let got = circuits.family().verify_wrapped(wrapped)?;
    ProofError::check_batch(claim.statement.digest(), got)?;
    let costs = proven.reports.iter().map(|report| JobCost { kind: report.job.kind(), cost: report.cost });
    let data = &circuits.family().wrap().circuit().data;
    let l1_proof = encode_proof(wrapped.inner(), &data.verifier_only, &data.common)?;
    Ok(CheckedProof { number: claim.number, proof: wrapped.to_bytes(), l1_proof, costs: costs.collect() })
}
