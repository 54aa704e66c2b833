//! Reads L1: queue entries, listed assets, the head.
//!
//! An L1 provider is often many machines that know different blocks, and one that is behind answers a request for events
//! with fewer of them and no error. So a block counts as read only when as many entries are known as the contract's queue
//! has at that block; else the blocks before it are read again.

use std::fmt;
use std::time::{Duration, Instant};

use alloy::contract::Error as CallError;
use alloy::eips::BlockId;
use alloy::providers::Provider;
use alloy::rpc::types::{BlockNumberOrTag, Filter, Log};
use alloy::sol_types::{Error as AbiError, SolEvent};
use alloy::transports::TransportError;
use weft_api::AssetView;
use weft_contract::bindings::IRollup::{AssetListed, DepositQueued};
use weft_protocol::{Address, Amount, QueueEntry};

use super::queue::{QueueError, decode_entry};
use super::{BLOCKS_PER_READ, L1Head, Patience, Rollup};
use crate::sequencer::QueueCursor;

/// Blocks that are read again at a start, and when entries are missing; twice as many each further time.
const BLOCKS_READ_AGAIN: u64 = 256;
/// How often L1 is asked what time it is.
const CLOCK_POLL: Duration = Duration::from_secs(10);
/// How often that number is doubled: then it is more than any L1 has.
const DOUBLINGS_MAX: u32 = 32;

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
    /// The events that L1 gave are not those of all entries.
    #[error("L1 has {queued} entries in its queue and gave {known}")]
    Missed {
        /// Entries that are known.
        known: u64,
        /// Entries that there are, or at least that many.
        queued: u64,
    },
    /// L1 has no latest block.
    #[error("L1 has no latest block")]
    NoHead,
}

impl WatchError {
    /// Whether the next answer may be another one.
    const fn passes(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Call(_) | Self::Missed { .. } | Self::NoHead => true,
            Self::Abi(_) | Self::Queue(_) => false,
        }
    }
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

/// What was read on L1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum L1News {
    /// Entries of the queue, the next ones in order, and assets.
    Found(Vec<QueueEvent>, Vec<AssetView>),
    /// All that there is up to a block was found.
    Head(L1Head),
}

/// Follows the contract's events. L1 blocks are taken as final when they are seen.
pub struct Watcher {
    rollup: Rollup,
    report: Box<dyn Fn(L1News) + Send + Sync>,
    first_block: u64,
    next_block: u64,
    /// The last block up to which all entries are known.
    complete: u64,
    known: Known,
    /// How often in a row entries were missing.
    misses: u32,
    /// When L1 was asked last what time it is.
    clock_read_at: Option<Instant>,
}

