//! The log: inputs in order, and what else cannot be computed again. Every write is synced.

use std::ops::Range;
use std::sync::MutexGuard;

use rocksdb::{DEFAULT_COLUMN_FAMILY_NAME, IteratorMode, ReadOptions, WriteBatch};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_protocol::Timestamp;

use super::database::{Database, Durability, encode, whole_scan};
use super::{RollupStore, StoreError};

/// Entries of one [`append`](RollupStore::append).
pub const APPEND_ENTRIES_MAX: usize = 65_536;

/// Position (8 bytes, big-endian) to entry.
const ENTRIES: &str = "entries";
/// Batch number (4 bytes, big-endian) and time (8 bytes, big-endian) to the bytes of its proof file. The time tells a batch
/// from one of the same number that was taken back.
const PROOFS: &str = "proofs";
/// Column families of the log.
pub(super) const FAMILIES: [&str; 2] = [ENTRIES, PROOFS];

/// Key in the state: number of keys that were written to the log and synced.
pub(super) const LOG_WRITTEN: &[u8] = b"log written";

/// Where the log ends.
#[derive(Debug)]
pub(super) struct Tail {
    /// Position of the next entry.
    next: u64,
    /// A write failed.
    halted: bool,
}

impl Tail {
    /// The end of a log that was just opened.
    pub(super) fn read(log: &Database) -> Result<Self, StoreError> {
        let last = log.scan(ENTRIES, IteratorMode::End, ReadOptions::default()).next().transpose()?;
        let last = last.map(|(key, _)| log.key(ENTRIES, &key).map(u64::from_be_bytes)).transpose()?;
        Ok(Self { next: last.map_or(0, |last| last + 1), halted: false })
    }
}

impl RollupStore {
    /// Position that the next entry will have: the number of entries.
    #[must_use]
    pub fn log_next(&self) -> u64 {
        self.tail().next
    }

    /// Puts entries at the end, all of them or none, and returns their positions. They are on the disk when the call
    /// returns: one sync, however many there are (at most [`APPEND_ENTRIES_MAX`]).
    ///
    /// # Errors
    /// There are too many entries, or the disk refuses. After a failed write the log takes none until it is opened
    /// again, because nobody knows how much of it is on the disk.
    pub fn append<T: Serialize>(&self, entries: &[T]) -> Result<Range<u64>, StoreError> {
        if entries.len() > APPEND_ENTRIES_MAX {
            return Err(StoreError::TooMany { got: entries.len(), max: APPEND_ENTRIES_MAX });
        }
        let values = entries.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let mut tail = self.tail();
        let first = tail.next;
        let mut next = first;
        let mut batch = WriteBatch::default();
        for value in values {
            batch.put_cf(self.log.family(ENTRIES), next.to_be_bytes(), value);
            next += 1;
        }
        if next > first {
            self.write_log(&mut tail, batch)?;
            tail.next = next;
        }
        Ok(first..next)
    }

    /// Entries from position `from` to the end that the log has now, in order, with their positions. The first error is
    /// the last item.
    pub fn replay<T: DeserializeOwned>(&self, from: u64) -> impl Iterator<Item = Result<(u64, T), StoreError>> {
        let mut options = whole_scan();
        options.set_iterate_lower_bound(from.to_be_bytes());
        let mut next = Some(from);
        self.log.scan(ENTRIES, IteratorMode::Start, options).map_while(move |item| {
            let expected = next.take()?;
            let entry = item.and_then(|(key, value)| {
                let got = u64::from_be_bytes(self.log.key(ENTRIES, &key)?);
                if got != expected {
                    return Err(self.log.damaged(format!("entry {got} stands where {expected} should")));
                }
                Ok((got, self.log.decode(ENTRIES, &key, &value)?))
            });
            next = entry.is_ok().then_some(expected + 1);
            Some(entry)
        })
    }

    /// Keeps the proof file of the batch with this number and time, synced.
    ///
    /// # Errors
    /// The disk refuses, as for [`append`](Self::append).
    pub fn put_proof(&self, batch: u32, time: Timestamp, file: &[u8]) -> Result<(), StoreError> {
        let mut write = WriteBatch::default();
        write.put_cf(self.log.family(PROOFS), proof_key(batch, time), file);
        self.write_log(&mut self.tail(), write)
    }

    /// Deletes the proof file of a batch that was taken back, synced.
    ///
    /// # Errors
    /// The disk refuses, as for [`append`](Self::append).
    pub fn delete_proof(&self, batch: u32, time: Timestamp) -> Result<(), StoreError> {
        let mut write = WriteBatch::default();
        write.delete_cf(self.log.family(PROOFS), proof_key(batch, time));
        self.write_log(&mut self.tail(), write)
    }

    /// The proof file of a batch.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn proof(&self, batch: u32, time: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.log.get_bytes(PROOFS, &proof_key(batch, time))?.map(|file| file.to_vec()))
    }

    /// One synced write. The state then notes how much the log holds, so that a loss at the log's end, which looks like
    /// a torn write, is found when the store is opened. The note is never ahead of what is synced.
    fn write_log(&self, tail: &mut Tail, batch: WriteBatch) -> Result<(), StoreError> {
        if tail.halted {
            return Err(StoreError::Halted { path: self.log.path().to_owned() });
        }
        tail.halted = true;
        self.log.write(batch, Durability::Synced)?;
        note_written(&self.log, &self.state)?;
        tail.halted = false;
        Ok(())
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("nothing panics while it holds the lock")
    }
}

fn proof_key(batch: u32, time: Timestamp) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&batch.to_be_bytes());
    key[4..].copy_from_slice(&time.get().to_be_bytes());
    key
}

/// Notes in the state how much the log holds.
pub(super) fn note_written(log: &Database, state: &Database) -> Result<(), StoreError> {
    let mut note = WriteBatch::default();
    note.put_cf(state.family(DEFAULT_COLUMN_FAMILY_NAME), LOG_WRITTEN, encode(&log.written())?);
    state.write(note, Durability::Eventual)
}
