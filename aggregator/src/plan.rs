//! Which proofs are merged with which.
//!
//! ```text
//! segments   s s s s s s s s s s S        three adjacent ones of a size → lift, as soon as there are three
//! lifts      ──┬── ──┬── ──┬── ┬ ┬        three adjacent ones of a level → aggregate, one level up
//! aggregates   └─────┬─────┘   │ │
//! end                └─────────┴─┘        what is left is merged until one proof is left
//! ```
//! The plan is a function of the sizes of the segments alone, never of the order in which proofs come in: a job has the
//! same name and statement in every run. It has no threads and no proofs, only names.

use std::collections::{BTreeMap, VecDeque};

use weft_circuits::recursion::merge::ARITY;
use weft_prover::SegmentSize;

use crate::Span;

/// The merges of a batch whose segments become known one after the other.
#[derive(Clone, Debug, Default)]
pub struct MergePlan {
    segments: Vec<Segment>,
    /// First of the segments that no lift covers yet; at most [`ARITY`] of one size.
    open: usize,
    merges: BTreeMap<Span, Merge>,
    /// Merges without a parent, by level; fewer than [`ARITY`] on each. All of a level are left of those below it.
    frontier: Vec<Vec<Span>>,
    ready: VecDeque<Span>,
    /// The merge of the whole batch, once it is finished.
    root: Option<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    size: SegmentSize,
    is_proved: bool,
    lift: Option<Span>,
}

#[derive(Clone, Debug)]
struct Merge {
    children: Children,
    /// Children without a proof.
    missing: usize,
    state: MergeState,
    parent: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MergeState {
    Waiting,
    Running,
    Done,
}

/// A merge that the plan provides for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeJob {
    /// The segments that the merged proof covers.
    pub span: Span,
    /// What is merged.
    pub children: Children,
}

/// What is merged, from left to right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Children {
    /// A lift of the span's segments, which have this size.
    Segments(SegmentSize),
    /// An aggregate of these merges.
    Merges(Vec<Span>),
}

/// The caller does not follow the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The plan is finished.
    #[error("the batch is finished")]
    Finished,
    /// There is nothing to merge.
    #[error("a batch has at least one segment")]
    Empty,
    /// The segment is unknown, or was proved before.
    #[error("segment {position} is not waiting for its proof")]
    Segment {
        /// Its position.
        position: usize,
    },
    /// The merge was not handed out, or was done before.
    #[error("merge {span} is not running")]
    Merge {
        /// Its segments.
        span: Span,
    },
}

impl MergePlan {
    /// A plan without segments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Segments so far.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Appends a segment. Returns the merges that the plan has more than before.
    ///
    /// # Errors
    /// The plan is finished.
    pub fn push_segment(&mut self, size: SegmentSize) -> Result<Vec<MergeJob>, PlanError> {
        if self.root.is_some() {
            return Err(PlanError::Finished);
        }
        let mut planned = Vec::new();
        if self.segments.last().is_some_and(|last| last.size != size) {
            self.close_lift(&mut planned);
        }
        self.segments.push(Segment { size, is_proved: false, lift: None });
        if self.segments.len() - self.open == ARITY {
            self.close_lift(&mut planned);
        }
        Ok(planned)
    }

    /// Says that all segments are known. Returns the merges that the plan has more than before.
    ///
    /// # Errors
    /// There are none, or the plan was finished before.
    pub fn finish(&mut self) -> Result<Vec<MergeJob>, PlanError> {
        if self.root.is_some() {
            return Err(PlanError::Finished);
        }
        let mut planned = Vec::new();
        self.close_lift(&mut planned);
        let mut tops: Vec<_> = std::mem::take(&mut self.frontier).into_iter().rev().flatten().collect();
        while tops.len() > 1 {
            tops = self.merge_tops(&tops, &mut planned);
        }
        self.root = Some(tops.pop().ok_or(PlanError::Empty)?);
        Ok(planned)
    }

    /// Notes the proof of a segment.
    ///
    /// # Errors
    /// There is no such segment, or it was proved before.
    pub fn complete_segment(&mut self, position: usize) -> Result<(), PlanError> {
        let segment = self.segments.get_mut(position).filter(|segment| !segment.is_proved);
        let segment = segment.ok_or(PlanError::Segment { position })?;
        segment.is_proved = true;
        if let Some(lift) = segment.lift {
            self.child_done(lift);
        }
        Ok(())
    }

