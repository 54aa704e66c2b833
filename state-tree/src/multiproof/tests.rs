use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use weft_protocol::testing::arb_digest;

use super::*;

type Leaf = (AccountIndex, Digest);

/// Neighbours, whole subtrees, both ends, and indices far away.
fn arb_leaves(max: usize) -> impl Strategy<Value = Vec<Leaf>> {
    let last = (1u32 << TREE_DEPTH) - 1;
    let index = prop_oneof![0..16u32, 60..68u32, last - 3..=last, 0..=last];
    let leaf = prop_oneof![1 => Just(Digest::ZERO), 4 => arb_digest()];
    btree_map(index.prop_map(AccountIndex), leaf, 0..max).prop_map(|leaves| leaves.into_iter().collect())
}

fn tree_of(leaves: &[Leaf]) -> StateTree {
    let mut tree = StateTree::new();
    tree.update_many(leaves).expect("indices of the strategy");
    tree
}

/// A tree, and some of its leaves by rising index.
fn arb_opened() -> impl Strategy<Value = (StateTree, Vec<Leaf>)> {
    (arb_leaves(40), arb_leaves(24), any::<u64>()).prop_map(|(full, others, choice)| {
        let tree = tree_of(&full);
        let chosen = full.iter().enumerate().filter(|(i, _)| choice >> (i % 64) & 1 == 1).map(|(_, leaf)| leaf.0);
        let mut indices: Vec<_> = chosen.chain(others.iter().map(|leaf| leaf.0)).collect();
        indices.sort_unstable();
        indices.dedup();
        let leaves = indices.into_iter().map(|index| (index, tree.leaf(index).expect("in the tree"))).collect();
        (tree, leaves)
    })
}

fn indices(leaves: &[Leaf]) -> Vec<AccountIndex> {
    leaves.iter().map(|leaf| leaf.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn opened_leaves_lead_to_the_root((tree, leaves) in arb_opened()) {
        let proof = tree.multiproof(&indices(&leaves)).unwrap();
        let part = PartialTree::open(&leaves, &proof).unwrap();
        prop_assert_eq!(part.root(), tree.root());
    }

    #[test]
    fn another_leaf_leads_to_another_root((tree, leaves) in arb_opened(), at in any::<prop::sample::Index>(), other in arb_digest()) {
        prop_assume!(!leaves.is_empty());
        let proof = tree.multiproof(&indices(&leaves)).unwrap();
        let mut changed = leaves;
        let at = at.index(changed.len());
        prop_assume!(changed[at].1 != other);
        changed[at].1 = other;
        prop_assert_ne!(PartialTree::open(&changed, &proof).unwrap().root(), tree.root());
    }

    #[test]
    fn no_sibling_is_free((tree, leaves) in arb_opened(), at in any::<prop::sample::Index>(), other in arb_digest()) {
        let proof = tree.multiproof(&indices(&leaves)).unwrap();
        prop_assume!(!proof.siblings.is_empty());
        let at = at.index(proof.siblings.len());
        let mut changed = proof.clone();
        prop_assume!(changed.siblings[at] != other);
        changed.siblings[at] = other;
        prop_assert_ne!(PartialTree::open(&leaves, &changed).unwrap().root(), tree.root());
        let (expected, mut longer, mut shorter) = (proof.siblings.len(), proof.clone(), proof);
        longer.siblings.push(other);
        shorter.siblings.remove(at);
        prop_assert_eq!(PartialTree::open(&leaves, &longer), Err(MultiproofError::Length { expected, got: expected + 1 }));
        prop_assert_eq!(PartialTree::open(&leaves, &shorter), Err(MultiproofError::Length { expected, got: expected - 1 }));
    }

    /// The part does what the whole tree does.
    #[test]
    fn writes_lead_where_they_lead_in_the_tree(
        (mut tree, leaves) in arb_opened(),
        writes in vec((any::<prop::sample::Index>(), arb_digest()), 0..40),
    ) {
        prop_assume!(!leaves.is_empty());
        let before = tree.root();
        let accesses: Vec<_> = writes.iter().map(|(at, leaf)| (leaves[at.index(leaves.len())].0, *leaf)).collect();
        let mut part = PartialTree::open(&leaves, &tree.multiproof(&indices(&leaves)).unwrap()).unwrap();
        let opened = part.sequential_openings(&accesses).unwrap();
        prop_assert_eq!(&opened, &tree.sequential_openings(&accesses).unwrap());
        prop_assert_eq!(part.root(), tree.root());

        // The paths of the accesses give back the multiproof of the leaves that were accessed, in the tree before.
        let touched: Vec<_> = leaves.iter().filter(|leaf| accesses.iter().any(|access| access.0 == leaf.0)).copied().collect();
        let paths = accesses.iter().zip(&opened).map(|(access, opening)| (access.0, &opening.path));
        let proof = Multiproof::of_accesses(before, paths).unwrap();
        prop_assert_eq!(PartialTree::open(&touched, &proof).unwrap().root(), before);
    }
}

#[test]
fn a_whole_subtree_needs_what_its_root_needs() {
    let leaves: Vec<Leaf> = (8..16).map(|index| (AccountIndex(index), Digest::ZERO)).collect();
    let proof = StateTree::new().multiproof(&indices(&leaves)).unwrap();
    assert_eq!(proof.siblings.len(), TREE_DEPTH - 3);
}

#[test]
fn no_leaf_needs_the_root_alone() {
    let tree = tree_of(&[(AccountIndex(3), Digest([weft_protocol::crypto::Goldilocks::ONE; 4]))]);
    let proof = tree.multiproof(&[]).unwrap();
    assert_eq!(proof.siblings, [tree.root()]);
    assert_eq!(PartialTree::open(&[], &proof).unwrap().root(), tree.root());
    assert_eq!(Multiproof::of_accesses(tree.root(), []), Ok(proof));
}

#[test]
fn leaves_that_do_not_rise_or_lie_outside_are_refused() {
    let leaf = |index| (AccountIndex(index), Digest::ZERO);
    let open = |leaves: &[Leaf]| PartialTree::open(leaves, &Multiproof::default());
    assert_eq!(open(&[leaf(5), leaf(5)]), Err(MultiproofError::Order { index: AccountIndex(5) }));
    assert_eq!(open(&[leaf(5), leaf(4)]), Err(MultiproofError::Order { index: AccountIndex(4) }));
    let index = AccountIndex(1 << TREE_DEPTH);
    assert_eq!(open(&[(index, Digest::ZERO)]), Err(IndexOutOfRange { index }.into()));
    assert_eq!(StateTree::new().multiproof(&[index]), Err(IndexOutOfRange { index }));
}

#[test]
fn a_leaf_that_was_not_opened_is_refused() {
    let tree = StateTree::new();
    let mut part =
        PartialTree::open(&[(AccountIndex(4), Digest::ZERO)], &tree.multiproof(&[AccountIndex(4)]).unwrap()).unwrap();
    let before = part.clone();
    let accesses = [(AccountIndex(4), Digest::ZERO), (AccountIndex(6), Digest::ZERO)];
    assert_eq!(part.sequential_openings(&accesses), Err(MultiproofError::NotOpened { index: AccountIndex(6) }));
    assert_eq!(part, before);
}
