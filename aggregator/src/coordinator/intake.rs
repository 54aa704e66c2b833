//! Proofs coming in: check, keep, settle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_prover::Cost;
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{BlobId, DoneJob, Failure, Holder, JobRecord, JobState, JobStore, Settled, WorkerId};

use super::batch::decode;
use super::whole::whole;
use super::workers::elapsed;
use super::{Coordinator, timed};
use crate::circuits::Refusal;
use crate::message::{FleetError, Held, ProofOutcome, Submission};
use crate::pass::WorkerPass;
use crate::statement::Order;
use crate::trace::trace_id;
use crate::{FleetEvent, Job, JobNews};

/// No proof takes more processor time, whatever its worker says: sums over many jobs stay numbers.
const JOB_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Takes a proof: it counts if it is a valid one of the job's statement, whoever of the workers has made it and even if
    /// the lease has ended. Durable when it returns.
    ///
    /// # Errors
    /// The pass is none, the worker is suspended, too many submit at once, or a store failed: then the proof may be sent
    /// again.
    pub async fn submit(
        self: &Arc<Self>,
        pass: &WorkerPass,
        submission: Submission,
    ) -> Result<ProofOutcome, FleetError> {
        let worker = self.authenticate(pass).await?;
        self.workers().seen(worker, self.now())?;
        let permit = Arc::clone(&self.submissions).try_acquire_owned().map_err(|_| FleetError::Busy)?;
        let this = Arc::clone(self);
        whole(permit, async move { this.take(worker, submission).await }).await
    }

    async fn take(&self, worker: WorkerId, submission: Submission) -> Result<ProofOutcome, FleetError> {
        let held = submission.held;
        let outcome = match self.store.job(&held.key).await? {
            None => ProofOutcome::Taken(Settled::Unknown),
            Some(record) => match record.state {
                JobState::Cancelled => ProofOutcome::Taken(Settled::Unknown),
                JobState::Done(_) => ProofOutcome::Taken(Settled::Duplicate),
                JobState::Waiting(_) | JobState::Ready(_) | JobState::Leased(_) | JobState::Quarantined { .. } => {
                    self.check(worker, record, submission).await?
                }
            },
        };
        let word = match &outcome {
            ProofOutcome::Taken(Settled::First) => "first",
            ProofOutcome::Taken(Settled::Duplicate) => "duplicate",
            ProofOutcome::Taken(Settled::Unknown) => "unknown",
            ProofOutcome::Refused(Refusal::Invalid { .. }) => "invalid",
            ProofOutcome::Refused(Refusal::OtherStatement { .. }) => "wrong_statement",
        };
        metrics::counter!("fleet_settle_total", "outcome" => word).increment(1);
        self.workers().end(worker, &held);
        Ok(outcome)
    }

    async fn check(
        &self,
        worker: WorkerId,
        record: JobRecord,
        submission: Submission,
    ) -> Result<ProofOutcome, FleetError> {
        let order = decode(&record.job)?;
        let Submission { held, proof, wall, cpu } = submission;
        let begun = Instant::now();
        let (proof, verdict) = self.verifier.verify(&self.circuits, order.statement, proof).await;
        metrics::histogram!("fleet_verify_seconds").record(begun.elapsed());
        if let Err(refusal) = verdict {
            self.refuse(worker, &held, &refusal).await?;
            return Ok(ProofOutcome::Refused(refusal));
        }
        let blob = self.put_blob(proof).await?;
        let now = self.now();
        let seen = match &record.state {
            JobState::Leased(lease) if lease.holder() == (Holder { worker, lease: held.lease }) => {
                elapsed(lease.since, now)
            }
            _ => wall,
        };
        // Of a late proof there is only the worker's word, which must not say what others may take.
        let (seen, cpu) = (seen.min(self.config.lease_max.of(order.job.kind())), cpu.min(JOB_TIME_MAX));
        let done = DoneJob { proof: blob, worker, at: now, wall: seen, cpu };
        let settled = timed("settle", self.store.settle(&held.key, done)).await?;
        match settled {
            Settled::First => self.first(&record, &order, (worker, &held), Cost { wall: seen, cpu }),
            Settled::Duplicate | Settled::Unknown => self.delete_unused(&held, blob).await?,
        }
        Ok(ProofOutcome::Taken(settled))
    }

    /// A job is done.
    fn first(&self, record: &JobRecord, order: &Order, (worker, held): (WorkerId, &Held), cost: Cost) {
        let (batch, kind) = (record.job.batch, order.job.kind());
        self.statistics().note(kind, cost.wall);
        metrics::histogram!("fleet_prove_seconds", "kind" => kind.name()).record(cost.wall);
        metrics::histogram!("fleet_attempts", "kind" => kind.name()).record(f64::from(record.attempts.claims));
        let worker = {
            let mut workers = self.workers();
            workers.done(worker, held, cost.cpu);
            workers.name(worker)
        };
        let trace_id = trace_id(&order.traceparent);
        tracing::info!(batch, job = record.job.name, worker, trace_id, wall = ?cost.wall, cpu = ?cost.cpu, "job done");
        self.tell(&record.job, order, JobNews::Done { worker, cost });
        self.wake.notify_waiters();
        if order.job == Job::Wrap {
            let stage = elapsed(record.inserted, self.now());
            metrics::histogram!("fleet_batch_stage_seconds", "stage" => "end").record(stage);
            (self.observer)(FleetEvent::Proven { batch });
        }
    }

    /// Another proof of the job was first.
    async fn delete_unused(&self, held: &Held, blob: BlobId) -> Result<(), FleetError> {
        let record = self.store.job(&held.key).await?;
        let is_used = matches!(record.map(|record| record.state), Some(JobState::Done(done)) if done.proof == blob);
        if is_used { Ok(()) } else { Ok(self.delete_blob(blob).await?) }
    }

    async fn refuse(&self, worker: WorkerId, held: &Held, refusal: &Refusal) -> Result<(), FleetError> {
        let reason = refusal.to_string();
        let now = self.now();
        let (is_suspended, name) = {
            let mut workers = self.workers();
            (workers.invalid(worker, held, &reason, (now, &self.config)), workers.name(worker))
        };
        tracing::error!(worker = name, reason, is_suspended, "proof refused");
        if self.leased(worker, held).await?.is_some() {
            let failure = Failure::InvalidProof(reason.clone());
            let aftermath = self.store.fail(now, Holder { worker, lease: held.lease }, failure).await?;
            self.tell_aftermath(&held.key, aftermath, &reason).await?;
        }
        Ok(())
    }
}
