//! One RocksDB instance: its options and bounds, its format, and errors that name the file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBPinnableSlice, DEFAULT_COLUMN_FAMILY_NAME,
    ErrorKind, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{OpenError, Part, StoreError};
use crate::options::Bounds;

/// Version of keys and values of both databases. It rises with each change; there is no migration.
pub const SCHEMA: u32 = 2;

/// Blocks of both databases that are kept in memory, indices and filters included.
const CACHE_BYTES: usize = 64 << 20;
/// What one database may take.
const BOUNDS: Bounds = Bounds { write_buffers_bytes: 64 << 20, wal_bytes_max: 256 << 20, open_files_max: 256 };
/// Writes of one column family that are in memory only.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
/// Threads of RocksDB that flush and compact, shared by all databases of the process.
const BACKGROUND_THREADS: i32 = 2;
/// Bits of a Bloom filter per key: about one in a hundred look-ups in vain touches the disk.
const BLOOM_BITS: f64 = 10.0;
/// What a scan reads ahead.
const READAHEAD_BYTES: usize = 2 << 20;

/// Key of the format in the default column family: the schema (4 bytes, big-endian), then the identity.
const FORMAT: &[u8] = b"format";
/// File without which RocksDB takes a folder for a new database.
const CURRENT: &str = "CURRENT";

/// A key and its value.
type Item = (Box<[u8]>, Box<[u8]>);

/// When a write has to be on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Durability {
    /// Before the call returns.
    Synced,
    /// Some time: it outlives the process, but perhaps not the machine. Order is kept.
    Eventual,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    part: Part,
    path: PathBuf,
    db: DB,
}

/// Blocks in memory, for both databases of a store.
pub(super) fn cache() -> Cache {
    Cache::new_lru_cache(CACHE_BYTES)
}

impl Database {
    /// Opens the database in folder `path`, or makes one there.
    pub(super) fn open(
        part: Part,
        path: PathBuf,
        families: &[&str],
        identity: &[u8],
        cache: &Cache,
    ) -> Result<Self, OpenError> {
        let options = options(cache);
        fs::create_dir_all(&path).map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        // All families that are there must be opened, those of another schema too: its number is in one of them.
        let mut names: BTreeSet<String> = families.iter().map(|&name| name.to_owned()).collect();
        names.insert(DEFAULT_COLUMN_FAMILY_NAME.to_owned());
        if path.join(CURRENT).exists() {
            names.extend(DB::list_cf(&options, &path).map_err(|error| failure(part, &path, &error))?);
        } else if holds_data(&path).map_err(|source| OpenError::Folder { path: path.clone(), source })? {
            // RocksDB would begin anew and delete what is there.
            let cause = format!("the file {CURRENT} is missing");
            return Err(StoreError::Damaged { part, path, cause }.into());
        }
        let families = names.iter().map(|name| ColumnFamilyDescriptor::new(name, options.clone()));
        let db = DB::open_cf_descriptors(&options, &path, families).map_err(|error| failure(part, &path, &error))?;
        let database = Self { part, path, db };
        database.check_format(identity)?;
        Ok(database)
    }

    /// The identity that was written into the database in folder `path`; `None` if there is no database.
    pub(super) fn recorded_identity(part: Part, path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
        if !path.join(CURRENT).exists() {
            return Ok(None);
        }
        // Without its lock, which whoever has it open holds.
        let db =
            DB::open_for_read_only(&Options::default(), path, false).map_err(|error| failure(part, path, &error))?;
        let format = db.get(FORMAT).map_err(|error| failure(part, path, &error))?;
        Ok(format.and_then(|format| format.split_first_chunk::<4>().map(|(_, identity)| identity.to_vec())))
    }

