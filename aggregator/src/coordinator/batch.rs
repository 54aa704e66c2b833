//! A batch as it becomes known: which jobs it has. A function of its segments and its end alone, so that it can be told again
//! from what the store has.

use std::collections::BTreeMap;

use weft_protocol::crypto::Digest;
use weft_protocol::{Context, SegmentStatement};
use weft_prover::{SegmentClaim, table_statement};
use weft_storage::jobs::{BlobId, JobKey, JobRecord, NewJob};

use super::{LeaseMax, OrderError};
use crate::circuits::Circuits;
use crate::statement::Order;
use crate::trace::BatchTrace;
use crate::{Children, Job, JobStatement, MergeJob, MergePlan, Span, Table};

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
    segments: Vec<PlannedSegment>,
    merges: BTreeMap<Span, Planned>,
    /// Digest of the public statement, once the end is known.
    sealed: Option<Digest>,
}

/// A merge of segments with their tables.
#[derive(Clone, Copy, Debug)]
struct Planned {
    key: JobKey,
    statement: SegmentStatement,
    level: u16,
}

/// A job to be, beside what it proves.
#[derive(Clone, Debug)]
struct Draft {
    job: Job,
    height: u16,
    inputs: Vec<BlobId>,
    children: Vec<JobKey>,
}

