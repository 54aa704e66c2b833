//! Posts proven batches: the data, then the proof.

use std::ops::Range;
use std::time::Duration;

use alloy::contract::Error as CallError;
use alloy::network::Ethereum;
use alloy::primitives::aliases::U40;
use alloy::primitives::{B256, Bytes};
use alloy::providers::PendingTransactionError;
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolEvent;
use tokio::sync::mpsc::UnboundedReceiver;
use weft_api::{FixedBytes, L1Transaction};
use weft_contract::bindings::IRollup::{BatchCommitted, IRollupErrors};
use weft_contract::bindings::{Commitment, Header};
use weft_protocol::{DataPoint, Environment, RECORD_BYTES, SealStatement};

use super::{Rollup, word};
use crate::sequencer::SequencerHandle;

/// Attempts for one transaction.
const ATTEMPTS_MAX: u32 = 10;
/// Time between two attempts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Call<'a> = alloy::contract::RawCallBuilder<&'a alloy::providers::DynProvider, Ethereum>;

/// A batch to be posted.
#[derive(Clone, Debug)]
pub struct PostOrder {
    /// What the proof proves.
    pub statement: SealStatement,
    /// What the batch is.
    pub environment: Environment,
    /// The records.
    pub data: Vec<u8>,
    /// Root over the batch's withdrawals.
    pub withdrawals_root: [u8; 32],
    /// Queue entries that the batch takes.
    pub queue: Range<u64>,
    /// Queue chain before them.
    pub queue_chain_start: [u8; 32],
    /// Queue chain after them.
    pub queue_chain_end: [u8; 32],
    /// The wrapped proof, verified.
    pub proof: Vec<u8>,
}

/// A batch is not on L1.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The contract refuses it, or L1 does not take it.
    #[error("{call} was not sent: {reason}")]
    Send {
        /// The contract's function.
        call: &'static str,
        /// What L1 said.
        reason: String,
    },
    /// The transaction was not seen in a block.
    #[error("{call} is not in a block: {source}")]
    Confirm {
        /// The contract's function.
        call: &'static str,
        /// What was waited for.
        source: PendingTransactionError,
    },
    /// The transaction is in a block and failed.
    #[error("{call} failed in transaction {transaction}")]
    Failed {
        /// The contract's function.
        call: &'static str,
        /// The transaction.
        transaction: B256,
    },
    /// The contract has derived something else from the data.
    #[error("the contract's commitment to batch {number} is not the expected one")]
    OtherCommitment {
        /// The batch.
        number: u32,
    },
}

impl PostOrder {
    fn header(&self) -> Header {
        Header {
            number: self.environment.batch_number,
            timestamp: self.timestamp(),
            rootBefore: word(&self.statement.root_before),
            rootAfter: word(&self.statement.root_after),
            recordChain: word(&self.statement.chain),
            queueStart: self.queue.start,
            queueEnd: self.queue.end,
            queueChainStart: self.queue_chain_start.into(),
            queueChainEnd: self.queue_chain_end.into(),
        }
    }

    /// What the contract must derive from header and data.
    fn commitment(&self) -> Commitment {
        Commitment {
            number: self.environment.batch_number,
            timestamp: self.timestamp(),
            recordCount: u16::try_from(self.data.len() / RECORD_BYTES).expect("at most 4,096 records"),
            queueStart: self.queue.start,
            queueEnd: self.queue.end,
            context: word(&self.statement.context.0),
            rootBefore: word(&self.statement.root_before),
            rootAfter: word(&self.statement.root_after),
            recordChain: word(&self.statement.chain),
            point: packed(&self.statement.z),
            value: packed(&self.statement.value),
            withdrawalsRoot: self.withdrawals_root.into(),
        }
    }

    fn timestamp(&self) -> U40 {
        U40::from(self.environment.timestamp.get())
    }
}

