use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weft_protocol::testing::arb_digest;
use weft_protocol::{RunningState, empty_subtree};

use super::*;

type Write = (AccountIndex, Digest);

/// Indices that collide, are neighbours, share only the root, or stand at the ends.
fn arb_index() -> impl Strategy<Value = AccountIndex> {
    let last = (1u32 << TREE_DEPTH) - 1;
    prop_oneof![0..8u32, 60..68u32, last - 3..=last, (1u32 << 27) - 2..(1 << 27) + 2, 0..=last].prop_map(AccountIndex)
}

/// A few writes, some of which empty a leaf.
fn arb_writes() -> impl Strategy<Value = Vec<Write>> {
    let digest = prop_oneof![1 => Just(Digest::ZERO), 4 => arb_digest()];
    vec((arb_index(), digest), 0..48)
}

/// The leaves as a map, and the root as its definition says.
#[derive(Default)]
struct Model(BTreeMap<u32, Digest>);

impl Model {
    fn of(writes: &[Write]) -> Self {
        Self(writes.iter().map(|(index, leaf)| (index.0, *leaf)).collect())
    }

    fn node(&self, height: usize, position: u32) -> Digest {
        let leaves = u64::from(position) << height..(u64::from(position) + 1) << height;
        let mut inside = self.0.iter().filter(|(index, _)| leaves.contains(&u64::from(**index)));
        match (height, inside.next()) {
            (0, leaf) => leaf.map_or(Digest::ZERO, |(_, digest)| *digest),
            (_, None) => empty_subtree(height),
            (_, Some(_)) => {
                poseidon::compress(&self.node(height - 1, position << 1), &self.node(height - 1, position << 1 | 1))
            }
        }
    }

    fn root(&self) -> Digest {
        self.node(TREE_DEPTH, 0)
    }
}

/// The writes of `writes` that no later one overwrites.
fn last_writes(writes: &[Write]) -> Vec<Write> {
    let last = Model::of(writes).0;
    last.into_iter().map(|(index, leaf)| (AccountIndex(index), leaf)).collect()
}

fn tree_of(writes: &[Write]) -> StateTree {
    let mut tree = StateTree::new();
    tree.update_many(writes).expect("indices of the strategy");
    tree
}

/// Every level of both trees agrees near the given leaves, and so do the roots.
fn assert_same(tree: &StateTree, other: &StateTree, writes: &[Write]) {
    assert_eq!(tree.root(), other.root());
    for (index, _) in writes {
        assert_eq!(tree.leaf(*index), other.leaf(*index));
        assert_eq!(tree.path(*index), other.path(*index));
    }
}

#[test]
fn the_empty_tree_is_the_genesis() {
    assert_eq!(StateTree::new().root(), RunningState::genesis().root);
}

#[test]
fn a_batch_hashes_each_node_above_its_leaves_once() {
    let leaves = |indices: &[u32]| -> Vec<Write> {
        let leaf = poseidon::compress(&Digest::ZERO, &Digest::ZERO);
        indices.iter().map(|index| (AccountIndex(*index), leaf)).collect()
    };
    let hashed = |indices: &[u32]| StateTree::new().update_many(&leaves(indices)).expect("in range");
    assert_eq!(hashed(&[]), 0);
    assert_eq!(hashed(&[5]), TREE_DEPTH);
    assert_eq!(hashed(&[5, 5]), TREE_DEPTH);
    assert_eq!(hashed(&[5, 4]), TREE_DEPTH);
    assert_eq!(hashed(&[0, 1 << 27]), 2 * TREE_DEPTH - 1);
    assert_eq!(hashed(&[0, 1 << 27, 1]), 2 * TREE_DEPTH - 1);
    let neighbours: Vec<_> = (0..64).rev().collect();
    assert_eq!(hashed(&neighbours), 63 + TREE_DEPTH - 6);
}

#[test]
fn indices_out_of_range_are_refused_and_change_nothing() {
    let leaf = poseidon::compress(&Digest::ZERO, &Digest::ZERO);
    let mut tree = tree_of(&[(AccountIndex(3), leaf)]);
    let root = tree.root();
    for index in [1 << TREE_DEPTH, u32::MAX].map(AccountIndex) {
        let refused = IndexOutOfRange { index };
        let writes = [(AccountIndex(3), Digest::ZERO), (index, leaf)];
        assert_eq!(tree.leaf(index), Err(refused));
        assert_eq!(tree.path(index), Err(refused));
        assert_eq!(tree.update(index, leaf), Err(refused));
        assert_eq!(tree.update_many(&writes), Err(refused));
        assert_eq!(tree.sequential_openings(&writes), Err(refused));
        assert_eq!(tree.root(), root);
        assert_eq!(tree.leaf(AccountIndex(3)), Ok(leaf));
    }
}

