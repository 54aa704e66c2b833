//! Merkle paths in circuits: one row per level.

use crate::builder::{Bool, Builder, Target};

impl Builder {
    /// Root of the tree in which `leaf` sits at the index with these bits, lowest first, beside these siblings, lowest
    /// first. A set bit means that the node is a right child.
    ///
    /// # Soundness
    /// The index is given by flags, so it is exactly as wide as the path is long. Leaves and inner nodes are hashed under
    /// different tags; a leaf digest must come from the leaf's own hash.
    ///
    /// # Panics
    /// If there are not as many siblings as bits.
    pub fn merkle_root(&mut self, leaf: [Target; 4], index: &[Bool], siblings: &[[Target; 4]]) -> [Target; 4] {
        assert_eq!(index.len(), siblings.len(), "a path has one sibling per level");
        index.iter().zip(siblings).fold(leaf, |node, (&bit, &sibling)| self.compress_swapped(bit, node, sibling))
    }
}
