//! What the chain has executed, on disk, so that it can execute it again: a file with one line a block.
//!
//! A line is a checksum of 16 hexadecimal digits, a space, and a JSON object: first the [`Genesis`], then one
//! [`BlockEntry`] a block. A line is on the disk before its block is answered for. What a crash can leave is a last line
//! that is not whole: its block was never answered for, and the line is dropped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use alloy::primitives::{B256, Bytes, U256, hex, keccak256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::OpenError;

/// Name of the file.
const FILE: &str = "chain.jsonl";

/// Bytes of Keccak-256 that a line's checksum has.
const CHECKSUM_BYTES: usize = 8;

/// What the chain began with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Genesis {
    pub(super) chain_id: u64,
    pub(super) dev_accounts: u32,
    pub(super) dev_balance: U256,
    pub(super) base_fee: u64,
    pub(super) timestamp: u64,
}

/// What made a block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockEntry {
    pub(super) timestamp: u64,
    /// Seconds by which the chain's clock was ahead of real time.
    pub(super) clock_offset: u64,
    /// The one transaction, as it was sent; `None` in an empty block.
    pub(super) transaction: Option<Bytes>,
    /// The block's hash: executing the transaction again must lead to it.
    pub(super) hash: B256,
}

/// The open file, at its end. Nobody else has it open.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file in a folder, or makes it with this genesis. Returns what it holds.
    pub(super) fn open(folder: &Path, genesis: Genesis) -> Result<(Self, Genesis, Vec<BlockEntry>), OpenError> {
        let path = folder.join(FILE);
        let failed = |source| OpenError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { path: path.clone() },
            TryLockError::Error(source) => failed(source),
        })?;
        let contents = read(&file, &path)?;
        file.set_len(contents.bytes).map_err(failed)?;
        let mut journal = Self { path: path.clone(), file };
        journal.file.seek(SeekFrom::End(0)).map_err(failed)?;
        let stored = if let Some(stored) = contents.genesis {
            stored
        } else {
            journal.write(&genesis).map_err(failed)?;
            // The file's name must not be lost either.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
            genesis
        };
        Ok((journal, stored, contents.blocks))
    }

    /// Adds a block. Returns when it is on the disk.
    pub(super) fn append(&mut self, entry: &BlockEntry) -> io::Result<()> {
        self.write(entry)
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(value).expect("entries have string keys and no failing serializers");
        self.file.write_all(format!("{} {json}\n", checksum(&json)).as_bytes())?;
        self.file.sync_data()
    }
}

/// What a file holds, and where its last whole line ends.
#[derive(Default)]
struct Contents {
    genesis: Option<Genesis>,
    blocks: Vec<BlockEntry>,
    bytes: u64,
}

fn read(file: &File, path: &Path) -> Result<Contents, OpenError> {
    let failed = |source| OpenError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let (mut contents, mut line, mut number) = (Contents::default(), Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        number += 1;
        if length == 0 {
            return Ok(contents);
        }
        if contents.take(&line).is_none() {
            // Only the last line can be half written.
            let is_last = reader.fill_buf().map_err(failed)?.is_empty();
            return if is_last {
                Ok(contents)
            } else {
                Err(OpenError::Damaged { path: path.to_owned(), line: number })
            };
        }
        contents.bytes += u64::try_from(length).expect("a length fits 64 bits");
    }
}

impl Contents {
    /// Takes the next line; `None` if it is not whole.
    fn take(&mut self, line: &[u8]) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        if self.genesis.is_none() {
            self.genesis = Some(parse(line)?);
        } else {
            self.blocks.push(parse(line)?);
        }
        Some(())
    }
}

fn parse<T: DeserializeOwned>(line: &str) -> Option<T> {
    let (sum, json) = line.split_once(' ')?;
    if sum == checksum(json) { serde_json::from_str(json).ok() } else { None }
}

fn checksum(json: &str) -> String {
    hex::encode(&keccak256(json)[..CHECKSUM_BYTES])
}
