//! Keys at rest: one file for each key, sealed under a passphrase.
//!
//! The file is JSON in one form, private to its owner (mode 0600). A key is 32 bytes; Argon2id makes a cipher key of the
//! passphrase, XChaCha20-Poly1305 seals the 32 bytes and authenticates everything else in the file, so that a file with any
//! byte changed does not open. What a file asks of Argon2id is bounded before it is run: a file cannot make a program
//! allocate what the machine does not have.

mod error;

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use weft_api::{FixedBytes, HexBytes};
use weft_protocol::crypto::schnorr::SecretKey;
use zeroize::Zeroizing;

pub use error::KeystoreError;

/// Version of the format.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes; a key file has about 600.
const FILE_BYTES_MAX: u64 = 16 << 10;
/// Permission bits that must not be set: those of group and others.
const OTHERS: u32 = 0o077;
/// Length of the cipher's nonce, in bytes.
const NONCE_BYTES: usize = 24;
/// Length of the salt, in bytes.
const SALT_BYTES: usize = 16;
/// Length of a sealed key: 32 bytes and the tag of 16.
const SEALED_BYTES: usize = 48;

/// The 32 bytes of a key, wiped when they are dropped.
pub type KeyBytes = Zeroizing<[u8; 32]>;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Signs transactions of the rollup: the bytes are the seed of a [`SecretKey`].
    Rollup,
    /// Signs L1 transactions: the bytes are a secp256k1 secret.
    L1,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollup => "rollup",
            Self::L1 => "l1",
        })
    }
}

/// What Argon2id costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KdfCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl KdfCost {
    /// What new files get: the second choice of RFC 9106 §4, about 0.2 s.
    pub const DEFAULT: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };
    /// The least that a file may ask for.
    pub const MIN: Self = Self { memory_kib: 8 << 10, passes: 1, lanes: 1 };
    /// The most that a file may ask for: 512 MiB and some seconds.
    pub const MAX: Self = Self { memory_kib: 512 << 10, passes: 16, lanes: 16 };

    fn check(&self) -> Result<(), KeystoreError> {
        let fields = [
            ("memory_kib", self.memory_kib, Self::MIN.memory_kib, Self::MAX.memory_kib),
            ("passes", self.passes, Self::MIN.passes, Self::MAX.passes),
            ("lanes", self.lanes, Self::MIN.lanes, Self::MAX.lanes),
        ];
        for (field, got, min, max) in fields {
            if !(min..=max).contains(&got) {
                return Err(KeystoreError::Cost { field, got, min, max });
            }
        }
        Ok(())
    }
}

/// A sealed key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keystore {
    file: KeyFile,
}

/// The file, in the order in which it is written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    kind: KeyKind,
    /// Key digest or L1 address: what the key is known by.
    public: HexBytes,
    kdf: Kdf,
    cipher: Cipher,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    cost: KdfCost,
    salt: FixedBytes<SALT_BYTES>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: FixedBytes<NONCE_BYTES>,
    sealed: HexBytes,
}

impl Kdf {
    const NAME: &'static str = "argon2id";

    fn cipher(&self, passphrase: &[u8]) -> Result<XChaCha20Poly1305, KeystoreError> {
        self.cost.check()?;
        let KdfCost { memory_kib, passes, lanes } = self.cost;
        let mut key = KeyBytes::default();
        let params = Params::new(memory_kib, passes, lanes, Some(key.len())).expect("the cost is within its bounds");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, &self.salt.0, key.as_mut_slice())
            .expect("salt and output have lengths that Argon2 takes, a passphrase is below 4 GiB");
        let key: &[u8; 32] = &key;
        Ok(XChaCha20Poly1305::new(key.into()))
    }
}

impl Cipher {
    const NAME: &'static str = "xchacha20poly1305";
}

impl Keystore {
    /// Seals a key under a passphrase.
    ///
    /// # Errors
    /// The bytes are no key of this kind, the cost is out of bounds, or there is no randomness.
    pub fn seal(kind: KeyKind, key: &KeyBytes, passphrase: &[u8], cost: KdfCost) -> Result<Self, KeystoreError> {
        let mut salt = FixedBytes([0; SALT_BYTES]);
        let mut nonce = FixedBytes([0; NONCE_BYTES]);
        getrandom::fill(&mut salt.0)?;
        getrandom::fill(&mut nonce.0)?;
        let mut file = KeyFile {
            version: VERSION,
            kind,
            public: HexBytes(public_of(kind, key)?),
            kdf: Kdf { name: Kdf::NAME.to_owned(), cost, salt },
            cipher: Cipher { name: Cipher::NAME.to_owned(), nonce, sealed: HexBytes::default() },
        };
        let cipher = file.kdf.cipher(passphrase)?;
        let payload = Payload { msg: key.as_slice(), aad: &file.authenticated() };
        let sealed = cipher.encrypt(&XNonce::from(nonce.0), payload);
        file.cipher.sealed = HexBytes(sealed.expect("32 bytes are not too long for the cipher"));
        Ok(Self { file })
    }

    /// Reads what [`Self::create`] has written.
    ///
    /// # Errors
    /// The file cannot be read, others can reach it, or it is no key file of this version.
    pub fn read(path: &Path) -> Result<Self, KeystoreError> {
        Self::from_bytes(&read_private(path)?)
    }

