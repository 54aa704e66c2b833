//! The plan of any segments.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// All merges of a batch, in the order in which they are planned.
fn plan(segments: &[Segment]) -> Vec<MergeJob> {
    let mut plan = MergePlan::new();
    let mut planned = Vec::new();
    for (size, table) in segments {
        planned.extend(plan.push_segment(*size, *table).expect("it is not finished"));
    }
    planned.extend(plan.finish().expect("there is a segment"));
    assert_eq!(plan.finish(), Err(PlanError::Finished));
    assert_eq!(plan.push_segment(SegmentSize::Small, Table::Same), Err(PlanError::Finished));
    planned
}

type Segment = (SegmentSize, Table);

fn arb_segments() -> impl Strategy<Value = Vec<Segment>> {
    let size = prop_oneof![3 => Just(SegmentSize::Large), 1 => Just(SegmentSize::Small)];
    let table = prop_oneof![2 => Just(Table::Same), 1 => Just(Table::New)];
    proptest::collection::vec((size, table), 1..60)
}

/// Checks that a merge is one of things before it, and that nothing was merged before.
fn check(MergeJob { span, children }: &MergeJob, segments: &[Segment], parents: &mut BTreeMap<Span, u32>) {
    match children {
        Children::Segments(size) => {
            assert!(span.last - span.first < ARITY, "{span} has too many children");
            let lifted = &segments[span.first..=span.last];
            assert!(lifted.iter().all(|(of, _)| of == size), "{span} mixes sizes");
            let mut followers = lifted.iter().skip(1);
            assert!(followers.all(|segment| *segment != (SegmentSize::Large, Table::New)), "{span} mixes tables");
        }
        Children::Merges(children) => {
            assert!((2..=ARITY).contains(&children.len()), "{span} has a wrong number of children");
            assert_eq!((children[0].first, children[children.len() - 1].last), (span.first, span.last));
            assert!(children.windows(2).all(|pair| pair[0].last + 1 == pair[1].first), "{span} has a gap");
            for child in children {
                let parents = parents.get_mut(child).expect("children are planned before their parents");
                *parents += 1;
            }
        }
    }
    assert_eq!(parents.insert(*span, 0), None, "{span} is planned twice");
}

proptest! {
    #[test]
    fn all_segments_end_in_one_root(segments in arb_segments()) {
        let mut parents = BTreeMap::new();
        for job in &plan(&segments) {
            check(job, &segments, &mut parents);
        }
        let root = Span { first: 0, last: segments.len() - 1 };
        prop_assert_eq!(parents.remove(&root), Some(0));
        prop_assert!(parents.values().all(|count| *count == 1), "a merge is in no other, or in two");
        let lifts: usize = plan(&segments).iter().map(|job| match job.children {
            Children::Segments(_) => job.span.last - job.span.first + 1,
            Children::Merges(_) => 0,
        }).sum();
        prop_assert_eq!(lifts, segments.len(), "every segment is lifted once");
    }

    #[test]
    fn no_plan_has_fewer_aggregates(segments in arb_segments()) {
        let planned = plan(&segments);
        let lifts = planned.iter().filter(|job| matches!(job.children, Children::Segments(_))).count();
        // Each one takes at most ARITY - 1 proofs out of the way.
        prop_assert_eq!(planned.len() - lifts, (lifts - 1).div_ceil(ARITY - 1));
    }

    #[test]
    fn what_is_planned_stays(segments in arb_segments(), more in arb_segments()) {
        let mut short = MergePlan::new();
        let mut planned = Vec::new();
        for (size, table) in &segments {
            planned.extend(short.push_segment(*size, *table).expect("it is not finished"));
        }
        let longer = plan(&[segments, more].concat());
        prop_assert_eq!(&longer[..planned.len()], &planned[..]);
    }
}

#[test]
fn a_batch_of_one_segment_is_one_lift() {
    let mut plan = MergePlan::new();
    assert_eq!(plan.push_segment(SegmentSize::Small, Table::Same), Ok(vec![]));
    let lift = MergeJob { span: Span { first: 0, last: 0 }, children: Children::Segments(SegmentSize::Small) };
    assert_eq!(plan.finish(), Ok(vec![lift]));
}

#[test]
fn a_lift_is_planned_before_the_batch_is_finished() {
    let mut plan = MergePlan::new();
    let mut push = |table| plan.push_segment(SegmentSize::Large, table).expect("it is not finished");
    let planned = [Table::New, Table::Same, Table::Same].map(&mut push);
    let lift = MergeJob { span: Span { first: 0, last: 2 }, children: Children::Segments(SegmentSize::Large) };
    assert_eq!(planned, [vec![], vec![], vec![lift]]);
    assert_eq!([Table::New, Table::Same].map(&mut push), [vec![], vec![]]);
    let lift = MergeJob { span: Span { first: 3, last: 4 }, children: Children::Segments(SegmentSize::Large) };
    assert_eq!(push(Table::New), [lift], "another table ends the lift");
}

#[test]
fn a_batch_without_segments_has_no_plan() {
    assert_eq!(MergePlan::new().finish(), Err(PlanError::Empty));
}
