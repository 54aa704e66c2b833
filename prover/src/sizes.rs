//! Sizes of segments, and how a batch is cut into them.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use weft_circuits::recursion::merge::ARITY;
use weft_circuits::recursion::{FamilySizes, SealCapacity};
use weft_protocol::TREE_DEPTH;

/// Slots of a small segment in production: as many as fit 2^13 rows.
const SMALL_SLOTS: NonZeroUsize = NonZeroUsize::new(41).expect("not zero");
/// Slots of a large segment in production: as many as fit 2^15 rows.
const LARGE_SLOTS: NonZeroUsize = NonZeroUsize::new(386).expect("not zero");
/// log2 of the rows of a table of openings in production: with 2^20 accounts the openings of three large segments take two
/// thirds of it.
const OPENINGS_DEGREE_BITS: usize = 16;

/// Which of the two segment circuits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SegmentSize {
    /// The small one, for latency: it shows paths of its leaves.
    Small,
    /// The large one, for throughput: it leaves the paths to a table, which it shares with others.
    Large,
}

impl SegmentSize {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];
}

/// What the circuits of a deployment are built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CircuitSizes {
    /// Slots of a small segment.
    pub small: NonZeroUsize,
    /// Slots of a large segment.
    pub large: NonZeroUsize,
    /// log2 of the rows of the table of openings.
    pub openings_degree_bits: usize,
    /// Records that a batch may have.
    pub records: SealCapacity,
}

impl CircuitSizes {
    /// The sizes of a deployment.
    pub const PRODUCTION: Self = Self {
        small: SMALL_SLOTS,
        large: LARGE_SLOTS,
        openings_degree_bits: OPENINGS_DEGREE_BITS,
        records: SealCapacity::PROTOCOL,
    };

    /// Slots of a segment.
    #[must_use]
    pub const fn slots(&self, size: SegmentSize) -> usize {
        match size {
            SegmentSize::Small => self.small.get(),
            SegmentSize::Large => self.large.get(),
        }
    }

    /// What the circuits above the segments are built for.
    #[must_use]
    pub const fn family(&self) -> FamilySizes {
        FamilySizes { openings_degree_bits: self.openings_degree_bits, records: self.records }
    }

    /// Whether the table takes the openings of every large segment: of two leaves a slot, as far from each other as the tree
    /// allows.
    #[must_use]
    pub fn are_consistent(&self) -> bool {
        let leaves = 2 * self.large.get();
        let nodes: usize = (0..TREE_DEPTH).map(|depth| leaves.min(1 << depth)).sum();
        2 * nodes + leaves <= 1 << self.openings_degree_bits
    }
}