    fn check_format(&self, identity: &[u8]) -> Result<(), OpenError> {
        let path = || self.path.clone();
        let Some(format) = self.get_bytes(DEFAULT_COLUMN_FAMILY_NAME, FORMAT)? else {
            if self.db.latest_sequence_number() > 0 {
                return Err(OpenError::Foreign { path: path() });
            }
            let mut batch = WriteBatch::default();
            batch.put(FORMAT, [SCHEMA.to_be_bytes().as_slice(), identity].concat());
            return Ok(self.write(batch, Durability::Synced)?);
        };
        let Some((schema, found)) = format.split_first_chunk() else {
            return Err(OpenError::Foreign { path: path() });
        };
        let schema = u32::from_be_bytes(*schema);
        if schema != SCHEMA {
            return Err(OpenError::OtherSchema { path: path(), expected: SCHEMA, found: schema });
        }
        if found != identity {
            let (expected, found) = (hex::encode(identity), hex::encode(found));
            return Err(OpenError::OtherIdentity { path: path(), expected, found });
        }
        Ok(())
    }

    /// Its folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of keys written so far.
    pub(super) fn written(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    /// A column family, to write into with a batch.
    pub(super) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("every column family is opened with the database")
    }

    /// Writes all of the batch or nothing.
    pub(super) fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.db.write_opt(batch, &options).map_err(|error| self.failure(&error))
    }

    /// The bytes at a key.
    pub(super) fn get_bytes(&self, family: &str, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>, StoreError> {
        self.db.get_pinned_cf(self.family(family), key).map_err(|error| self.failure(&error))
    }

    /// The value at a key.
    pub(super) fn get<T: DeserializeOwned>(&self, family: &str, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.get_bytes(family, key)?.map(|bytes| self.decode(family, key, &bytes)).transpose()
    }

    /// Keys and values of a column family, from the start or the end, within the bounds of `options`.
    pub(super) fn scan(
        &self,
        family: &str,
        mode: IteratorMode<'static>,
        options: ReadOptions,
    ) -> impl Iterator<Item = Result<Item, StoreError>> {
        let items = self.db.iterator_cf_opt(self.family(family), options, mode);
        items.map(|item| item.map_err(|error| self.failure(&error)))
    }

    /// Reads what [`encode`] has written.
    pub(super) fn decode<T: DeserializeOwned>(&self, family: &str, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
        postcard::from_bytes(bytes)
            .map_err(|error| self.damaged(format!("{family}: value of key {}: {error}", hex::encode(key))))
    }

    /// A key of fixed length.
    pub(super) fn key<const N: usize>(&self, family: &str, key: &[u8]) -> Result<[u8; N], StoreError> {
        key.try_into().map_err(|_| self.damaged(format!("{family}: key {} has not {N} bytes", hex::encode(key))))
    }

    /// The error for content that cannot have been written.
    pub(super) fn damaged(&self, cause: String) -> StoreError {
        StoreError::Damaged { part: self.part, path: self.path.clone(), cause }
    }

    fn failure(&self, error: &rocksdb::Error) -> StoreError {
        failure(self.part, &self.path, error)
    }
}

/// The bytes that a value is stored as.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(value).map_err(StoreError::Encode)
}

/// For scans of much data that nobody asks for again soon.
pub(super) fn whole_scan() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_readahead_size(READAHEAD_BYTES);
    options.fill_cache(false);
    options
}

fn failure(part: Part, path: &Path, error: &rocksdb::Error) -> StoreError {
    let (path, cause) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::Corruption => StoreError::Damaged { part, path, cause },
        _ => StoreError::Io { part, path, cause },
    }
}

/// Whether there are tables or write-ahead logs. Both come into being after [`CURRENT`].
fn holds_data(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let extension = Path::new(&name).extension();
        if [Some(OsStr::new("sst")), Some(OsStr::new("log"))].contains(&extension) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn options(cache: &Cache) -> Options {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(cache);
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_bloom_filter(BLOOM_BITS, false);
    let mut options = BOUNDS.options();
    options.set_block_based_table_factory(&tables);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.increase_parallelism(BACKGROUND_THREADS);
    options
}
