//! The chain's state machine: a block at a time, kept on disk if there is a folder for it.

use std::path::Path;

use alloy::consensus::TxEnvelope;
use alloy::consensus::transaction::Recovered;
use alloy::eips::Encodable2718;
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{B256, Bytes};
use revm::context::BlockEnv;

use super::clock::Clock;
use super::journal::{BlockEntry, Genesis, Journal};
use super::ledger::Ledger;
use super::machine::Machine;
use super::{EmbeddedConfig, OpenError, RpcError, dev_signer};

/// One node of the chain: everything behind the lock.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) chain_id: u64,
    clock: Clock,
    pub(super) machine: Machine,
    pub(super) ledger: Ledger,
    disk: Disk,
}

/// Where blocks are kept.
#[derive(Debug)]
enum Disk {
    /// Nowhere: the chain ends with the process.
    None,
    Journal(Journal),
    /// A block could not be written: the state in memory is ahead of the file, so nothing more is taken.
    Failed {
        reason: String,
    },
}

impl Node {
    /// A chain that ends with the process.
    pub(super) fn in_memory(config: &EmbeddedConfig) -> Self {
        Self::at_genesis(&genesis(config))
    }

    /// The chain in a folder, with everything that it has executed there; a new one if the folder has none.
    pub(super) fn open(config: &EmbeddedConfig, folder: &Path) -> Result<Self, OpenError> {
        let asked = genesis(config);
        let (journal, stored, blocks) = Journal::open(folder, asked.clone())?;
        let path = journal.path().to_owned();
        if (Genesis { timestamp: asked.timestamp, ..stored }) != asked {
            return Err(OpenError::OtherConfig { path });
        }
        let mut node = Self::at_genesis(&stored);
        for entry in blocks {
            let number = node.ledger.height() + 1;
            let hash =
                node.replay(&entry).map_err(|source| OpenError::Replay { path: path.clone(), number, source })?;
            if hash != entry.hash {
                return Err(OpenError::Diverged { path, number, expected: entry.hash, got: hash });
            }
        }
        node.disk = Disk::Journal(journal);
        Ok(node)
    }

    fn at_genesis(genesis: &Genesis) -> Self {
        let mut machine = Machine::new(genesis.chain_id);
        for index in 0..genesis.dev_accounts {
            machine.fund(dev_signer(index).address(), genesis.dev_balance);
        }
        let ledger = Ledger::new(genesis.base_fee, genesis.timestamp);
        Self { chain_id: genesis.chain_id, clock: Clock::default(), machine, ledger, disk: Disk::None }
    }

    /// Moves the clock forward and makes an empty block.
    pub(super) fn advance_time(&mut self, seconds: u64) -> Result<(), RpcError> {
        self.require_disk()?;
        self.clock.advance(seconds, self.ledger.timestamp());
        let timestamp = self.next_timestamp();
        let hash = self.make_block(None, timestamp)?;
        self.keep(None, timestamp, hash)
    }

    /// Takes a transaction, which becomes a block.
    pub(super) fn take(&mut self, transaction: Recovered<TxEnvelope>) -> Result<(), RpcError> {
        self.require_disk()?;
        let raw = Bytes::from(transaction.inner().encoded_2718());
        let timestamp = self.next_timestamp();
        let hash = self.make_block(Some(transaction), timestamp)?;
        self.keep(Some(raw), timestamp, hash)
    }

    /// What the EVM sees of the block that comes next.
    pub(super) fn next_block(&self) -> BlockEnv {
        self.ledger.next_block(self.next_timestamp())
    }

    pub(super) fn next_timestamp(&self) -> u64 {
        self.clock.next(self.ledger.timestamp())
    }

    /// Executes a transaction, if there is one, in a new block. Returns the block's hash.
    fn make_block(&mut self, transaction: Option<Recovered<TxEnvelope>>, timestamp: u64) -> Result<B256, RpcError> {
        let (number, hash) = match transaction {
            None => self.ledger.append_empty(timestamp),
            Some(transaction) => {
                let block = self.ledger.next_block(timestamp);
                let result = self.machine.execute(transaction.inner(), transaction.signer(), block)?;
                self.ledger.append(transaction, result, timestamp)
            }
        };
        self.machine.record_block(number, hash);
        Ok(hash)
    }

    fn replay(&mut self, entry: &BlockEntry) -> Result<B256, RpcError> {
        self.clock.set_offset(entry.clock_offset);
        let transaction = entry.transaction.as_ref().map(|raw| decode(raw).and_then(recover)).transpose()?;
        self.make_block(transaction, entry.timestamp)
    }

    fn keep(&mut self, transaction: Option<Bytes>, timestamp: u64, hash: B256) -> Result<(), RpcError> {
        let Disk::Journal(journal) = &mut self.disk else { return Ok(()) };
        let entry = BlockEntry { timestamp, clock_offset: self.clock.offset(), transaction, hash };
        if let Err(error) = journal.append(&entry) {
            let reason = format!("{}: {error}", journal.path().display());
            self.disk = Disk::Failed { reason };
        }
        self.require_disk()
    }

    fn require_disk(&self) -> Result<(), RpcError> {
        match &self.disk {
            Disk::None | Disk::Journal(_) => Ok(()),
            Disk::Failed { reason } => Err(RpcError::Disk { reason: reason.clone() }),
        }
    }
}

fn genesis(config: &EmbeddedConfig) -> Genesis {
    Genesis {
        chain_id: config.chain_id,
        dev_accounts: config.dev_accounts,
        dev_balance: config.dev_balance,
        base_fee: config.base_fee,
        timestamp: Clock::default().next(0),
    }
}

/// A transaction as it is sent.
pub(super) fn decode(raw: &Bytes) -> Result<TxEnvelope, RpcError> {
    TxEnvelope::decode_2718_exact(raw).map_err(RpcError::invalid_params)
}

/// The transaction with its signer. Signatures with a high s are refused, as on mainnet (EIP-2).
pub(super) fn recover(transaction: TxEnvelope) -> Result<Recovered<TxEnvelope>, RpcError> {
    let signature = transaction.signature();
    if signature.normalize_s().is_some() {
        return Err(RpcError::Rejected { reason: "invalid signature: s is too high".to_owned() });
    }
    let signer = signature.recover_address_from_prehash(&transaction.signature_hash());
    let signer = signer.map_err(|error| RpcError::Rejected { reason: format!("invalid signature: {error}") })?;
    Ok(Recovered::new_unchecked(transaction, signer))
}
