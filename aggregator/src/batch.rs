//! A batch on its way to one proof: which jobs can run now, and what their proofs are for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use weft_protocol::{Environment, SegmentWitness};
use weft_prover::{CircuitSet, Cost, ProofError, SegmentSize, StageCost, StageLog};

use crate::{Backend, BatchEnd, Children, Job, JobKind, MergeJob, MergePlan, Span, SubmitError};

/// The proof of a batch.
#[derive(Debug)]
pub struct ProvenBatch<B: Backend = CircuitSet> {
    /// Number of the batch.
    pub batch: u32,
    /// The seal with the public statement.
    pub sealed: Arc<B::Sealed>,
    /// The proof for L1.
    pub wrapped: B::Wrapped,
    /// Number of segments.
    pub segments: usize,
    /// All jobs, in the order in which they ended.
    pub reports: Vec<JobReport>,
}

/// What a job took, without failed attempts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobReport {
    /// The job.
    pub job: Job,
    /// The whole job.
    pub cost: Cost,
    /// Its parts.
    pub stages: Vec<StageCost>,
}

impl JobReport {
    pub(crate) fn new<B: Backend>(task: &Task<B>, cost: Cost, log: &StageLog) -> Self {
        Self { job: task.job(), cost, stages: log.stages().to_vec() }
    }
}

impl<B: Backend> ProvenBatch<B> {
    /// All jobs of a kind together. Jobs run beside each other, so that the wall time says little.
    #[must_use]
    pub fn cost_of(&self, kind: JobKind) -> Cost {
        self.reports.iter().filter(|report| report.job.kind() == kind).map(|report| report.cost).sum()
    }
}

/// A job with all that it needs.
#[derive(Debug)]
pub(crate) enum Task<B: Backend> {
    Segment { position: usize, size: SegmentSize, witness: SegmentWitness },
    Lift { span: Span, size: SegmentSize, segments: Vec<Arc<B::Segment>> },
    Aggregate { span: Span, children: Vec<Arc<B::Merged>> },
    Seal { root: Arc<B::Merged>, end: Arc<BatchEnd> },
    Wrap { sealed: Arc<B::Sealed> },
}

/// What a task gives.
#[derive(Debug)]
pub(crate) enum Output<B: Backend> {
    Segment(usize, B::Segment),
    Merged(Span, B::Merged),
    Sealed(B::Sealed),
    Wrapped(B::Wrapped),
}

impl<B: Backend> Task<B> {
    pub(crate) const fn job(&self) -> Job {
        match self {
            Self::Segment { position, .. } => Job::Segment(*position),
            Self::Lift { span, .. } => Job::Lift(*span),
            Self::Aggregate { span, .. } => Job::Aggregate(*span),
            Self::Seal { .. } => Job::Seal,
            Self::Wrap { .. } => Job::Wrap,
        }
    }

    pub(crate) fn run(&self, backend: &B, log: &mut StageLog) -> Result<Output<B>, ProofError> {
        Ok(match self {
            Self::Segment { position, size, witness } => {
                Output::Segment(*position, backend.segment(*size, witness, log)?)
            }
            Self::Lift { span, size, segments } => Output::Merged(*span, backend.lift(*size, segments, log)?),
            Self::Aggregate { span, children } => Output::Merged(*span, backend.aggregate(children, log)?),
            Self::Seal { root, end } => Output::Sealed(backend.seal(root, end, log)?),
            Self::Wrap { sealed } => Output::Wrapped(backend.wrap(sealed, log)?),
        })
    }
}

/// A batch that is being proved.
///
/// Proofs are kept as long as a job needs them.
#[derive(Debug)]
pub(crate) struct Batch<B: Backend> {
    environment: Environment,
    plan: MergePlan,
    /// Segments that nobody has begun to prove.
    waiting: VecDeque<Task<B>>,
    segments: BTreeMap<usize, Arc<B::Segment>>,
    merges: BTreeMap<Span, Arc<B::Merged>>,
    end: Option<Arc<BatchEnd>>,
    ending: Ending<B>,
    reports: Vec<JobReport>,
}

/// How far a batch is after its last merge.
#[derive(Debug)]
enum Ending<B: Backend> {
    Merging,
    Sealing,
    Sealed(Arc<B::Sealed>),
    Wrapping(Arc<B::Sealed>),
}