/// Entries of the queue that were reported.
#[derive(Clone, Copy, Debug)]
struct Known {
    count: u64,
    /// Chain over them.
    chain: [u8; 32],
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("next_block", &self.next_block)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Watcher {
    /// Follows the contract from some blocks before where `known` ends, and reports; the contract's first event is in block
    /// `first_block` or later.
    #[must_use]
    pub fn new(
        rollup: Rollup,
        first_block: u64,
        known: QueueCursor,
        report: impl Fn(L1News) + Send + Sync + 'static,
    ) -> Self {
        let mut watcher = Self {
            rollup,
            report: Box::new(report),
            first_block,
            next_block: first_block,
            complete: known.block,
            known: Known { count: known.next, chain: known.chain },
            misses: 0,
            clock_read_at: None,
        };
        watcher.go_back();
        watcher
    }

    /// Reads again and again.
    ///
    /// # Errors
    /// L1 says what this node does not understand, or has not answered for too long: the node must halt.
    pub async fn run(mut self, every: Duration) -> Result<(), WatchError> {
        let mut patience = Patience::default();
        loop {
            match self.read().await {
                Ok(()) => {
                    patience = Patience::default();
                    tokio::time::sleep(every).await;
                }
                Err(error) => {
                    if !error.passes() || !patience.wait("L1 cannot be read", &error).await {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// L1 does not answer, does not give all that it has, or says what this node does not understand.
    pub async fn read(&mut self) -> Result<(), WatchError> {
        let result = self.read_to_head().await;
        match result {
            Ok(()) => self.misses = 0,
            Err(WatchError::Missed { .. }) => {
                self.misses += 1;
                self.go_back();
            }
            Err(_) => {}
        }
        result
    }

    async fn read_to_head(&mut self) -> Result<(), WatchError> {
        let latest = self.rollup.provider().get_block_by_number(BlockNumberOrTag::Latest).await?;
        let latest = latest.ok_or(WatchError::NoHead)?;
        let (number, timestamp) = (latest.header.number, latest.header.timestamp);
        let head = L1Head { number, timestamp, now: self.read_clock(timestamp).await };
        if head.number > self.complete {
            let at = BlockId::number(head.number);
            let queued = self.rollup.progress().block(at).call().await?.queueLength;
            self.read_blocks(head.number).await?;
            let known = self.known.count;
            if known != queued {
                return Err(WatchError::Missed { known, queued });
            }
            self.complete = head.number;
        } else {
            self.read_blocks(head.number).await?;
        }
        (self.report)(L1News::Head(head));
        Ok(())
    }

    /// The time that a block would have now, now and then. Not every L1 says it: some show the last block instead.
    async fn read_clock(&mut self, last: u64) -> Option<u64> {
        if self.clock_read_at.is_some_and(|at| at.elapsed() < CLOCK_POLL) {
            return None;
        }
        self.clock_read_at = Some(Instant::now());
        let pending = self.rollup.provider().get_block_by_number(BlockNumberOrTag::Pending).await.ok()??;
        Some(pending.header.timestamp).filter(|now| *now > last)
    }

    /// Reads the events up to a block.
    async fn read_blocks(&mut self, end: u64) -> Result<(), WatchError> {
        while self.next_block <= end {
            let last = end.min(self.next_block + BLOCKS_PER_READ - 1);
            let filter = Filter::new()
                .address(*self.rollup.address())
                .event_signature(vec![DepositQueued::SIGNATURE_HASH, AssetListed::SIGNATURE_HASH])
                .from_block(self.next_block)
                .to_block(last);
            let logs = self.rollup.provider().get_logs(&filter).await?;
            self.take(&logs)?;
            self.next_block = last + 1;
        }
        Ok(())
    }

    /// Reports what is new in some events: of entries those before a gap, if there is one.
    fn take(&mut self, logs: &[Log]) -> Result<(), WatchError> {
        let (mut entries, mut assets) = (Vec::new(), Vec::new());
        let mut result = Ok(());
        for log in logs {
            if log.topic0() == Some(&DepositQueued::SIGNATURE_HASH) {
                match self.known.extend(log) {
                    Ok(entry) => entries.extend(entry),
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            } else {
                let event = AssetListed::decode_log(&log.inner)?.data;
                assets.extend(asset(event.id, event.token, event.scale.to()));
            }
        }
        if !(entries.is_empty() && assets.is_empty()) {
            (self.report)(L1News::Found(entries, assets));
        }
        result
    }

    /// Some blocks before the last complete one are next.
    fn go_back(&mut self) {
        let blocks = BLOCKS_READ_AGAIN << self.misses.min(DOUBLINGS_MAX);
        self.next_block = (self.complete + 1).saturating_sub(blocks).max(self.first_block);
    }
}

impl Known {
    /// The entry of an event, if it was not known before.
    fn extend(&mut self, log: &Log) -> Result<Option<QueueEvent>, WatchError> {
        let event = DepositQueued::decode_log(&log.inner)?.data;
        let position = event.entry;
        if position < self.count {
            return Ok(None);
        }
        if position > self.count {
            return Err(WatchError::Missed { known: self.count, queued: position + 1 });
        }
        let (entry, chain) = decode_entry(&event, &self.chain)?;
        *self = Self { count: position + 1, chain };
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

#[cfg(test)]
mod tests;
