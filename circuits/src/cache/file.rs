//! The file of a circuit.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use plonky2::plonk::circuit_data::{ProverOnlyCircuitData, VerifierCircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::util::serialization::IoResult;

use super::half::{FixedTables, ProverHalf};
use super::split::{ProverSide, SplitCircuit};
use super::{Gates, Generators, LoadError, StoreError};
use crate::builder::SourceKey;
use crate::config::{D, F};
use crate::digest::circuit_digest;

/// First bytes of a file; the number counts the incompatible changes of the format.
const MAGIC: [u8; 16] = *b"weft circuit v2\n";
/// Length and BLAKE3 of a section.
const SECTION_BYTES: u64 = 8 + 32;
/// Magic, source key, circuit digest, sections.
const HEADER_BYTES: u64 = 16 + 32 + 32 + 3 * SECTION_BYTES;

/// Tells temporary files of this process apart.
static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// What is known of a section before it is read. BLAKE3 finds damage, not malice: files are as trusted as the program
/// beside them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Section {
    bytes: u64,
    hash: [u8; 32],
}

/// Begin of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    source: [u8; 32],
    digest: [u8; 32],
    verifier: Section,
    wiring: Section,
    tables: Section,
}

/// Where the prover's half of a circuit is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ProverFile {
    path: PathBuf,
    header: Header,
}

impl Section {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, hash: blake3::hash(bytes).into() }
    }
}

impl Header {
    const fn sections(&self) -> [Section; 3] {
        [self.verifier, self.wiring, self.tables]
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &self.source, &self.digest].concat();
        for Section { bytes: length, hash } in self.sections() {
            bytes.extend(length.to_be_bytes());
            bytes.extend(hash);
        }
        bytes
    }

    /// Reads the begin of a file of this construction, whose length must be what the header says.
    fn read(file: &mut File, source: &[u8; 32]) -> Result<Self, LoadError> {
        let length = file.metadata()?.len();
        if length < HEADER_BYTES {
            return Err(LoadError::Damaged);
        }
        let magic: [u8; 16] = read_array(file)?;
        let (found, digest) = (read_array(file)?, read_array(file)?);
        let mut section =
            || Ok::<_, io::Error>(Section { bytes: u64::from_be_bytes(read_array(file)?), hash: read_array(file)? });
        let header = Self { source: found, digest, verifier: section()?, wiring: section()?, tables: section()? };
        let total = header.sections().iter().try_fold(HEADER_BYTES, |sum, section| sum.checked_add(section.bytes));
        if magic != MAGIC || found != *source || total != Some(length) {
            return Err(LoadError::Damaged);
        }
        Ok(header)
    }
}

/// A circuit whose file is whole, as far as that can be told without reading all of it.
pub(super) fn read_verifier_half<K: GenericConfig<D, F = F>>(
    path: &Path,
    key: &SourceKey,
) -> Result<SplitCircuit<K>, LoadError> {
    let mut file = File::open(path)?;
    let header = Header::read(&mut file, &key.hash)?;
    let bytes = read_section(&mut file, &header.verifier)?;
    let verifier = parse(|| VerifierCircuitData::<F, K, D>::from_bytes(bytes, &Gates))?;
    let digest = circuit_digest(&verifier.verifier_only, &verifier.common);
    if digest.0 != header.digest {
        return Err(LoadError::WrongDigest);
    }
    if header.tables.bytes != FixedTables::<K::Hasher>::bytes(&verifier.common) {
        return Err(LoadError::Damaged);
    }
    let prover = ProverSide::File(ProverFile { path: path.to_owned(), header });
    Ok(SplitCircuit { verifier, digest, prover })
}

impl ProverFile {
    /// Length of the half, and about its size in memory.
    pub(super) const fn bytes(&self) -> u64 {
        self.header.wiring.bytes + self.header.tables.bytes
    }

    /// Reads the half. A file that is damaged is deleted, so that the next one to look for it builds it anew.
    pub(super) fn read<K: GenericConfig<D, F = F>>(
        &self,
        verifier: &VerifierCircuitData<F, K, D>,
    ) -> Result<ProverHalf<K>, LoadError> {
        let half = self.try_read(verifier);
        if matches!(half, Err(LoadError::Damaged | LoadError::Unreadable | LoadError::WrongDigest)) {
            // One that cannot be deleted is found to be damaged once more.
            let _ = fs::remove_file(&self.path);
        }
        half
    }

