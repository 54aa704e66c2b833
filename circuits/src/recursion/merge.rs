//! Merging of adjacent statements (PROTOCOL.md §9, MG): one context, each starts where the one before it ended.

use weft_protocol::SegmentStatement;

use super::statement::SegmentStatementWires;
use crate::builder::{Bool, Builder};
use crate::ledger::ClauseId;
use crate::statement::Statement;
use crate::wired::Wires;
use crate::wires;

/// Children of a lift or an aggregate.
pub const ARITY: usize = 3;

/// What is merged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MergeInput {
    /// Statements of the children. Those of absent ones have no effect.
    pub children: [SegmentStatement; ARITY],
    /// Which children are present.
    pub present: [bool; ARITY],
}

wires! {
    /// Wires of a [`MergeInput`].
    pub struct MergeInputWires for MergeInput { children: [SegmentStatement; ARITY], present: [bool; ARITY] }
}

impl MergeInput {
    /// The input for these statements; absent children repeat the first.
    ///
    /// # Errors
    /// There are none, or more than [`ARITY`].
    pub fn new(statements: &[SegmentStatement]) -> Result<Self, MergeError> {
        let first = *statements.first().ok_or(MergeError::FirstAbsent)?;
        if statements.len() > ARITY {
            return Err(MergeError::TooMany { got: statements.len() });
        }
        Ok(Self {
            children: std::array::from_fn(|i| statements.get(i).copied().unwrap_or(first)),
            present: std::array::from_fn(|i| i < statements.len()),
        })
    }
}

/// Statements do not merge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("the first child is absent")]
    FirstAbsent,
    /// There are more children than the circuit has places.
    #[error("at most {ARITY} children can be merged, got {got}")]
    TooMany {
        /// Number of children.
        got: usize,
    },
    /// A present child follows an absent one.
    #[error("child {child} is present, but the one before it is not")]
    NotAPrefix {
        /// Position of the present child.
        child: usize,
    },
    /// A child belongs to another batch or deployment.
    #[error("child {child} has another context than the first")]
    OtherContext {
        /// Position of the child.
        child: usize,
    },
    /// A child does not start where the one before it ended: a gap, an overlap or a wrong order.
    #[error("child {child} does not start where the one before it ended")]
    NotAdjacent {
        /// Position of the child.
        child: usize,
    },
}

/// The claim of the table MG.
#[derive(Clone, Copy, Debug)]
pub enum Merge {}

impl Statement for Merge {
    const SPEC: &'static str = "MG";
    const CLAUSES: &'static [ClauseId] = &["MG-1", "MG-2", "MG-3"];
    type Input = MergeInput;
    type Output = SegmentStatement;
    type Reject = MergeError;

    fn evaluate(input: &MergeInput) -> Result<SegmentStatement, MergeError> {
        let MergeInput { children, present } = input;
        if !present[0] {
            return Err(MergeError::FirstAbsent);
        }
        let mut merged = children[0];
        for child in 1..ARITY {
            if !present[child] {
                continue;
            }
            if !present[child - 1] {
                return Err(MergeError::NotAPrefix { child });
            }
            if children[child].context != merged.context {
                return Err(MergeError::OtherContext { child });
            }
            if children[child].before != merged.after {
                return Err(MergeError::NotAdjacent { child });
            }
            merged.after = children[child].after;
        }
        Ok(merged)
    }

    fn constrain(b: &mut Builder, input: &Wires<MergeInput>) -> Wires<SegmentStatement> {
        let MergeInputWires { children, present } = input;
        b.clause("MG-1", |b| assert_prefix(b, present));
        let mut merged = children[0].clone();
        for (child, &present) in children.iter().zip(present).skip(1) {
            b.clause("MG-2", |b| b.when(present, |b| b.assert_all_equal(&child.context, &merged.context)));
            b.clause("MG-3", |b| {
                b.when(present, |b| b.assert_all_equal(&child.before, &merged.after));
                merged.after = b.select_array(present, child.after, merged.after);
            });
        }
        merged
    }
}

/// Asserts that the flags are 1 up to some position, the first included, and 0 after it.
fn assert_prefix(b: &mut Builder, present: &[Bool; ARITY]) {
    b.assert_true(present[0]);
    for pair in present.windows(2) {
        b.when(pair[1], |b| b.assert_true(pair[0]));
    }
}

/// Wires of the merge of child statements: allocates the flags, asserts the clauses.
pub(super) fn merge_children(
    b: &mut Builder,
    children: [SegmentStatementWires; ARITY],
) -> ([Bool; ARITY], SegmentStatementWires) {
    let present = b.alloc::<[bool; ARITY]>();
    let merged = Merge::constrain(b, &MergeInputWires { children, present });
    (present, merged)
}
