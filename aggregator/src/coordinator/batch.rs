//! A batch as it becomes known: which jobs it has. A function of its segments and its end alone, so that it can be told again
//! from what the store has.

use std::collections::BTreeMap;

use weft_protocol::crypto::Digest;
use weft_protocol::{Context, SegmentStatement};
use weft_prover::SegmentSize;
use weft_storage::jobs::{BlobId, JobKey, JobRecord, NewJob};

use super::{LeaseMax, OrderError};
use crate::circuits::Circuits;
use crate::statement::Order;
use crate::trace::BatchTrace;
use crate::{Children, Job, JobStatement, MergeJob, MergePlan, Span};

/// Heights of jobs, which are priorities inside of a batch: the store has the lowest done first. Merges come before segments,
/// higher ones before lower ones, whether or not the batch's end is known.
const SEGMENT_HEIGHT: u16 = 1024;
const SEAL_HEIGHT: u16 = 1;
const WRAP_HEIGHT: u16 = 0;

/// The jobs of a batch so far.
#[derive(Clone, Debug)]
pub(super) struct BatchPlan {
    number: u32,
    context: Context,
    traceparent: String,
    lease_max: LeaseMax,
    plan: MergePlan,
    segments: Vec<Planned>,
    merges: BTreeMap<Span, Planned>,
    /// Digest of the public statement, once the end is known.
    sealed: Option<Digest>,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    key: JobKey,
    statement: SegmentStatement,
    /// 0 for segments.
    level: u16,
}

/// A job to be, beside what it proves.
#[derive(Clone, Debug)]
struct Draft {
    job: Job,
    height: u16,
    input: Option<BlobId>,
    children: Vec<JobKey>,
}

/// A segment as the plan takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedSegment {
    pub(super) position: usize,
    pub(super) size: SegmentSize,
    pub(super) statement: SegmentStatement,
    pub(super) input: BlobId,
}

impl BatchPlan {
    pub(super) fn new(number: u32, context: Context, lease_max: LeaseMax) -> Self {
        Self {
            number,
            context,
            traceparent: BatchTrace::of(&context).traceparent(),
            lease_max,
            plan: MergePlan::new(),
            segments: Vec::new(),
            merges: BTreeMap::new(),
            sealed: None,
        }
    }

    /// The plan that these jobs of a batch were put in by; `None` if there is no segment among them.
    pub(super) fn restore(
        circuits: &dyn Circuits,
        records: &[JobRecord],
        lease_max: LeaseMax,
    ) -> Result<Option<Self>, OrderError> {
        let orders = records.iter().map(|record| decode(&record.job)).collect::<Result<Vec<_>, _>>()?;
        let mut segments: BTreeMap<usize, PlannedSegment> = BTreeMap::new();
        let mut seal = None;
        for order in orders {
            match (order.job, order.statement, order.input) {
                (Job::Segment(position), JobStatement::Segment { size, statement }, Some(input)) => {
                    segments.insert(position, PlannedSegment { position, size, statement, input });
                }
                (Job::Seal, JobStatement::Seal { digest }, Some(input)) => seal = Some((digest, input)),
                _ => {}
            }
        }
        let (Some(record), Some(first)) = (records.first(), segments.values().next()) else { return Ok(None) };
        let mut plan = Self::new(record.job.batch, first.statement.context, lease_max);
        for segment in segments.into_values() {
            plan.push(circuits, segment)?;
        }
        if let Some((digest, input)) = seal {
            plan.finish(circuits, digest, input)?;
        }
        Ok(Some(plan))
    }

    pub(super) const fn context(&self) -> Context {
        self.context
    }

    /// Whether this segment is a part of the plan.
    pub(super) fn has(&self, position: usize, statement: &SegmentStatement) -> Result<bool, OrderError> {
        let (batch, expected) = (self.number, self.segments.len());
        if statement.context != self.context {
            return Err(OrderError::OtherBatch { batch });
        }
        match self.segments.get(position) {
            Some(known) if known.statement == *statement => Ok(true),
            Some(_) => Err(OrderError::OtherSegment { batch, position }),
            None if self.sealed.is_some() => Err(OrderError::Finished { batch }),
            None if position > expected => Err(OrderError::Gap { batch, expected, got: position }),
            None if self.segments.last().is_some_and(|last| last.statement.after != statement.before) => {
                Err(OrderError::NotAdjacent { batch, position })
            }
            None => Ok(false),
        }
    }

