//! Earlier batches: what they replaced, so that the state after each of the last ones can still be opened.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Object, Opening};
use weft_state_tree::{Replaced, StateTree};

use crate::Objects;

/// What is kept at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Batches that can be gone back.
    batches: usize,
    /// Nodes that all of them replaced. About 55 bytes each.
    nodes: usize,
}

impl Default for Limits {
    /// Not much more than 200 MiB of nodes, and objects, of which there are fewer than half as many. A batch of 4,096
    /// transfers between accounts drawn from 2^20 replaces about 66,000 nodes.
    fn default() -> Self {
        Self { batches: 128, nodes: 1 << 22 }
    }
}

/// What a batch replaced: objects, where it wrote; `None` for a leaf that was empty.
pub(crate) type ObjectsBefore = BTreeMap<AccountIndex, Option<Object>>;

/// What the last batches replaced, and the open one so far.
///
/// Invariant: objects and tree, with all that is kept put back, are those after the first of [`Self::batches`].
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    limits: Limits,
    /// Number of the last sealed batch, 0 if there is none.
    batch: u32,
    /// The last sealed batches, the newest behind.
    sealed: VecDeque<Version>,
    /// Nodes of all of them.
    nodes_kept: usize,
    /// Nodes that the open batch replaced.
    pub(crate) nodes: Replaced,
    /// Objects that the open batch replaced.
    pub(crate) objects: ObjectsBefore,
}

#[derive(Clone, Debug)]
struct Version {
    nodes: Replaced,
    objects: Arc<ObjectsBefore>,
}

impl History {
    /// Behind the batch of this number. Others than its successor know nothing of earlier ones.
    pub(crate) fn stand_at(&mut self, batch: u32) {
        if self.batch != batch {
            *self = Self { limits: self.limits, batch, ..Self::default() };
        }
    }

    /// Batches whose state can be opened.
    pub(crate) fn batches(&self) -> RangeInclusive<u32> {
        let kept = u32::try_from(self.sealed.len()).expect("few batches are kept");
        self.batch - kept..=self.batch
    }

    /// The open batch is sealed. Returns the objects that it replaced.
    pub(crate) fn seal(&mut self) -> Arc<ObjectsBefore> {
        let nodes = std::mem::take(&mut self.nodes);
        let objects = Arc::new(std::mem::take(&mut self.objects));
        self.batch += 1;
        self.nodes_kept += nodes.len();
        self.sealed.push_back(Version { nodes, objects: Arc::clone(&objects) });
        while self.sealed.len() > self.limits.batches || self.nodes_kept > self.limits.nodes {
            let oldest = self.sealed.pop_front().expect("what is kept is that of some batch");
            self.nodes_kept -= oldest.nodes.len();
        }
        objects
    }

    /// The open batch was taken back. Returns the objects that it had replaced.
    pub(crate) fn abort(&mut self) -> ObjectsBefore {
        self.nodes = Replaced::new();
        std::mem::take(&mut self.objects)
    }

    /// The last sealed batch was taken back.
    pub(crate) fn undo(&mut self) {
        self.batch = self.batch.saturating_sub(1);
        if let Some(last) = self.sealed.pop_back() {
            self.nodes_kept -= last.nodes.len();
        }
    }

    /// The root after a batch, and the opening of a leaf in it. `None` if the batch is not sealed or is too long ago, or the
    /// index is out of range.
    pub(crate) fn opening_at(
        &self,
        batch: u32,
        index: AccountIndex,
        objects: &Objects,
        tree: &StateTree,
    ) -> Option<(Digest, Opening)> {
        if !self.batches().contains(&batch) {
            return None;
        }
        let later = self.sealed.len() - usize::try_from(self.batch - batch).ok()?;
        let sealed = self.sealed.range(later..);
        let nodes: Vec<_> = sealed.clone().map(|version| &version.nodes).chain([&self.nodes]).collect();
        let (root, path) = tree.path_before(index, &nodes).ok()?;
        let mut replaced = sealed.map(|version| &*version.objects).chain([&self.objects]);
        let before = replaced.find_map(|objects| objects.get(&index));
        let object = before.copied().unwrap_or_else(|| objects.get(index).copied());
        Some((root, Opening { object, path }))
    }
}

#[cfg(test)]
mod tests;