    fn try_read<K: GenericConfig<D, F = F>>(
        &self,
        verifier: &VerifierCircuitData<F, K, D>,
    ) -> Result<ProverHalf<K>, LoadError> {
        let Self { path, header } = self;
        let mut file = File::open(path)?;
        if Header::read(&mut file, &header.source)? != *header {
            return Err(LoadError::Damaged);
        }
        file.seek(SeekFrom::Start(HEADER_BYTES + header.verifier.bytes))?;
        let bytes = read_section(&mut file, &header.wiring)?;
        let wiring = parse(|| ProverOnlyCircuitData::<F, K, D>::from_bytes(&bytes, &Generators, &verifier.common))?;
        drop(bytes);
        let mut tables = Hashing { inner: file, hasher: blake3::Hasher::new() };
        let fixed = FixedTables::<K::Hasher>::read(&verifier.common, &mut tables)?;
        if tables.hasher.finalize() != header.tables.hash {
            return Err(LoadError::Damaged);
        }
        let key = &verifier.verifier_only;
        if wiring.circuit_digest != key.circuit_digest || fixed.levels.last() != Some(&key.constants_sigmas_cap.0) {
            return Err(LoadError::WrongDigest);
        }
        Ok(ProverHalf { wiring, fixed })
    }
}

/// Hashes what is read.
struct Hashing<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// Writes a temporary file and renames it, so that a file is whole or absent, whoever else writes it. The circuit gives up
/// its prover's half in memory for the one in the file.
pub(super) fn store<K: GenericConfig<D, F = F>>(
    path: &Path,
    key: &SourceKey,
    circuit: &mut SplitCircuit<K>,
) -> Result<(), StoreError> {
    let Some(half) = circuit.take_prover_half() else { return Ok(()) };
    let written = write(path, key, circuit, &half);
    let (prover, result) = match written {
        Ok(file) => (ProverSide::File(file), Ok(())),
        Err(error) => (ProverSide::Half(Box::new(half)), Err(error)),
    };
    circuit.prover = prover;
    result
}

fn write<K: GenericConfig<D, F = F>>(
    path: &Path,
    key: &SourceKey,
    circuit: &SplitCircuit<K>,
    half: &ProverHalf<K>,
) -> Result<ProverFile, StoreError> {
    let (SplitCircuit { verifier, digest, .. }, ProverHalf { wiring, fixed }) = (circuit, half);
    let wiring = wiring.to_bytes(&Generators, &verifier.common).map_err(|_| StoreError::Unlisted)?;
    let verifier = verifier.to_bytes(&Gates).map_err(|_| StoreError::Unlisted)?;
    let io_error = |error| StoreError::Io { path: path.to_owned(), error };
    let mut hasher = blake3::Hasher::new();
    fixed.write(&mut hasher).map_err(io_error)?;
    let tables = Section { bytes: hasher.count(), hash: hasher.finalize().into() };
    let header = Header {
        source: key.hash,
        digest: digest.0,
        verifier: Section::of(&verifier),
        wiring: Section::of(&wiring),
        tables,
    };
    let number = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let write = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = File::create(&temporary)?;
        for part in [&header.to_bytes(), &verifier, &wiring] {
            file.write_all(part)?;
        }
        fixed.write(&mut file)?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        // Nothing more can be done about a temporary file that cannot be removed either.
        let _ = fs::remove_file(&temporary);
        io_error(error)
    })?;
    Ok(ProverFile { path: path.to_owned(), header })
}

fn read_array<const N: usize>(file: &mut File) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_section(file: &mut File, section: &Section) -> Result<Vec<u8>, LoadError> {
    let mut bytes = vec![0; usize::try_from(section.bytes).map_err(|_| LoadError::Damaged)?];
    file.read_exact(&mut bytes)?;
    if Section::of(&bytes) == *section { Ok(bytes) } else { Err(LoadError::Damaged) }
}

/// The checksum has excluded damage; the library may still panic on bytes of another version of itself.
fn parse<T>(read: impl FnOnce() -> IoResult<T>) -> Result<T, LoadError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| LoadError::Unreadable)?.map_err(|_| LoadError::Unreadable)
}
