//! Built circuits on disk.
//!
//! Writing down the constraints of a circuit is quick; building it (permutation, interpolation, commitment) is not. A
//! file holds the built circuit under a key of the construction: name, version, configuration, gates and every step that
//! the builder took. A file that is missing, cut, damaged or stale means that the circuit is built, never an error.
//!
//! ```text
//! header: magic ‖ source key ‖ circuit digest ‖ (length ‖ BLAKE3) of each section
//! verifier's half: key and shape         read at once
//! wiring, tables: the prover's half      read when a proof is to be made (megabytes to hundreds of them)
//! ```

mod file;
mod half;
mod serial;
mod split;

use std::io;
use std::path::PathBuf;

use plonky2::plonk::config::GenericConfig;

pub use half::{FixedTables, ProverHalf};
pub use serial::{Gates, Generators};
pub use split::SplitCircuit;

use crate::builder::{Builder, SourceKey};
use crate::config::{D, F};

/// A directory of built circuits.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// Where a circuit of [`Cache::build`] came from.
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
        error: io::Error,
    },
}

/// Why a file, or a part of it, was not used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The circuit is in no file.
    #[error("it is in no file")]
    NoFile,
    /// The system refuses.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// A checksum, a length or the key is wrong.
    #[error("it is not a whole circuit file of this version")]
    Damaged,
    /// The library cannot read its part.
    #[error("its contents are no circuit")]
    Unreadable,
    /// Its parts do not belong together.
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
    pub fn build<K: GenericConfig<D, F = F> + 'static>(&self, builder: Builder) -> (SplitCircuit<K>, Source) {
        let key = builder.source_key::<K>();
        let path = self.path(&key);
        match file::read_verifier_half(&path, &key) {
            Ok(circuit) => return (circuit, Source::Loaded),
            Err(LoadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("building {} anew instead of loading {}: {error}", key.name.name, path.display()),
        }
        let mut circuit = SplitCircuit::from(builder.build_as::<K>());
        let source = match file::store(&path, &key, &mut circuit) {
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

#[cfg(test)]
mod tests;
