//! Which proofs are merged with which.
//!
//! ```text
//! segments   s s s s s s s s s s S        three adjacent ones of a size and a table → lift, as soon as there are three
//! lifts      ──┬── ──┬── ──┬── ┬ ┬        three adjacent ones of a level → aggregate, one level up
//! aggregates   └─────┬─────┘   │ │
//! end                └─────────┴─┘        what is left is merged until one proof is left
//! ```
//! The plan is a function of the sizes and tables of the segments alone: a job has the same name and statement in every run.
//! It has no proofs, only names; which merge can be begun is the affair of the store of the jobs.

use weft_circuits::recursion::merge::ARITY;
use weft_prover::SegmentSize;

use crate::Span;

/// The merges of a batch whose segments become known one after the other.
#[derive(Clone, Debug, Default)]
pub struct MergePlan {
    segments: Vec<SegmentSize>,
    /// First of the segments that no lift covers yet; at most [`ARITY`] of one size.
    open: usize,
    /// Merges without a parent, by level; fewer than [`ARITY`] on each. All of a level are left of those below it.
    frontier: Vec<Vec<Span>>,
    is_finished: bool,
}

/// A merge that the plan provides for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeJob {
    /// The segments that the merged proof covers. No two merges of a batch cover the same ones.
    pub span: Span,
    /// What is merged.
    pub children: Children,
}

/// What is merged, from left to right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Children {
    /// A lift of the span's segments, which have this size. Large ones have one table, with which the lift is joined.
    Segments(SegmentSize),
    /// An aggregate of these merges, of those of large segments with their table.
    Merges(Vec<Span>),
}

/// The table of openings of a large segment. Small ones have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// That of the segment before, if this is large, too.
    Same,
    /// Another one.
    New,
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
}

impl MergePlan {
    /// A plan without segments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a segment. Returns the merges that the plan has more than before, children first.
    ///
    /// # Errors
    /// The plan is finished.
    pub fn push_segment(&mut self, size: SegmentSize, table: Table) -> Result<Vec<MergeJob>, PlanError> {
        if self.is_finished {
            return Err(PlanError::Finished);
        }
        let mut planned = Vec::new();
        let is_apart = size == SegmentSize::Large && table == Table::New;
        if is_apart || self.segments.last().is_some_and(|last| *last != size) {
            self.close_lift(&mut planned);
        }
        self.segments.push(size);
        if self.segments.len() - self.open == ARITY {
            self.close_lift(&mut planned);
        }
        Ok(planned)
    }

    /// Says that all segments are known. Returns the merges that the plan has more than before, children first; one of all
    /// its merges covers all segments.
    ///
    /// # Errors
    /// There are none, or the plan was finished before.
    pub fn finish(&mut self) -> Result<Vec<MergeJob>, PlanError> {
        if self.is_finished {
            return Err(PlanError::Finished);
        }
        if self.segments.is_empty() {
            return Err(PlanError::Empty);
        }
        let mut planned = Vec::new();
        self.close_lift(&mut planned);
        let mut tops: Vec<_> = std::mem::take(&mut self.frontier).into_iter().rev().flatten().collect();
        while tops.len() > 1 {
            tops = merge_tops(&tops, &mut planned);
        }
        self.is_finished = true;
        Ok(planned)
    }

    /// Plans the lift of the segments that have none.
    fn close_lift(&mut self, planned: &mut Vec<MergeJob>) {
        let Some(last) = self.segments.len().checked_sub(1).filter(|last| *last >= self.open) else {
            return;
        };
        let span = Span { first: self.open, last };
        self.open = last + 1;
        planned.push(MergeJob { span, children: Children::Segments(self.segments[last]) });
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
            let span = aggregate(children, planned);
            self.place(level + 1, span, planned);
        }
    }
}

/// One round over what is left at the end: threes from the left, or the last two. Needs the fewest aggregates, and few of
/// them wait for the last segment.
fn merge_tops(tops: &[Span], planned: &mut Vec<MergeJob>) -> Vec<Span> {
    if tops.len() < ARITY {
        return vec![aggregate(tops.to_vec(), planned)];
    }
    let threes = tops.chunks_exact(ARITY);
    let rest = threes.remainder();
    let merged = threes.map(|three| aggregate(three.to_vec(), planned)).collect::<Vec<_>>();
    merged.into_iter().chain(rest.iter().copied()).collect()
}

fn aggregate(children: Vec<Span>, planned: &mut Vec<MergeJob>) -> Span {
    let span = Span { first: children[0].first, last: children[children.len() - 1].last };
    planned.push(MergeJob { span, children: Children::Merges(children) });
    span
}

#[cfg(test)]
mod tests;
