//! One level of the tree: dense runs of nodes in a sparse directory.

use std::collections::BTreeMap;

use weft_protocol::crypto::Digest;
use weft_protocol::empty_subtree;

use crate::tree::Nodes;

/// Nodes of a run. Even, so that two siblings share a run.
const RUN_LEN: usize = 1 << RUN_BITS;
const RUN_BITS: u32 = 6;

/// The nodes at one height, by position from the left.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// What stands where nothing is stored.
    empty: Digest,
    runs: BTreeMap<u32, Box<[Digest; RUN_LEN]>>,
}

impl Level {
    /// The level of a tree that holds nothing.
    pub(crate) fn new(height: usize) -> Self {
        let empty = empty_subtree(height);
        let runs = BTreeMap::new();
        Self { empty, runs }
    }

    /// The node at `position`.
    pub(crate) fn node(&self, position: u32) -> Digest {
        let run = self.runs.get(&(position >> RUN_BITS));
        run.map_or(self.empty, |run| run[offset(position)])
    }

    /// The children of the node at `parent` of the next level.
    pub(crate) fn pair(&self, parent: u32) -> [Digest; 2] {
        let left = parent << 1;
        let run = self.runs.get(&(left >> RUN_BITS));
        run.map_or([self.empty; 2], |run| [run[offset(left)], run[offset(left | 1)]])
    }
}

impl Nodes for Level {
    fn set(&mut self, position: u32, node: Digest) -> Digest {
        let empty = || Box::new([self.empty; RUN_LEN]);
        let run = self.runs.entry(position >> RUN_BITS).or_insert_with(empty);
        run[offset(position)] = node;
        run[offset(position ^ 1)]
    }
}

fn offset(position: u32) -> usize {
    position as usize % RUN_LEN
}
