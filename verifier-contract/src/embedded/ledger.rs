//! Blocks, transactions and receipts that the chain has made.

use std::collections::HashMap;

use alloy::consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy::consensus::transaction::{Recovered, TransactionInfo};
use alloy::consensus::{Header, Receipt, ReceiptEnvelope, Transaction as _, TxEnvelope};
use alloy::primitives::{Address, B256, Bloom};
use alloy::rpc::types::{Block, BlockTransactions, Filter, Log, Transaction, TransactionReceipt};
use revm::context::BlockEnv;
use revm::context::result::ExecutionResult;

/// Most gas of a block.
pub const BLOCK_GAS_LIMIT: u64 = 60_000_000;

/// Who gets the fees.
const BENEFICIARY: Address = Address::new(*b"weft fee beneficiary");

/// A block with its one transaction, if it has one.
#[derive(Debug)]
pub(super) struct SealedBlock {
    hash: B256,
    header: Header,
    content: Option<(Transaction, TransactionReceipt)>,
}

/// The chain of blocks, never empty.
#[derive(Debug)]
pub(super) struct Ledger {
    base_fee: u64,
    blocks: Vec<SealedBlock>,
    by_hash: HashMap<B256, usize>,
    by_transaction: HashMap<B256, usize>,
}

impl Ledger {
    /// A chain with a genesis block of this time.
    pub(super) fn new(base_fee: u64, timestamp: u64) -> Self {
        let mut ledger = Self { base_fee, blocks: Vec::new(), by_hash: HashMap::new(), by_transaction: HashMap::new() };
        ledger.push(ledger.header(0, timestamp), None);
        ledger
    }

    /// Number of the latest block.
    pub(super) fn height(&self) -> u64 {
        self.latest().header.number
    }

    /// Base fee of every block, in wei.
    pub(super) const fn base_fee(&self) -> u64 {
        self.base_fee
    }

    /// Time of the latest block.
    pub(super) fn timestamp(&self) -> u64 {
        self.latest().header.timestamp
    }

    /// What the EVM sees of the block that comes next.
    pub(super) fn next_block(&self, timestamp: u64) -> BlockEnv {
        let header = self.header(self.height() + 1, timestamp);
        BlockEnv {
            number: revm::primitives::U256::from(header.number),
            beneficiary: header.beneficiary,
            timestamp: revm::primitives::U256::from(timestamp),
            gas_limit: header.gas_limit,
            basefee: self.base_fee,
            prevrandao: Some(header.mix_hash),
            ..BlockEnv::default()
        }
    }

    /// Adds an empty block. Returns its number and hash.
    pub(super) fn append_empty(&mut self, timestamp: u64) -> (u64, B256) {
        self.push(self.header(self.height() + 1, timestamp), None)
    }

    /// Adds a block with one transaction. Returns its number and hash.
    pub(super) fn append(
        &mut self,
        transaction: Recovered<TxEnvelope>,
        result: ExecutionResult,
        timestamp: u64,
    ) -> (u64, B256) {
        let gas_used = result.tx_gas_used();
        let status = result.is_success();
        let receipt = Receipt { status: status.into(), cumulative_gas_used: gas_used, logs: result.into_logs() };
        let receipt = ReceiptEnvelope::from_typed(transaction.tx_type(), receipt);
        let header = Header {
            gas_used,
            logs_bloom: *receipt.logs_bloom(),
            transactions_root: calculate_transaction_root(&[transaction.inner()]),
            receipts_root: calculate_receipt_root(std::slice::from_ref(&receipt)),
            ..self.header(self.height() + 1, timestamp)
        };
        self.push(header, Some((transaction, receipt)))
    }

    /// A block by its number.
    pub(super) fn block(&self, number: u64) -> Option<&SealedBlock> {
        usize::try_from(number).ok().and_then(|index| self.blocks.get(index))
    }

    /// A block by its hash.
    pub(super) fn block_by_hash(&self, hash: &B256) -> Option<&SealedBlock> {
        self.by_hash.get(hash).map(|&index| &self.blocks[index])
    }

    /// A transaction and its receipt.
    pub(super) fn transaction(&self, hash: &B256) -> Option<&(Transaction, TransactionReceipt)> {
        self.by_transaction.get(hash).and_then(|&index| self.blocks[index].content.as_ref())
    }

