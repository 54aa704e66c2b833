//! The workers' side: registration, leases, beats, failures. Proofs come in by [`Coordinator::submit`].

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{BeatReply, BlobId, Failure, JobRecord, JobState, JobStore, Lease, Millis, WorkerId};

use super::batch::decode;
use super::workers::{BeatNews, Current};
use super::{Coordinator, OrderError, timed};
use crate::message::{
    Assignment, Beat, Expected, FailureReport, FleetError, Held, NAME_BYTES_MAX, Welcome, WorkerHello,
};
use crate::statement::Order;
use crate::{FleetEvent, JobNews};

/// How long a claim waits for a job at most.
pub const CLAIM_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often a waiting claim looks without being woken: jobs become ready by the clock, too.
const CLAIM_POLL: Duration = Duration::from_millis(500);

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Takes a worker in that runs there.
    ///
    /// # Errors
    /// It is of another version, has foreign circuits or none, or there are too many.
    pub async fn register(&self, hello: WorkerHello, place: WorkerPlace) -> Result<Welcome, FleetError> {
        let circuits = self.circuits.ids();
        let fits = hello.build == self.config.build
            && !hello.circuits.is_empty()
            && hello.circuits.iter().all(|circuit| circuits.contains(circuit));
        if !fits {
            let expected = Expected { build: self.config.build.clone(), circuits };
            tracing::warn!(worker = %hello.name.escape_debug(), build = %hello.build.escape_debug(), "worker refused");
            return Err(FleetError::Refused(Box::new(expected)));
        }
        if hello.name.is_empty() || hello.name.len() > NAME_BYTES_MAX || hello.name.contains(char::is_control) {
            return Err(FleetError::BadHello);
        }
        let worker = place.name(self.store.new_worker().await?);
        tracing::info!(worker = hello.name, id = worker.0, "worker registered");
        if !self.workers().register(worker, hello, self.now(), &self.config) {
            return Err(FleetError::BadHello);
        }
        Ok(Welcome { worker, lease: self.config.budgets.lease, beat: self.config.beat })
    }

    /// Leases a job to a worker that does nothing, the most urgent one that it can do; waits for one, but no longer than
    /// [`CLAIM_WAIT_MAX`]. A worker that has a lease gets the same job again: it did not hear the answer.
    ///
    /// # Errors
    /// The worker is unknown or suspended, or too many wait.
    pub async fn claim(&self, worker: WorkerId, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        let begun = Instant::now();
        let deadline = begun + wait.min(CLAIM_WAIT_MAX);
        let _waiter = self.waiters.try_acquire().map_err(|_| FleetError::Busy)?;
        loop {
            let mut woken = std::pin::pin!(self.wake.notified());
            // From here on no job becomes ready unheard.
            woken.as_mut().enable();
            if let Some(assignment) = self.claim_now(worker).await? {
                metrics::histogram!("fleet_claim_wait_seconds").record(begun.elapsed());
                return Ok(Some(assignment));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            // Whether woken or not, it looks again.
            drop(timeout_at(deadline.min(now + CLAIM_POLL), woken).await);
        }
    }

    async fn claim_now(&self, worker: WorkerId) -> Result<Option<Assignment>, FleetError> {
        let now = self.now();
        let (claimant, current) = self.workers().claimant(worker, now, &self.config)?;
        if let Some(current) = current {
            if let Some(assignment) = self.deliver_again(&current, now).await? {
                return Ok(Some(assignment));
            }
            self.workers().end(&current.held, None);
        }
        let Some(record) = timed("claim", self.store.claim(now, &claimant)).await? else { return Ok(None) };
        let JobState::Leased(lease) = &record.state else {
            return Err(FleetError::Store { reason: "a claimed job is not leased".to_owned() });
        };
        match self.assignment(&record, lease).await {
            Ok((order, assignment)) => {
                self.workers().begin(current_of(&record, lease, &order));
                let attempt = assignment.attempt;
                self.tell(&record.job, &order, JobNews::Leased { worker: self.workers().name(worker), attempt });
                Ok(Some(assignment))
            }
            Err(error) => {
                let reason = error.to_string();
                let aftermath = self.store.fail(now, lease.id, Failure::Error(reason.clone())).await?;
                self.tell_aftermath(&record.job.key, aftermath, &reason).await?;
                Ok(None)
            }
        }
    }

    /// The assignment of a lease that a worker has without knowing it, if it still has it.
    async fn deliver_again(&self, current: &Current, now: Millis) -> Result<Option<Assignment>, FleetError> {
        if self.store.beat(now, current.held.lease, &current.stage).await? != BeatReply::Extended {
            return Ok(None);
        }
        let Some((record, lease)) = self.leased(&current.held).await? else { return Ok(None) };
        Ok(self.assignment(&record, &lease).await.ok().map(|(_, assignment)| assignment))
    }

    /// What a worker needs for a job.
    async fn assignment(&self, record: &JobRecord, lease: &Lease) -> Result<(Order, Assignment), OrderError> {
        let job = &record.job;
        let order = decode(job)?;
        let damaged = || OrderError::Damaged { batch: job.batch, job: job.name.clone() };
        let mut needs: Vec<_> =
            order.input.map(|input| (input, format!("the input of {}", job.name))).into_iter().collect();
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
    /// The worker is unknown or suspended.
    pub async fn beat(&self, mut beat: Beat) -> Result<BeatReply, FleetError> {
        let now = self.now();
        beat.stage = beat.stage.chars().take(NAME_BYTES_MAX).collect();
        let news = self.workers().beat(&beat, now)?;
        let reply = timed("beat", self.store.beat(now, beat.held.lease, &beat.stage)).await?;
        if reply != BeatReply::Extended {
            self.workers().end(&beat.held, None);
            return Ok(reply);
        }
        match news {
            BeatNews::Nothing => {}
            BeatNews::Stage { batch, job } => {
                let news = JobNews::Stage { stage: beat.stage };
                (self.observer)(FleetEvent::Job { batch, job, news });
            }
            BeatNews::UnknownJob => {
                if let Some((record, lease)) = self.leased(&beat.held).await?
                    && let Ok(order) = decode(&record.job)
                {
                    let current = Current { held: beat.held, ..current_of(&record, &lease, &order) };
                    self.workers().begin(current);
                }
            }
        }
        Ok(reply)
    }

    /// The job and the lease, if this is how the job is leased. The worker may have another number since a restart.
    pub(super) async fn leased(&self, held: &Held) -> Result<Option<(JobRecord, Lease)>, FleetError> {
        let Some(record) = self.store.job(&held.key).await? else { return Ok(None) };
        let lease = match &record.state {
            JobState::Leased(lease) if lease.id == held.lease => Some(lease.clone()),
            _ => None,
        };
        Ok(lease.map(|lease| (record, lease)))
    }

    /// A blob that an assignment names.
    ///
    /// # Errors
    /// There is none, or the store failed.
    pub async fn blob(&self, id: BlobId) -> Result<Vec<u8>, FleetError> {
        self.get_blob(id).await?.ok_or(FleetError::NoSuchBlob)
    }

    /// Takes a job back that failed. A job that the worker does not hold is none of its business.
    ///
    /// # Errors
    /// The worker is unknown or suspended, or the store failed.
    pub async fn fail(&self, report: FailureReport) -> Result<(), FleetError> {
        let FailureReport { held, failure } = report;
        let now = self.now();
        self.workers().seen(held.worker, now)?;
        let (Failure::Error(reason)
        | Failure::Crashed(reason)
        | Failure::OutOfMemory(reason)
        | Failure::InvalidProof(reason)) = &failure;
        let reason = reason.clone();
        self.workers().end(&held, Some(&reason));
        if self.leased(&held).await?.is_some() {
            let aftermath = self.store.fail(now, held.lease, failure).await?;
            self.tell_aftermath(&held.key, aftermath, &reason).await?;
        }
        Ok(())
    }

    /// Takes a job back that nobody is to blame for: the worker drains.
    ///
    /// # Errors
    /// The store failed.
    pub async fn release(&self, held: Held) -> Result<(), FleetError> {
        self.workers().end(&held, None);
        if let Some((record, _)) = self.leased(&held).await? {
            self.store.release(self.now(), held.lease).await?;
            if let Ok(order) = decode(&record.job) {
                self.tell(&record.job, &order, JobNews::Requeued { reason: "the worker leaves".to_owned() });
            }
            self.wake.notify_waiters();
        }
        Ok(())
    }

    /// Takes leave of a worker; what it held is released.
    ///
    /// # Errors
    /// The store failed.
    pub async fn goodbye(&self, worker: WorkerId) -> Result<(), FleetError> {
        let held = self.workers().goodbye(worker, self.now());
        if let Some(held) = held {
            self.release(held).await?;
        }
        for (key, aftermath) in self.store.lose_worker(self.now(), worker).await? {
            self.tell_aftermath(&key, aftermath, "the worker has left").await?;
        }
        Ok(())
    }

    /// Forgives the workers of a name their invalid proofs. Returns whether they were suspended. A worker that has ended for
    /// that may be started again.
    ///
    /// # Errors
    /// Nobody of that name is known.
    pub fn readmit(&self, name: &str) -> Result<bool, FleetError> {
        let was_suspended = self.workers().readmit(name, &self.config).ok_or(FleetError::NoSuchWorker)?;
        tracing::info!(worker = name, was_suspended, "worker readmitted");
        Ok(was_suspended)
    }
}

/// Where a worker runs. Its number tells it for ever: after a restart a lease tells whether its worker can still be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerPlace {
    /// In the coordinator's process, and no longer than that. Its number is odd.
    Inside,
    /// In another process. Its number is even.
    Outside,
}

impl WorkerPlace {
    /// The number of the worker that the store has given this one.
    const fn name(self, number: WorkerId) -> WorkerId {
        let bit = match self {
            Self::Inside => 1,
            Self::Outside => 0,
        };
        WorkerId((number.0 << 1) | bit)
    }

    /// Where the worker of this number ran.
    pub(super) const fn of(worker: WorkerId) -> Self {
        if worker.0 & 1 == 1 { Self::Inside } else { Self::Outside }
    }
}

fn current_of(record: &JobRecord, lease: &Lease, order: &Order) -> Current {
    Current {
        held: Held { worker: lease.worker, lease: lease.id, key: record.job.key },
        batch: record.job.batch,
        job: order.job,
        stage: lease.stage.clone(),
        since: lease.since,
        stage_since: lease.stage_since,
    }
}
