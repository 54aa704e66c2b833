use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::{OPERATOR, Payment, Step, arb_steps, builder_with_accounts, environment};
use crate::{BatchBuilder, ExecutedBatch, State};

/// Leaves that the steps write, and one that they do not.
const INDICES: core::ops::RangeInclusive<u32> = 0..=12;

/// Runs the steps that the rules accept.
fn run(builder: &mut BatchBuilder, steps: &[Step]) {
    for step in steps {
        // Refused ones change nothing.
        drop(step.run(builder));
    }
}

fn finish(mut builder: BatchBuilder) -> (State, ExecutedBatch) {
    builder.collect_fees(OPERATOR).expect("it has room for every fee asset");
    builder.finish().expect("collected")
}

/// The opening as it is shown now of a state that has no history.
fn opening(state: &State, index: AccountIndex) -> (Digest, Opening) {
    let object = state.objects().get(index).copied();
    (state.root(), Opening { object, path: state.path(index).expect("in the tree") })
}

/// All batches of the history are shown as the states that were copied when each was sealed.
fn assert_shown(
    batches: RangeInclusive<u32>,
    copies: &[State],
    shown: impl Fn(u32, AccountIndex) -> Option<(Digest, Opening)>,
) {
    for batch in 0..u32::try_from(copies.len() + 2).expect("few") {
        for index in INDICES.map(AccountIndex) {
            let expected = batches.contains(&batch).then(|| opening(&copies[batch as usize], index));
            assert_eq!(shown(batch, index), expected, "batch {batch}, {index}");
        }
    }
}

/// The world's accounts after the first batch, and the state before it.
fn first_batch() -> Vec<State> {
    let (state, _) = finish(builder_with_accounts(&[1, 2, 3], 3_000));
    vec![State::new(), state]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_batch_is_shown_as_it_was(batches in vec((arb_steps(), arb_steps(), 1..20usize), 1..5)) {
        let mut copies = first_batch();
        let mut executed = Vec::new();
        for (number, (first, second, slots)) in (2..).zip(&batches) {
            let mut builder = BatchBuilder::new(environment(number), copies.last().expect("two of them").clone());
            run(&mut builder, first);
            // Some slots are in the tree then, others are not.
            builder.next_segment(*slots);
            run(&mut builder, second);
            prop_assert_eq!(builder.batches(), 0..=number - 1);
            assert_shown(builder.batches(), &copies, |batch, index| builder.opening_at(batch, index));
            let (state, batch) = finish(builder);
            copies.push(state);
            executed.push(batch);
        }
        let mut state = copies.last().expect("two of them").clone();
        assert_shown(state.batches(), &copies, |batch, index| state.opening_at(batch, index));

        // A batch that is given up, and batches that are taken back, are not shown.
        let number = *state.batches().end();
        let mut builder = BatchBuilder::new(environment(number + 1), state);
        run(&mut builder, &batches[0].0);
        state = builder.abort();
        assert_shown(0..=number, &copies, |batch, index| state.opening_at(batch, index));
        for batch in executed.iter().rev() {
            state.undo(&batch.undo).expect("the last one");
            prop_assert_eq!(state.batches(), 0..=batch.number() - 1);
            assert_shown(state.batches(), &copies, |batch, index| state.opening_at(batch, index));
        }
    }
}

#[test]
fn what_is_not_sealed_or_outside_is_not_shown() {
    let state = first_batch().pop().expect("two of them");
    assert!(state.opening_at(1, AccountIndex(0)).is_some());
    assert_eq!(state.opening_at(2, AccountIndex(0)), None);
    assert_eq!(state.opening_at(1, AccountIndex(1 << 28)), None);
}

#[test]
fn a_state_that_is_read_from_disk_has_no_past() {
    let state = first_batch().pop().expect("two of them");
    let objects = state.objects().iter().map(|(index, object)| (index, *object));
    let read = State::from_objects(objects).expect("in the tree").after_batch(1);
    assert_eq!(read.batches(), 1..=1);
    assert_eq!(read.opening_at(1, OPERATOR), Some(opening(&state, OPERATOR)));
    // A batch that does not follow begins anew.
    let builder = BatchBuilder::new(environment(7), state);
    assert_eq!(builder.batches(), 6..=6);
}

/// A batch of one transfer after another, with limits; the batches that are kept after each.
fn kept(limits: Limits, batches: u32) -> Vec<u32> {
    let mut state = first_batch().pop().expect("two of them");
    state.history.limits = limits;
    (2..2 + batches)
        .map(|number| {
            let mut builder = BatchBuilder::new(environment(number), state.clone());
            run(&mut builder, &[Step::Payment(Payment::transfer(1, 2, 1, 0))]);
            let (after, _) = finish(builder);
            state = after;
            let sizes: usize = state.history.sealed.iter().map(|version| version.nodes.len()).sum();
            assert_eq!(state.history.nodes_kept, sizes);
            *state.batches().start()
        })
        .collect()
}

#[test]
fn the_past_is_bounded_in_batches_and_nodes() {
    // The first batch is 1, so that two of them reach back to 0.
    assert_eq!(kept(Limits { batches: 3, nodes: usize::MAX }, 4), [0, 0, 1, 2]);
    assert_eq!(kept(Limits { batches: 0, nodes: usize::MAX }, 2), [2, 3]);
    // A transfer between accounts 1 and 2, cousins, replaces two nodes on two levels and one on the 27 above.
    let each = 2 * 2 + 27;
    assert_eq!(kept(Limits { batches: 128, nodes: 2 * each }, 4)[1..], [1, 2, 3]);
    assert_eq!(kept(Limits { batches: 128, nodes: each - 1 }, 2), [2, 3]);
    let Limits { batches, nodes } = Limits::default();
    assert_eq!((batches, nodes), (128, 4_194_304));
}
