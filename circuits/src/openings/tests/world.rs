//! Openings out of a real tree.

use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{Access, AccountIndex};
use weft_state_tree::StateTree;

use crate::openings::Openings;

/// Accesses in a tree, with its roots before and after.
#[derive(Debug)]
pub(super) struct World {
    pub(super) accesses: Vec<Access>,
    pub(super) siblings: Vec<Digest>,
    pub(super) roots: [Digest; 2],
}

impl World {
    /// Accesses of these leaves in order. Leaves with an even index exist before; the third access only reads.
    pub(super) fn new(indices: &[u32]) -> Self {
        let mut tree = StateTree::new();
        for index in indices.iter().chain(&[1, 77, 1 << 27]).filter(|index| *index % 2 == 0) {
            tree.update(AccountIndex(*index), digest(u64::from(*index) + 1)).expect("in range");
        }
        let all: Vec<_> = indices.iter().map(|index| AccountIndex(*index)).collect();
        let siblings = tree.multiproof(&all).expect("in range").siblings;
        let root_before = tree.root();
        let accesses = all.iter().enumerate().map(|(number, &index)| {
            let before = tree.leaf(index).expect("in range");
            let after = if number == 2 { before } else { digest(1 << 40 | number as u64) };
            tree.update(index, after).expect("in range");
            Access { index, before, after }
        });
        let accesses = accesses.collect();
        Self { accesses, siblings, roots: [root_before, tree.root()] }
    }

    pub(super) fn openings(&self) -> Openings<'_> {
        Openings { accesses: &self.accesses, siblings: &self.siblings }
    }
}

pub(super) fn digest(seed: u64) -> Digest {
    Digest([1, 2, 3, 4].map(|i| Goldilocks::from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i << 33)))
}
