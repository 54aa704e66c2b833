//! What a request needs of the store, read before the sequencer's thread looks at it.
//!
//! A view asks for batches, transactions and histories. What memory has not, the shelf has; what the shelf has not, it
//! notes as wanted, and the answer is worth nothing: whoever asks fetches what is wanted, off the sequencer's thread, and
//! asks again. So requests for what is old cost the sequencer next to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use weft_protocol::AccountIndex;
use weft_protocol::crypto::Digest;
use weft_storage::{Position, StoreError};

use super::{Archive, Batch, Sequencer, TransactionRecord};

/// Most times that a request is looked at: a search through all batches takes one for each halving.
const LOOKS_MAX: usize = 48;
/// Most things that one request has read from the store, page after page of them being several requests.
const FETCHED_MAX: usize = 1_536;

/// A part of the history of an account: those before a position, so many.
type HistoryPart = (AccountIndex, Option<Position>, usize);

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Shelf {
    batches: BTreeMap<u32, Option<Arc<Batch>>>,
    records: BTreeMap<Digest, Option<Arc<TransactionRecord>>>,
    histories: BTreeMap<HistoryPart, Vec<(Position, Digest)>>,
    wanted: Wanted,
    looks: usize,
    fetched: usize,
}

#[derive(Debug, Default)]
struct Wanted {
    batches: BTreeSet<u32>,
    records: BTreeSet<Digest>,
    histories: BTreeSet<HistoryPart>,
}

impl Wanted {
    fn len(&self) -> usize {
        self.batches.len() + self.records.len() + self.histories.len()
    }
}

/// A request would take more than the node does for one.
#[derive(Debug, thiserror::Error)]
#[error("the request reads too much: looked {looks} times, read {fetched} things")]
pub struct TooMuch {
    looks: usize,
    fetched: usize,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bound of the request is reached: a fault of the view that asks.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// A batch, wherever it is.
#[derive(Clone, Debug)]
pub enum BatchAt<'a> {
    /// In memory: its newest form.
    Memory(&'a Batch),
    /// In the store.
    Store(Arc<Batch>),
}

impl Deref for BatchAt<'_> {
    type Target = Batch;

    fn deref(&self) -> &Batch {
        match self {
            Self::Memory(batch) => batch,
            Self::Store(batch) => batch,
        }
    }
}

impl Shelf {
    /// Whether everything that was asked for was there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.wanted.len() == 0
    }

    /// Reads what is wanted. Blocks.
    ///
    /// # Errors
    /// The store cannot be read, or the request takes too much.
    pub fn fetch(&mut self, archive: &Archive) -> Result<(), FetchError> {
        let Wanted { batches, records, histories } = std::mem::take(&mut self.wanted);
        self.looks += 1;
        self.fetched += batches.len() + records.len() + histories.len();
        if self.looks > LOOKS_MAX || self.fetched > FETCHED_MAX {
            return Err(TooMuch { looks: self.looks, fetched: self.fetched }.into());
        }
        for number in batches {
            self.batches.insert(number, archive.batch(number)?.map(Arc::new));
        }
        for id in records {
            self.records.insert(id, archive.transaction(&id)?.map(Arc::new));
        }
        for part in histories {
            let (account, before, limit) = part;
            let stored = archive.history(account, before, limit)?.into_iter();
            let known = stored.filter_map(|(position, id)| Some((position, Digest::from_bytes(&id)?)));
            self.histories.insert(part, known.collect());
        }
        Ok(())
    }

    pub(super) fn batch(&mut self, number: u32) -> Option<Arc<Batch>> {
        let found = self.batches.get(&number);
        if found.is_none() {
            self.wanted.batches.insert(number);
        }
        found.cloned().flatten()
    }

    pub(super) fn record(&mut self, id: &Digest) -> Option<Arc<TransactionRecord>> {
        let found = self.records.get(id);
        if found.is_none() {
            self.wanted.records.insert(*id);
        }
        found.cloned().flatten()
    }

    pub(super) fn history(
        &mut self,
        account: AccountIndex,
        before: Option<Position>,
        limit: usize,
    ) -> Vec<(Position, Digest)> {
        let part = (account, before, limit);
        let found = self.histories.get(&part);
        if found.is_none() {
            self.wanted.histories.insert(part);
        }
        found.cloned().unwrap_or_default()
    }
}

impl Sequencer {
    /// What a view says, with what it needs of the store read here and now: for the start of a node and for what is rare.
    /// Requests use a [`Shelf`] of their own. If the store cannot be read, the node halts.
    pub fn now<T>(&mut self, view: impl Fn(&mut Self, &mut Shelf) -> T) -> T {
        let mut shelf = Shelf::default();
        loop {
            let answer = view(self, &mut shelf);
            if shelf.is_complete() {
                return answer;
            }
            if let Err(error) = shelf.fetch(&self.archive) {
                self.halt(error.to_string());
                return answer;
            }
        }
    }

    /// The store, for reads on any thread.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }
}