    /// Notes the proof of a merge.
    ///
    /// # Errors
    /// The merge was not handed out, or was done before.
    pub fn complete_merge(&mut self, span: Span) -> Result<(), PlanError> {
        let merge = self.merges.get_mut(&span).filter(|merge| merge.state == MergeState::Running);
        let merge = merge.ok_or(PlanError::Merge { span })?;
        merge.state = MergeState::Done;
        if let Some(parent) = merge.parent {
            self.child_done(parent);
        }
        Ok(())
    }

    /// Hands out a merge whose children are all proved; each merge once.
    ///
    /// # Panics
    /// If a merge is ready that was not planned, which is a bug of this crate.
    pub fn next_ready(&mut self) -> Option<MergeJob> {
        let span = self.ready.pop_front()?;
        let merge = self.merges.get_mut(&span).expect("what is ready was planned");
        merge.state = MergeState::Running;
        Some(MergeJob { span, children: merge.children.clone() })
    }

    /// The merge of all segments, if its proof is there.
    #[must_use]
    pub fn root(&self) -> Option<Span> {
        self.root.filter(|span| self.merges[span].state == MergeState::Done)
    }

    /// Plans the lift of the segments that have none.
    fn close_lift(&mut self, planned: &mut Vec<MergeJob>) {
        let Some(last) = self.segments.len().checked_sub(1).filter(|last| *last >= self.open) else {
            return;
        };
        let span = Span { first: self.open, last };
        self.open = last + 1;
        let segments = &mut self.segments[span.first..=span.last];
        let mut missing = 0;
        for segment in &mut *segments {
            segment.lift = Some(span);
            missing += usize::from(!segment.is_proved);
        }
        let children = Children::Segments(segments[0].size);
        self.add(MergeJob { span, children }, missing, planned);
        self.place(0, span, planned);
    }

    /// Puts a merge on its level, and plans the aggregate if the level is full.
    fn place(&mut self, level: usize, span: Span, planned: &mut Vec<MergeJob>) {
        if self.frontier.len() == level {
            self.frontier.push(Vec::new());
        }
        self.frontier[level].push(span);
        if self.frontier[level].len() == ARITY {
            let children = std::mem::take(&mut self.frontier[level]);
            let span = self.aggregate(children, planned);
            self.place(level + 1, span, planned);
        }
    }

    /// One round over what is left at the end: threes from the left, or the last two. Needs the fewest aggregates, and few
    /// of them wait for the last segment.
    fn merge_tops(&mut self, tops: &[Span], planned: &mut Vec<MergeJob>) -> Vec<Span> {
        if tops.len() < ARITY {
            return vec![self.aggregate(tops.to_vec(), planned)];
        }
        let threes = tops.chunks_exact(ARITY);
        let rest = threes.remainder();
        let merged = threes.map(|three| self.aggregate(three.to_vec(), planned)).collect::<Vec<_>>();
        merged.into_iter().chain(rest.iter().copied()).collect()
    }

    fn aggregate(&mut self, children: Vec<Span>, planned: &mut Vec<MergeJob>) -> Span {
        let (first, last) = (children[0].first, children[children.len() - 1].last);
        let span = Span { first, last };
        let mut missing = 0;
        for child in &children {
            let child = self.merges.get_mut(child).expect("children are planned before their parent");
            child.parent = Some(span);
            missing += usize::from(child.state != MergeState::Done);
        }
        self.add(MergeJob { span, children: Children::Merges(children) }, missing, planned);
        span
    }

    fn add(&mut self, job: MergeJob, missing: usize, planned: &mut Vec<MergeJob>) {
        let MergeJob { span, children } = job.clone();
        let merge = Merge { children, missing, state: MergeState::Waiting, parent: None };
        let known = self.merges.insert(span, merge);
        assert!(
            known.is_none(),
            "a merge has at least two merges below it, or is a lift: no two cover the same segments"
        );
        if missing == 0 {
            self.ready.push_back(span);
        }
        planned.push(job);
    }

    fn child_done(&mut self, parent: Span) {
        let merge = self.merges.get_mut(&parent).expect("a parent is planned");
        merge.missing -= 1;
        if merge.missing == 0 {
            self.ready.push_back(parent);
        }
    }
}

#[cfg(test)]
mod tests;
