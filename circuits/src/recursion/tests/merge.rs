//! MG-1 to MG-3, natively and as constraints.

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use weft_crypto::{Digest, Goldilocks};
use weft_protocol::{Context, SegmentStatement};

use crate::conformance;
use crate::ledger::ClauseId;
use crate::recursion::merge::{ARITY, Merge, MergeError, MergeInput};
use crate::testing::conform::Conformance;

/// A digest that differs from those of other seeds in every element.
pub(super) fn digest(seed: u64) -> Digest {
    Digest(std::array::from_fn(|i| Goldilocks::from_u64(seed * 4 + i as u64)))
}

/// Statements that follow each other.
pub(super) fn road(context: u64, states: &[u64]) -> Vec<SegmentStatement> {
    states
        .windows(2)
        .map(|pair| SegmentStatement {
            context: Context(digest(context)),
            before: digest(pair[0]),
            after: digest(pair[1]),
        })
        .collect()
}

fn good() -> MergeInput {
    MergeInput::new(&road(1, &[10, 11, 12, 13])).expect("three statements")
}

fn with_flags(present: [bool; ARITY]) -> MergeInput {
    MergeInput { present, ..good() }
}

fn changed(change: impl Fn(&mut [SegmentStatement; ARITY])) -> MergeInput {
    let mut input = good();
    change(&mut input.children);
    input
}

impl Conformance for Merge {
    fn inputs() -> BoxedStrategy<MergeInput> {
        let seed = || 0..2u64;
        let child = (seed(), seed(), seed()).prop_map(|(context, before, after)| road(context, &[before, after])[0]);
        (proptest::array::uniform3(child), any::<[bool; ARITY]>())
            .prop_map(|(children, present)| MergeInput { children, present })
            .boxed()
    }

    fn clause(reject: &MergeError) -> ClauseId {
        match reject {
            MergeError::FirstAbsent | MergeError::TooMany { .. } | MergeError::NotAPrefix { .. } => "MG-1",
            MergeError::OtherContext { .. } => "MG-2",
            MergeError::NotAdjacent { .. } => "MG-3",
        }
    }

    fn examples() -> Vec<MergeInput> {
        let mut inputs = vec![
            good(),
            with_flags([true, true, false]),
            with_flags([true, false, false]),
            with_flags([false, false, false]),
            with_flags([false, true, true]),
            with_flags([true, false, true]),
            changed(|children| children[1].context = Context(digest(2))),
            changed(|children| children[2].context = Context(digest(2))),
            changed(|children| children.swap(0, 1)),
            changed(|children| children.swap(1, 2)),
            changed(|children| children[1].before = digest(99)),
            changed(|children| children[2].before.0[3] = Goldilocks::ZERO),
            changed(|children| children[1] = children[0]),
        ];
        // Each element of what is compared, alone.
        let one = Goldilocks::from_u64(1);
        for (child, element) in (1..ARITY).flat_map(|child| [0, 1, 2, 3].map(|element| (child, element))) {
            inputs.push(changed(|children| children[child].context.0.0[element] += one));
            inputs.push(changed(|children| children[child].before.0[element] += one));
        }
        inputs
    }
}

conformance!(Merge);

#[test]
fn absent_children_repeat_the_first() {
    let statements = road(1, &[10, 11, 12]);
    let input = MergeInput::new(&statements).expect("two statements");
    assert_eq!(input.children[2], statements[0]);
    assert_eq!(input.present, [true, true, false]);
    assert_eq!(MergeInput::new(&[]), Err(MergeError::FirstAbsent));
    assert_eq!(MergeInput::new(&road(1, &[0, 1, 2, 3, 4])), Err(MergeError::TooMany { got: 4 }));
}
