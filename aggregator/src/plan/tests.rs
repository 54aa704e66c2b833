//! The plan of any segments.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// All merges of a batch, in the order in which they are planned.
fn plan(sizes: &[SegmentSize]) -> Vec<MergeJob> {
    let mut plan = MergePlan::new();
    let mut planned = Vec::new();
    for size in sizes {
        planned.extend(plan.push_segment(*size).expect("it is not finished"));
    }
    planned.extend(plan.finish().expect("there is a segment"));
    assert_eq!(plan.finish(), Err(PlanError::Finished));
    assert_eq!(plan.push_segment(SegmentSize::Small), Err(PlanError::Finished));
    planned
}

fn arb_sizes() -> impl Strategy<Value = Vec<SegmentSize>> {
    let size = prop_oneof![3 => Just(SegmentSize::Large), 1 => Just(SegmentSize::Small)];
    proptest::collection::vec(size, 1..60)
}

/// Checks that a merge is one of things before it, and that nothing was merged before.
fn check(MergeJob { span, children }: &MergeJob, sizes: &[SegmentSize], parents: &mut BTreeMap<Span, u32>) {
    match children {
        Children::Segments(size) => {
            assert!(span.last - span.first < ARITY, "{span} has too many children");
            assert!(sizes[span.first..=span.last].iter().all(|of| of == size), "{span} mixes sizes");
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
    fn all_segments_end_in_one_root(sizes in arb_sizes()) {
        let mut parents = BTreeMap::new();
        for job in &plan(&sizes) {
            check(job, &sizes, &mut parents);
        }
        let root = Span { first: 0, last: sizes.len() - 1 };
        prop_assert_eq!(parents.remove(&root), Some(0));
        prop_assert!(parents.values().all(|count| *count == 1), "a merge is in no other, or in two");
        let lifts: usize = plan(&sizes).iter().map(|job| match job.children {
            Children::Segments(_) => job.span.last - job.span.first + 1,
            Children::Merges(_) => 0,
        }).sum();
        prop_assert_eq!(lifts, sizes.len(), "every segment is lifted once");
    }

    #[test]
    fn no_plan_has_fewer_aggregates(sizes in arb_sizes()) {
        let planned = plan(&sizes);
        let lifts = planned.iter().filter(|job| matches!(job.children, Children::Segments(_))).count();
        // Each one takes at most ARITY - 1 proofs out of the way.
        prop_assert_eq!(planned.len() - lifts, (lifts - 1).div_ceil(ARITY - 1));
    }

    #[test]
    fn what_is_planned_stays(sizes in arb_sizes(), more in arb_sizes()) {
        let mut short = MergePlan::new();
        let mut planned = Vec::new();
        for size in &sizes {
            planned.extend(short.push_segment(*size).expect("it is not finished"));
        }
        let longer = plan(&[sizes, more].concat());
        prop_assert_eq!(&longer[..planned.len()], &planned[..]);
    }
}

#[test]
fn a_batch_of_one_segment_is_one_lift() {
    let mut plan = MergePlan::new();
    assert_eq!(plan.push_segment(SegmentSize::Small), Ok(vec![]));
    let lift = MergeJob { span: Span { first: 0, last: 0 }, children: Children::Segments(SegmentSize::Small) };
    assert_eq!(plan.finish(), Ok(vec![lift]));
}

#[test]
fn a_lift_is_planned_before_the_batch_is_finished() {
    let mut plan = MergePlan::new();
    let planned = [(); ARITY].map(|()| plan.push_segment(SegmentSize::Large).expect("it is not finished"));
    let lift = MergeJob { span: Span { first: 0, last: 2 }, children: Children::Segments(SegmentSize::Large) };
    assert_eq!(planned, [vec![], vec![], vec![lift]]);
}

#[test]
fn a_batch_without_segments_has_no_plan() {
    assert_eq!(MergePlan::new().finish(), Err(PlanError::Empty));
}
