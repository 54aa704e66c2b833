//! One transaction: entries are read, changed in memory, and written at once together with what the indices say of them.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use rocksdb::WriteBatch;

use super::super::transitions::{self, Entry};
use super::super::{JobKey, JobState, LeaseId, Millis, NewJob, StoreError};
use super::tables::{self, Held, Tables};

/// See the [module](self). Dropped without [`commit`](Self::commit) it has changed nothing.
pub(super) struct Transaction<'a> {
    tables: &'a Tables,
    entries: BTreeMap<JobKey, Loaded>,
    batch: WriteBatch,
}

#[derive(Default)]
struct Loaded {
    before: Option<Entry>,
    after: Option<Entry>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(tables: &'a Tables) -> Self {
        Self { tables, entries: BTreeMap::new(), batch: WriteBatch::default() }
    }

    /// An entry, without its payload, to be read or changed.
    pub(super) fn entry(&mut self, key: &JobKey) -> Result<Option<&mut Entry>, StoreError> {
        let loaded = match self.entries.entry(*key) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => {
                let before: Option<Entry> = self.tables.get(tables::RECORDS, &key.0)?;
                entry.insert(Loaded { after: before.clone(), before })
            }
        };
        Ok(loaded.after.as_mut())
    }

    /// An entry that an index or a lease points to.
    pub(super) fn known(&mut self, key: &JobKey) -> Result<&mut Entry, StoreError> {
        self.entry(key)?.ok_or_else(|| tables::damaged(tables::RECORDS, &key.0))
    }

    /// A new entry, whose children are there.
    pub(super) fn add(&mut self, now: Millis, mut job: NewJob, order: u64) -> Result<(), StoreError> {
        let open = self.open_children(&job.children)?;
        let payload = std::mem::take(&mut job.payload);
        self.batch.put_cf(self.tables.family(tables::PAYLOADS), job.key.0, payload);
        for child in &job.children {
            self.batch.put_cf(self.tables.family(tables::PARENTS), [child.0, job.key.0].concat(), []);
        }
        let key = job.key;
        self.entries.entry(key).or_default().after = Some(Entry::new(now, job, order, open));
        Ok(())
    }

    /// How many of these jobs are not done.
    pub(super) fn open_children(&mut self, children: &[JobKey]) -> Result<u32, StoreError> {
        let mut open = 0;
        for child in children.iter().collect::<BTreeSet<_>>() {
            open += u32::from(!transitions::is_done(&self.known(child)?.record));
        }
        Ok(open)
    }

    /// Forgets an entry.
    pub(super) fn remove(&mut self, key: &JobKey) -> Result<(), StoreError> {
        let children = self.known(key)?.record.job.children.clone();
        for child in children {
            self.batch.delete_cf(self.tables.family(tables::PARENTS), [child.0, key.0].concat());
        }
        self.batch.delete_cf(self.tables.family(tables::PAYLOADS), key.0);
        self.entries.entry(*key).or_default().after = None;
        Ok(())
    }

    /// Notes a job of a batch.
    pub(super) fn add_to_batch(&mut self, batch: u32, order: u64, key: &JobKey) {
        self.batch.put_cf(self.tables.family(tables::BATCHES), batch_key(batch, order), key.0);
    }

    /// Forgets a note of [`add_to_batch`](Self::add_to_batch), by its key.
    pub(super) fn remove_from_batch(&mut self, key: &[u8]) {
        self.batch.delete_cf(self.tables.family(tables::BATCHES), key);
    }

    /// Notes a lease, in place of the one with this id that ended at `before`.
    pub(super) fn put_lease(&mut self, id: LeaseId, held: &Held, before: Option<Millis>) {
        if let Some(before) = before {
            self.batch.delete_cf(self.tables.family(tables::DEADLINES), deadline_key(before, id));
        }
        self.batch.put_cf(self.tables.family(tables::LEASES), id.0.to_be_bytes(), tables::encode(held));
        self.batch.put_cf(self.tables.family(tables::DEADLINES), deadline_key(held.until, id), []);
    }

    /// Forgets a lease.
    pub(super) fn remove_lease(&mut self, id: LeaseId, until: Millis) {
        self.batch.delete_cf(self.tables.family(tables::LEASES), id.0.to_be_bytes());
        self.batch.delete_cf(self.tables.family(tables::DEADLINES), deadline_key(until, id));
    }

    /// Writes all changes at once.
    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        let (records, ready) = (self.tables.family(tables::RECORDS), self.tables.family(tables::READY));
        for (key, Loaded { before, after }) in self.entries.iter().filter(|(_, l)| l.before != l.after) {
            let (ready_before, ready_after) = (before.as_ref().and_then(ready_key), after.as_ref().and_then(ready_key));
            if let Some(place) = ready_before.filter(|_| ready_before != ready_after) {
                self.batch.delete_cf(ready, place);
            }
            if let Some(place) = ready_after.filter(|_| ready_before != ready_after) {
                self.batch.put_cf(ready, place, key.0);
            }
            match after {
                Some(entry) => self.batch.put_cf(records, key.0, tables::encode(entry)),
                None => self.batch.delete_cf(records, key.0),
            }
        }
        if self.batch.is_empty() { Ok(()) } else { self.tables.write(self.batch) }
    }
}

/// Place of a job in the index of those that may be claimed.
fn ready_key(entry: &Entry) -> Option<[u8; 14]> {
    if !matches!(entry.record.state, JobState::Ready(_)) {
        return None;
    }
    let (batch, height, order) = transitions::rank(entry);
    let mut key = [0; 14];
    key[..4].copy_from_slice(&batch.to_be_bytes());
    key[4..6].copy_from_slice(&height.to_be_bytes());
    key[6..].copy_from_slice(&order.to_be_bytes());
    Some(key)
}

fn batch_key(batch: u32, order: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&batch.to_be_bytes());
    key[4..].copy_from_slice(&order.to_be_bytes());
    key
}

fn deadline_key(until: Millis, id: LeaseId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&until.0.to_be_bytes());
    key[8..].copy_from_slice(&id.0.to_be_bytes());
    key
}
