//! The state: what the batches made of the log. One unsynced write for each batch, because the log can make it again.

use std::sync::MutexGuard;

use rocksdb::{DEFAULT_COLUMN_FAMILY_NAME, IteratorMode, ReadOptions, WriteBatch};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Object};

use super::database::{Database, Durability, encode, whole_scan};
use super::{RollupStore, StoreError};

/// Batches that can be taken back.
pub const UNDO_BATCHES: u32 = 128;
/// Items of one page; a larger limit is cut to it.
pub const PAGE_MAX: usize = 1_000;

/// Index (4 bytes, big-endian) to object.
const OBJECTS: &str = "objects";
/// Batch number (4 bytes, big-endian) to [`Undo`].
const UNDO: &str = "undo";
/// Batch number (4 bytes, big-endian) to the caller's record.
const BATCHES: &str = "batches";
/// Id of a transaction to the caller's record.
const TRANSACTIONS: &str = "transactions";
/// Index and [`Position`] (12 bytes, big-endian) to the id of a transaction.
const HISTORY: &str = "history";
/// Column families of the state.
pub(super) const FAMILIES: [&str; 5] = [OBJECTS, UNDO, BATCHES, TRANSACTIONS, HISTORY];

/// Key of [`Applied`] in the default column family.
const APPLIED: &[u8] = b"applied";
/// Key of the caller's checkpoint there.
const CHECKPOINT: &[u8] = b"checkpoint";

/// The batch that the state stands at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Applied {
    /// Its number.
    pub batch: u32,
    /// The state root after it: the tree over the stored objects must have it.
    pub root: Digest,
    /// Position of the first entry of the log that it does not cover: from there on the log is replayed.
    pub log_next: u64,
}

/// An object that a batch wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where.
    pub index: AccountIndex,
    /// What was there.
    pub before: Option<Object>,
    /// What is there.
    pub after: Option<Object>,
}

/// A transaction with the accounts whose history it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexedTransaction<T> {
    /// Its id.
    pub id: [u8; 32],
    /// What is to be known of it.
    pub record: T,
    /// The accounts.
    pub accounts: Vec<AccountIndex>,
}

/// Where a state stands: `C` is what the caller needs, beside the objects, to go on from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing<C> {
    /// The batch, its root and its end in the log.
    pub applied: Applied,
    /// What else is needed to go on behind it. That of the last batch is kept, and those of the batches that can be taken
    /// back to.
    pub checkpoint: C,
}

/// A batch as it goes into the state: `B` is the caller's record of a batch, `T` that of a transaction, `C` the checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateCommit<B, T, C> {
    /// Where the state stands then.
    pub standing: Standing<C>,
    /// Objects that it wrote.
    pub changes: Vec<Change>,
    /// What is to be known of the batch.
    pub record: B,
    /// Its transactions, in order.
    pub transactions: Vec<IndexedTransaction<T>>,
}

/// Where a transaction stands among all: later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Its batch.
    pub batch: u32,
    /// Its place in [`StateCommit::transactions`], from 0.
    pub place: u32,
}

/// What takes a batch back.
#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    before: Option<Applied>,
    checkpoint_before: Vec<u8>,
    objects: Vec<(AccountIndex, Option<Object>)>,
    transactions: Vec<([u8; 32], Vec<AccountIndex>)>,
}

/// What a batch has changed in the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// What stood before it where it wrote; of several at one index the first counts.
    pub objects: Vec<(AccountIndex, Option<Object>)>,
    /// Ids of its transactions, in order.
    pub transactions: Vec<[u8; 32]>,
}

impl Position {
    fn key(self, account: AccountIndex) -> [u8; 12] {
        let position = u64::from(self.batch) << 32 | u64::from(self.place);
        let mut key = [0; 12];
        key[..4].copy_from_slice(&account.0.to_be_bytes());
        key[4..].copy_from_slice(&position.to_be_bytes());
        key
    }
}

