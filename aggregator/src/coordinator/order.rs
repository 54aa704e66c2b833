//! The sequencer's side: orders in, proofs of batches out.

use std::collections::BTreeMap;

use weft_protocol::{Context, Environment};
use weft_prover::Cost;
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{Aftermath, DoneJob, JobRecord, JobState, JobStore, Lease, NewJob};

use super::batch::{BatchPlan, PlannedSegment, decode};
use super::registration::WorkerPlace;
use super::{Coordinator, OrderError, timed};
use crate::statement::{Order, SealBlob};
use crate::{BatchEnd, Job, JobNews, SegmentOrder};

/// Job records are kept of so many batches up to the last one that was [released](Coordinator::release_batch), for views.
pub const BATCHES_KEPT: u32 = 256;

/// How far a batch is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BatchResult {
    /// There are no jobs of it.
    Unknown,
    /// Jobs are to be done.
    Proving {
        /// Jobs that are done.
        done: usize,
        /// All jobs so far; of a batch that is not finished there will be more.
        total: usize,
    },
    /// It is proved.
    Proven(Box<WrappedBatch>),
    /// It will not be proved until [`Coordinator::retry`].
    Halted {
        /// The job that is quarantined.
        job: Job,
        /// Why.
        reason: String,
    },
}

/// The proof of a batch for L1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedBatch {
    /// Number of the batch.
    pub batch: u32,
    /// Its context, which tells it from a batch of the same number that was given up.
    pub context: Context,
    /// The proof with its public inputs, as `weft_circuits::recursion::Proof::to_bytes` writes it; it has been verified.
    pub proof: Vec<u8>,
    /// Number of segments.
    pub segments: usize,
    /// All jobs, in the order in which they were put in.
    pub jobs: Vec<JobCost>,
}

