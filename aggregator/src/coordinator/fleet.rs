//! The workers' side: leases, beats, failures. Proofs come in by [`Coordinator::submit`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{
    Aftermath, BeatReply, BlobId, Failure, Holder, JobRecord, JobState, JobStore, Lease, Millis, WorkerId,
};

use super::batch::decode;
use super::whole::whole;
use super::workers::{BeatNews, Current};
use super::{Coordinator, OrderError, timed};
use crate::message::{Assignment, Beat, FailureReport, FleetError, Held, NAME_BYTES_MAX};
use crate::pass::WorkerPass;
use crate::statement::Order;
use crate::{FleetEvent, JobNews};

/// How long a claim waits for a job at most.
pub const CLAIM_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often a waiting claim looks without being woken: jobs become ready by the clock, too.
const CLAIM_POLL: Duration = Duration::from_millis(500);

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Leases a job to a worker that does nothing, the most urgent one that it can do; waits for one, but no longer than
    /// [`CLAIM_WAIT_MAX`]. A worker that has a lease gets the same job again: it did not hear the answer.
    ///
    /// # Errors
    /// The pass is none, the worker is suspended or asks too often, or too many wait.
    pub async fn claim(self: &Arc<Self>, pass: &WorkerPass, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        let worker = self.authenticate(pass).await?;
        let begun = Instant::now();
        let deadline = begun + wait.min(CLAIM_WAIT_MAX);
        let waiter = Arc::clone(&self.waiters).try_acquire_owned().map_err(|_| FleetError::Busy)?;
        let (turn, pause) = self.workers().turn(worker)?;
        if let Some(pause) = pause {
            if pause > deadline {
                return Err(FleetError::TooMany { wait: pause - begun });
            }
            sleep_until(pause).await;
        }
        let claimed = self.claim_until(worker, deadline, Arc::new((waiter, turn))).await?;
        self.workers().claimed(worker, claimed.is_some(), begun.elapsed());
        if claimed.is_some() {
            metrics::histogram!("fleet_claim_wait_seconds").record(begun.elapsed());
        }
        Ok(claimed)
    }

    async fn claim_until<P: Send + Sync + 'static>(
        self: &Arc<Self>,
        worker: WorkerId,
        deadline: Instant,
        permits: Arc<P>,
    ) -> Result<Option<Assignment>, FleetError> {
        loop {
            let mut woken = std::pin::pin!(self.wake.notified());
            // From here on no job becomes ready unheard.
            woken.as_mut().enable();
            let this = Arc::clone(self);
            let claimed = whole(Arc::clone(&permits), async move { this.claim_now(worker).await }).await?;
            let now = Instant::now();
            if claimed.is_some() || now >= deadline {
                return Ok(claimed);
            }
            // Whether woken or not, it looks again.
            drop(timeout_at(deadline.min(now + CLAIM_POLL), woken).await);
        }
    }

    async fn claim_now(&self, worker: WorkerId) -> Result<Option<Assignment>, FleetError> {
        let now = self.now();
        let Some((claimant, current)) = self.workers().claimant(worker, now, &self.config)? else { return Ok(None) };
        if let Some(current) = current {
            if let Some(assignment) = self.deliver_again(worker, &current, now).await? {
                return Ok(Some(assignment));
            }
            self.workers().end(worker, &current.held);
        }
        let Some(record) = timed("claim", self.store.claim(now, &claimant)).await? else { return Ok(None) };
        let JobState::Leased(lease) = &record.state else {
            return Err(FleetError::Store { reason: "a claimed job is not leased".to_owned() });
        };
        match self.assignment(&record, lease).await {
            Ok((order, assignment)) => {
                self.workers().begin(worker, current_of(&record, lease, &order));
                let attempt = assignment.attempt;
                self.tell(&record.job, &order, JobNews::Leased { worker: self.workers().name(worker), attempt });
                Ok(Some(assignment))
            }
            Err(error) => {
                let reason = error.to_string();
                let aftermath = self.store.fail(now, lease.holder(), Failure::Error(reason.clone())).await?;
                self.tell_aftermath(&record.job.key, aftermath, &reason).await?;
                Ok(None)
            }
        }
    }

    /// The assignment of a lease that a worker has without knowing it, if it still has it.
    async fn deliver_again(
        &self,
        worker: WorkerId,
        current: &Current,
        now: Millis,
    ) -> Result<Option<Assignment>, FleetError> {
        let holder = Holder { worker, lease: current.held.lease };
        if self.store.beat(now, holder, &current.stage).await? != BeatReply::Extended {
            return Ok(None);
        }
        let Some((record, lease)) = self.leased(worker, &current.held).await? else { return Ok(None) };
        Ok(self.assignment(&record, &lease).await.ok().map(|(_, assignment)| assignment))
    }

    /// What a worker needs for a job.
    async fn assignment(&self, record: &JobRecord, lease: &Lease) -> Result<(Order, Assignment), OrderError> {
        let job = &record.job;
        let order = decode(job)?;
        let damaged = || OrderError::Damaged { batch: job.batch, job: job.name.clone() };
        let inputs = order.inputs.iter();
        let mut needs: Vec<_> = inputs.map(|input| (*input, format!("the input of {}", job.name))).collect();
        for child in &order.children {
            let child = self.store.job(child).await?.ok_or_else(damaged)?;
            let JobState::Done(done) = child.state else { return Err(damaged()) };
            needs.push((done.proof, format!("the proof of {}", child.job.name)));
        }
        let mut blobs = Vec::with_capacity(needs.len());
        for (blob, what) in needs {
            // The worker could not say what is missing.
            if !self.blobs.exists(&blob).await? {
                return Err(OrderError::BlobGone { batch: job.batch, what });
            }
            blobs.push(blob);
        }
        let stall = self.statistics().stall(order.job.kind(), self.config.stall);
        let assignment = Assignment {
            lease: lease.id,
            key: job.key,
            batch: job.batch,
            job: order.job,
            statement: order.statement,
            blobs,
            traceparent: order.traceparent.clone(),
            attempt: record.attempts.claims,
            stall,
        };
        Ok((order, assignment))
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// The pass is none, or the worker is suspended.
    pub async fn beat(&self, pass: &WorkerPass, mut beat: Beat) -> Result<BeatReply, FleetError> {
        let worker = self.authenticate(pass).await?;
        let now = self.now();
        beat.stage = beat.stage.chars().take(NAME_BYTES_MAX).collect();
        let holder = Holder { worker, lease: beat.held.lease };
        let news = self.workers().beat(worker, &beat, now)?;
        let reply = timed("beat", self.store.beat(now, holder, &beat.stage)).await?;
        if reply != BeatReply::Extended {
            self.workers().end(worker, &beat.held);
            return Ok(reply);
        }
        match news {
            BeatNews::Nothing => {}
            BeatNews::Stage { batch, job } => {
                let news = JobNews::Stage { stage: beat.stage };
                (self.observer)(FleetEvent::Job { batch, job, news });
            }
            BeatNews::UnknownJob => {
                if let Some((record, lease)) = self.leased(worker, &beat.held).await?
                    && let Ok(order) = decode(&record.job)
                {
                    self.workers().begin(worker, current_of(&record, &lease, &order));
                }
            }
        }
        Ok(reply)
    }

    /// The job and the lease, if this is how the worker has leased the job.
    pub(super) async fn leased(&self, worker: WorkerId, held: &Held) -> Result<Option<(JobRecord, Lease)>, FleetError> {
        let holder = Holder { worker, lease: held.lease };
        let Some(record) = self.store.job(&held.key).await? else { return Ok(None) };
        let lease = match &record.state {
            JobState::Leased(lease) if lease.holder() == holder => Some(lease.clone()),
            _ => None,
        };
        Ok(lease.map(|lease| (record, lease)))
    }

    /// A blob that an assignment names.
    ///
    /// # Errors
    /// The pass is none, the worker is suspended, there is no such blob, or the store failed.
    pub async fn blob(&self, pass: &WorkerPass, id: BlobId) -> Result<Vec<u8>, FleetError> {
        let worker = self.authenticate(pass).await?;
        self.workers().seen(worker, self.now())?;
        self.get_blob(id).await?.ok_or(FleetError::NoSuchBlob)
    }

    /// Takes a job back that failed. A job that the worker does not hold is none of its business.
    ///
    /// # Errors
    /// The pass is none, the worker is suspended, too many report at once, or the store failed.
    pub async fn fail(self: &Arc<Self>, pass: &WorkerPass, report: FailureReport) -> Result<(), FleetError> {
        let worker = self.authenticate(pass).await?;
        self.workers().seen(worker, self.now())?;
        let (this, permit) = (Arc::clone(self), self.report()?);
        whole(permit, async move { this.take_back(worker, report).await }).await
    }

    async fn take_back(&self, worker: WorkerId, report: FailureReport) -> Result<(), FleetError> {
        let FailureReport { held, failure } = report;
        let (Failure::Error(reason)
        | Failure::Crashed(reason)
        | Failure::OutOfMemory(reason)
        | Failure::InvalidProof(reason)) = &failure;
        let reason = reason.clone();
        if self.leased(worker, &held).await?.is_none() {
            self.workers().end(worker, &held);
            return Ok(());
        }
        let now = self.now();
        let aftermath = self.store.fail(now, Holder { worker, lease: held.lease }, failure).await?;
        if aftermath != Aftermath::Ignored {
            self.workers().failed(worker, &held, &reason, (now, &self.config));
        }
        Ok(self.tell_aftermath(&held.key, aftermath, &reason).await?)
    }

    /// Takes a job back that nobody is to blame for: the worker drains.
    ///
    /// # Errors
    /// The pass is none, too many report at once, or the store failed.
    pub async fn release(self: &Arc<Self>, pass: &WorkerPass, held: Held) -> Result<(), FleetError> {
        let worker = self.authenticate(pass).await?;
        let (this, permit) = (Arc::clone(self), self.report()?);
        whole(permit, async move { this.give_back(worker, held).await }).await
    }

    pub(super) async fn give_back(&self, worker: WorkerId, held: Held) -> Result<(), FleetError> {
        self.workers().end(worker, &held);
        let Some((record, lease)) = self.leased(worker, &held).await? else { return Ok(()) };
        let now = self.now();
        if self.store.release(now, lease.holder()).await? {
            self.workers().released(worker, now);
            if let Ok(order) = decode(&record.job) {
                self.tell(&record.job, &order, JobNews::Requeued { reason: "the worker leaves".to_owned() });
            }
            self.wake.notify_waiters();
        }
        Ok(())
    }

    /// Leave to have a report done to its end.
    pub(crate) fn report(&self) -> Result<OwnedSemaphorePermit, FleetError> {
        Arc::clone(&self.reports).try_acquire_owned().map_err(|_| FleetError::Busy)
    }
}

fn current_of(record: &JobRecord, lease: &Lease, order: &Order) -> Current {
    Current {
        held: Held { lease: lease.id, key: record.job.key },
        batch: record.job.batch,
        job: order.job,
        stage: lease.stage.clone(),
        since: lease.since,
        stage_since: lease.stage_since,
    }
}
