use proptest::collection::vec;
use proptest::prelude::*;
use weft_protocol::testing::arb_digest;

use super::*;

type Write = (AccountIndex, Digest);

/// A few writes, to the same leaves again and again.
fn arb_writes() -> impl Strategy<Value = Vec<Write>> {
    let last = (1u32 << TREE_DEPTH) - 1;
    let index = prop_oneof![0..6u32, 62..66u32, Just(last), 0..=last].prop_map(AccountIndex);
    vec((index, prop_oneof![1 => Just(Digest::ZERO), 4 => arb_digest()]), 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A tree with what was replaced since is the tree at the time.
    #[test]
    fn every_version_is_shown_as_it_was(versions in vec(vec(arb_writes(), 0..3), 1..6), other in 0..1u32 << TREE_DEPTH) {
        let mut tree = StateTree::new();
        let mut clones = vec![tree.clone()];
        let mut replaced = Vec::new();
        for writes in &versions {
            let mut of_version = Replaced::new();
            for writes in writes {
                let mut plain = tree.clone();
                let opened = tree.sequential_openings_noted(writes, &mut of_version).unwrap();
                prop_assert_eq!(opened, plain.sequential_openings(writes).unwrap());
            }
            replaced.push(of_version);
            clones.push(tree.clone());
        }
        let written = versions.iter().flatten().flatten().map(|write| write.0);
        let indices: Vec<_> = written.chain([AccountIndex(other)]).collect();
        let replaced: Vec<_> = replaced.iter().collect();
        for (version, clone) in clones.iter().enumerate() {
            for index in &indices {
                let shown = tree.path_before(*index, &replaced[version..]).unwrap();
                prop_assert_eq!(shown, (clone.root(), clone.path(*index).unwrap()));
            }
        }
    }
}

#[test]
fn a_write_outside_of_the_tree_is_not_noted() {
    let (mut tree, mut replaced) = (StateTree::new(), Replaced::new());
    let index = AccountIndex(1 << TREE_DEPTH);
    let writes = [(AccountIndex(3), Digest::ZERO), (index, Digest::ZERO)];
    assert_eq!(tree.sequential_openings_noted(&writes, &mut replaced), Err(IndexOutOfRange { index }));
    assert!(replaced.is_empty());
    assert_eq!(tree.path_before(index, &[]), Err(IndexOutOfRange { index }));
    tree.sequential_openings_noted(&writes[..1], &mut replaced).unwrap();
    assert_eq!(replaced.len(), TREE_DEPTH + 1);
}
