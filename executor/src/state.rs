//! The state between batches.

use std::collections::BTreeMap;

use rayon::prelude::*;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, MerklePath, Object};
use weft_state_tree::{IndexOutOfRange, StateTree};

use crate::{Objects, UndoError};

/// Objects and the tree over them.
///
/// Invariant: each leaf is the digest of the object at its index.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) objects: Objects,
    pub(crate) tree: StateTree,
}

/// What takes a batch back: the objects before it, where it wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undo {
    pub(crate) root_before: Digest,
    pub(crate) root_after: Digest,
    pub(crate) objects: BTreeMap<AccountIndex, Option<Object>>,
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
        let leaves: Vec<_> = objects.par_iter().map(|(index, object)| (*index, object.digest())).collect();
        state.tree.update_many(&leaves)?;
        for (index, object) in objects {
            state.objects.set(index, Some(object));
        }
        Ok(state)
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

    /// Takes the last batch back.
    ///
    /// # Errors
    /// The batch is not the last one of this state, which stays as it is.
    ///
    /// # Panics
    /// If what the batch wrote is not all in its undo, which is a bug of this crate.
    pub fn undo(&mut self, undo: &Undo) -> Result<(), UndoError> {
        let got = self.root();
        if got != undo.root_after {
            let expected = undo.root_after;
            return Err(UndoError::NotTheLast { expected, got });
        }
        self.restore(&undo.objects);
        assert_eq!(self.root(), undo.root_before, "an undo holds all that its batch wrote");
        Ok(())
    }

    /// Puts objects back, in the tree too.
    pub(crate) fn restore(&mut self, objects: &BTreeMap<AccountIndex, Option<Object>>) {
        let leaves: Vec<_> = objects.par_iter().map(|(index, object)| (*index, leaf(object.as_ref()))).collect();
        self.tree.update_many(&leaves).expect("what was written lies in the tree");
        for (index, object) in objects {
            self.objects.set(*index, *object);
        }
    }
}

/// The leaf of an object, or of none.
pub(crate) fn leaf(object: Option<&Object>) -> Digest {
    object.map_or(Digest::ZERO, Object::digest)
}
