//! Log and state of the rollup, in two databases below one folder.
//!
//! ```text
//! log    entries, proof files                   each write synced: acknowledged means on the disk
//! state  objects, records of batches and        one unsynced write for each batch, all or nothing,
//!        transactions, histories, undo          with the number of the batch in it
//! ```
//! The log is the truth and the state follows from it: a state that is behind catches up by replay from
//! [`Applied::log_next`], one that is lost or wrong is computed again from entry 0 ([`RollupStore::reset_state`]).
//! A batch is applied only after its entries are synced, so the state is never ahead of the log. The last batches can be
//! taken back: one by one, to be applied again, or together for good ([`RollupStore::roll_back`]).
//!
//! A crash takes from each database at most its last writes; in the log these were not acknowledged. The state also notes
//! how much was synced to the log, so that damage at the log's end is not taken for a crash. Checksums find other damage
//! when it is read.
//!
//! One thread writes at a time, any number read meanwhile; share the store by `Arc`.
//!
//! The store knows objects, roots and batch numbers. What an entry of the log and the records of batches and transactions
//! are is the caller's matter: any type that serde knows, stored as postcard. Keys are big-endian, hence in order.

mod database;
mod error;
mod log;
mod state;

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process;
use std::sync::Mutex;

use rocksdb::DEFAULT_COLUMN_FAMILY_NAME;
use weft_protocol::{AccountIndex, Object};

pub use database::SCHEMA;
pub use error::{OpenError, Part, StoreError};
pub use log::APPEND_ENTRIES_MAX;
pub use state::{
    Applied, Change, Changed, IndexedTransaction, PAGE_MAX, Position, Standing, StateCommit, UNDO_BATCHES,
};

use database::Database;
use log::Tail;

const LOG: &str = "log";
const STATE: &str = "state";
/// A state that is being deleted.
const DISCARDED: &str = "state.discarded";
/// File that whoever has the store open holds a lock on.
const LOCK: &str = "lock";
/// Length of a process id, with some to spare.
const HOLDER_BYTES_MAX: u64 = 32;

/// The store, open. See the [module](self).
#[derive(Debug)]
pub struct RollupStore {
    log: Database,
    tail: Mutex<Tail>,
    state: Database,
    applied: Mutex<Option<Applied>>,
    identity: Vec<u8>,
    // Last, so that it is released after the databases are closed.
    lock: File,
}

/// What a store holds before anything is done with it.
#[derive(Clone, PartialEq, Debug)]
pub struct Opened {
    /// The objects after batch [`Self::applied`], by index.
    pub objects: Vec<(AccountIndex, Object)>,
    /// The batch that the state stands at, `None` before the first one.
    pub applied: Option<Applied>,
    /// Position that the next entry of the log will have.
    pub log_next: u64,
}

impl RollupStore {
    /// Opens the store in folder `dir`, which is made if there is none. `identity` tells deployments apart: it is written
    /// into a new store, and a store with another one is refused.
    ///
    /// The caller builds the tree over the objects. If its root is not [`Applied::root`], the state is to be
    /// [reset](Self::reset_state). Then the log is to be replayed from [`Applied::log_next`] (or 0).
    ///
    /// # Errors
    /// The folder cannot be used, is in use, belongs to another deployment or schema, or is damaged.
    pub fn open(dir: &Path, identity: &[u8]) -> Result<(Self, Opened), OpenError> {
        fs::create_dir_all(dir).map_err(in_folder(dir))?;
        let lock = lock(dir)?;
        delete_discarded(dir)?;
        let cache = database::cache();
        let log = Database::open(Part::Log, dir.join(LOG), &log::FAMILIES, identity, &cache)?;
        let state = Database::open(Part::State, dir.join(STATE), &state::FAMILIES, identity, &cache)?;
        let written = state.get(DEFAULT_COLUMN_FAMILY_NAME, log::LOG_WRITTEN)?.unwrap_or(0);
        let found = log.written();
        if found < written {
            return Err(OpenError::LogLost { path: log.path().to_owned(), written, found });
        }
        log::note_written(&log, &state)?;
        let tail = Mutex::new(Tail::read(&log)?);
        let applied = state::read_applied(&state)?;
        let identity = identity.to_vec();
        let store = Self { log, tail, state, applied: Mutex::new(applied), identity, lock };
        let opened = store.opened()?;
        let (batch, objects) = (applied.map(|applied| applied.batch), opened.objects.len());
        tracing::info!(dir = %dir.display(), objects, batch, log_next = opened.log_next, "store opened");
        Ok((store, opened))
    }

    /// Opens the store in folder `dir`, whatever deployment it is of. There must be one.
    ///
    /// # Errors
    /// There is none; else as [`Self::open`].
    pub fn open_existing(dir: &Path) -> Result<(Self, Opened), OpenError> {
        let none = || OpenError::NoStore { path: dir.to_owned() };
        let identity = Database::recorded_identity(Part::Log, &dir.join(LOG))?.ok_or_else(none)?;
        Self::open(dir, &identity)
    }

    /// What the store holds now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn opened(&self) -> Result<Opened, StoreError> {
        let objects = state::read_objects(&self.state)?;
        Ok(Opened { objects, applied: self.applied(), log_next: self.log_next() })
    }

    /// Forgets the state, so that the log can be replayed from entry 0. The log stays, with the proof files.
    ///
    /// # Errors
    /// The folder cannot be used. The store is closed then; opened again it has no state, or still the old one.
    pub fn reset_state(self) -> Result<Self, OpenError> {
        let Self { log, tail, state, identity, lock, .. } = self;
        let path = state.path().to_owned();
        let dir = log.path().parent().expect("the databases lie in the folder of the store").to_owned();
        drop(state);
        // A state that is half deleted must not be opened: its name changes first.
        fs::rename(&path, dir.join(DISCARDED)).map_err(in_folder(&path))?;
        File::open(&dir).and_then(|dir| dir.sync_all()).map_err(in_folder(&dir))?;
        delete_discarded(&dir)?;
        let state = Database::open(Part::State, path, &state::FAMILIES, &identity, &database::cache())?;
        log::note_written(&log, &state)?;
        tracing::warn!(dir = %dir.display(), "state deleted, to be computed again from the log");
        Ok(Self { log, tail, state, applied: Mutex::new(None), identity, lock })
    }
}

/// Takes the lock of the folder; the file says who has it.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(in_folder(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.take(HOLDER_BYTES_MAX).read_to_string(&mut holder).map_err(in_folder(&path))?;
            return Err(OpenError::InUse { path: dir.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(OpenError::Folder { path, source }),
    }
    file.set_len(0).and_then(|()| write!(file, "{}", process::id())).map_err(in_folder(&path))?;
    Ok(file)
}

fn delete_discarded(dir: &Path) -> Result<(), OpenError> {
    let path = dir.join(DISCARDED);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(in_folder(&path)(error)),
        _ => Ok(()),
    }
}

fn in_folder(path: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| OpenError::Folder { path, source }
}