impl<B: Backend> Batch<B> {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            environment,
            plan: MergePlan::new(),
            waiting: VecDeque::new(),
            segments: BTreeMap::new(),
            merges: BTreeMap::new(),
            end: None,
            ending: Ending::Merging,
            reports: Vec::new(),
        }
    }

    pub(crate) const fn number(&self) -> u32 {
        self.environment.batch_number
    }

    /// Whether the wrap is all that is left to begin.
    pub(crate) const fn is_sealed(&self) -> bool {
        matches!(self.ending, Ending::Sealed(_))
    }

    /// Takes the next segment. Returns the jobs that the batch has more than before.
    pub(crate) fn push_segment(&mut self, size: SegmentSize, witness: SegmentWitness) -> Result<Vec<Job>, SubmitError> {
        if witness.environment != self.environment {
            let (expected, got) = (self.number(), witness.environment.batch_number);
            return Err(SubmitError::OtherBatch { expected, got });
        }
        let position = self.plan.segment_count();
        let batch = self.number();
        let planned = self.plan.push_segment(size).map_err(|_| SubmitError::Closed { batch })?;
        self.waiting.push_back(Task::Segment { position, size, witness });
        Ok(std::iter::once(Job::Segment(position)).chain(planned.iter().map(job_of)).collect())
    }

    /// Takes the end. Returns the jobs that the batch has more than before.
    pub(crate) fn finish(&mut self, end: BatchEnd) -> Result<Vec<Job>, SubmitError> {
        let batch = self.number();
        let planned = self.plan.finish().map_err(|_| SubmitError::Empty { batch })?;
        self.end = Some(Arc::new(end));
        Ok(planned.iter().map(job_of).chain([Job::Seal, Job::Wrap]).collect())
    }

    /// A job that can run now, those nearest to the end first.
    pub(crate) fn next_task(&mut self) -> Option<Task<B>> {
        self.next_ending().or_else(|| self.next_merge()).or_else(|| self.waiting.pop_front())
    }

    fn next_ending(&mut self) -> Option<Task<B>> {
        match &self.ending {
            Ending::Merging => {
                let (end, span) = (self.end.clone()?, self.plan.root()?);
                let root = self.merges.remove(&span).expect("a done merge without a parent is kept");
                self.ending = Ending::Sealing;
                Some(Task::Seal { root, end })
            }
            Ending::Sealed(sealed) => {
                let sealed = Arc::clone(sealed);
                self.ending = Ending::Wrapping(Arc::clone(&sealed));
                Some(Task::Wrap { sealed })
            }
            Ending::Sealing | Ending::Wrapping(_) => None,
        }
    }

    fn next_merge(&mut self) -> Option<Task<B>> {
        let MergeJob { span, children } = self.plan.next_ready()?;
        let proved = "children of a ready merge are proved, and this is their only parent";
        Some(match children {
            Children::Segments(size) => {
                let positions = span.first..=span.last;
                let segments = positions.map(|position| self.segments.remove(&position).expect(proved)).collect();
                Task::Lift { span, size, segments }
            }
            Children::Merges(spans) => {
                let children = spans.iter().map(|span| self.merges.remove(span).expect(proved)).collect();
                Task::Aggregate { span, children }
            }
        })
    }

    /// Takes a proof. Returns the batch's own, if it was the last one.
    pub(crate) fn complete(&mut self, output: Output<B>, report: JobReport) -> Option<ProvenBatch<B>> {
        self.reports.push(report);
        let handed_out = "a task is handed out once and ends once";
        match output {
            Output::Segment(position, proof) => {
                self.segments.insert(position, Arc::new(proof));
                self.plan.complete_segment(position).expect(handed_out);
                None
            }
            Output::Merged(span, proof) => {
                self.merges.insert(span, Arc::new(proof));
                self.plan.complete_merge(span).expect(handed_out);
                None
            }
            Output::Sealed(sealed) => {
                self.ending = Ending::Sealed(Arc::new(sealed));
                None
            }
            Output::Wrapped(wrapped) => self.proven(wrapped),
        }
    }

    fn proven(&mut self, wrapped: B::Wrapped) -> Option<ProvenBatch<B>> {
        let Ending::Wrapping(sealed) = &self.ending else { return None };
        Some(ProvenBatch {
            batch: self.number(),
            sealed: Arc::clone(sealed),
            wrapped,
            segments: self.plan.segment_count(),
            reports: std::mem::take(&mut self.reports),
        })
    }
}

fn job_of(merge: &MergeJob) -> Job {
    match merge.children {
        Children::Segments(_) => Job::Lift(merge.span),
        Children::Merges(_) => Job::Aggregate(merge.span),
    }
}
