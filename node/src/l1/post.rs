//! Posts proven batches: the data, then the proof.
//!
//! Each call asks the contract first whether it is done already, and is sent with the account's next nonce in the chain:
//! two transactions that mean the same have the same nonce, so that at most one of them gets into a block. A node that was
//! killed anywhere on the way sends nothing that counts twice, and finds what it had sent.

use std::ops::Range;
use std::time::Duration;

use alloy::contract::Error as CallError;
use alloy::network::Ethereum;
use alloy::primitives::aliases::U40;
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::providers::{PendingTransactionError, Provider};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolValue;
use alloy::transports::TransportError;
use tokio::sync::mpsc::UnboundedReceiver;
use weft_api::{FixedBytes, L1Transaction};
use weft_contract::bindings::IRollup::IRollupErrors;
use weft_contract::bindings::{Commitment, Header};
use weft_protocol::{DataPoint, Environment, RECORD_BYTES, SealStatement};

use super::find::{FindError, find_commit, find_posted};
use super::{Patience, Rollup, word};
use crate::sequencer::SequencerHandle;

/// How long a transaction may wait for its block before it is sent again.
const BLOCK_TIME_MAX: Duration = Duration::from_secs(120);
/// How often the node looks whether an earlier transaction of its account is in a block.
const PENDING_POLL: Duration = Duration::from_secs(1);
/// How often at most.
const PENDING_POLLS_MAX: u32 = 120;

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
    /// The last L1 block that was read before the batch was sealed.
    pub l1_block: u64,
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
        /// Whether the same may succeed later.
        passes: bool,
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
    /// The contract has verified another batch of this number.
    #[error("the contract has verified another batch {number}: its root is {root}")]
    OtherBatch {
        /// The batch.
        number: u32,
        /// The root after it.
        root: B256,
    },
    /// The contract does not answer.
    #[error("the contract does not answer: {0}")]
    Read(#[from] CallError),
    /// L1 does not answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
    /// What the node had sent before was not found.
    #[error(transparent)]
    Find(#[from] FindError),
}

impl PostError {
    /// Whether the same may succeed later: L1 is away, its clock is behind, or a block takes long.
    fn passes(&self) -> bool {
        match self {
            Self::Send { passes, .. } => *passes,
            Self::Confirm { .. } | Self::Transport(_) | Self::Find(FindError::Transport(_)) => true,
            Self::Read(error) => matches!(error, CallError::TransportError(error) if error.as_error_resp().is_none()),
            Self::Failed { .. } | Self::OtherCommitment { .. } | Self::OtherBatch { .. } | Self::Find(_) => false,
        }
    }
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
    operator: Address,
    sequencer: SequencerHandle,
}

impl Poster {
    /// Posts with the account that the rollup's provider signs for, the operator's.
    #[must_use]
    pub fn new(rollup: Rollup, operator: Address, sequencer: SequencerHandle) -> Self {
        Self { rollup, operator, sequencer }
    }

    /// Posts the batches that come, in order. Ends when none can come any more, or with an error: then the node halts.
    pub async fn run(self, mut orders: UnboundedReceiver<PostOrder>) {
        while let Some(order) = orders.recv().await {
            let mut patience = Patience::default();
            while let Err(error) = self.post(&order).await {
                if !error.passes() || !patience.wait("a batch is not on L1 yet", &error).await {
                    return self.sequencer.halt(error.to_string());
                }
            }
        }
    }

    #[tracing::instrument(skip_all, fields(batch = order.environment.batch_number))]
    async fn post(&self, order: &PostOrder) -> Result<(), PostError> {
        let number = order.environment.batch_number;
        if self.proven_on_l1().await? >= number {
            return self.note_posted(order).await;
        }
        let content = order.commitment();
        let hash = keccak256(content.abi_encode());
        let commit = self.rollup.commit(order.header(), order.data.clone().into());
        let transaction = match self.committed(order, hash).await? {
            Some(transaction) => transaction,
            None => {
                let transaction = self.send("commit", commit.clear_decoder()).await?;
                if !self.is_committed(hash).await? {
                    return Err(PostError::OtherCommitment { number });
                }
                transaction
            }
        };
        self.sequencer.post(move |sequencer| sequencer.posted(number, transaction));

        let prove = self.rollup.prove(content, Bytes::copy_from_slice(&order.proof));
        let transaction = self.send("prove", prove.clear_decoder()).await?;
        self.sequencer.post(move |sequencer| sequencer.verified(number, transaction));
        Ok(())
    }

    async fn proven_on_l1(&self) -> Result<u32, PostError> {
        Ok(self.rollup.progress().call().await?.number)
    }

    async fn is_committed(&self, hash: B256) -> Result<bool, PostError> {
        Ok(!self.rollup.committedAt(hash).call().await?.is_zero())
    }

    /// The transaction with which the batch was committed before.
    async fn committed(&self, order: &PostOrder, hash: B256) -> Result<Option<L1Transaction>, PostError> {
        if !self.is_committed(hash).await? {
            return Ok(None);
        }
        Ok(Some(find_commit(&self.rollup, order.environment.batch_number, hash, order.l1_block).await?))
    }

    /// The batch was verified before: this is how.
    async fn note_posted(&self, order: &PostOrder) -> Result<(), PostError> {
        let number = order.environment.batch_number;
        let (commit, prove, root) = find_posted(&self.rollup, number, order.l1_block).await?;
        if root != word(&order.statement.root_after) {
            return Err(PostError::OtherBatch { number, root });
        }
        self.sequencer.post(move |sequencer| {
            sequencer.posted(number, commit);
            sequencer.verified(number, prove);
        });
        Ok(())
    }

    /// Sends a call and waits for its block.
    async fn send(&self, call: &'static str, builder: Call<'_>) -> Result<L1Transaction, PostError> {
        let nonce = self.next_nonce().await?;
        let data_bytes = u64::try_from(builder.calldata().len()).expect("a length fits 64 bits");
        let pending = builder.nonce(nonce).send().await.map_err(|error| PostError::Send {
            call,
            passes: passes(&error),
            reason: explain(&error),
        })?;
        let receipt = pending.with_timeout(Some(BLOCK_TIME_MAX)).get_receipt();
        let receipt: TransactionReceipt = receipt.await.map_err(|source| PostError::Confirm { call, source })?;
        if !receipt.status() {
            return Err(PostError::Failed { call, transaction: receipt.transaction_hash });
        }
        let hash = FixedBytes(receipt.transaction_hash.0);
        Ok(L1Transaction { hash, gas: receipt.gas_used, data_bytes })
    }

    /// The nonce behind the account's last transaction in a block. Waits for one that is still on its way; if that takes
    /// too long, the next one replaces it.
    async fn next_nonce(&self) -> Result<u64, PostError> {
        let provider = self.rollup.provider();
        let mut polls = 0;
        loop {
            let nonce = provider.get_transaction_count(self.operator).await?;
            let pending = provider.get_transaction_count(self.operator).pending().await?;
            if pending <= nonce || polls >= PENDING_POLLS_MAX {
                return Ok(nonce);
            }
            polls += 1;
            tokio::time::sleep(PENDING_POLL).await;
        }
    }
}

/// Whether the same call may succeed later.
fn passes(error: &CallError) -> bool {
    match error.as_decoded_interface_error::<IRollupErrors>() {
        Some(refusal) => matches!(refusal, IRollupErrors::TimestampOutOfRange(_)),
        // A node that refuses a transaction (an old nonce, a low price, a limit of requests) may take the next one.
        None => matches!(error, CallError::TransportError(_)) && error.as_revert_data().is_none(),
    }
}

fn explain(error: &CallError) -> String {
    match error.as_decoded_interface_error::<IRollupErrors>() {
        Some(refusal) => format!("the contract refuses it: {refusal:?}"),
        None => error.to_string(),
    }
}
