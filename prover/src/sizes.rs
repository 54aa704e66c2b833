//! Sizes of segments, and how a batch is cut into them.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use weft_circuits::recursion::SealCapacity;
use weft_circuits::recursion::merge::ARITY;

/// Slots of a small segment in production: as many as fit 2^13 rows.
const SMALL_SLOTS: NonZeroUsize = NonZeroUsize::new(41).expect("not zero");
/// Slots of a large segment in production: as many as fit 2^15 rows.
const LARGE_SLOTS: NonZeroUsize = NonZeroUsize::new(167).expect("not zero");

/// Which of the two segment circuits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SegmentSize {
    /// The small one, for latency.
    Small,
    /// The large one, for throughput.
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
    /// Records that a batch may have.
    pub records: SealCapacity,
}

impl CircuitSizes {
    /// The sizes of a deployment.
    pub const PRODUCTION: Self = Self { small: SMALL_SLOTS, large: LARGE_SLOTS, records: SealCapacity::PROTOCOL };

    /// Slots of a segment.
    #[must_use]
    pub const fn slots(&self, size: SegmentSize) -> usize {
        match size {
            SegmentSize::Small => self.small.get(),
            SegmentSize::Large => self.large.get(),
        }
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
    if smalls <= ARITY && smalls * small < large {
        plan.extend(std::iter::repeat_n(SegmentSize::Small, smalls));
    } else {
        plan.push(SegmentSize::Large);
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_circuits::segment::SegmentCircuit;

    use super::*;

    const fn sizes(small: usize, large: usize) -> CircuitSizes {
        CircuitSizes {
            small: NonZeroUsize::new(small).expect("not zero"),
            large: NonZeroUsize::new(large).expect("not zero"),
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
        for (size, degree_bits) in [(SegmentSize::Small, 13), (SegmentSize::Large, 15)] {
            let slots = CircuitSizes::PRODUCTION.slots(size);
            let (rows, limit) = (SegmentCircuit::rows_for(slots) + ADDED, 1 << degree_bits);
            assert!(rows <= limit, "{slots} slots take {rows} rows of {limit}");
            assert!(rows > limit / 2, "{slots} slots fit half of the rows");
        }
    }

    #[test]
    fn a_small_circuit_that_saves_nothing_is_not_used() {
        assert_eq!(plan_segments(0, &sizes(6, 6)), [SegmentSize::Large]);
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
