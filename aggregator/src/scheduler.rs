//! Which job of which batch runs next, what failures lead to, and what is to be told to whom.
//!
//! A state machine without threads. Batches are served in the order in which they began; a later one gets a worker only
//! if all earlier ones have nothing to do. At most one wrap runs at a time: it needs gigabytes.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use weft_protocol::{Environment, SegmentWitness};
use weft_prover::{Cost, ProofError, SegmentSize, StageLog};

use crate::batch::{Batch, JobReport, Output, ProvenBatch, Task};
use crate::{Backend, BatchEnd, BatchError, Job, JobEvent, JobKind, JobState, SubmitError};

/// How often a job is tried.
pub(crate) const MAX_ATTEMPTS: u32 = 2;

/// A batch in the scheduler, unique while numbers may come again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct BatchId(u64);

/// Gets the result of a batch, once.
pub(crate) type OnResult<B> = Box<dyn FnOnce(Result<ProvenBatch<B>, BatchError>) + Send>;

/// What is to be told to the outside, in order.
pub(crate) enum Message<B: Backend> {
    Event(JobEvent),
    Result(OnResult<B>, Box<Result<ProvenBatch<B>, BatchError>>),
}

/// A job that a worker has to do.
#[derive(Debug)]
pub(crate) struct Assignment<B: Backend> {
    id: BatchId,
    pub(crate) batch: u32,
    pub(crate) task: Task<B>,
    /// From 1.
    attempt: u32,
}

struct Entry<B: Backend> {
    batch: Batch<B>,
    on_result: OnResult<B>,
}

/// See the [module](self).
pub(crate) struct Scheduler<B: Backend> {
    batches: BTreeMap<BatchId, Entry<B>>,
    next_id: u64,
    /// Failed once.
    retries: VecDeque<Assignment<B>>,
    is_wrapping: bool,
    outbox: VecDeque<Message<B>>,
}

impl<B: Backend> Scheduler<B> {
    pub(crate) const fn new() -> Self {
        Self {
            batches: BTreeMap::new(),
            next_id: 0,
            retries: VecDeque::new(),
            is_wrapping: false,
            outbox: VecDeque::new(),
        }
    }

    pub(crate) fn begin(&mut self, environment: Environment, on_result: OnResult<B>) -> BatchId {
        let id = BatchId(self.next_id);
        self.next_id += 1;
        self.batches.insert(id, Entry { batch: Batch::new(environment), on_result });
        id
    }

    pub(crate) fn push_segment(
        &mut self,
        id: BatchId,
        size: SegmentSize,
        witness: SegmentWitness,
    ) -> Option<Result<(), SubmitError>> {
        let entry = self.batches.get_mut(&id)?;
        let number = entry.batch.number();
        Some(entry.batch.push_segment(size, witness).map(|jobs| self.queued(number, jobs)))
    }

    pub(crate) fn finish(&mut self, id: BatchId, end: BatchEnd) -> Option<Result<(), SubmitError>> {
        let entry = self.batches.get_mut(&id)?;
        let number = entry.batch.number();
        Some(entry.batch.finish(end).map(|jobs| self.queued(number, jobs)))
    }

    /// Gives a batch up. What its running jobs will say is dropped.
    pub(crate) fn cancel(&mut self, id: BatchId) {
        self.end(id, |batch| Err(BatchError::Cancelled { batch: batch.number() }));
    }

    /// Gives all batches up.
    pub(crate) fn stop(&mut self) {
        let ids: Vec<_> = self.batches.keys().copied().collect();
        for id in ids {
            self.end(id, |batch| Err(BatchError::Stopped { batch: batch.number() }));
        }
    }

    /// The next job.
    pub(crate) fn next_assignment(&mut self) -> Option<Assignment<B>> {
        let assignment = self.next_retry().or_else(|| self.next_new())?;
        self.is_wrapping |= is_wrap(&assignment.task);
        self.tell(assignment.batch, assignment.task.job(), JobState::Started);
        Some(assignment)
    }

    fn next_retry(&mut self) -> Option<Assignment<B>> {
        let position = self.retries.iter().position(|retry| !(self.is_wrapping && is_wrap(&retry.task)))?;
        self.retries.remove(position)
    }

    fn next_new(&mut self) -> Option<Assignment<B>> {
        let is_wrapping = self.is_wrapping;
        self.batches.iter_mut().find_map(|(id, Entry { batch, .. })| {
            if is_wrapping && batch.is_sealed() {
                return None;
            }
            let task = batch.next_task()?;
            Some(Assignment { id: *id, batch: batch.number(), task, attempt: 1 })
        })
    }

    /// Takes the result of a job.
    pub(crate) fn complete(
        &mut self,
        assignment: Assignment<B>,
        cost: Cost,
        result: Result<(Output<B>, StageLog), ProofError>,
    ) {
        self.is_wrapping &= !is_wrap(&assignment.task);
        if !self.batches.contains_key(&assignment.id) {
            return;
        }
        match result {
            Ok((output, log)) => self.succeed(&assignment, output, JobReport::new(&assignment.task, cost, &log)),
            Err(error) => self.fail(assignment, error),
        }
    }

    fn succeed(&mut self, assignment: &Assignment<B>, output: Output<B>, report: JobReport) {
        self.tell(assignment.batch, report.job, JobState::Done(report.cost));
        let Some(entry) = self.batches.get_mut(&assignment.id) else { return };
        if let Some(proven) = entry.batch.complete(output, report) {
            self.end(assignment.id, |_| Ok(proven));
        }
    }

    fn fail(&mut self, mut assignment: Assignment<B>, error: ProofError) {
        let Assignment { id, batch, attempt, .. } = assignment;
        let job = assignment.task.job();
        tracing::warn!(batch, %job, attempt, %error, "job failed");
        self.tell(batch, job, JobState::Failed { reason: error.to_string() });
        if attempt < MAX_ATTEMPTS {
            assignment.attempt += 1;
            self.retries.push_back(assignment);
        } else {
            self.end(id, |_| Err(BatchError::Job { batch, job, attempts: attempt, error }));
        }
    }

    /// The next message to the outside.
    pub(crate) fn next_message(&mut self) -> Option<Message<B>> {
        self.outbox.pop_front()
    }

    fn end(&mut self, id: BatchId, result: impl FnOnce(&Batch<B>) -> Result<ProvenBatch<B>, BatchError>) {
        let Some(Entry { batch, on_result }) = self.batches.remove(&id) else { return };
        self.retries.retain(|retry| retry.id != id);
        self.outbox.push_back(Message::Result(on_result, Box::new(result(&batch))));
    }

    fn queued(&mut self, batch: u32, jobs: Vec<Job>) {
        for job in jobs {
            self.tell(batch, job, JobState::Queued);
        }
    }

    fn tell(&mut self, batch: u32, job: Job, state: JobState) {
        self.outbox.push_back(Message::Event(JobEvent { batch, job, state }));
    }
}

impl<B: Backend> fmt::Debug for Scheduler<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batches: Vec<_> = self.batches.values().map(|entry| entry.batch.number()).collect();
        f.debug_struct("Scheduler")
            .field("batches", &batches)
            .field("retries", &self.retries.len())
            .finish_non_exhaustive()
    }
}

fn is_wrap<B: Backend>(task: &Task<B>) -> bool {
    task.job().kind() == JobKind::Wrap
}

#[cfg(test)]
mod tests;
