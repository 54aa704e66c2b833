//! A backend that proves nothing and can be told to fail, for tests of the scheduling.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{RunningState, SegmentWitness};
use weft_prover::{ProofError, SegmentSize, StageLog, idle_segment};

use crate::{Backend, BatchEnd, JobKind, Span};

/// Something that happens to a job instead of its proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mishap {
    Failure,
    Panic,
}

/// See the [module](self). A proof is the span of the segments that it is about.
#[derive(Debug, Default)]
pub(crate) struct FakeBackend {
    /// What the next jobs of a kind run into; each mishap happens once.
    mishaps: Mutex<BTreeMap<JobKind, Vec<Mishap>>>,
    /// Jobs that ran, in the order in which they began.
    ran: Mutex<Vec<(JobKind, Span)>>,
    gate: Gate,
}

/// Holds jobs back while it is closed.
#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

/// A segment whose place in the batch can be read from it.
pub(crate) fn segment(batch_number: u32, position: u64) -> SegmentWitness {
    let mut segment = idle_segment();
    segment.environment.batch_number = batch_number;
    segment.before = RunningState::start_of_batch(Digest([Goldilocks::from_u64(position); 4]));
    segment
}

pub(crate) fn end() -> BatchEnd {
    BatchEnd { root_before: Digest::ZERO, root_after: Digest::ZERO, records: Vec::new() }
}

pub(crate) fn failure() -> ProofError {
    ProofError::TooManySlots { got: 1, limit: 0 }
}

impl FakeBackend {
    /// The next jobs of this kind run into these mishaps.
    pub(crate) fn with_mishaps(self, kind: JobKind, mishaps: &[Mishap]) -> Self {
        self.mishaps.lock().expect("not poisoned").insert(kind, mishaps.to_vec());
        self
    }

    pub(crate) fn ran(&self) -> Vec<(JobKind, Span)> {
        self.ran.lock().expect("not poisoned").clone()
    }

    pub(crate) fn close_gate(&self) {
        *self.gate.is_closed.lock().expect("not poisoned") = true;
    }

    pub(crate) fn open_gate(&self) {
        *self.gate.is_closed.lock().expect("not poisoned") = false;
        self.gate.opened.notify_all();
    }

    fn run(&self, kind: JobKind, span: Span) -> Result<Span, ProofError> {
        self.ran.lock().expect("not poisoned").push((kind, span));
        let closed = self.gate.is_closed.lock().expect("not poisoned");
        drop(self.gate.opened.wait_while(closed, |is_closed| *is_closed).expect("not poisoned"));
        let mishap = self.mishaps.lock().expect("not poisoned").get_mut(&kind).and_then(Vec::pop);
        match mishap {
            None => Ok(span),
            Some(Mishap::Failure) => Err(failure()),
            Some(Mishap::Panic) => panic!("a bug in {kind:?}"),
        }
    }

    /// Merges spans, which must be adjacent.
    fn merge(&self, kind: JobKind, spans: &[Arc<Span>]) -> Result<Span, ProofError> {
        assert!(spans.windows(2).all(|pair| pair[0].last + 1 == pair[1].first), "{kind:?} of {spans:?}");
        self.run(kind, Span { first: spans[0].first, last: spans[spans.len() - 1].last })
    }
}

impl Backend for FakeBackend {
    type Segment = Span;
    type Merged = Span;
    type Sealed = Span;
    type Wrapped = Span;

    fn segment(&self, _: SegmentSize, segment: &SegmentWitness, _: &mut StageLog) -> Result<Span, ProofError> {
        let position = segment.before.root.0[0].as_u64();
        let position = usize::try_from(position).expect("a small number");
        self.run(JobKind::Segment, Span { first: position, last: position })
    }

    fn lift(&self, _: SegmentSize, segments: &[Arc<Span>], _: &mut StageLog) -> Result<Span, ProofError> {
        self.merge(JobKind::Lift, segments)
    }

    fn aggregate(&self, children: &[Arc<Span>], _: &mut StageLog) -> Result<Span, ProofError> {
        self.merge(JobKind::Aggregate, children)
    }

    fn seal(&self, root: &Span, _: &BatchEnd, _: &mut StageLog) -> Result<Span, ProofError> {
        self.run(JobKind::Seal, *root)
    }

    fn wrap(&self, sealed: &Span, _: &mut StageLog) -> Result<Span, ProofError> {
        self.run(JobKind::Wrap, *sealed)
    }
}
