//! What writes replaced: the way back to a tree as it was.

use std::collections::BTreeMap;

use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, MerklePath, TREE_DEPTH};

use crate::IndexOutOfRange;
use crate::level::Level;
use crate::tree::{Nodes, StateTree, TimedPath, checked, open_in_order};

/// The nodes that some writes replaced, as they were before the first of them.
///
/// A tree together with what was replaced since an earlier time shows each path of that time:
/// [`StateTree::path_before`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaced {
    /// By height and position.
    levels: Vec<BTreeMap<u32, Digest>>,
}

impl Default for Replaced {
    fn default() -> Self {
        Self::new()
    }
}

impl Replaced {
    /// No write has replaced anything.
    #[must_use]
    pub fn new() -> Self {
        Self { levels: vec![BTreeMap::new(); TREE_DEPTH + 1] }
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.iter().map(BTreeMap::len).sum()
    }

    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl StateTree {
    /// As [`Self::sequential_openings`]; what is replaced is noted, unless it was replaced before.
    ///
    /// # Errors
    /// An index is out of range; the tree and the notes are as before.
    pub fn sequential_openings_noted(
        &mut self,
        accesses: &[(AccountIndex, Digest)],
        replaced: &mut Replaced,
    ) -> Result<Vec<TimedPath>, IndexOutOfRange> {
        let levels = self.levels_mut().iter_mut().zip(&mut replaced.levels);
        let mut noted: Vec<_> = levels.map(|(level, replaced)| Noted { level, replaced }).collect();
        open_in_order(&mut noted, accesses)
    }

    /// Root, and path of the leaf at `index`, as they were before the writes that replaced all of `later`: one after the
    /// other up to now, the earliest first.
    ///
    /// # Errors
    /// The index is out of range.
    pub fn path_before(
        &self,
        index: AccountIndex,
        later: &[&Replaced],
    ) -> Result<(Digest, MerklePath), IndexOutOfRange> {
        let leaf = checked(index)?;
        // The earliest write that replaced a node saw it as it was.
        let node = |height: usize, position| {
            let replaced = later.iter().find_map(|replaced| replaced.levels[height].get(&position));
            replaced.copied().unwrap_or_else(|| self.node(height, position))
        };
        let siblings = core::array::from_fn(|height| node(height, leaf >> height ^ 1));
        Ok((node(TREE_DEPTH, 0), MerklePath { siblings }))
    }
}

/// A level of which it is noted what was replaced.
struct Noted<'a> {
    level: &'a mut Level,
    replaced: &'a mut BTreeMap<u32, Digest>,
}

impl Nodes for Noted<'_> {
    fn set(&mut self, position: u32, node: Digest) -> Digest {
        self.replaced.entry(position).or_insert_with(|| self.level.node(position));
        self.level.set(position, node)
    }
}

#[cfg(test)]
mod tests;
