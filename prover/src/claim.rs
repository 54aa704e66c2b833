//! What segments claim, and which of them share a table of openings.

use serde::{Deserialize, Serialize};
use weft_circuits::openings::{OpeningsStatement, rows_for};
use weft_circuits::recursion::merge::ARITY;
use weft_protocol::crypto::Digest;
use weft_protocol::{ACCESS_CHAIN_START, Access, Context, OpenedStatement, SegmentStatement, chain_accesses};

use crate::SegmentSize;

/// What a segment's proof claims, and by which circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SegmentClaim {
    /// By the small circuit, to which paths show the leaves.
    Small(SegmentStatement),
    /// By the large circuit, which leaves them to a table of openings.
    Large(OpenedStatement),
}

impl SegmentClaim {
    /// The circuit.
    #[must_use]
    pub const fn size(&self) -> SegmentSize {
        match self {
            Self::Small(_) => SegmentSize::Small,
            Self::Large(_) => SegmentSize::Large,
        }
    }

    /// The batch.
    #[must_use]
    pub const fn context(&self) -> Context {
        match self {
            Self::Small(statement) => statement.context,
            Self::Large(statement) => statement.context,
        }
    }

    /// What the proof claims: S before and after, or S~.
    #[must_use]
    pub fn claimed(&self) -> SegmentStatement {
        match self {
            Self::Small(statement) => *statement,
            Self::Large(statement) => statement.claimed(),
        }
    }

    /// From where to where the segment leads in the end: S before and after.
    #[must_use]
    pub fn joined(&self) -> SegmentStatement {
        match self {
            Self::Small(statement) => *statement,
            Self::Large(statement) => statement.joined(),
        }
    }
}

/// What the table has to claim of adjacent segments that it opens the leaves of.
#[must_use]
pub fn table_statement(opened: &OpenedStatement) -> OpeningsStatement {
    let [root_before, root_after] = opened.states.each_ref().map(|state| state.root);
    OpeningsStatement { root_before, root_after, accesses: opened.chains[1] }
}

/// The large segments of a batch that share a table, as they come.
#[derive(Clone, Debug)]
pub struct TableGroup {
    capacity: usize,
    segments: usize,
    accesses: Vec<Access>,
    chain: Digest,
}

impl TableGroup {
    /// No segments yet, for tables of `2^degree_bits` rows.
    #[must_use]
    pub const fn new(degree_bits: usize) -> Self {
        Self { capacity: 1 << degree_bits, segments: 0, accesses: Vec::new(), chain: ACCESS_CHAIN_START }
    }

    /// The next segment makes these accesses, at least one: the access chain before and after it. It goes on with the table
    /// of the segments before, unless they are as many as a lift takes, or the table would overflow.
    pub fn push(&mut self, accesses: &[Access]) -> [Digest; 2] {
        self.accesses.extend_from_slice(accesses);
        let is_full = self.segments == ARITY || rows_for(&self.accesses).is_ok_and(|rows| rows > self.capacity);
        if is_full && self.segments > 0 {
            self.end();
            self.accesses.extend_from_slice(accesses);
        }
        self.segments += 1;
        let before = self.chain;
        self.chain = chain_accesses(before, accesses);
        [before, self.chain]
    }

    /// The next segment has a table of its own.
    pub fn end(&mut self) {
        self.segments = 0;
        self.accesses.clear();
        self.chain = ACCESS_CHAIN_START;
    }
}

#[cfg(test)]
mod tests {
    use weft_protocol::AccountIndex;

    use super::*;

    fn read(indices: &[u32]) -> Vec<Access> {
        let access = |index: &u32| Access { index: AccountIndex(*index), before: Digest::ZERO, after: Digest::ZERO };
        indices.iter().map(access).collect()
    }

    #[test]
    fn a_table_has_as_many_segments_as_a_lift_and_no_more_rows_than_it_has() {
        // A path of 28 nodes takes 56 rows.
        let mut group = TableGroup::new(8);
        let near = read(&[1, 1]);
        let mut chain = ACCESS_CHAIN_START;
        for _ in 0..ARITY {
            assert_eq!(group.push(&near)[0], chain);
            chain = chain_accesses(chain, &near);
        }
        let [before, after] = group.push(&near);
        assert_eq!(before, ACCESS_CHAIN_START, "one more than a lift takes");
        // Three leaves far from each other and two accesses of each: 2 (3 · 26 + 2 + 1) + 8 rows.
        let far = read(&[1, 1 << 27, 1 << 26, 1 << 27, 1 << 26, 1]);
        let [before, far_after] = group.push(&far);
        assert_eq!((before, far_after), (after, chain_accesses(after, &far)));
        let farther = read(&[1 << 25, 1 << 24, 1 << 23]);
        assert_eq!(group.push(&farther)[0], ACCESS_CHAIN_START, "the table would overflow");
        group.end();
        assert_eq!(group.push(&near)[0], ACCESS_CHAIN_START);
    }
}
