//! Many leaves with the siblings that lead them to one root, and the part of the tree that they span.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, MerklePath, TREE_DEPTH};

use crate::IndexOutOfRange;
use crate::tree::{Nodes, StateTree, TimedPath, checked, open_in_order, parents};

/// What leads a set of leaves to the root: the nodes beside their paths that are not on one of the paths themselves.
///
/// They stand in the order in which a verifier needs them: level by level from the leaves up, from left to right. For no
/// leaf at all the one node is the root. There is one multiproof of a set of leaves in a tree.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Multiproof {
    /// The nodes.
    pub siblings: Vec<Digest>,
}

/// Leaves and siblings do not make a part of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MultiproofError {
    /// An index is out of range.
    #[error(transparent)]
    Index(#[from] IndexOutOfRange),
    /// The leaves do not rise.
    #[error("the leaf at {index} is not to the right of the one before")]
    Order {
        /// Its index.
        index: AccountIndex,
    },
    /// There are more or fewer siblings than the leaves need.
    #[error("the leaves need {expected} siblings, got {got}")]
    Length {
        /// Siblings that the leaves need.
        expected: usize,
        /// Siblings of the proof.
        got: usize,
    },
    /// A leaf is not among those that the proof leads to the root.
    #[error("the leaf at {index} is not part of the proof")]
    NotOpened {
        /// Its index.
        index: AccountIndex,
    },
}

/// The part of a [`StateTree`] that a multiproof opens: its leaves can be read and written, and roots follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartialTree {
    /// By height, as in the tree: the nodes on the paths and beside them.
    levels: Vec<Known>,
}

/// The known nodes of a level, by position.
type Known = BTreeMap<u32, Digest>;

impl Nodes for Known {
    /// Paths are known with all that stands beside them; beside the root stands nothing.
    fn set(&mut self, position: u32, node: Digest) -> Digest {
        self.insert(position, node);
        self.get(&(position ^ 1)).copied().unwrap_or_default()
    }
}

impl Multiproof {
    /// The multiproof of the leaves that were accessed one after the other, out of their paths at the time of each
    /// access, for the tree *before* the first of them.
    ///
    /// A node beside the paths that is on none of them is written by no access: it is the same in every path.
    ///
    /// # Errors
    /// An index is out of range.
    ///
    /// # Panics
    /// Never: each sibling that is needed stands beside a path.
    pub fn of_accesses<'a>(
        root: Digest,
        accesses: impl IntoIterator<Item = (AccountIndex, &'a MerklePath)>,
    ) -> Result<Self, IndexOutOfRange> {
        let mut beside: Vec<Known> = vec![Known::new(); TREE_DEPTH];
        let mut leaves = Vec::new();
        for (index, path) in accesses {
            let position = checked(index)?;
            for (height, sibling) in path.siblings.iter().enumerate() {
                beside[height].insert(position >> height ^ 1, *sibling);
            }
            leaves.push(position);
        }
        leaves.sort_unstable();
        leaves.dedup();
        let siblings = needed(&leaves).into_iter().map(|(height, position)| match height {
            TREE_DEPTH => root,
            _ => beside[height][&position],
        });
        Ok(Self { siblings: siblings.collect() })
    }
}

impl StateTree {
    /// The multiproof of the leaves at these indices, in any order.
    ///
    /// # Errors
    /// An index is out of range.
    pub fn multiproof(&self, indices: &[AccountIndex]) -> Result<Multiproof, IndexOutOfRange> {
        let mut leaves = indices.iter().map(|index| checked(*index)).collect::<Result<Vec<_>, _>>()?;
        leaves.sort_unstable();
        leaves.dedup();
        let siblings = needed(&leaves).into_iter().map(|(height, position)| self.node(height, position));
        Ok(Multiproof { siblings: siblings.collect() })
    }
}

impl PartialTree {
    /// The part of a tree that has these leaves, at rising indices. Whether it is the right tree, its root says.
    ///
    /// # Errors
    /// The indices do not rise or are out of range, or the proof has another length than these leaves need.
    pub fn open(leaves: &[(AccountIndex, Digest)], proof: &Multiproof) -> Result<Self, MultiproofError> {
        let mut dirty = leaves.iter().map(|(index, _)| checked(*index)).collect::<Result<Vec<_>, _>>()?;
        if let Some(pair) = leaves.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(MultiproofError::Order { index: pair[1].0 });
        }
        let needed = needed(&dirty);
        let (expected, got) = (needed.len(), proof.siblings.len());
        if expected != got {
            return Err(MultiproofError::Length { expected, got });
        }
        let mut levels = vec![Known::new(); TREE_DEPTH + 1];
        for ((height, position), sibling) in needed.into_iter().zip(&proof.siblings) {
            levels[height].insert(position, *sibling);
        }
        levels[0].extend(dirty.iter().copied().zip(leaves.iter().map(|(_, leaf)| *leaf)));
        for height in 0..TREE_DEPTH {
            for position in &mut dirty {
                *position >>= 1;
            }
            dirty.dedup();
            let level = &levels[height];
            let pairs: Vec<_> = dirty.iter().map(|parent| [level[&(parent << 1)], level[&(parent << 1 | 1)]]).collect();
            let nodes = parents(&pairs);
            levels[height + 1].extend(dirty.iter().copied().zip(nodes));
        }
        Ok(Self { levels })
    }

    /// The root.
    ///
    /// # Panics
    /// Never: the root is known from the beginning.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels[TREE_DEPTH][&0]
    }

    /// As [`StateTree::sequential_openings`], for leaves that were opened.
    ///
    /// # Errors
    /// An index is out of range or was not opened; the tree is as before.
    pub fn sequential_openings(
        &mut self,
        accesses: &[(AccountIndex, Digest)],
    ) -> Result<Vec<TimedPath>, MultiproofError> {
        for (index, _) in accesses {
            // The neighbour of an opened leaf is known with its whole path, as if it had been opened.
            if !self.is_opened(checked(*index)?) {
                return Err(MultiproofError::NotOpened { index: *index });
            }
        }
        Ok(open_in_order(&mut self.levels, accesses)?)
    }

    fn is_opened(&self, position: u32) -> bool {
        (0..TREE_DEPTH).all(|height| {
            let node = position >> height;
            self.levels[height].contains_key(&node) && self.levels[height].contains_key(&(node ^ 1))
        })
    }
}

/// Heights and positions of the nodes that lead these leaves, rising and each once, to the root.
fn needed(leaves: &[u32]) -> Vec<(usize, u32)> {
    if leaves.is_empty() {
        return vec![(TREE_DEPTH, 0)];
    }
    let mut needed = Vec::new();
    let mut level = leaves.to_vec();
    for height in 0..TREE_DEPTH {
        let is_on_a_path = |position: u32| level.binary_search(&position).is_ok();
        needed.extend(level.iter().map(|node| node ^ 1).filter(|node| !is_on_a_path(*node)).map(|node| (height, node)));
        for position in &mut level {
            *position >>= 1;
        }
        level.dedup();
    }
    needed
}

#[cfg(test)]
mod tests;
