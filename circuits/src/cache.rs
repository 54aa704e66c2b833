//! Built circuits on disk.
//!
//! Writing down the constraints of a circuit is quick; building it (permutation, interpolation, commitment) is not. A
//! file holds the built part under a key of the construction: name, version, configuration, gates and every step that the
//! builder took. A file that is missing, cut, damaged or stale means that the circuit is built, never an error.

mod serial;

use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;

pub use serial::{Gates, Generators};

use crate::builder::{Builder, Circuit, SourceKey};
use crate::config::{D, F};
use crate::digest::{CircuitDigest, circuit_digest};

/// First bytes of a file; the number counts the incompatible changes of the format.
const MAGIC: [u8; 16] = *b"weft circuit v1\n";
/// Magic, source key, circuit digest, checksum.
const HEADER_BYTES: usize = 16 + 32 + 32 + 8;

/// Tells temporary files of this process apart.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// A directory of built circuits.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// Where a circuit came from.
#[derive(Debug)]
pub enum Source {
    /// From its file.
    Loaded,
    /// Built, and stored in its file.
    Built,
    /// Built; it could not be stored.
    NotStored(StoreError),
}

/// A circuit could not be stored. It is usable all the same.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A gate or generator is not listed in [`Gates`] or [`Generators`].
    #[error("a gate or generator of the circuit is not listed for serialization")]
    Unlisted,
    /// The file could not be written.
    #[error("cannot write {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Why a file was not used. Only logged.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("cannot read it: {0}")]
    Io(#[from] std::io::Error),
    #[error("it is not a whole circuit file of this version")]
    Damaged,
    #[error("its contents are no circuit")]
    Unreadable,
    #[error("it holds another circuit than it says")]
    WrongDigest,
}

impl Cache {
    /// The circuits in this directory, which is made when the first one is stored.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The circuit of a construction: out of its file, or built and stored.
    pub fn build<K: GenericConfig<D, F = F> + 'static>(&self, builder: Builder) -> (Circuit<K>, Source) {
        let key = builder.source_key::<K>();
        let path = self.path(&key);
        match load::<K>(&path, &key) {
            Ok((data, digest)) => return (builder.into_circuit(data, digest), Source::Loaded),
            Err(LoadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("building {} anew instead of loading {}: {error}", key.name.name, path.display()),
        }
        let circuit = builder.build_as::<K>();
        let source = match store(&path, &key, &circuit) {
            Ok(()) => Source::Built,
            Err(error) => {
                log::warn!("circuit {} is not cached: {error}", key.name.name);
                Source::NotStored(error)
            }
        };
        (circuit, source)
    }

    fn path(&self, key: &SourceKey) -> PathBuf {
        let [a, b, c, d, e, f, g, h, ..] = key.hash;
        let hash = hex::encode([a, b, c, d, e, f, g, h]);
        self.directory.join(format!("{}-v{}-{hash}.circuit", key.name.name, key.name.version))
    }
}

fn load<K: GenericConfig<D, F = F>>(
    path: &Path,
    key: &SourceKey,
) -> Result<(CircuitData<F, K, D>, CircuitDigest), LoadError> {
    let bytes = fs::read(path)?;
    let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(LoadError::Damaged)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    let (source, rest) = rest.split_at(32);
    let (digest, sum) = rest.split_at(32);
    if magic != MAGIC || source != key.hash || sum != checksum(digest, body).to_be_bytes() {
        return Err(LoadError::Damaged);
    }
    // The checksum has excluded damage; the library may still panic on bytes of another version of itself.
    let data = catch_unwind(AssertUnwindSafe(|| CircuitData::from_bytes(body, &Gates, &Generators)))
        .map_err(|_| LoadError::Unreadable)?
        .map_err(|_| LoadError::Unreadable)?;
    let found = circuit_digest(&data);
    if found.0 != digest || data.prover_only.circuit_digest != data.verifier_only.circuit_digest {
        return Err(LoadError::WrongDigest);
    }
    Ok((data, found))
}

/// Writes a temporary file and renames it, so that a file is whole or absent, whoever else writes it.
fn store<K: GenericConfig<D, F = F>>(path: &Path, key: &SourceKey, circuit: &Circuit<K>) -> Result<(), StoreError> {
    let body = circuit.data.to_bytes(&Gates, &Generators).map_err(|_| StoreError::Unlisted)?;
    let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let write = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = fs::File::create(&temporary)?;
        for part in [&MAGIC[..], &key.hash, &circuit.digest.0, &checksum(&circuit.digest.0, &body).to_be_bytes(), &body]
        {
            file.write_all(part)?;
        }
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        // Nothing more can be done about a temporary file that cannot be removed either.
        let _ = fs::remove_file(&temporary);
        StoreError::Io { path: path.to_owned(), error }
    })
}

/// Finds damage, not malice: files are as trusted as the program beside them. Fast, because files have up to 1 GiB.
fn checksum(digest: &[u8], body: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [1_u64, 2, 3, 4];
    let mut absorb = |lane: usize, word: u64| {
        lanes[lane] = (lanes[lane] ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
    };
    let length = u64::try_from(body.len()).expect("a length fits 64 bits");
    absorb(0, length);
    for part in [digest, body] {
        let (words, rest) = part.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            absorb(index % 4, u64::from_le_bytes(*word));
        }
        for &byte in rest {
            absorb(0, u64::from(byte));
        }
    }
    lanes.into_iter().fold(0, |sum, lane| (sum ^ lane).wrapping_mul(MULTIPLIER).rotate_left(31))
}

#[cfg(test)]
mod tests;
