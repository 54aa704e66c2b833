//! Paths from a leaf of the state tree to its root.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, poseidon};
use crate::{AccountIndex, TREE_DEPTH};

/// The siblings of a leaf's path, from the leaf's level up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MerklePath {
    /// Sibling at each level; level 0 is the neighbouring leaf.
    pub siblings: [Digest; TREE_DEPTH],
}

impl MerklePath {
    /// Root of the tree that has `leaf` at `index` beside these siblings. Bits of `index` above the depth are ignored.
    #[must_use]
    pub fn root(&self, index: AccountIndex, leaf: Digest) -> Digest {
        self.siblings.iter().enumerate().fold(leaf, |node, (level, sibling)| {
            if index.0 >> level & 1 == 1 {
                poseidon::compress(sibling, &node)
            } else {
                poseidon::compress(&node, sibling)
            }
        })
    }
}

/// Digest of a subtree of `height` levels that holds nothing: the zero digest at height 0.
///
/// # Panics
/// If `height` is above [`TREE_DEPTH`].
#[must_use]
pub fn empty_subtree(height: usize) -> Digest {
    static EMPTY: LazyLock<[Digest; TREE_DEPTH + 1]> = LazyLock::new(|| {
        let mut digests = [Digest::ZERO; TREE_DEPTH + 1];
        for height in 1..=TREE_DEPTH {
            digests[height] = poseidon::compress(&digests[height - 1], &digests[height - 1]);
        }
        digests
    });
    EMPTY[height]
}
