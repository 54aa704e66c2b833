//! Finds the node's own L1 transactions again: whoever was killed after sending one does not know its hash.

use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{Error as AbiError, SolEvent};
use alloy::transports::TransportError;
use weft_api::{FixedBytes, L1Transaction};
use weft_contract::bindings::IRollup::{BatchCommitted, BatchProven};

use super::{BLOCKS_PER_READ, Rollup};

/// A transaction that must be there was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
    /// An event is not as the contract's interface says.
    #[error("an event of the contract is not readable: {0}")]
    Abi(#[from] AbiError),
    /// The contract says that it happened, but has no event.
    #[error("L1 has no {event} event of batch {number} since block {block}")]
    Missing {
        /// Name of the event.
        event: &'static str,
        /// The batch.
        number: u32,
        /// First block that was read.
        block: u64,
    },
    /// An event is there, its transaction is not.
    #[error("L1 has an event of transaction {hash}, but not the transaction")]
    NoTransaction {
        /// The transaction.
        hash: B256,
    },
}

/// The L1 transactions of a batch that is proven on L1, and the state root that it left, from events in `block` or later.
///
/// # Errors
/// L1 does not answer, or has no such events.
pub async fn find_posted(
    rollup: &Rollup,
    number: u32,
    block: u64,
) -> Result<(L1Transaction, L1Transaction, B256), FindError> {
    let log = find_proven(rollup, number, block).await?;
    let event = BatchProven::decode_log(&log.inner)?.data;
    let prove = transaction(rollup, &log).await?;
    let commit = find_commit(rollup, number, event.commitment, block).await?;
    Ok((commit, prove, event.root))
}

/// The transaction that committed a batch.
pub(super) async fn find_commit(
    rollup: &Rollup,
    number: u32,
    commitment: B256,
    block: u64,
) -> Result<L1Transaction, FindError> {
    let filter = Filter::new().event_signature(BatchCommitted::SIGNATURE_HASH).topic1(commitment);
    let log = find(rollup, filter, block).await?;
    let log = log.ok_or(FindError::Missing { event: "BatchCommitted", number, block })?;
    transaction(rollup, &log).await
}

async fn find_proven(rollup: &Rollup, number: u32, block: u64) -> Result<Log, FindError> {
    let topic = B256::left_padding_from(&number.to_be_bytes());
    let filter = Filter::new().event_signature(BatchProven::SIGNATURE_HASH).topic1(topic);
    let log = find(rollup, filter, block).await?;
    log.ok_or(FindError::Missing { event: "BatchProven", number, block })
}

/// The first log that a filter lets through, from a block on.
async fn find(rollup: &Rollup, filter: Filter, block: u64) -> Result<Option<Log>, FindError> {
    let provider = rollup.provider();
    let head = provider.get_block_number().await?;
    let filter = filter.address(*rollup.address());
    let mut first = block;
    while first <= head {
        let last = head.min(first + BLOCKS_PER_READ - 1);
        let logs = provider.get_logs(&filter.clone().from_block(first).to_block(last)).await?;
        if let Some(log) = logs.into_iter().next() {
            return Ok(Some(log));
        }
        first = last + 1;
    }
    Ok(None)
}

/// The transaction of a log.
async fn transaction(rollup: &Rollup, log: &Log) -> Result<L1Transaction, FindError> {
    use alloy::consensus::Transaction as _;
    let hash = log.transaction_hash.unwrap_or_default();
    let provider = rollup.provider();
    let receipt = provider.get_transaction_receipt(hash).await?;
    let sent = provider.get_transaction_by_hash(hash).await?;
    let (Some(receipt), Some(sent)) = (receipt, sent) else { return Err(FindError::NoTransaction { hash }) };
    Ok(L1Transaction {
        hash: FixedBytes(hash.0),
        gas: receipt.gas_used,
        data_bytes: u64::try_from(sent.input().len()).expect("a length fits 64 bits"),
    })
}