    /// Reads the content of a key file, in its one form only.
    ///
    /// # Errors
    /// The bytes are not what a key file of this version holds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeystoreError> {
        let file: KeyFile = serde_json::from_slice(bytes)?;
        let algorithm = |expected, got: &str| {
            if got == expected { Ok(()) } else { Err(KeystoreError::Algorithm { expected, got: got.to_owned() }) }
        };
        if file.version != VERSION {
            return Err(KeystoreError::Version { got: file.version });
        }
        algorithm(Kdf::NAME, &file.kdf.name)?;
        algorithm(Cipher::NAME, &file.cipher.name)?;
        file.kdf.cost.check()?;
        if file.cipher.sealed.0.len() != SEALED_BYTES {
            return Err(KeystoreError::Sealed { got: file.cipher.sealed.0.len() });
        }
        let written = file.to_bytes();
        if written != bytes {
            let same = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(KeystoreError::NotCanonical { position: same });
        }
        Ok(Self { file })
    }

    /// Writes the file, private to its owner: whole and on the disk, or not at all.
    ///
    /// # Errors
    /// There is a file already, or it cannot be written.
    pub fn create(&self, path: &Path) -> Result<(), KeystoreError> {
        let io = |source| KeystoreError::Io { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Temporary files are private from the start, and come into place only if nothing is there.
        let mut temporary = tempfile::Builder::new().prefix(".weft-key-").tempfile_in(folder).map_err(io)?;
        temporary.write_all(&self.file.to_bytes()).map_err(io)?;
        temporary.as_file().sync_all().map_err(io)?;
        temporary.persist_noclobber(path).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => KeystoreError::Exists { path: path.to_owned() },
            _ => io(error.error),
        })?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    /// What the key is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.file.kind
    }

    /// What the key is known by: the digest of a rollup key, the address of an L1 key. Authentic once the key was opened.
    #[must_use]
    pub const fn public(&self) -> &HexBytes {
        &self.file.public
    }

    /// The key for transactions of the rollup.
    ///
    /// # Errors
    /// The passphrase is wrong, the file is damaged, or holds a key of another kind.
    pub fn open_rollup(&self, passphrase: &[u8]) -> Result<SecretKey, KeystoreError> {
        Ok(SecretKey::from_seed(&*self.open(KeyKind::Rollup, passphrase)?))
    }

    /// The key for L1 transactions.
    ///
    /// # Errors
    /// As [`Self::open_rollup`].
    pub fn open_l1(&self, passphrase: &[u8]) -> Result<PrivateKeySigner, KeystoreError> {
        l1_signer(&*self.open(KeyKind::L1, passphrase)?).ok_or(KeystoreError::NoKey { kind: KeyKind::L1 })
    }

    fn open(&self, expected: KeyKind, passphrase: &[u8]) -> Result<KeyBytes, KeystoreError> {
        let KeyFile { kind, public, kdf, cipher, .. } = &self.file;
        if *kind != expected {
            return Err(KeystoreError::Kind { expected, got: *kind });
        }
        let aead = kdf.cipher(passphrase)?;
        let payload = Payload { msg: &cipher.sealed.0, aad: &self.file.authenticated() };
        let opened = aead.decrypt(&XNonce::from(cipher.nonce.0), payload).map_err(|_| KeystoreError::Unsealed)?;
        let opened = Zeroizing::new(opened);
        let mut key = KeyBytes::default();
        key.copy_from_slice(&opened);
        if public_of(*kind, &key)? != public.0 {
            return Err(KeystoreError::NoKey { kind: *kind });
        }
        Ok(key)
    }
}

impl KeyFile {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("numbers and texts have a form in JSON");
        bytes.push(b'\n');
        bytes
    }

    /// What the cipher authenticates beside the key: the file without the sealed part.
    fn authenticated(&self) -> Vec<u8> {
        let cipher = Cipher { sealed: HexBytes::default(), ..self.cipher.clone() };
        Self { cipher, ..self.clone() }.to_bytes()
    }
}

/// Reads a secp256k1 secret from a file with its 64 hexadecimal digits: how the keys of development chains come. The file
/// must be private to its owner.
///
/// # Errors
/// The file cannot be read, others can reach it, or it holds no such secret.
pub fn read_hex_key(path: &Path) -> Result<PrivateKeySigner, KeystoreError> {
    let text = Zeroizing::new(read_private(path)?);
    let digits = text.trim_ascii();
    let mut key = KeyBytes::default();
    let no_key = || KeystoreError::NoKey { kind: KeyKind::L1 };
    hex::decode_to_slice(digits.strip_prefix(b"0x").unwrap_or(digits), key.as_mut_slice()).map_err(|_| no_key())?;
    l1_signer(&key).ok_or_else(no_key)
}

/// Content of a small file that nobody but its owner can reach.
///
/// # Errors
/// The file cannot be read, is too large, or its mode is wider than 0600.
pub fn read_private(path: &Path) -> Result<Vec<u8>, KeystoreError> {
    let io = |source| KeystoreError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    // Asked of the open file, so that it is the one that is read.
    let metadata = file.metadata().map_err(io)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeystoreError::Mode { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(KeystoreError::Size { path: path.to_owned(), got: metadata.len() });
    }
    Ok(bytes)
}

fn public_of(kind: KeyKind, key: &KeyBytes) -> Result<Vec<u8>, KeystoreError> {
    match kind {
        KeyKind::Rollup => Ok(SecretKey::from_seed(key).public_key().digest().to_bytes().to_vec()),
        KeyKind::L1 => {
            l1_signer(key).map(|signer| signer.address().to_vec()).ok_or(KeystoreError::NoKey { kind: KeyKind::L1 })
        }
    }
}

fn l1_signer(key: &[u8; 32]) -> Option<PrivateKeySigner> {
    PrivateKeySigner::from_slice(key).ok()
}

#[cfg(test)]
mod tests;