    /// Takes the next segment. Returns the jobs that the batch has more than before, children first.
    pub(super) fn push(&mut self, circuits: &dyn Circuits, segment: PlannedSegment) -> Result<Vec<NewJob>, OrderError> {
        let PlannedSegment { position, size, statement, input } = segment;
        let merges = self.plan.push_segment(size).map_err(|_| OrderError::Finished { batch: self.number })?;
        let goal = JobStatement::Segment { size, statement };
        let draft =
            Draft { job: Job::Segment(position), height: SEGMENT_HEIGHT, input: Some(input), children: Vec::new() };
        let job = self.job(circuits, goal, draft);
        self.segments.push(Planned { key: job.key, statement, level: 0 });
        let merges = merges.iter().map(|merge| self.merge(circuits, merge)).collect::<Vec<_>>();
        Ok(std::iter::once(job).chain(merges).collect())
    }

    /// What all segments claim together, if there are any.
    pub(super) fn merged(&self) -> Option<SegmentStatement> {
        let (first, last) = self.segments.first().zip(self.segments.last())?;
        Some(SegmentStatement { after: last.statement.after, ..first.statement })
    }

    /// The job of a segment that is a part of the plan.
    pub(super) fn segment_key(&self, position: usize) -> JobKey {
        self.segments[position].key
    }

    /// The seal's job, once the end is known.
    pub(super) fn seal_key(&self, circuits: &dyn Circuits) -> Option<JobKey> {
        let statement = JobStatement::Seal { digest: self.sealed? };
        let all = Span { first: 0, last: self.segments.len() - 1 };
        Some(statement.key(&circuits.circuit(&statement).id, &[self.merges[&all].key]))
    }

    /// Whether the end is known, and this one.
    pub(super) fn is_finished(&self, digest: Digest) -> Result<bool, OrderError> {
        match self.sealed {
            None => Ok(false),
            Some(known) if known == digest => Ok(true),
            Some(_) => Err(OrderError::OtherEnd { batch: self.number }),
        }
    }

    /// Takes the end. Returns the jobs that the batch has more than before, children first.
    pub(super) fn finish(
        &mut self,
        circuits: &dyn Circuits,
        digest: Digest,
        end: BlobId,
    ) -> Result<Vec<NewJob>, OrderError> {
        let batch = self.number;
        let merges = self.plan.finish().map_err(|_| OrderError::Empty { batch })?;
        let mut jobs = merges.iter().map(|merge| self.merge(circuits, merge)).collect::<Vec<_>>();
        let all = Span { first: 0, last: self.segments.len() - 1 };
        let root = self.merges[&all].key;
        let draft = Draft { job: Job::Seal, height: SEAL_HEIGHT, input: Some(end), children: vec![root] };
        let seal = self.job(circuits, JobStatement::Seal { digest }, draft);
        let draft = Draft { job: Job::Wrap, height: WRAP_HEIGHT, input: None, children: vec![seal.key] };
        let wrap = self.job(circuits, JobStatement::Wrap { digest }, draft);
        jobs.extend([seal, wrap]);
        self.sealed = Some(digest);
        Ok(jobs)
    }

    fn merge(&mut self, circuits: &dyn Circuits, merge: &MergeJob) -> NewJob {
        let span = merge.span;
        let children: Vec<Planned> = match &merge.children {
            Children::Segments(_) => self.segments[span.first..=span.last].to_vec(),
            Children::Merges(spans) => spans.iter().map(|span| self.merges[span]).collect(),
        };
        let after = children[children.len() - 1].statement.after;
        let statement = SegmentStatement { after, ..children[0].statement };
        let level = 1 + children.iter().map(|child| child.level).max().unwrap_or(0);
        let (job, goal) = match merge.children {
            Children::Segments(size) => (Job::Lift(span), JobStatement::Lift { size, statement }),
            Children::Merges(_) => (Job::Aggregate(span), JobStatement::Aggregate { statement }),
        };
        let children = children.iter().map(|child| child.key).collect();
        let job = self.job(circuits, goal, Draft { job, height: SEGMENT_HEIGHT - level, input: None, children });
        self.merges.insert(span, Planned { key: job.key, statement, level });
        job
    }

    fn job(&self, circuits: &dyn Circuits, statement: JobStatement, draft: Draft) -> NewJob {
        let Draft { job, height, input, children } = draft;
        let circuit = circuits.circuit(&statement);
        let key = statement.key(&circuit.id, &children);
        let mut distinct = children.clone();
        distinct.dedup();
        let order = Order { job, statement, input, children, traceparent: self.traceparent.clone() };
        NewJob {
            key,
            batch: self.number,
            name: job.to_string(),
            kind: job.kind().name().to_owned(),
            circuit: circuit.id,
            height,
            memory_mib: circuit.memory_mib,
            lease_max: self.lease_max.of(job.kind()),
            children: distinct,
            payload: postcard::to_stdvec(&order).expect("plain data are written to memory"),
        }
    }
}

/// What a job in the store is about.
pub(super) fn decode(job: &NewJob) -> Result<Order, OrderError> {
    postcard::from_bytes(&job.payload).map_err(|_| OrderError::Damaged { batch: job.batch, job: job.name.clone() })
}
