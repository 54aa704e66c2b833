//! Reads L1: queue entries, listed assets, the head.

use std::time::Duration;

use alloy::contract::Error as CallError;
use alloy::providers::Provider;
use alloy::rpc::types::{BlockNumberOrTag, Filter, Log};
use alloy::sol_types::{Error as AbiError, SolEvent};
use alloy::transports::TransportError;
use weft_api::AssetView;
use weft_contract::bindings::IRollup::{AssetListed, DepositQueued};
use weft_protocol::{Address, Amount, QueueEntry};

use super::queue::{QueueError, decode_entry};
use super::{BLOCKS_PER_READ, L1Head, Patience, Rollup};
use crate::sequencer::{QueueCursor, SequencerHandle};

/// L1 could not be read, or not understood.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
    /// The contract does not answer.
    #[error("the contract does not answer: {0}")]
    Call(#[from] CallError),
    /// An event is not as the contract's interface says.
    #[error("an event of the contract is not readable: {0}")]
    Abi(#[from] AbiError),
    /// The queue is not understood.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// L1 has no latest block.
    #[error("L1 has no latest block")]
    NoHead,
}

/// An entry of the L1 queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueEvent {
    /// Its position.
    pub position: u64,
    /// The entry.
    pub entry: QueueEntry,
    /// Chain over the queue up to it.
    pub chain: [u8; 32],
}

/// Follows the contract's events. L1 blocks are taken as final when they are seen.
#[derive(Debug)]
pub struct Watcher {
    rollup: Rollup,
    sequencer: SequencerHandle,
    next_block: u64,
    next_entry: u64,
    chain: [u8; 32],
}

impl Watcher {
    /// Follows the contract from where `known` ends; its first event is in block `first_block` or later.
    #[must_use]
    pub fn new(rollup: Rollup, sequencer: SequencerHandle, first_block: u64, known: QueueCursor) -> Self {
        let next_block = if known.block == 0 { first_block } else { known.block + 1 };
        Self { rollup, sequencer, next_block, next_entry: known.next, chain: known.chain }
    }

    /// Reads again and again. Ends only with an error that does not pass: then the node halts.
    pub async fn run(mut self, every: Duration) {
        let mut patience = Patience::default();
        loop {
            match self.read().await {
                Ok(()) => {
                    patience = Patience::default();
                    tokio::time::sleep(every).await;
                }
                Err(error) => {
                    let passes = matches!(error, WatchError::Transport(_) | WatchError::NoHead);
                    if !passes || !patience.wait("L1 cannot be read", &error).await {
                        return self.sequencer.halt(error.to_string());
                    }
                }
            }
        }
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// L1 does not answer, or says what this node does not understand.
    pub async fn read(&mut self) -> Result<(), WatchError> {
        let latest = self.rollup.provider().get_block_by_number(BlockNumberOrTag::Latest).await?;
        let latest = latest.ok_or(WatchError::NoHead)?;
        let (number, timestamp) = (latest.header.number, latest.header.timestamp);
        self.sequencer.post(|sequencer| sequencer.l1_answered());
        while self.next_block <= number {
            let last = number.min(self.next_block + BLOCKS_PER_READ - 1);
            self.read_blocks(L1Head { number: last, timestamp }).await?;
        }
        Ok(())
    }

    async fn read_blocks(&mut self, head: L1Head) -> Result<(), WatchError> {
        let filter = Filter::new()
            .address(*self.rollup.address())
            .event_signature(vec![DepositQueued::SIGNATURE_HASH, AssetListed::SIGNATURE_HASH])
            .from_block(self.next_block)
            .to_block(head.number);
        let logs = self.rollup.provider().get_logs(&filter).await?;
        let mut entries = Vec::new();
        let mut assets = Vec::new();
        for log in &logs {
            if log.topic0() == Some(&DepositQueued::SIGNATURE_HASH) {
                entries.extend(self.entry(log)?);
            } else {
                let event = AssetListed::decode_log(&log.inner)?.data;
                assets.extend(asset(event.id, event.token, event.scale.to()));
            }
        }
        self.next_block = head.number + 1;
        self.sequencer.post(move |sequencer| sequencer.observe_l1(head, entries, assets));
        Ok(())
    }

    /// The entry of an event, if it was not known before.
    fn entry(&mut self, log: &Log) -> Result<Option<QueueEvent>, WatchError> {
        let event = DepositQueued::decode_log(&log.inner)?.data;
        let (expected, position) = (self.next_entry, event.entry);
        if position < expected {
            return Ok(None);
        }
        if position > expected {
            return Err(QueueError::Gap { expected, got: position }.into());
        }
        let (entry, chain) = decode_entry(&event, &self.chain)?;
        self.next_entry += 1;
        self.chain = chain;
        Ok(Some(QueueEvent { position, entry, chain }))
    }
}

/// All assets that are listed now, by id.
///
/// # Errors
/// L1 does not answer.
pub async fn read_assets(rollup: &Rollup) -> Result<Vec<AssetView>, WatchError> {
    let mut assets = Vec::new();
    for id in 1..=rollup.assetCount().call().await? {
        let listed = rollup.assets(id).call().await?;
        assets.extend(asset(id, listed.token, listed.scale.to()));
    }
    Ok(assets)
}

/// A listed asset; `None` if its scale has no form in the API.
fn asset(id: u16, token: alloy::primitives::Address, scale: u128) -> Option<AssetView> {
    let Some(amount) = u64::try_from(scale).ok().and_then(|scale| Amount::new(scale).ok()) else {
        tracing::warn!(asset = id, scale, "the scale of an asset is too large to be shown");
        return None;
    };
    let token = Some(Address(token.into_array())).filter(|token| *token != Address::ZERO);
    Some(AssetView { id, token, scale: amount })
}
