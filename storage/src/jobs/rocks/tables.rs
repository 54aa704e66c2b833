//! Tables of the database of jobs: column families, their keys, and reads of them.
//!
//! | family | key | value |
//! |---|---|---|
//! | `default` | `format`, `epoch` | version of the tables; number of times that the database was opened |
//! | `records` | job | entry, without its payload |
//! | `payloads` | job | payload |
//! | `ready` | batch, height, order | job |
//! | `batches` | batch, order | job |
//! | `parents` | child, parent | |
//! | `leases` | lease | job, worker, end |
//! | `deadlines` | end, lease | |
//! | `workers` | worker | what is kept of it |
//!
//! Numbers in keys are big-endian, so that their order is that of the bytes.

use std::path::Path;

use rocksdb::{ColumnFamily, DB, Direction, IteratorMode, WriteBatch, WriteOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::{JobKey, LeaseId, Millis, StoreError, WorkerId};
use crate::options::Bounds;

pub(super) const RECORDS: &str = "records";
pub(super) const PAYLOADS: &str = "payloads";
pub(super) const READY: &str = "ready";
pub(super) const BATCHES: &str = "batches";
pub(super) const PARENTS: &str = "parents";
pub(super) const LEASES: &str = "leases";
pub(super) const DEADLINES: &str = "deadlines";
pub(super) const WORKERS: &str = "workers";

pub(super) const FAMILIES: [&str; 8] = [RECORDS, PAYLOADS, READY, BATCHES, PARENTS, LEASES, DEADLINES, WORKERS];

/// Version of the tables. It rises with each change; there is no migration.
const FORMAT_VERSION: u32 = 2;
pub(super) const FORMAT: &[u8] = b"format";
const EPOCH: &[u8] = b"epoch";

/// What the database may take.
const BOUNDS: Bounds = Bounds { write_buffers_bytes: 32 << 20, wal_bytes_max: 64 << 20, open_files_max: 128 };

/// Key and value.
pub(super) type Pair = (Box<[u8]>, Box<[u8]>);

/// A lease: of which job, whose, and until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) key: JobKey,
    pub(super) worker: WorkerId,
    pub(super) until: Millis,
}

/// The open database.
#[derive(Debug)]
pub(super) struct Tables {
    db: DB,
}

impl Tables {
    /// Opens the database, or makes it. Returns how often it was opened, this time included, which is on the disk by then.
    pub(super) fn open(dir: &Path) -> Result<(Self, u64), StoreError> {
        let families = FAMILIES.iter().map(|&name| (name, BOUNDS.options()));
        let db = DB::open_cf_with_opts(&BOUNDS.options(), dir, families).map_err(backend)?;
        let tables = Self { db };
        let found = tables.number(FORMAT)?;
        if let Some(found) = found
            && found != u64::from(FORMAT_VERSION)
        {
            return Err(StoreError::OtherFormat { path: dir.to_owned(), expected: FORMAT_VERSION, found });
        }
        let epoch = tables.number(EPOCH)?.unwrap_or(0) + 1;
        let mut batch = WriteBatch::default();
        batch.put(FORMAT, u64::from(FORMAT_VERSION).to_be_bytes());
        batch.put(EPOCH, epoch.to_be_bytes());
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        tables.db.write_opt(batch, &synced).map_err(backend)?;
        Ok((tables, epoch))
    }

    fn number(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        let bytes = self.db.get(key).map_err(backend)?;
        bytes.map(|bytes| array(&bytes).map(u64::from_be_bytes).ok_or_else(|| damaged("default", key))).transpose()
    }

    /// A family, to write into with a batch.
    pub(super) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("every family is opened with the database")
    }

    /// Writes all of the batch or nothing. It outlives the process, but perhaps not the machine.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
        self.db.write(batch).map_err(backend)
    }

    /// All that was written is on the disk when it returns.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.db.flush_wal(true).map_err(backend)
    }

    /// The bytes at a key.
    pub(super) fn bytes(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(family), key).map_err(backend)
    }

    /// The value at a key.
    pub(super) fn get<T: DeserializeOwned>(&self, family: &str, key: &[u8]) -> Result<Option<T>, StoreError> {
        let bytes = self.db.get_pinned_cf(self.family(family), key).map_err(backend)?;
        bytes.map(|bytes| decode(family, key, &bytes)).transpose()
    }

    /// Keys and values from this key on, rising.
    pub(super) fn scan(&self, family: &str, from: &[u8]) -> impl Iterator<Item = Result<Pair, StoreError>> {
        let mode = IteratorMode::From(from, Direction::Forward);
        self.db.iterator_cf(self.family(family), mode).map(|item| item.map_err(backend))
    }

    /// Keys and values whose key has this prefix.
    pub(super) fn scan_prefix(&self, family: &str, prefix: &[u8]) -> impl Iterator<Item = Result<Pair, StoreError>> {
        self.scan(family, prefix).take_while(move |item| match item {
            Ok((key, _)) => key.starts_with(prefix),
            Err(_) => true,
        })
    }

    /// All leases.
    pub(super) fn leases(&self) -> impl Iterator<Item = Result<(LeaseId, Held), StoreError>> {
        self.scan(LEASES, &[]).map(|item| {
            let (key, value) = item?;
            let id = array(&key).map(u64::from_be_bytes).ok_or_else(|| damaged(LEASES, &key))?;
            Ok((LeaseId(id), decode(LEASES, &key, &value)?))
        })
    }

    /// Parents of a job.
    pub(super) fn parents(&self, child: &JobKey) -> Result<Vec<JobKey>, StoreError> {
        let parent = |item: Result<Pair, StoreError>| {
            let (key, _) = item?;
            key.get(child.0.len()..).and_then(array).map(JobKey).ok_or_else(|| damaged(PARENTS, &key))
        };
        self.scan_prefix(PARENTS, &child.0).map(parent).collect()
    }
}

/// A job that an index points to.
pub(super) fn indexed(family: &str, key: &[u8], value: &[u8]) -> Result<JobKey, StoreError> {
    array(value).map(JobKey).ok_or_else(|| damaged(family, key))
}

/// The value of some bytes.
pub(super) fn decode<T: DeserializeOwned>(family: &str, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| damaged(family, key))
}

/// The bytes of a value.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("records and leases have only fields that postcard encodes")
}

/// A number of fixed size, or a key, at the start of which nothing else stands.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// What stands at this key cannot be read.
pub(super) fn damaged(family: &str, key: &[u8]) -> StoreError {
    StoreError::Damaged { what: format!("{family}/{}", hex::encode(key)) }
}

fn backend(error: rocksdb::Error) -> StoreError {
    StoreError::Backend(Box::new(error))
}