/// A segment as the plan takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedSegment {
    pub(super) claim: SegmentClaim,
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
            match (order.job, order.statement, &order.inputs[..]) {
                (Job::Segment(position), JobStatement::Segment(claim), &[input]) => {
                    segments.insert(position, PlannedSegment { claim, input });
                }
                (Job::Seal, JobStatement::Seal { digest }, &[input]) => seal = Some((digest, input)),
                _ => {}
            }
        }
        let (Some(record), Some(first)) = (records.first(), segments.values().next()) else { return Ok(None) };
        let mut plan = Self::new(record.job.batch, first.claim.context(), lease_max);
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
    pub(super) fn has(&self, position: usize, claim: &SegmentClaim) -> Result<bool, OrderError> {
        let (batch, expected) = (self.number, self.segments.len());
        if claim.context() != self.context {
            return Err(OrderError::OtherBatch { batch });
        }
        match self.segments.get(position) {
            Some(known) if known.claim == *claim => Ok(true),
            Some(_) => Err(OrderError::OtherSegment { batch, position }),
            None if self.sealed.is_some() => Err(OrderError::Finished { batch }),
            None if position > expected => Err(OrderError::Gap { batch, expected, got: position }),
            None if !follows(self.segments.last().map(|last| &last.claim), claim) => {
                Err(OrderError::NotAdjacent { batch, position })
            }
            None => Ok(false),
        }
    }

    /// Takes the next segment. Returns the jobs that the batch has more than before, children first.
    pub(super) fn push(&mut self, circuits: &dyn Circuits, segment: PlannedSegment) -> Result<Vec<NewJob>, OrderError> {
        let table = match &segment.claim {
            SegmentClaim::Large(opened) if opened.begins_table() => Table::New,
            SegmentClaim::Small(_) | SegmentClaim::Large(_) => Table::Same,
        };
        let merges = self.plan.push_segment(segment.claim.size(), table);
        let merges = merges.map_err(|_| OrderError::Finished { batch: self.number })?;
        let mut jobs = vec![self.segment(circuits, self.segments.len(), &segment)];
        self.segments.push(segment);
        merges.iter().for_each(|merge| jobs.extend(self.merge(circuits, merge)));
        Ok(jobs)
    }

    /// What all segments claim together, if there are any.
    pub(super) fn merged(&self) -> Option<SegmentStatement> {
        let (first, last) = self.segments.first().zip(self.segments.last())?;
        Some(SegmentStatement { after: last.claim.joined().after, ..first.claim.joined() })
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
        let mut jobs: Vec<_> = merges.iter().flat_map(|merge| self.merge(circuits, merge)).collect();
        let all = Span { first: 0, last: self.segments.len() - 1 };
        let root = self.merges[&all].key;
        let draft = Draft { job: Job::Seal, height: SEAL_HEIGHT, inputs: vec![end], children: vec![root] };
        let seal = self.job(circuits, JobStatement::Seal { digest }, draft);
        let draft = Draft { job: Job::Wrap, height: WRAP_HEIGHT, inputs: Vec::new(), children: vec![seal.key] };
        let wrap = self.job(circuits, JobStatement::Wrap { digest }, draft);
        jobs.extend([seal, wrap]);
        self.sealed = Some(digest);
        Ok(jobs)
    }

    /// The job of a segment.
    fn segment(&self, circuits: &dyn Circuits, position: usize, segment: &PlannedSegment) -> NewJob {
        let PlannedSegment { claim, input } = *segment;
        let job = Job::Segment(position);
        let draft = Draft { job, height: SEGMENT_HEIGHT, inputs: vec![input], children: Vec::new() };
        self.job(circuits, JobStatement::Segment(claim), draft)
    }

    /// The jobs of a merge, the last of which covers its span.
    fn merge(&mut self, circuits: &dyn Circuits, merge: &MergeJob) -> Vec<NewJob> {
        match &merge.children {
            Children::Segments(_) => self.lift(circuits, merge.span),
            Children::Merges(spans) => vec![self.aggregate(circuits, merge.span, spans)],
        }
    }

    /// The lift of segments of one size; of large ones, also the table and the join of both.
    fn lift(&mut self, circuits: &dyn Circuits, span: Span) -> Vec<NewJob> {
        let segments = &self.segments[span.first..=span.last];
        let (first, last) = (segments[0].claim, segments[segments.len() - 1].claim);
        let statement = SegmentStatement { after: last.claimed().after, ..first.claimed() };
        let children = segments.iter().map(|segment| segment.key(circuits)).collect();
        let draft = Draft { job: Job::Lift(span), height: SEGMENT_HEIGHT - 1, inputs: Vec::new(), children };
        let mut jobs = vec![self.job(circuits, JobStatement::Lift { size: first.size(), statement }, draft)];
        if let (SegmentClaim::Large(first), SegmentClaim::Large(last)) = (first, last) {
            let opened = first.to(&last);
            let inputs = segments.iter().map(|segment| segment.input).collect();
            let draft = Draft { job: Job::Openings(span), height: SEGMENT_HEIGHT, inputs, children: Vec::new() };
            jobs.push(self.job(circuits, JobStatement::Openings(table_statement(&opened)), draft));
            let children = jobs.iter().map(|job| job.key).collect();
            let draft = Draft { job: Job::Join(span), height: SEGMENT_HEIGHT - 2, inputs: Vec::new(), children };
            jobs.push(self.job(circuits, JobStatement::Join(opened), draft));
        }
        let root = &jobs[jobs.len() - 1];
        let statement = SegmentStatement { after: last.joined().after, ..first.joined() };
        self.merges.insert(span, Planned { key: root.key, statement, level: SEGMENT_HEIGHT - root.height });
        jobs
    }

    fn aggregate(&mut self, circuits: &dyn Circuits, span: Span, children: &[Span]) -> NewJob {
        let children: Vec<Planned> = children.iter().map(|span| self.merges[span]).collect();
        let after = children[children.len() - 1].statement.after;
        let statement = SegmentStatement { after, ..children[0].statement };
        let level = 1 + children.iter().map(|child| child.level).max().unwrap_or(0);
        let children = children.iter().map(|child| child.key).collect();
        let draft = Draft { job: Job::Aggregate(span), height: SEGMENT_HEIGHT - level, inputs: Vec::new(), children };
        let job = self.job(circuits, JobStatement::Aggregate { statement }, draft);
        self.merges.insert(span, Planned { key: job.key, statement, level });
        job
    }

    fn job(&self, circuits: &dyn Circuits, statement: JobStatement, draft: Draft) -> NewJob {
        let Draft { job, height, inputs, children } = draft;
        let circuit = circuits.circuit(&statement);
        let key = statement.key(&circuit.id, &children);
        let mut distinct = children.clone();
        distinct.dedup();
        let order = Order { job, statement, inputs, children, traceparent: self.traceparent.clone() };
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

impl PlannedSegment {
    /// The key of its job.
    fn key(&self, circuits: &dyn Circuits) -> JobKey {
        let statement = JobStatement::Segment(self.claim);
        statement.key(&circuits.circuit(&statement).id, &[])
    }
}

/// Whether a segment starts where the one before it ended, in the tree and in the table if they share one.
fn follows(before: Option<&SegmentClaim>, segment: &SegmentClaim) -> bool {
    let is_adjacent = before.is_none_or(|before| before.joined().after == segment.joined().before);
    let has_table = match (before, segment) {
        (_, SegmentClaim::Small(_)) => true,
        (_, SegmentClaim::Large(opened)) if opened.begins_table() => true,
        (Some(SegmentClaim::Large(before)), SegmentClaim::Large(opened)) => before.chains[1] == opened.chains[0],
        (_, SegmentClaim::Large(_)) => false,
    };
    is_adjacent && has_table
}

/// What a job in the store is about.
pub(super) fn decode(job: &NewJob) -> Result<Order, OrderError> {
    postcard::from_bytes(&job.payload).map_err(|_| OrderError::Damaged { batch: job.batch, job: job.name.clone() })
}
