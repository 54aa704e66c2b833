//! Record of what a circuit claims: which clause asserts what about which wires.
//!
//! Constraints have no names in the library, and its gates pack operations of different clauses into one row. The
//! ledger keeps the names: with it a checker can say which numbered clause of the protocol a witness breaks.

use plonky2::iop::target::Target;

/// Id of a clause, as in PROTOCOL.md, for example `TR-2`.
pub type ClauseId = &'static str;

/// One thing that a circuit asserts about its wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Both wires carry the same value.
    Equal(Target, Target),
    /// `flag = 0` or both wires carry the same value.
    EqualIf {
        /// Product of all conditions that were open.
        flag: Target,
        /// Left side.
        left: Target,
        /// Right side.
        right: Target,
    },
    /// The wire carries 0 or 1 (a constraint under conditions has their product as a factor).
    Bool(Target),
    /// The integer on the wire, in `0..p`, is below `2^bits`.
    Range {
        /// The wire.
        value: Target,
        /// Width, 1 to 63.
        bits: u32,
    },
    /// The gates in this range of rows verify a child proof.
    Rows {
        /// First row.
        start: usize,
        /// One past the last row.
        end: usize,
    },
}

/// A claim and the clause that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The clause.
    pub clause: ClauseId,
    /// What is claimed.
    pub claim: Claim,
}

/// A wire that the prover fills without a formula; the constraints must determine it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The wire.
    pub target: Target,
    /// Scope in which it was made.
    pub scope: ClauseId,
    /// Whether the constraints leave it open for some inputs, without any effect on other wires.
    pub freedom: Freedom,
}

/// How far constraints determine a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// One value is possible.
    Determined,
    /// Several values are possible for some inputs, and no other wire depends on which: the inverse of zero, say.
    Harmless,
}

/// All assertions and hints of a circuit in the order of construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub(crate) assertions: Vec<Assertion>,
    pub(crate) hints: Vec<Hint>,
    /// `(first row, scope)`: rows from here on were added inside this scope.
    pub(crate) row_scopes: Vec<(usize, ClauseId)>,
}

impl Ledger {
    /// The assertions.
    #[must_use]
    pub fn assertions(&self) -> &[Assertion] {
        &self.assertions
    }

    /// The hints.
    #[must_use]
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }

    /// The scope that was open when `row` was added. Later clauses may have put operations into the same row.
    #[must_use]
    pub fn scope_of_row(&self, row: usize) -> Option<ClauseId> {
        let after = self.row_scopes.partition_point(|&(first, _)| first <= row);
        after.checked_sub(1).map(|index| self.row_scopes[index].1)
    }

    /// Clause ids that assert something, sorted, each once.
    #[must_use]
    pub fn clauses(&self) -> Vec<ClauseId> {
        let mut ids: Vec<_> = self.assertions.iter().map(|assertion| assertion.clause).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
