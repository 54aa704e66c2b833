//! The plan under any order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Something that can happen to a plan.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Push,
    ProveSegment,
    StartMerge,
    ProveMerge,
}

/// A batch that is proved in some order.
#[derive(Debug, Default)]
struct Run {
    plan: MergePlan,
    sizes: Vec<SegmentSize>,
    pushed: usize,
    unproved: Vec<usize>,
    running: Vec<MergeJob>,
    /// Every merge that was ever handed out.
    started: BTreeMap<Span, Children>,
    planned: BTreeSet<Span>,
    proved: BTreeSet<Span>,
    segments: BTreeSet<usize>,
}

impl Run {
    fn new(sizes: Vec<SegmentSize>) -> Self {
        Self { sizes, ..Self::default() }
    }

    fn happen(&mut self, what: Happening, which: usize) {
        match what {
            Happening::Push => self.push(),
            Happening::ProveSegment if !self.unproved.is_empty() => {
                let position = self.unproved.swap_remove(which % self.unproved.len());
                self.plan.complete_segment(position).expect("it is not proved");
                assert_eq!(self.plan.complete_segment(position), Err(PlanError::Segment { position }));
                self.segments.insert(position);
            }
            Happening::StartMerge => {
                if let Some(job) = self.plan.next_ready() {
                    self.start(job);
                }
            }
            Happening::ProveMerge if !self.running.is_empty() => {
                let MergeJob { span, .. } = self.running.swap_remove(which % self.running.len());
                self.plan.complete_merge(span).expect("it is running");
                assert_eq!(self.plan.complete_merge(span), Err(PlanError::Merge { span }));
                self.proved.insert(span);
            }
            Happening::ProveSegment | Happening::ProveMerge => {}
        }
    }

    fn push(&mut self) {
        if self.pushed == self.sizes.len() {
            return;
        }
        let planned = self.plan.push_segment(self.sizes[self.pushed]).expect("it is not finished");
        self.unproved.push(self.pushed);
        self.pushed += 1;
        self.plan_has(planned);
        if self.pushed == self.sizes.len() {
            let planned = self.plan.finish().expect("there is a segment");
            self.plan_has(planned);
            assert_eq!(self.plan.finish(), Err(PlanError::Finished));
            assert_eq!(self.plan.push_segment(SegmentSize::Small), Err(PlanError::Finished));
        }
    }

    fn plan_has(&mut self, planned: Vec<MergeJob>) {
        for job in planned {
            assert!(self.planned.insert(job.span), "{job:?} is planned twice");
        }
    }

    /// Checks that a merge may start now.
    fn start(&mut self, job: MergeJob) {
        let MergeJob { span, children } = &job;
        assert!(self.planned.contains(span), "{job:?} was not announced");
        match children {
            Children::Segments(size) => {
                assert!(span.last - span.first < ARITY, "{job:?} has too many children");
                for position in span.first..=span.last {
                    assert!(self.segments.contains(&position), "{job:?} starts before segment {position} is proved");
                    assert_eq!(self.sizes[position], *size, "{job:?} mixes sizes");
                }
            }
            Children::Merges(children) => {
                assert!((2..=ARITY).contains(&children.len()), "{job:?} has a wrong number of children");
                assert_eq!(children[0].first, span.first);
                assert_eq!(children[children.len() - 1].last, span.last);
                assert!(children.windows(2).all(|pair| pair[0].last + 1 == pair[1].first), "{job:?} has a gap");
                assert!(
                    children.iter().all(|child| self.proved.contains(child)),
                    "{job:?} starts before its children end"
                );
            }
        }
        assert!(self.started.insert(*span, children.clone()).is_none(), "{job:?} runs twice");
        self.running.push(job);
    }

    /// Does what is left, in a fixed order.
    fn drive(&mut self) {
        while self.pushed < self.sizes.len() {
            self.push();
        }
        while self.plan.root().is_none() {
            for what in [Happening::ProveSegment, Happening::StartMerge, Happening::ProveMerge] {
                self.happen(what, 0);
            }
        }
    }
}

