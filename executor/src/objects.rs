//! The objects of the state, and where to find them.

use std::collections::{BTreeMap, BTreeSet};

use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Object};

/// Objects by index, with look-ups by owner, by main key and by both that the state tree does not have.
///
/// Invariant: the look-ups hold exactly the owners and main keys of the objects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Objects {
    by_index: BTreeMap<AccountIndex, Object>,
    by_owner: BTreeMap<Address, BTreeSet<AccountIndex>>,
    by_key: BTreeMap<Digest, BTreeSet<AccountIndex>>,
    by_both: BTreeMap<(Address, Digest), BTreeSet<AccountIndex>>,
}

impl Objects {
    /// The object at `index`; `None` for an empty leaf or an index outside of the tree.
    #[must_use]
    pub fn get(&self, index: AccountIndex) -> Option<&Object> {
        self.by_index.get(&index)
    }

    /// The objects at this index and behind it, by rising index.
    pub fn from(&self, first: AccountIndex) -> impl Iterator<Item = (AccountIndex, &Object)> {
        self.by_index.range(first..).map(|(index, object)| (*index, object))
    }

    /// All objects, by rising index.
    pub fn iter(&self) -> impl Iterator<Item = (AccountIndex, &Object)> {
        self.by_index.iter().map(|(index, object)| (*index, object))
    }

    /// Number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_index.is_empty()
    }

    /// Indices of the objects that an L1 address owns, from an index on, rising.
    pub fn owned_by(&self, owner: &Address, first: AccountIndex) -> impl Iterator<Item = AccountIndex> {
        self.by_owner.get(owner).into_iter().flat_map(move |indices| indices.range(first..)).copied()
    }

    /// Indices of the objects with this main key digest, from an index on, rising.
    pub fn with_key(&self, key: &Digest, first: AccountIndex) -> impl Iterator<Item = AccountIndex> {
        self.by_key.get(key).into_iter().flat_map(move |indices| indices.range(first..)).copied()
    }

    /// Indices of the objects that an L1 address owns and that have this main key digest, from an index on, rising.
    pub fn of(&self, owner: Address, key: Digest, first: AccountIndex) -> impl Iterator<Item = AccountIndex> {
        self.by_both.get(&(owner, key)).into_iter().flat_map(move |indices| indices.range(first..)).copied()
    }

    /// Where the next account opens: behind the last object, so that no gap is filled twice. Outside of the tree when the
    /// last leaf is taken.
    #[must_use]
    pub fn next_index(&self) -> AccountIndex {
        let last = self.by_index.last_key_value();
        AccountIndex(last.map_or(0, |(index, _)| index.0 + 1))
    }

    /// Replaces the object at `index`, which lies in the tree; returns the one before.
    pub(crate) fn set(&mut self, index: AccountIndex, object: Option<Object>) -> Option<Object> {
        let before = match object {
            Some(object) => self.by_index.insert(index, object),
            None => self.by_index.remove(&index),
        };
        let names = |object: &Object| (object.owner, object.main_key);
        if before.as_ref().map(names) != object.as_ref().map(names) {
            if let Some(before) = &before {
                remove(&mut self.by_owner, &before.owner, index);
                remove(&mut self.by_key, &before.main_key, index);
                remove(&mut self.by_both, &names(before), index);
            }
            if let Some(object) = &object {
                self.by_owner.entry(object.owner).or_default().insert(index);
                self.by_key.entry(object.main_key).or_default().insert(index);
                self.by_both.entry(names(object)).or_default().insert(index);
            }
        }
        before
    }
}

fn remove<K: Ord>(lookup: &mut BTreeMap<K, BTreeSet<AccountIndex>>, name: &K, index: AccountIndex) {
    if let Some(indices) = lookup.get_mut(name) {
        indices.remove(&index);
        if indices.is_empty() {
            lookup.remove(name);
        }
    }
}