impl RollupStore {
    /// The batch that the state stands at, `None` before the first one.
    #[must_use]
    pub fn applied(&self) -> Option<Applied> {
        *self.lock_applied()
    }

    /// The checkpoint of the batch that the state stands at, `None` before the first one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn checkpoint<C: DeserializeOwned>(&self) -> Result<Option<C>, StoreError> {
        self.state.get(DEFAULT_COLUMN_FAMILY_NAME, CHECKPOINT)
    }

    /// Takes a batch into the state: all of it or nothing, without a sync. A record of a transaction replaces an older
    /// one of the same id. The batch can be taken back until [`UNDO_BATCHES`] others follow.
    ///
    /// # Errors
    /// It is not the batch after the applied one (any may be the first), its end in the log is not between that of the
    /// applied one and the end of the log, or the disk refuses. The state then stays as it is.
    pub fn apply<B: Serialize, T: Serialize, C: Serialize>(
        &self,
        commit: &StateCommit<B, T, C>,
    ) -> Result<(), StoreError> {
        let mut applied = self.lock_applied();
        let next = commit.standing.applied;
        let expected = applied.map_or(next.batch, |last| last.batch + 1);
        if next.batch != expected {
            return Err(StoreError::NotTheNext { expected, got: next.batch });
        }
        self.check_in_log(applied.as_ref(), &next)?;
        let batch = self.commit_batch(*applied, commit)?;
        self.state.write(batch, Durability::Eventual)?;
        *applied = Some(next);
        Ok(())
    }

    fn check_in_log(&self, last: Option<&Applied>, next: &Applied) -> Result<(), StoreError> {
        let (got, min, max) = (next.log_next, last.map_or(0, |last| last.log_next), self.log_next());
        if (min..=max).contains(&got) { Ok(()) } else { Err(StoreError::NotInLog { got, min, max }) }
    }

    fn commit_batch<B: Serialize, T: Serialize, C: Serialize>(
        &self,
        before: Option<Applied>,
        commit: &StateCommit<B, T, C>,
    ) -> Result<WriteBatch, StoreError> {
        let number = commit.standing.applied.batch;
        let mut batch = WriteBatch::default();
        for change in &commit.changes {
            self.set_object(&mut batch, change.index, change.after.as_ref())?;
        }
        for (transaction, place) in commit.transactions.iter().zip(0..) {
            batch.put_cf(self.state.family(TRANSACTIONS), transaction.id, encode(&transaction.record)?);
            for &account in &transaction.accounts {
                let key = Position { batch: number, place }.key(account);
                batch.put_cf(self.state.family(HISTORY), key, transaction.id);
            }
        }
        batch.put_cf(self.state.family(BATCHES), number.to_be_bytes(), encode(&commit.record)?);
        let objects = commit.changes.iter().map(|change| (change.index, change.before)).collect();
        let transactions = commit.transactions.iter().map(|tx| (tx.id, tx.accounts.clone())).collect();
        let checkpoint = self.state.get_bytes(DEFAULT_COLUMN_FAMILY_NAME, CHECKPOINT)?;
        let checkpoint_before = checkpoint.map_or_else(Vec::new, |bytes| bytes.to_vec());
        let undo = Undo { before, checkpoint_before, objects, transactions };
        batch.put_cf(self.state.family(UNDO), number.to_be_bytes(), encode(&undo)?);
        if let Some(old) = number.checked_sub(UNDO_BATCHES) {
            batch.delete_cf(self.state.family(UNDO), old.to_be_bytes());
        }
        self.set_standing(&mut batch, &commit.standing)?;
        Ok(batch)
    }

    fn set_standing<C: Serialize>(&self, batch: &mut WriteBatch, standing: &Standing<C>) -> Result<(), StoreError> {
        let family = self.state.family(DEFAULT_COLUMN_FAMILY_NAME);
        batch.put_cf(family, APPLIED, encode(&standing.applied)?);
        batch.put_cf(family, CHECKPOINT, encode(&standing.checkpoint)?);
        Ok(())
    }

    /// Takes the last applied batch out of the state, with the records of its transactions, all of it or nothing, and
    /// returns the batch that the state stands at then: it is as if the batch had not been applied.
    ///
    /// # Errors
    /// No batch is applied, or the undo of the last one is not stored any more ([`StoreError::UnknownBatch`] names the
    /// batch), or the disk refuses. The state then stays as it is.
    pub fn revert_last(&self) -> Result<Option<Applied>, StoreError> {
        let mut applied = self.lock_applied();
        let mut batch = WriteBatch::default();
        let undo = self.take_back(&mut batch, applied.map_or(0, |applied| applied.batch))?;
        let family = self.state.family(DEFAULT_COLUMN_FAMILY_NAME);
        match &undo.before {
            Some(before) => {
                batch.put_cf(family, APPLIED, encode(before)?);
                batch.put_cf(family, CHECKPOINT, undo.checkpoint_before);
            }
            None => {
                batch.delete_cf(family, APPLIED);
                batch.delete_cf(family, CHECKPOINT);
            }
        }
        self.state.write(batch, Durability::Eventual)?;
        *applied = undo.before;
        Ok(undo.before)
    }

    /// Takes all batches after that of `standing` out of the state, with the records of their transactions, and says where it
    /// stands then: all in one write, without a sync. Other batches may follow, with the same numbers.
    ///
    /// # Errors
    /// That batch is not applied, or the undo of a later one is not stored any more ([`StoreError::UnknownBatch`] names the
    /// batch), or its end in the log is before that of the last applied one or behind the log's, or the disk refuses. The
    /// state then stays as it is.
    pub fn roll_back<C: Serialize>(&self, standing: &Standing<C>) -> Result<(), StoreError> {
        let mut applied = self.lock_applied();
        let (first, last) = (standing.applied.batch, applied.map_or(0, |applied| applied.batch));
        if first > last {
            return Err(StoreError::UnknownBatch { number: first });
        }
        self.check_in_log(applied.as_ref(), &standing.applied)?;
        let mut batch = WriteBatch::default();
        for number in (first + 1..=last).rev() {
            self.take_back(&mut batch, number)?;
        }
        self.set_standing(&mut batch, standing)?;
        self.state.write(batch, Durability::Eventual)?;
        *applied = Some(standing.applied);
        Ok(())
    }

    /// What an applied batch has changed; `None` if that is not stored any more, or never was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn changed(&self, number: u32) -> Result<Option<Changed>, StoreError> {
        let undo: Option<Undo> = self.state.get(UNDO, &number.to_be_bytes())?;
        Ok(undo.map(|undo| Changed {
            objects: undo.objects,
            transactions: undo.transactions.into_iter().map(|(id, _)| id).collect(),
        }))
    }

    /// Adds to a write what takes a batch back, but for where the state stands then.
    fn take_back(&self, batch: &mut WriteBatch, number: u32) -> Result<Undo, StoreError> {
        let undo: Option<Undo> = self.state.get(UNDO, &number.to_be_bytes())?;
        let undo = undo.ok_or(StoreError::UnknownBatch { number })?;
        // Backwards: if an index was written twice, the first value counts.
        for (index, object) in undo.objects.iter().rev() {
            self.set_object(batch, *index, object.as_ref())?;
        }
        for ((id, accounts), place) in undo.transactions.iter().zip(0..) {
            batch.delete_cf(self.state.family(TRANSACTIONS), id);
            for &account in accounts {
                batch.delete_cf(self.state.family(HISTORY), Position { batch: number, place }.key(account));
            }
        }
        batch.delete_cf(self.state.family(BATCHES), number.to_be_bytes());
        batch.delete_cf(self.state.family(UNDO), number.to_be_bytes());
        Ok(undo)
    }

    fn set_object(
        &self,
        batch: &mut WriteBatch,
        index: AccountIndex,
        object: Option<&Object>,
    ) -> Result<(), StoreError> {
        let (family, key) = (self.state.family(OBJECTS), index.0.to_be_bytes());
        match object {
            Some(object) => batch.put_cf(family, key, encode(object)?),
            None => batch.delete_cf(family, key),
        }
        Ok(())
    }

    /// The record of a batch.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn batch<B: DeserializeOwned>(&self, number: u32) -> Result<Option<B>, StoreError> {
        self.state.get(BATCHES, &number.to_be_bytes())
    }

    /// Replaces the record of an applied batch, without a sync.
    ///
    /// # Errors
    /// There is no such batch, or the disk refuses.
    pub fn put_batch<B: Serialize>(&self, number: u32, record: &B) -> Result<(), StoreError> {
        let value = encode(record)?;
        // Holding the lock, so that the batch cannot be taken back in between.
        let _applied = self.lock_applied();
        if self.state.get_bytes(BATCHES, &number.to_be_bytes())?.is_none() {
            return Err(StoreError::UnknownBatch { number });
        }
        let mut batch = WriteBatch::default();
        batch.put_cf(self.state.family(BATCHES), number.to_be_bytes(), value);
        self.state.write(batch, Durability::Eventual)
    }

    /// Records of batches, the newest first: those before batch `before`, or the newest ones.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn batches<B: DeserializeOwned>(&self, before: Option<u32>, limit: usize) -> Result<Vec<(u32, B)>, StoreError> {
        // The greatest number is left out: no batch has it, because there are never so many.
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(before.unwrap_or(u32::MAX).to_be_bytes());
        let items = self.state.scan(BATCHES, IteratorMode::End, options).take(limit.min(PAGE_MAX));
        items
            .map(|item| {
                let (key, value) = item?;
                let number = u32::from_be_bytes(self.state.key(BATCHES, &key)?);
                Ok((number, self.state.decode(BATCHES, &key, &value)?))
            })
            .collect()
    }

    /// The record of a transaction.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn transaction<T: DeserializeOwned>(&self, id: &[u8; 32]) -> Result<Option<T>, StoreError> {
        self.state.get(TRANSACTIONS, id)
    }

    /// Ids of the transactions of an account, the newest first: those before `before`, or the newest ones. The position
    /// of the last one is the cursor of the next page.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn history(
        &self,
        account: AccountIndex,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<(Position, [u8; 32])>, StoreError> {
        let first = Position { batch: 0, place: 0 };
        let end = before.unwrap_or(Position { batch: u32::MAX, place: u32::MAX });
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(first.key(account));
        options.set_iterate_upper_bound(end.key(account));
        let items = self.state.scan(HISTORY, IteratorMode::End, options).take(limit.min(PAGE_MAX));
        items
            .map(|item| {
                let (key, id) = item?;
                let [_, _, _, _, batch @ .., p0, p1, p2, p3] = self.state.key::<12>(HISTORY, &key)?;
                let position =
                    Position { batch: u32::from_be_bytes(batch), place: u32::from_be_bytes([p0, p1, p2, p3]) };
                Ok((position, self.state.key(HISTORY, &id)?))
            })
            .collect()
    }

    fn lock_applied(&self) -> MutexGuard<'_, Option<Applied>> {
        self.applied.lock().expect("nothing panics while it holds the lock")
    }
}

/// The batch that a state stands at.
pub(super) fn read_applied(state: &Database) -> Result<Option<Applied>, StoreError> {
    state.get(DEFAULT_COLUMN_FAMILY_NAME, APPLIED)
}

/// All objects, by index.
pub(super) fn read_objects(state: &Database) -> Result<Vec<(AccountIndex, Object)>, StoreError> {
    let items = state.scan(OBJECTS, IteratorMode::Start, whole_scan());
    items
        .map(|item| {
            let (key, value) = item?;
            let index = AccountIndex(u32::from_be_bytes(state.key(OBJECTS, &key)?));
            Ok((index, state.decode(OBJECTS, &key, &value)?))
        })
        .collect()
}
