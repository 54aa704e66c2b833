//! Blobs by their content: inputs and proofs of jobs.
//!
//! A blob is known by the hash of its bytes, so it never changes, and to put one twice is to put it once. Layout of [`FileBlobs`]:
//! `DIR/ab/cd/abcd…` (the hash in hex), and `DIR/temp/` for files that are being written. A file comes to its name by a rename
//! once it is on the disk: what has its name is whole, unless the disk itself has failed, which [`BlobStore::get`] notices.

use std::fmt;
use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::blocking;

/// Largest blob.
pub const BLOB_BYTES_MAX: usize = 16 << 20;

/// Folder of files that are being written.
const TEMP: &str = "temp";

/// Content hash of a blob (BLAKE3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// A blob cannot be put, got or deleted.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is larger than a blob may be.
    #[error("a blob of {bytes} bytes is larger than {BLOB_BYTES_MAX} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The bytes at its name are not those that were put. To the caller it is missing: putting it again replaces it.
    #[error("the blob in {path} is damaged: its content has the hash {found}")]
    Corrupt {
        /// The blob that was asked for.
        id: BlobId,
        /// Its file.
        path: PathBuf,
        /// Hash of what is there.
        found: BlobId,
    },
    /// The file system failed.
    #[error("the file system failed at {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// See the [module](self). All methods may be called at once from many tasks.
pub trait BlobStore: Send + Sync + 'static {
    /// Keeps the bytes; on the disk when it returns. A blob that is there already stays, unless it is damaged.
    ///
    /// # Errors
    /// If it is larger than [`BLOB_BYTES_MAX`], or the disk fails (or is full): then nothing has changed.
    fn put(&self, bytes: Vec<u8>) -> impl Future<Output = Result<BlobId, BlobError>> + Send;

    /// The bytes, checked against their name; `None` if there are none.
    ///
    /// # Errors
    /// If they are damaged, or the disk fails.
    fn get(&self, id: &BlobId) -> impl Future<Output = Result<Option<Vec<u8>>, BlobError>> + Send;

    /// Whether there is such a blob. It may be damaged all the same: only [`get`](Self::get) reads it.
    ///
    /// # Errors
    /// If the disk fails.
    fn exists(&self, id: &BlobId) -> impl Future<Output = Result<bool, BlobError>> + Send;

    /// Deletes it, if it is there.
    ///
    /// # Errors
    /// If the disk fails.
    fn delete(&self, id: &BlobId) -> impl Future<Output = Result<(), BlobError>> + Send;
}

/// Blobs as files of one folder, which one process uses at a time; needs a tokio runtime, whose threads for blocking
/// work it uses. See the [module](self).
#[derive(Clone, Debug)]
pub struct FileBlobs {
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder {
    dir: PathBuf,
    /// Numbers the files that are being written.
    temp: AtomicU64,
}

impl FileBlobs {
    /// Opens the folder, or makes it with its outer folders, and deletes what an earlier process left half written.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        let temp = dir.join(TEMP);
        fs::create_dir_all(&temp).map_err(at(&temp))?;
        for entry in fs::read_dir(&temp).map_err(at(&temp))? {
            let path = entry.map_err(at(&temp))?.path();
            fs::remove_file(&path).map_err(at(&path))?;
        }
        for outer in 0..=u8::MAX {
            let outer = dir.join(hex::encode([outer]));
            fs::create_dir_all(&outer).map_err(at(&outer))?;
        }
        sync_dir(dir)?;
        let folder = Folder { dir: dir.to_owned(), temp: AtomicU64::new(0) };
        Ok(Self { folder: Arc::new(folder) })
    }

    /// The file of a blob: where it is, or would be.
    pub fn path(&self, id: &BlobId) -> PathBuf {
        self.folder.path(id)
    }
}

impl BlobStore for FileBlobs {
    async fn put(&self, bytes: Vec<u8>) -> Result<BlobId, BlobError> {
        let folder = Arc::clone(&self.folder);
        blocking::run(move || folder.put(&bytes)).await
    }

    async fn get(&self, id: &BlobId) -> Result<Option<Vec<u8>>, BlobError> {
        let (folder, id) = (Arc::clone(&self.folder), *id);
        blocking::run(move || folder.get(&id)).await
    }

    async fn exists(&self, id: &BlobId) -> Result<bool, BlobError> {
        let path = self.path(id);
        blocking::run(move || path.try_exists().map_err(at(&path))).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        let path = self.path(id);
        blocking::run(move || match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(BlobError::Io { path, source }),
            Ok(()) | Err(_) => Ok(()),
        })
        .await
    }
}

impl Folder {
    fn path(&self, id: &BlobId) -> PathBuf {
        let name = id.to_string();
        self.dir.join(&name[..2]).join(&name[2..4]).join(name)
    }

    fn put(&self, bytes: &[u8]) -> Result<BlobId, BlobError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge { bytes: bytes.len() });
        }
        let id = BlobId::of(bytes);
        let path = self.path(&id);
        let folder = path.parent().expect("a blob lies in two folders");
        match self.get(&id) {
            // Whoever renamed it to its name may not have had the time to make that last.
            Ok(Some(_)) => return sync_dir(folder).map(|()| id),
            Ok(None) | Err(BlobError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        // Also if the folder was there: whoever made it may not have had the time to make that last.
        sync_dir(folder.parent().expect("a blob lies in two folders"))?;
        let temp = self.write_temp(bytes)?;
        // Of several threads that put the same bytes each replaces what the other has put.
        fs::rename(&temp, &path).map_err(at(&path))?;
        sync_dir(folder)?;
        Ok(id)
    }

    fn get(&self, id: &BlobId) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BlobError::Io { path, source }),
        };
        let mut bytes = Vec::new();
        // One byte more than a blob may have tells a file that has grown.
        file.take(BLOB_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(at(&path))?;
        let found = BlobId::of(&bytes);
        if found == *id { Ok(Some(bytes)) } else { Err(BlobError::Corrupt { id: *id, path, found }) }
    }

    /// Writes the bytes to a file of their own, which is on the disk when it returns.
    fn write_temp(&self, bytes: &[u8]) -> Result<PathBuf, BlobError> {
        let number = self.temp.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(TEMP).join(format!("{}-{number}", process::id()));
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(source) = written {
            // A disk that is full gets its room back; the next open deletes what this cannot.
            let _ = fs::remove_file(&path);
            return Err(BlobError::Io { path, source });
        }
        Ok(path)
    }
}

/// What has been made, renamed or removed in the folder is so after a crash of the machine too.
fn sync_dir(dir: &Path) -> Result<(), BlobError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(at(dir))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    |source| BlobError::Io { path: path.to_owned(), source }
}