/// What a job took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobCost {
    /// The job.
    pub job: Job,
    /// Name of the worker; its number, if that was before a restart.
    pub worker: String,
    /// Time from its lease to its proof, and processor time by the worker's word.
    pub cost: Cost,
}

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Has a segment proved. Segments of a batch come in order; one that came before has no effect. Durable when it returns.
    ///
    /// # Errors
    /// The segment does not follow the one before it, or is another one than at the first time; or a store failed.
    pub async fn submit_segment(&self, order: SegmentOrder) -> Result<(), OrderError> {
        let SegmentOrder { position, claim, input } = order;
        let environment = *input.environment();
        let batch = environment.batch_number;
        if environment.context() != claim.context() {
            return Err(OrderError::OtherBatch { batch });
        }
        let mut plans = self.plans.lock().await;
        let mut plan = self.plan(&mut plans, batch, claim.context()).await?;
        if plan.has(position, &claim)? {
            return self.mend(batch, input.to_bytes()).await;
        }
        let input = self.put_blob(input.to_bytes()).await?;
        let jobs = plan.push(&*self.circuits, PlannedSegment { claim, input })?;
        self.insert(jobs).await?;
        plans.insert(batch, plan);
        Ok(())
    }

    /// Says that all segments of a batch were submitted: it is sealed and wrapped. To say it again has no effect. Durable
    /// when it returns.
    ///
    /// # Errors
    /// There is no segment, the segments do not lead to this end, or the batch has another one; or a store failed.
    pub async fn finish(&self, environment: &Environment, end: BatchEnd) -> Result<(), OrderError> {
        let (batch, context) = (environment.batch_number, environment.context());
        let digest = end.statement(context).digest();
        let mut plans = self.plans.lock().await;
        let mut plan = self.plan(&mut plans, batch, context).await?;
        if plan.context() != context {
            return Err(OrderError::OtherBatch { batch });
        }
        if plan.is_finished(digest)? {
            return self.mend(batch, encode(&SealBlob { context, end })).await;
        }
        if plan.merged().ok_or(OrderError::Empty { batch })? != end.merged(context) {
            return Err(OrderError::OtherEnd { batch });
        }
        let end = self.put_blob(encode(&SealBlob { context, end })).await?;
        let jobs = plan.finish(&*self.circuits, digest, end)?;
        self.insert(jobs).await?;
        plans.insert(batch, plan);
        Ok(())
    }

    /// A copy of a batch's plan, out of memory or the store; an empty one if there is none.
    async fn plan(
        &self,
        plans: &mut BTreeMap<u32, BatchPlan>,
        batch: u32,
        context: Context,
    ) -> Result<BatchPlan, OrderError> {
        if let Some(plan) = plans.get(&batch) {
            return Ok(plan.clone());
        }
        let records = self.store.batch(batch).await?;
        let restored = BatchPlan::restore(&*self.circuits, &records, self.config.lease_max)?;
        Ok(restored.unwrap_or_else(|| BatchPlan::new(batch, context, self.config.lease_max)))
    }

    async fn insert(&self, jobs: Vec<NewJob>) -> Result<(), OrderError> {
        let known = jobs.clone();
        let new = timed("insert", self.store.insert(self.now(), jobs)).await?;
        for job in known.iter().filter(|job| new.contains(&job.key)) {
            self.tell(job, &decode(job)?, JobNews::Queued);
        }
        self.wake.notify_waiters();
        Ok(())
    }

    /// Takes up what the store has of batches from this one on after a restart; those before it are verified. Returns the
    /// batches that are not proved, rising. Their jobs go on by themselves, and those that workers of an ended process had
    /// may be done by others at once; this learns from the jobs that are done how long they take.
    ///
    /// # Errors
    /// The store failed or is damaged.
    pub async fn resume(&self, from: u32) -> Result<Vec<u32>, OrderError> {
        let mut open = Vec::new();
        let mut plans = self.plans.lock().await;
        for batch in self.store.batches().await?.into_iter().filter(|batch| *batch >= from) {
            let records = self.store.batch(batch).await?;
            let mut is_proven = false;
            for record in &records {
                let order = decode(&record.job)?;
                match &record.state {
                    JobState::Done(done) => {
                        self.statistics().note(order.job.kind(), done.wall);
                        is_proven |= order.job == Job::Wrap;
                    }
                    JobState::Leased(lease) => self.release_orphan(&record.job, &order, lease).await?,
                    JobState::Waiting(_) | JobState::Ready(_) | JobState::Quarantined { .. } | JobState::Cancelled => {}
                }
            }
            if let (false, Some(plan)) =
                (is_proven, BatchPlan::restore(&*self.circuits, &records, self.config.lease_max)?)
            {
                plans.insert(batch, plan);
                open.push(batch);
            }
        }
        Ok(open)
    }

    /// Takes a job back whose worker has ended with its process: that says nothing of the job.
    async fn release_orphan(&self, job: &NewJob, order: &Order, lease: &Lease) -> Result<(), OrderError> {
        let is_orphan = WorkerPlace::of(lease.worker) == WorkerPlace::Inside && !self.workers().is_known(lease.worker);
        if is_orphan {
            self.store.release(self.now(), lease.holder()).await?;
            self.tell(job, order, JobNews::Requeued { reason: "the process of its worker has ended".to_owned() });
        }
        Ok(())
    }

    /// How far a batch is; its proof, if there is one.
    ///
    /// # Errors
    /// The proof was released, or a store failed.
    pub async fn result(&self, batch: u32) -> Result<BatchResult, OrderError> {
        let records = self.store.batch(batch).await?;
        if records.is_empty() {
            return Ok(BatchResult::Unknown);
        }
        let mut jobs = Vec::new();
        let (mut wrapped, mut context) = (None, None);
        for record in &records {
            let Order { job, statement, .. } = decode(&record.job)?;
            context = context.or(statement.context());
            match &record.state {
                JobState::Done(done) => {
                    wrapped = if job == Job::Wrap { Some(done.proof) } else { wrapped };
                    jobs.push(self.cost(job, done));
                }
                JobState::Quarantined { reason } => return Ok(BatchResult::Halted { job, reason: reason.clone() }),
                JobState::Waiting(_) | JobState::Ready(_) | JobState::Leased(_) | JobState::Cancelled => {}
            }
        }
        let (Some(proof), Some(context)) = (wrapped, context) else {
            return Ok(BatchResult::Proving { done: jobs.len(), total: records.len() });
        };
        let proof = self.get_blob(proof).await?.ok_or(OrderError::Released { batch })?;
        let segments = jobs.iter().filter(|cost| matches!(cost.job, Job::Segment(_))).count();
        Ok(BatchResult::Proven(Box::new(WrappedBatch { batch, context, proof, segments, jobs })))
    }

    fn cost(&self, job: Job, done: &DoneJob) -> JobCost {
        JobCost { job, worker: self.workers().name(done.worker), cost: Cost { wall: done.wall, cpu: done.cpu } }
    }

    /// Deletes the inputs and proofs of a batch that nobody will ask for again: it is verified, as all before it, and its
    /// proof is kept elsewhere. Who did which job, and what it took, stays for [`BATCHES_KEPT`] batches.
    ///
    /// # Errors
    /// A store failed.
    pub async fn release_batch(&self, batch: u32) -> Result<(), OrderError> {
        self.plans.lock().await.remove(&batch);
        for record in self.store.batch(batch).await? {
            self.delete_blobs(&record).await?;
        }
        let Some(last) = batch.checked_sub(BATCHES_KEPT) else { return Ok(()) };
        for old in self.store.batches().await?.into_iter().take_while(|old| *old <= last) {
            self.drop_batch(old).await?;
        }
        Ok(())
    }

    async fn delete_blobs(&self, record: &JobRecord) -> Result<(), OrderError> {
        for input in decode(&record.job)?.inputs {
            self.delete_blob(input).await?;
        }
        if let JobState::Done(done) = &record.state {
            self.delete_blob(done.proof).await?;
        }
        Ok(())
    }

    /// Gives a batch up and forgets it with all that it has: its workers hear of it with their next beat.
    ///
    /// # Errors
    /// A store failed.
    pub async fn drop_batch(&self, batch: u32) -> Result<(), OrderError> {
        self.plans.lock().await.remove(&batch);
        let records = self.store.batch(batch).await?;
        self.store.cancel(batch).await?;
        for record in &records {
            self.delete_blobs(record).await?;
        }
        Ok(self.store.forget(batch).await?)
    }

    /// As [`Self::drop_batch`], unless the jobs are those of another batch with this number.
    ///
    /// # Errors
    /// A store failed.
    pub async fn abandon_batch(&self, environment: &Environment) -> Result<(), OrderError> {
        let batch = environment.batch_number;
        let records = self.store.batch(batch).await?;
        let plan = BatchPlan::restore(&*self.circuits, &records, self.config.lease_max)?;
        if plan.is_some_and(|plan| plan.context() == environment.context()) {
            self.drop_batch(batch).await
        } else {
            Ok(())
        }
    }

    /// Tries the quarantined jobs of a batch again, with fresh budgets. Returns how many there are.
    ///
    /// # Errors
    /// There are no jobs of the batch, or the store failed.
    pub async fn retry(&self, batch: u32) -> Result<u32, OrderError> {
        let records = self.store.batch(batch).await?;
        if records.is_empty() {
            return Err(OrderError::Unknown { batch });
        }
        let mut retried = 0;
        for record in records {
            let JobState::Quarantined { .. } = record.state else { continue };
            if self.store.retry(self.now(), &record.job.key).await? {
                retried += 1;
                self.tell_aftermath(&record.job.key, Aftermath::Requeued, "asked for").await?;
            }
        }
        Ok(retried)
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain data are written to memory")
}