/// Two elements as the contract writes them: the first in the high 64 bits.
fn packed(point: &DataPoint) -> u128 {
    let [high, low] = point.0.map(|element| u128::from(element.as_u64()));
    high << 64 | low
}

/// Posts batches one after the other.
#[derive(Debug)]
pub struct Poster {
    rollup: Rollup,
    sequencer: SequencerHandle,
}

impl Poster {
    /// Posts with the account that the rollup's provider signs for, the operator's.
    #[must_use]
    pub fn new(rollup: Rollup, sequencer: SequencerHandle) -> Self {
        Self { rollup, sequencer }
    }

    /// Posts the batches that come, in order. Ends when none can come any more, or with an error: then the node halts.
    pub async fn run(self, mut orders: UnboundedReceiver<PostOrder>) {
        while let Some(order) = orders.recv().await {
            if let Err(error) = self.post(&order).await {
                let reason = error.to_string();
                return self.sequencer.post(move |sequencer| sequencer.halt(reason));
            }
        }
    }

    async fn post(&self, order: &PostOrder) -> Result<(), PostError> {
        let number = order.environment.batch_number;
        let commit = self.rollup.commit(order.header(), order.data.clone().into());
        let data_bytes = length(commit.calldata());
        let receipt = send("commit", commit.clear_decoder()).await?;
        let content = committed(&receipt).ok_or(PostError::OtherCommitment { number })?;
        if content != order.commitment() {
            return Err(PostError::OtherCommitment { number });
        }
        let transaction = view(&receipt, data_bytes);
        self.sequencer.post(move |sequencer| sequencer.posted(number, transaction));

        let prove = self.rollup.prove(content, Bytes::copy_from_slice(&order.proof));
        let data_bytes = length(prove.calldata());
        let receipt = send("prove", prove.clear_decoder()).await?;
        let transaction = view(&receipt, data_bytes);
        self.sequencer.post(move |sequencer| sequencer.verified(number, transaction));
        Ok(())
    }
}

/// Sends a call, again if L1 is away or its clock is behind, and waits for its block.
async fn send(call: &'static str, builder: Call<'_>) -> Result<TransactionReceipt, PostError> {
    let mut attempts = 0;
    let pending = loop {
        match builder.send().await {
            Ok(pending) => break pending,
            Err(error) if attempts < ATTEMPTS_MAX && passes(&error) => {
                attempts += 1;
                tracing::warn!(call, %error, attempts, "L1 did not take a transaction");
                tokio::time::sleep(RETRY_AFTER).await;
            }
            Err(error) => return Err(PostError::Send { call, reason: explain(&error) }),
        }
    };
    let receipt = pending.get_receipt().await.map_err(|source| PostError::Confirm { call, source })?;
    if receipt.status() { Ok(receipt) } else { Err(PostError::Failed { call, transaction: receipt.transaction_hash }) }
}

/// Whether the same call may succeed later.
fn passes(error: &CallError) -> bool {
    match error.as_decoded_interface_error::<IRollupErrors>() {
        Some(refusal) => matches!(refusal, IRollupErrors::TimestampOutOfRange(_)),
        None => matches!(error, CallError::TransportError(error) if error.as_error_resp().is_none()),
    }
}

fn explain(error: &CallError) -> String {
    match error.as_decoded_interface_error::<IRollupErrors>() {
        Some(refusal) => format!("the contract refuses it: {refusal:?}"),
        None => error.to_string(),
    }
}

fn committed(receipt: &TransactionReceipt) -> Option<Commitment> {
    let logs = receipt.inner.logs();
    let event = logs.iter().find_map(|log| BatchCommitted::decode_log(&log.inner).ok())?;
    Some(event.data.content)
}

fn length(calldata: &Bytes) -> u64 {
    u64::try_from(calldata.len()).expect("a length fits 64 bits")
}

fn view(receipt: &TransactionReceipt, data_bytes: u64) -> L1Transaction {
    L1Transaction { hash: FixedBytes(receipt.transaction_hash.0), gas: receipt.gas_used, data_bytes }
}
