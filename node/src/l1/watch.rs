//! Reads L1: queue entries, listed assets, the head.

use std::time::Duration;

use alloy::providers::Provider;
use alloy::rpc::types::{BlockNumberOrTag, Filter, Log};
use alloy::sol_types::{Error as AbiError, SolEvent};
use alloy::transports::TransportError;
use weft_api::AssetView;
use weft_contract::bindings::IRollup::{AssetListed, DepositQueued};
use weft_protocol::{Address, Amount};

use super::queue::{QueueError, decode_entry};
use super::{L1Head, Rollup};
use crate::sequencer::SequencerHandle;

/// Failures in a row after which the watcher gives up.
const FAILURES_MAX: u32 = 20;

/// L1 could not be read, or not understood.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
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
    /// Follows the contract from its first event on.
    #[must_use]
    pub fn new(rollup: Rollup, sequencer: SequencerHandle) -> Self {
        Self { rollup, sequencer, next_block: 0, next_entry: 0, chain: [0; 32] }
    }

    /// Reads again and again. Ends only with an error that does not pass: then the node halts.
    pub async fn run(mut self, every: Duration) {
        let mut failures = 0;
        loop {
            match self.read().await {
                Ok(()) => failures = 0,
                Err(WatchError::Transport(error)) if failures < FAILURES_MAX => {
                    failures += 1;
                    tracing::warn!(%error, failures, "L1 does not answer");
                }
                Err(error) => {
                    let reason = error.to_string();
                    return self.sequencer.post(move |sequencer| sequencer.halt(reason));
                }
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// L1 does not answer, or says what this node does not understand.
    pub async fn read(&mut self) -> Result<(), WatchError> {
        let provider = self.rollup.provider();
        let latest = provider.get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or(WatchError::NoHead)?;
        let head = L1Head { number: latest.header.number, timestamp: latest.header.timestamp };
        if head.number < self.next_block {
            return Ok(());
        }
        let filter = Filter::new()
            .address(*self.rollup.address())
            .event_signature(vec![DepositQueued::SIGNATURE_HASH, AssetListed::SIGNATURE_HASH])
            .from_block(self.next_block)
            .to_block(head.number);
        let logs = provider.get_logs(&filter).await?;
        let mut entries = Vec::new();
        let mut assets = Vec::new();
        for log in &logs {
            if log.topic0() == Some(&DepositQueued::SIGNATURE_HASH) {
                entries.push(self.entry(log)?);
            } else {
                assets.extend(asset(log)?);
            }
        }
        self.next_block = head.number + 1;
        self.sequencer.post(move |sequencer| {
            sequencer.observe_l1(head, assets);
            sequencer.enqueue(entries);
        });
        Ok(())
    }

    fn entry(&mut self, log: &Log) -> Result<(weft_protocol::QueueEntry, [u8; 32]), WatchError> {
        let event = DepositQueued::decode_log(&log.inner)?.data;
        let (expected, got) = (self.next_entry, event.entry);
        if expected != got {
            return Err(QueueError::Gap { expected, got }.into());
        }
        let (entry, chain) = decode_entry(&event, &self.chain)?;
        self.next_entry += 1;
        self.chain = chain;
        Ok((entry, chain))
    }
}

/// A listed asset; `None` if its scale has no form in the API.
fn asset(log: &Log) -> Result<Option<AssetView>, WatchError> {
    let event = AssetListed::decode_log(&log.inner)?.data;
    let scale = u64::try_from(event.scale).ok().and_then(|scale| Amount::new(scale).ok());
    let Some(scale) = scale else {
        tracing::warn!(asset = event.id, scale = %event.scale, "the scale of an asset is too large to be shown");
        return Ok(None);
    };
    let token = Some(Address(event.token.into_array())).filter(|token| *token != Address::ZERO);
    Ok(Some(AssetView { id: event.id, token, scale }))
}
