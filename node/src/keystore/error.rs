//! Why a key file is of no use.

use std::path::PathBuf;

use super::{FILE_BYTES_MAX, KeyKind, SEALED_BYTES, VERSION};

/// A key file cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// There is a file already. Keys are never overwritten.
    #[error("{} exists already; a key file is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or write the file.
    #[error("{} has mode {mode:03o}: others can reach it; run chmod 600 on it", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is larger than any key file.
    #[error("{} is too large for a key file: {got} bytes, the most is {FILE_BYTES_MAX}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        got: u64,
    },
    /// The file is no key file.
    #[error("not a key file: {0}")]
    Json(#[from] serde_json::Error),
    /// The file says what a key file says, but is not written as one.
    #[error("not written as key files are: differs from the one form at byte {position}")]
    NotCanonical {
        /// The first byte that differs.
        position: usize,
    },
    /// Another version of the format.
    #[error("the key file has version {got}, this program reads {VERSION}")]
    Version {
        /// What the file says.
        got: u32,
    },
    /// Another function or cipher than this version has.
    #[error("the key file uses {got} where this version has {expected}")]
    Algorithm {
        /// What this version has.
        expected: &'static str,
        /// What the file says.
        got: String,
    },
    /// The sealed part has a wrong length.
    #[error("the sealed key has {got} bytes instead of {SEALED_BYTES}")]
    Sealed {
        /// Its length in bytes.
        got: usize,
    },
    /// The file asks too much or too little of Argon2id.
    #[error("the key file asks for {field} = {got}; between {min} and {max} is allowed")]
    Cost {
        /// Which parameter.
        field: &'static str,
        /// What the file says.
        got: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// The passphrase is another one, or the file was changed.
    #[error("the passphrase is wrong, or the key file is damaged")]
    Unsealed,
    /// What was sealed is no key of the kind that the file names.
    #[error("the key file does not hold a key of kind {kind}")]
    NoKey {
        /// The kind.
        kind: KeyKind,
    },
    /// A key of one kind was given where another is needed.
    #[error("a key of kind {expected} is needed, the file holds one of kind {got}")]
    Kind {
        /// What is needed.
        expected: KeyKind,
        /// What the file holds.
        got: KeyKind,
    },
    /// The operating system has no randomness.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
}