/// As many as fill some tasks and a part of another.
#[test]
fn parents_are_those_of_single_pairs() {
    let digest = |seed: u32| Digest([seed, 1, 2, 3].map(|x| weft_protocol::crypto::Goldilocks::from_u64(x.into())));
    let pairs: Vec<_> = (0..).map(|i| [digest(2 * i), digest(2 * i + 1)]).take(3 * PAIRS_PER_TASK + 7).collect();
    for count in [0, 1, PAIRS_PER_TASK - 1, PAIRS_PER_TASK, PAIRS_PER_TASK + 1, pairs.len()] {
        let expected: Vec<_> = pairs[..count].iter().map(|[left, right]| poseidon::compress(left, right)).collect();
        assert_eq!(parents(&pairs[..count]), expected, "{count} pairs");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_root_is_that_of_the_model(writes in arb_writes(), more in arb_writes()) {
        let mut tree = tree_of(&writes);
        prop_assert_eq!(tree.root(), Model::of(&writes).root());
        tree.update_many(&more).expect("in range");
        let all = [writes, more].concat();
        let model = Model::of(&all);
        prop_assert_eq!(tree.root(), model.root());
        for (index, leaf) in last_writes(&all) {
            prop_assert_eq!(tree.leaf(index), Ok(leaf));
        }
    }

    #[test]
    fn paths_lead_to_the_root(writes in arb_writes(), index in arb_index()) {
        let tree = tree_of(&writes);
        let indices = writes.iter().map(|(index, _)| *index).chain([index]);
        for index in indices {
            let leaf = tree.leaf(index).expect("in range");
            let path = tree.path(index).expect("in range");
            prop_assert_eq!(path.root(index, leaf), tree.root());
        }
    }

    #[test]
    fn the_order_of_distinct_leaves_does_not_matter(
        (writes, shuffled) in arb_writes()
            .prop_map(|writes| last_writes(&writes))
            .prop_flat_map(|writes| (Just(writes.clone()), Just(writes).prop_shuffle()))
    ) {
        let batch = tree_of(&writes);
        let mut single = StateTree::new();
        for (index, leaf) in &shuffled {
            single.update(*index, *leaf).expect("in range");
        }
        assert_same(&batch, &single, &writes);
        assert_same(&batch, &tree_of(&shuffled), &writes);
    }

    #[test]
    fn emptied_leaves_leave_no_trace(kept in arb_writes(), passing in arb_writes()) {
        let mut tree = tree_of(&kept);
        tree.update_many(&passing).expect("in range");
        let kept_leaves = Model::of(&kept).0;
        let restored: Vec<_> = passing
            .iter()
            .map(|(index, _)| (*index, kept_leaves.get(&index.0).copied().unwrap_or_default()))
            .collect();
        tree.update_many(&restored).expect("in range");
        assert_same(&tree, &tree_of(&kept), &passing);
    }

    #[test]
    fn openings_in_sequence_are_those_of_single_updates(before in arb_writes(), accesses in arb_writes()) {
        let mut tree = tree_of(&before);
        let mut single = tree.clone();
        let openings = tree.sequential_openings(&accesses).expect("in range");
        prop_assert_eq!(openings.len(), accesses.len());
        for ((index, leaf), opening) in accesses.iter().zip(&openings) {
            prop_assert_eq!(&opening.path, &single.path(*index).expect("in range"));
            single.update(*index, *leaf).expect("in range");
            prop_assert_eq!(opening.root_after, single.root());
            prop_assert_eq!(opening.path.root(*index, *leaf), opening.root_after);
        }
        assert_same(&tree, &single, &[before, accesses].concat());
    }

    /// Enough neighbours and strangers that levels fill several tasks.
    #[test]
    fn the_root_of_many_leaves_is_that_of_the_model(start in arb_index(), step in 1..5_u32, leaf in arb_digest()) {
        let last = (1 << TREE_DEPTH) - 1;
        let writes: Vec<_> = (0..300).map(|i| (AccountIndex((start.0 + i * step) & last), leaf)).collect();
        prop_assert_eq!(tree_of(&writes).root(), Model::of(&writes).root());
    }
}
