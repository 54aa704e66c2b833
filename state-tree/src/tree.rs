//! The tree.

use rayon::prelude::*;
use weft_protocol::crypto::{Digest, poseidon};
use weft_protocol::{AccountIndex, MerklePath, TREE_DEPTH};

use crate::IndexOutOfRange;
use crate::level::Level;

/// Pairs that are hashed by one task, as whole blocks of lanes; if there are no more, where they are: waking a thread
/// costs more.
const PAIRS_PER_TASK: usize = 2 * poseidon::LANES;

/// The state tree: [`TREE_DEPTH`] levels over 2^28 leaves, all of them the zero digest at first.
#[derive(Clone, Debug)]
pub struct StateTree {
    /// By height: leaves first, then up to the level that holds the root alone.
    levels: Vec<Level>,
}

/// A leaf's path at the time of an access, and the root that the access left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimedPath {
    /// The siblings at the time of the access. The access itself changes none of them, so the path leads from the leaf
    /// before to the root before, and from the leaf after to the root after.
    pub path: MerklePath,
    /// The root after the access.
    pub root_after: Digest,
}

impl Default for StateTree {
    fn default() -> Self {
        Self::new()
    }
}

impl StateTree {
    /// The tree that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        let levels = (0..=TREE_DEPTH).map(Level::new).collect();
        Self { levels }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels[TREE_DEPTH].node(0)
    }

    /// The leaf at `index`, the zero digest if it is empty.
    ///
    /// # Errors
    /// The index is out of range.
    pub fn leaf(&self, index: AccountIndex) -> Result<Digest, IndexOutOfRange> {
        Ok(self.levels[0].node(checked(index)?))
    }

    /// The path of the leaf at `index`.
    ///
    /// # Errors
    /// The index is out of range.
    pub fn path(&self, index: AccountIndex) -> Result<MerklePath, IndexOutOfRange> {
        let position = checked(index)?;
        let siblings = core::array::from_fn(|height| self.levels[height].node(position >> height ^ 1));
        Ok(MerklePath { siblings })
    }

    /// Replaces one leaf; the zero digest empties it.
    ///
    /// # Errors
    /// The index is out of range; the tree is as before.
    pub fn update(&mut self, index: AccountIndex, leaf: Digest) -> Result<(), IndexOutOfRange> {
        self.update_many(&[(index, leaf)]).map(|_| ())
    }

    /// Replaces many leaves; of several for one index the last stays. Returns the number of nodes that were hashed: each
    /// node above a changed leaf once.
    ///
    /// # Errors
    /// An index is out of range; the tree is as before.
    pub fn update_many(&mut self, leaves: &[(AccountIndex, Digest)]) -> Result<usize, IndexOutOfRange> {
        let mut dirty = positions(leaves)?;
        for (position, (_, leaf)) in dirty.iter().zip(leaves) {
            self.levels[0].set(*position, *leaf);
        }
        dirty.sort_unstable();
        let mut hashed = 0;
        for height in 0..TREE_DEPTH {
            for position in &mut dirty {
                *position >>= 1;
            }
            dirty.dedup();
            let pairs: Vec<_> = dirty.iter().map(|parent| self.levels[height].pair(*parent)).collect();
            for (parent, node) in dirty.iter().zip(parents(&pairs)) {
                self.levels[height + 1].set(*parent, node);
            }
            hashed += dirty.len();
        }
        Ok(hashed)
    }

    /// Replaces leaves one after the other; returns each one's path at its time and the root after it. An access that only
    /// reads gives the leaf as it is.
    ///
    /// What one access leaves on a level is the hash of what it left below and of a sibling that earlier accesses left, never
    /// later ones. So a level is walked in the order of the accesses, which only moves digests, and is then hashed at once.
    ///
    /// # Errors
    /// An index is out of range; the tree is as before.
    pub fn sequential_openings(
        &mut self,
        accesses: &[(AccountIndex, Digest)],
    ) -> Result<Vec<TimedPath>, IndexOutOfRange> {
        open_in_order(&mut self.levels, accesses)
    }

    /// By height.
    pub(crate) fn levels_mut(&mut self) -> &mut [Level] {
        &mut self.levels
    }

    /// The node at a height and a position from the left.
    pub(crate) fn node(&self, height: usize, position: u32) -> Digest {
        self.levels[height].node(position)
    }
}

/// The nodes of a level that an access needs.
pub(crate) trait Nodes {
    /// Replaces the node at `position`; returns its sibling.
    fn set(&mut self, position: u32, node: Digest) -> Digest;
}

/// See [`StateTree::sequential_openings`]; `levels` are those of a tree or of a part of it.
pub(crate) fn open_in_order<L: Nodes>(
    levels: &mut [L],
    accesses: &[(AccountIndex, Digest)],
) -> Result<Vec<TimedPath>, IndexOutOfRange> {
    let mut positions = positions(accesses)?;
    let mut nodes: Vec<_> = accesses.iter().map(|(_, leaf)| *leaf).collect();
    let mut siblings = vec![[Digest::ZERO; TREE_DEPTH]; accesses.len()];
    for (height, level) in levels[..TREE_DEPTH].iter_mut().enumerate() {
        let steps = positions.iter_mut().zip(&nodes).zip(&mut siblings);
        let pairs: Vec<_> = steps
            .map(|((position, node), siblings)| {
                let sibling = level.set(*position, *node);
                siblings[height] = sibling;
                let is_right = *position & 1 == 1;
                *position >>= 1;
                if is_right { [sibling, *node] } else { [*node, sibling] }
            })
            .collect();
        nodes = parents(&pairs);
    }
    if let Some(root) = nodes.last() {
        levels[TREE_DEPTH].set(0, *root);
    }
    let paths = siblings.into_iter().map(|siblings| MerklePath { siblings });
    let timed = |(path, root_after)| TimedPath { path, root_after };
    Ok(paths.zip(nodes).map(timed).collect())
}

/// The position of the leaf at `index`.
pub(crate) fn checked(index: AccountIndex) -> Result<u32, IndexOutOfRange> {
    if index.in_tree() { Ok(index.0) } else { Err(IndexOutOfRange { index }) }
}

fn positions(leaves: &[(AccountIndex, Digest)]) -> Result<Vec<u32>, IndexOutOfRange> {
    leaves.iter().map(|(index, _)| checked(*index)).collect()
}

/// The digests of the nodes above the pairs.
pub(crate) fn parents(pairs: &[[Digest; 2]]) -> Vec<Digest> {
    if pairs.len() <= PAIRS_PER_TASK {
        return poseidon::compress_many(pairs);
    }
    pairs.par_chunks(PAIRS_PER_TASK).map(poseidon::compress_many).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests;