    /// The logs of the blocks `from..=to` that a filter lets through, in order.
    pub(super) fn logs(&self, filter: &Filter, from: u64, to: u64) -> Vec<Log> {
        let span = (from..=to.min(self.height())).filter_map(|number| self.block(number));
        span.filter_map(|block| block.content.as_ref())
            .flat_map(|(_, receipt)| receipt.logs())
            .filter(|log| filter.rpc_matches(log))
            .cloned()
            .collect()
    }

    /// An empty block that might come next.
    pub(super) fn pending(&self, timestamp: u64) -> SealedBlock {
        let header = self.header(self.height() + 1, timestamp);
        SealedBlock { hash: header.hash_slow(), header, content: None }
    }

    fn latest(&self) -> &SealedBlock {
        self.blocks.last().expect("there is a genesis block")
    }

    fn header(&self, number: u64, timestamp: u64) -> Header {
        Header {
            parent_hash: self.blocks.last().map_or(B256::ZERO, |block| block.hash),
            number,
            timestamp,
            beneficiary: BENEFICIARY,
            gas_limit: BLOCK_GAS_LIMIT,
            base_fee_per_gas: Some(self.base_fee),
            logs_bloom: Bloom::ZERO,
            ..Header::default()
        }
    }

    fn push(&mut self, header: Header, content: Option<(Recovered<TxEnvelope>, ReceiptEnvelope)>) -> (u64, B256) {
        let (number, hash) = (header.number, header.hash_slow());
        let content = content.map(|(transaction, receipt)| located(transaction, receipt, &header, hash));
        let index = self.blocks.len();
        if let Some((_, receipt)) = &content {
            self.by_transaction.insert(receipt.transaction_hash, index);
        }
        self.by_hash.insert(hash, index);
        self.blocks.push(SealedBlock { hash, header, content });
        (number, hash)
    }
}

impl SealedBlock {
    /// The block as nodes show it, with whole transactions or their hashes.
    pub(super) fn to_rpc(&self, full: bool) -> Block {
        let transactions = if full {
            BlockTransactions::Full(self.content.iter().map(|(transaction, _)| transaction.clone()).collect())
        } else {
            let hashes = self.content.iter().map(|(_, receipt)| receipt.transaction_hash);
            BlockTransactions::Hashes(hashes.collect())
        };
        Block {
            header: alloy::rpc::types::Header {
                hash: self.hash,
                inner: self.header.clone(),
                total_difficulty: None,
                size: None,
            },
            uncles: Vec::new(),
            transactions,
            withdrawals: None,
        }
    }

    /// The block's number.
    pub(super) const fn number(&self) -> u64 {
        self.header.number
    }

    /// The part of the gas limit that the block used.
    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "the fee history's unit is a float")]
    pub(super) fn gas_used_ratio(&self) -> f64 {
        self.header.gas_used as f64 / self.header.gas_limit as f64
    }
}

/// A transaction and its receipt with the place they have in a block of their own.
fn located(
    transaction: Recovered<TxEnvelope>,
    receipt: ReceiptEnvelope,
    header: &Header,
    block_hash: B256,
) -> (Transaction, TransactionReceipt) {
    let hash = *transaction.tx_hash();
    let info = TransactionInfo {
        hash: Some(hash),
        index: Some(0),
        block_hash: Some(block_hash),
        block_number: Some(header.number),
        base_fee: header.base_fee_per_gas,
        block_timestamp: Some(header.timestamp),
    };
    let mut log_index = 0;
    let inner = receipt.map_logs(|log| {
        log_index += 1;
        Log {
            inner: log,
            block_hash: Some(block_hash),
            block_number: Some(header.number),
            block_timestamp: Some(header.timestamp),
            transaction_hash: Some(hash),
            transaction_index: Some(0),
            log_index: Some(log_index - 1),
            removed: false,
        }
    });
    let sender = transaction.signer();
    let creates = inner.is_success() && transaction.is_create();
    let receipt = TransactionReceipt {
        inner,
        transaction_hash: hash,
        transaction_index: Some(0),
        block_hash: Some(block_hash),
        block_number: Some(header.number),
        gas_used: header.gas_used,
        effective_gas_price: transaction.effective_gas_price(header.base_fee_per_gas),
        blob_gas_used: None,
        blob_gas_price: None,
        from: sender,
        to: transaction.to(),
        contract_address: creates.then(|| sender.create(transaction.nonce())),
    };
    (Transaction::from_transaction(transaction, info), receipt)
}