fn arb_sizes() -> impl Strategy<Value = Vec<SegmentSize>> {
    let size = prop_oneof![3 => Just(SegmentSize::Large), 1 => Just(SegmentSize::Small)];
    proptest::collection::vec(size, 1..60)
}

fn arb_happenings() -> impl Strategy<Value = Vec<(Happening, usize)>> {
    let what = prop_oneof![
        Just(Happening::Push),
        Just(Happening::ProveSegment),
        Just(Happening::StartMerge),
        Just(Happening::ProveMerge)
    ];
    proptest::collection::vec((what, any::<usize>()), 0..300)
}

proptest! {
    #[test]
    fn any_order_ends_in_one_root_over_all_segments(sizes in arb_sizes(), happenings in arb_happenings()) {
        let mut run = Run::new(sizes.clone());
        for (what, which) in happenings {
            run.happen(what, which);
        }
        run.drive();
        let root = Span { first: 0, last: sizes.len() - 1 };
        prop_assert_eq!(run.plan.root(), Some(root));
        prop_assert!(run.running.is_empty() && run.plan.next_ready().is_none(), "nothing is left to do");
        prop_assert_eq!(run.proved.len(), run.planned.len());
        // The order of arrival changes nothing about the plan.
        let mut straight = Run::new(sizes);
        straight.drive();
        prop_assert_eq!(run.started, straight.started);
    }

    #[test]
    fn no_plan_has_fewer_aggregates(sizes in arb_sizes()) {
        let mut run = Run::new(sizes);
        run.drive();
        let lifts = run.started.values().filter(|children| matches!(children, Children::Segments(_))).count();
        let aggregates = run.started.len() - lifts;
        // Each one takes at most ARITY - 1 proofs out of the way.
        prop_assert_eq!(aggregates, (lifts - 1).div_ceil(ARITY - 1));
    }

    #[test]
    fn nothing_is_merged_over_a_missing_segment(count in 1..40_usize, gap in any::<proptest::sample::Index>()) {
        let mut run = Run::new(vec![SegmentSize::Large; count]);
        let gap = gap.index(count);
        while run.pushed < count {
            run.push();
        }
        for position in (0..count).filter(|position| *position != gap) {
            run.plan.complete_segment(position).expect("it is not proved");
            run.segments.insert(position);
        }
        loop {
            run.happen(Happening::StartMerge, 0);
            if run.running.is_empty() {
                break;
            }
            run.happen(Happening::ProveMerge, 0);
        }
        prop_assert_eq!(run.plan.root(), None);
        prop_assert!(run.proved.iter().all(|span| gap < span.first || span.last < gap));
    }
}

#[test]
fn a_batch_of_one_segment_is_one_lift() {
    let mut plan = MergePlan::new();
    assert_eq!(plan.push_segment(SegmentSize::Small), Ok(vec![]));
    let span = Span { first: 0, last: 0 };
    let lift = MergeJob { span, children: Children::Segments(SegmentSize::Small) };
    assert_eq!(plan.finish(), Ok(vec![lift.clone()]));
    assert_eq!(plan.next_ready(), None, "the segment is not proved");
    plan.complete_segment(0).expect("it is not proved");
    assert_eq!(plan.next_ready(), Some(lift));
    assert_eq!(plan.root(), None);
    plan.complete_merge(span).expect("it is running");
    assert_eq!(plan.root(), Some(span));
}

#[test]
fn a_lift_starts_before_the_batch_is_finished() {
    let mut plan = MergePlan::new();
    for position in 0..ARITY {
        plan.push_segment(SegmentSize::Large).expect("it is not finished");
        plan.complete_segment(position).expect("it is not proved");
    }
    let lift = plan.next_ready().expect("three segments are proved");
    assert_eq!(lift, MergeJob { span: Span { first: 0, last: 2 }, children: Children::Segments(SegmentSize::Large) });
}

#[test]
fn a_batch_without_segments_has_no_plan() {
    assert_eq!(MergePlan::new().finish(), Err(PlanError::Empty));
    assert_eq!(MergePlan::new().complete_segment(0), Err(PlanError::Segment { position: 0 }));
    let span = Span { first: 0, last: 0 };
    assert_eq!(MergePlan::new().complete_merge(span), Err(PlanError::Merge { span }));
}
