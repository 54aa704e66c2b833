//! The state between batches.

use core::ops::RangeInclusive;
use std::sync::Arc;

use rayon::prelude::*;
use weft_protocol::crypto::{Digest, poseidon};
use weft_protocol::{AccountIndex, MerklePath, Object, Opening};
use weft_state_tree::{IndexOutOfRange, StateTree};

use crate::history::{History, ObjectsBefore};
use crate::{Objects, UndoError};

/// Objects whose leaves one task hashes, as whole blocks of lanes.
const LEAVES_PER_TASK: usize = 2 * poseidon::LANES;

/// Objects and the tree over them, after some batch; and what the last batches replaced, so that the state after each of
/// them can be opened.
///
/// Invariant: each leaf is the digest of the object at its index.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) objects: Objects,
    pub(crate) tree: StateTree,
    pub(crate) history: History,
}

/// What takes a batch back: the objects before it, where it wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undo {
    pub(crate) root_before: Digest,
    pub(crate) root_after: Digest,
    pub(crate) objects: Arc<ObjectsBefore>,
}

impl Undo {
    /// What takes back a batch that was stored: the roots before and after it, and what stood before it where it wrote; of
    /// several objects at one index the first counts.
    #[must_use]
    pub fn of_stored([root_before, root_after]: [Digest; 2], objects: &[(AccountIndex, Option<Object>)]) -> Self {
        let objects = objects.iter().rev().copied().collect();
        Self { root_before, root_after, objects: Arc::new(objects) }
    }
}

impl State {
    /// The state of a new deployment: nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The state that holds these objects, of several at one index the last.
    ///
    /// # Errors
    /// An index is out of range.
    pub fn from_objects(objects: impl IntoIterator<Item = (AccountIndex, Object)>) -> Result<Self, IndexOutOfRange> {
        let mut state = Self::default();
        let objects: Vec<_> = objects.into_iter().collect();
        let leaves = leaves(objects.iter().map(|(index, object)| (*index, Some(object))));
        state.tree.update_many(&leaves)?;
        for (index, object) in objects {
            state.objects.set(index, Some(object));
        }
        Ok(state)
    }

    /// The same state, known to be that after the batch of this number. Of earlier batches it knows nothing, unless it has
    /// this number already.
    #[must_use]
    pub fn after_batch(mut self, number: u32) -> Self {
        self.history.stand_at(number);
        self
    }

    /// Batches whose state can be opened: the last sealed one, and some before it; 0 stands for the beginning.
    #[must_use]
    pub fn batches(&self) -> RangeInclusive<u32> {
        self.history.batches()
    }

    /// The root after a batch, and the opening of the leaf at `index` in it. `None` if the batch is none of
    /// [`Self::batches`] or the index is out of range.
    #[must_use]
    pub fn opening_at(&self, batch: u32, index: AccountIndex) -> Option<(Digest, Opening)> {
        self.history.opening_at(batch, index, &self.objects, &self.tree)
    }

    /// The objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The state root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The path of the leaf at `index`.
    ///
    /// # Errors
    /// The index is out of range.
    pub fn path(&self, index: AccountIndex) -> Result<MerklePath, IndexOutOfRange> {
        self.tree.path(index)
    }

    /// Takes the last batch back. Its state cannot be opened any more.
    ///
    /// # Errors
    /// The batch is not the last one of this state, which stays as it is; or what it wrote is not all in its undo, and the
    /// state is of no use any more.
    pub fn undo(&mut self, undo: &Undo) -> Result<(), UndoError> {
        let got = self.root();
        if got != undo.root_after {
            let expected = undo.root_after;
            return Err(UndoError::NotTheLast { expected, got });
        }
        self.restore(&undo.objects);
        self.history.undo();
        let (expected, got) = (undo.root_before, self.root());
        if got == expected { Ok(()) } else { Err(UndoError::Incomplete { expected, got }) }
    }

    /// Puts objects back, in the tree too.
    pub(crate) fn restore(&mut self, objects: &ObjectsBefore) {
        let leaves = leaves(objects.iter().map(|(index, object)| (*index, object.as_ref())));
        self.tree.update_many(&leaves).expect("what was written lies in the tree");
        for (index, object) in objects {
            self.objects.set(*index, *object);
        }
    }
}

/// The leaves where objects stand or none do, hashed on rayon's threads.
pub(crate) fn leaves<'a>(
    objects: impl IntoIterator<Item = (AccountIndex, Option<&'a Object>)>,
) -> Vec<(AccountIndex, Digest)> {
    let (indices, objects): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
    let leaves: Vec<_> = objects.par_chunks(LEAVES_PER_TASK).map(Object::leaves).collect();
    indices.into_iter().zip(leaves.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests;
