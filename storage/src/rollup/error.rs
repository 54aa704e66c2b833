//! What can go wrong with the store: which file, why, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One of the two databases of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The inputs, in order, and what cannot be computed again.
    Log,
    /// What follows from the log.
    State,
}

impl Part {
    /// What an operator can do if this part is damaged.
    const fn way_out(self) -> &'static str {
        match self {
            Self::Log => "check the disk and restore the folder from a copy",
            Self::State => "stop the node, check the disk and delete this folder: it is computed again from the log",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "log",
            Self::State => "state",
        })
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has it open.
    #[error("{} is in use by process {holder}: stop that process, or choose another data folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it, as written in its lock file.
        holder: String,
    },
    /// There is none.
    #[error("{} holds no log of a rollup", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("cannot use {}: {source}; the path must be a folder that this user may write to, with space left", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It belongs to another deployment.
    #[error("{} belongs to deployment {found}, not to {expected}: choose another data folder", path.display())]
    OtherIdentity {
        /// The database.
        path: PathBuf,
        /// The caller's, in hexadecimal digits.
        expected: String,
        /// What is stored, in hexadecimal digits.
        found: String,
    },
    /// It was written by another version of this software.
    #[error("{} has schema {found}, this version knows {expected}: use the version that wrote it, or another data folder", path.display())]
    OtherSchema {
        /// The database.
        path: PathBuf,
        /// [`SCHEMA`](super::SCHEMA).
        expected: u32,
        /// What is stored.
        found: u32,
    },
    /// There is a database, but not one of this store.
    #[error("{} holds a database of something else: choose another data folder", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Writes to the log that were synced, and acknowledged, are missing from its end.
    #[error("{} is damaged: {found} writes are left of {written} that were synced; {}", path.display(), Part::Log.way_out())]
    LogLost {
        /// The database.
        path: PathBuf,
        /// Number of writes that the state knows of.
        written: u64,
        /// Number of writes in the log.
        found: u64,
    },
    /// Reading failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operation on an open store fails.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was read is not what was written.
    #[error("the {part} in {} is damaged: {cause}; {}", path.display(), part.way_out())]
    Damaged {
        /// Which database.
        part: Part,
        /// Its folder.
        path: PathBuf,
        /// What does not fit.
        cause: String,
    },
    /// The disk or the operating system refuses.
    #[error("cannot read or write the {part} in {}: {cause}; check free space, permissions and the disk", path.display())]
    Io {
        /// Which database.
        part: Part,
        /// Its folder.
        path: PathBuf,
        /// What failed.
        cause: String,
    },
    /// A value has no encoding.
    #[error("a value cannot be encoded: {0}")]
    Encode(postcard::Error),
    /// A synced write failed before: what of it is on the disk is only known after the store is opened again.
    #[error("a write to the log in {} failed before: restart the node", path.display())]
    Halted {
        /// The database.
        path: PathBuf,
    },
    /// Too many entries at once.
    #[error("{got} entries in one append, the limit is {max}")]
    TooMany {
        /// Entries of the call.
        got: usize,
        /// [`APPEND_ENTRIES_MAX`](super::APPEND_ENTRIES_MAX).
        max: usize,
    },
    /// Batches are applied one after the other.
    #[error("batch {got} cannot follow, the next one is {expected}")]
    NotTheNext {
        /// The batch that follows the last applied one.
        expected: u32,
        /// The batch of the call.
        got: u32,
    },
    /// The state may not depend on entries that the log has not got, nor forget some.
    #[error("a batch that ends before entry {got} of the log cannot be applied: it must end in {min}..={max}")]
    NotInLog {
        /// The entry of the call.
        got: u64,
        /// Where the last applied batch ended.
        min: u64,
        /// Where the log ends.
        max: u64,
    },
    /// There is no such batch.
    #[error("batch {number} is not stored")]
    UnknownBatch {
        /// Its number.
        number: u32,
    },
}