/// The segments that `slots` slots are cut into, in order; the last one may have fewer slots than its circuit.
///
/// Large ones as long as they are full. The rest goes into small ones if one lift can take them all and they have fewer
/// slots than a large one, which means less to prove; else into one more large one. A batch without slots is one small
/// segment, so that there is something to prove.
#[must_use]
pub fn plan_segments(slots: usize, sizes: &CircuitSizes) -> Vec<SegmentSize> {
    let (small, large) = (sizes.small.get(), sizes.large.get());
    let (full, rest) = (slots / large, slots % large);
    let mut plan = vec![SegmentSize::Large; full];
    let smalls = if full == 0 { rest.div_ceil(small).max(1) } else { rest.div_ceil(small) };
    if slots == 0 || smalls <= ARITY && smalls * small < large {
        plan.extend(std::iter::repeat_n(SegmentSize::Small, smalls));
    } else {
        plan.push(SegmentSize::Large);
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_circuits::openings::rows_for;
    use weft_circuits::segment::{Leaves, SegmentCircuit};
    use weft_protocol::crypto::Digest;
    use weft_protocol::{Access, AccountIndex};

    use super::*;

    const fn sizes(small: usize, large: usize) -> CircuitSizes {
        CircuitSizes {
            small: NonZeroUsize::new(small).expect("not zero"),
            large: NonZeroUsize::new(large).expect("not zero"),
            openings_degree_bits: OPENINGS_DEGREE_BITS,
            records: SealCapacity::PROTOCOL,
        }
    }

    #[test]
    fn the_rest_goes_where_it_is_cheaper() {
        use SegmentSize::{Large, Small};
        let sizes = sizes(38, 155);
        assert_eq!(plan_segments(0, &sizes), [Small]);
        assert_eq!(plan_segments(38, &sizes), [Small]);
        assert_eq!(plan_segments(39, &sizes), [Small, Small]);
        assert_eq!(plan_segments(114, &sizes), [Small, Small, Small]);
        assert_eq!(plan_segments(115, &sizes), [Large], "four small ones would need a second lift");
        assert_eq!(plan_segments(155, &sizes), [Large]);
        assert_eq!(plan_segments(156, &sizes), [Large, Small]);
        assert_eq!(plan_segments(310, &sizes), [Large, Large]);
    }

    #[test]
    fn production_segments_fill_their_rows() {
        // More than the rows that the build adds for public inputs and constants.
        const ADDED: usize = 64;
        let expected = [(SegmentSize::Small, Leaves::ByPaths, 13), (SegmentSize::Large, Leaves::ByAccesses, 15)];
        for (size, leaves, degree_bits) in expected {
            let slots = CircuitSizes::PRODUCTION.slots(size);
            let (rows, limit) = (SegmentCircuit::rows_with(slots, leaves) + ADDED, 1 << degree_bits);
            assert!(rows <= limit, "{slots} slots take {rows} rows of {limit}");
            let more = SegmentCircuit::rows_with(slots + 1, leaves) + ADDED;
            assert!(more > limit, "one more slot fits {limit} rows");
        }
    }

    #[test]
    fn a_table_takes_every_large_segment() {
        let sizes = CircuitSizes::PRODUCTION;
        assert!(sizes.are_consistent());
        assert!(!CircuitSizes { openings_degree_bits: 14, ..sizes }.are_consistent());
        // The worst case is one: leaves that part as early as they can.
        let slots = 8;
        let far = (0..2 * slots).map(|leaf: u32| leaf.reverse_bits() >> (u32::BITS - 28));
        let far = far.map(|index| Access { index: AccountIndex(index), before: Digest::ZERO, after: Digest::ZERO });
        let rows = rows_for(&far.collect::<Vec<_>>()).expect("accesses of the tree");
        let consistent =
            |bits| CircuitSizes { openings_degree_bits: bits, large: NonZeroUsize::new(8).expect("8"), ..sizes };
        for bits in 6..12 {
            assert_eq!(consistent(bits).are_consistent(), rows <= 1 << bits, "{rows} rows in 2^{bits}");
        }
    }

    #[test]
    fn a_small_circuit_that_saves_nothing_is_not_used() {
        assert_eq!(plan_segments(0, &sizes(6, 6)), [SegmentSize::Small], "there is nothing to open");
        assert_eq!(plan_segments(1, &sizes(6, 6)), [SegmentSize::Large]);
        assert_eq!(plan_segments(2, &sizes(6, 3)), [SegmentSize::Large]);
    }

    proptest! {
        #[test]
        fn segments_hold_all_slots_and_none_is_idle(slots in 0..5_000_usize, small in 1..60_usize, large in 1..200_usize) {
            let sizes = sizes(small, large);
            let plan = plan_segments(slots, &sizes);
            let capacity = |plan: &[SegmentSize]| plan.iter().map(|size| sizes.slots(*size)).sum::<usize>();
            prop_assert!(capacity(&plan) >= slots);
            let (_, others) = plan.split_last().expect("there is always a segment");
            prop_assert!(others.is_empty() || capacity(others) < slots);
            prop_assert!(plan.is_sorted_by(|a, b| a >= b), "large ones come first");
        }
    }
}
