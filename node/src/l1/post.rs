//! Posts proven batches: the data, then the proof.
//!
//! What is sent next follows from what L1 has at one block: the account's next nonce, and whether the batch is committed or
//! verified. A call that was sent before is either in that block, and then it is not sent again, or the next one has its
//! nonce, and then at most one of them gets into a block. So nothing counts twice, whatever answers get lost, however far
//! L1 is behind itself, and wherever the node is killed.

mod error;
mod order;

use std::fmt;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::network::Ethereum;
use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolEvent;
use tokio::sync::mpsc::UnboundedReceiver;
use weft_aggregator::BatchTrace;
use weft_api::{FixedBytes, L1Transaction};
use weft_contract::bindings::IRollup::BatchCommitted;
use weft_protocol::Environment;

pub use error::PostError;
pub use order::PostOrder;

use super::find::{find_commit, find_posted};
use super::{Patience, Rollup, word};
use error::Outlook;

/// How long a transaction may wait for its block before it is sent again.
const BLOCK_TIME_MAX: Duration = Duration::from_secs(120);
/// How often the node looks whether an earlier transaction of its account is in a block.
const PENDING_POLL: Duration = Duration::from_secs(1);
/// How often at most.
const PENDING_POLLS_MAX: u32 = 120;
/// How often in a row L1 may say what is wrong unless it is behind itself: about half a minute.
const DOUBTS_MAX: u32 = 8;
/// How often it looks again whether L1 takes a batch for which it is too late: what was sent before may be on its way.
const LAPSED_PAUSE: Duration = Duration::from_secs(30);
/// Failures in a row after which the node says that a batch is not posted.
const FAILURES_UNTOLD: u32 = 5;

type Call<'a> = alloy::contract::RawCallBuilder<&'a alloy::providers::DynProvider, Ethereum>;

/// Posts batches one after the other.
pub struct Poster {
    rollup: Rollup,
    operator: Address,
    /// What each batch begins with.
    patience: Patience,
    report: Box<dyn Fn(PostNews) + Send + Sync>,
}

/// What is to be done. At most one batch is posted at a time.
#[derive(Clone, Debug)]
pub enum PostCommand {
    /// Post a batch.
    Post(Box<PostOrder>),
    /// Post a batch no longer, if it is the one in work: it is taken back.
    GiveUp(Environment),
}

/// What became of a batch on L1; the same may be said more than once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PostNews {
    /// Its data are there.
    Posted(Environment, L1Transaction),
    /// Its proof was verified.
    Verified(Environment, L1Transaction),
    /// It is not posted yet, and why.
    Delayed(Environment, String),
}

/// What L1 has at one block.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// Next nonce of the account.
    nonce: u64,
    /// The last batch that is verified.
    verified: u32,
    /// Whether the batch in question is committed.
    is_committed: bool,
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").field("operator", &self.operator).finish_non_exhaustive()
    }
}

impl Poster {
    /// Posts with the account that the rollup's provider signs for, the operator's, and reports.
    #[must_use]
    pub fn new(rollup: Rollup, operator: Address, report: impl Fn(PostNews) + Send + Sync + 'static) -> Self {
        Self { rollup, operator, patience: Patience::default(), report: Box::new(report) }
    }

    /// Posts the batches that come, in order. Ends when none can come any more.
    ///
    /// # Errors
    /// A batch cannot be posted, and will not be: the node must halt.
    pub async fn run(self, mut commands: UnboundedReceiver<PostCommand>) -> Result<(), PostError> {
        let mut next = None;
        loop {
            next = match next.take() {
                Some(PostCommand::Post(order)) => self.until_told(&order, &mut commands).await?,
                Some(PostCommand::GiveUp(_)) | None => match commands.recv().await {
                    Some(command) => Some(command),
                    None => return Ok(()),
                },
            };
        }
    }

    /// Posts a batch, until that is done or something else is to be. To stop at any point is safe, as it is to be killed.
    async fn until_told(
        &self,
        order: &PostOrder,
        commands: &mut UnboundedReceiver<PostCommand>,
    ) -> Result<Option<PostCommand>, PostError> {
        let posting = self.post_patiently(order);
        tokio::pin!(posting);
        loop {
            tokio::select! {
                posted = &mut posting => return posted.map(|()| None),
                Some(command) = commands.recv() => match command {
                    PostCommand::GiveUp(batch) if batch != order.environment => {}
                    command => return Ok(Some(command)),
                },
            }
        }
    }

    async fn post_patiently(&self, order: &PostOrder) -> Result<(), PostError> {
        let mut patience = self.patience;
        let mut doubts = 0;
        while let Err(error) = self.post(order).await {
            doubts = match error.outlook() {
                Outlook::Final => return Err(error),
                Outlook::Doubtful => doubts + 1,
                Outlook::Passes | Outlook::Lapsed => 0,
            };
            let has_lapsed = error.outlook() == Outlook::Lapsed;
            if has_lapsed || patience.failures() >= FAILURES_UNTOLD {
                let reason = format!("it is not on L1 yet: {error}");
                (self.report)(PostNews::Delayed(order.environment, reason));
            }
            if has_lapsed {
                tokio::time::sleep(LAPSED_PAUSE).await;
            } else if doubts >= DOUBTS_MAX || !patience.wait("a batch is not on L1 yet", &error).await {
                return Err(error);
            }
        }
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(
        batch = order.environment.batch_number,
        trace_id = %BatchTrace::of(&order.environment.context()),
    ))]
    async fn post(&self, order: &PostOrder) -> Result<(), PostError> {
        let number = order.environment.batch_number;
        let content = order.commitment();
        let hash = order.commitment_hash();
        let mut standing = self.standing(hash).await?;
        if standing.verified < number {
            let transaction = if standing.is_committed {
                find_commit(&self.rollup, number, hash, order.l1_block).await?
            } else {
                let transaction = self.commit(order, hash, standing.nonce).await?;
                standing = self.standing(hash).await?;
                transaction
            };
            (self.report)(PostNews::Posted(order.environment, transaction));
        }
        if standing.verified >= number {
            return self.note_posted(order).await;
        }
        let prove = self.rollup.prove(content, Bytes::copy_from_slice(&order.proof));
        let (_, transaction) = self.send(order, "prove", prove.clear_decoder(), standing.nonce).await?;
        (self.report)(PostNews::Verified(order.environment, transaction));
        Ok(())
    }

    /// What L1 has of the batch with this commitment, once no transaction of the account is on its way; if one takes too
    /// long, the next one replaces it.
    async fn standing(&self, hash: B256) -> Result<Standing, PostError> {
        let provider = self.rollup.provider();
        let mut polls = 0;
        loop {
            let at = BlockId::number(provider.get_block_number().await?);
            let nonce = provider.get_transaction_count(self.operator).block_id(at).await?;
            let pending = provider.get_transaction_count(self.operator).pending().await?;
            if pending <= nonce || polls >= PENDING_POLLS_MAX {
                let verified = self.rollup.progress().block(at).call().await?.number;
                let is_committed = !self.rollup.committedAt(hash).block(at).call().await?.is_zero();
                return Ok(Standing { nonce, verified, is_committed });
            }
            polls += 1;
            tokio::time::sleep(PENDING_POLL).await;
        }
    }

    /// Sends the data. The contract must derive the expected commitment from them.
    async fn commit(&self, order: &PostOrder, hash: B256, nonce: u64) -> Result<L1Transaction, PostError> {
        let call = self.rollup.commit(order.header(), order.data.clone().into());
        let (receipt, transaction) = self.send(order, "commit", call.clear_decoder(), nonce).await?;
        let is_expected = receipt
            .logs()
            .iter()
            .any(|log| log.topics().get(..2) == Some([BatchCommitted::SIGNATURE_HASH, hash].as_slice()));
        if !is_expected {
            return Err(PostError::OtherCommitment { number: order.environment.batch_number });
        }
        Ok(transaction)
    }

    /// The batch was verified before: this is how.
    async fn note_posted(&self, order: &PostOrder) -> Result<(), PostError> {
        let number = order.environment.batch_number;
        let (commit, prove, root) = find_posted(&self.rollup, number, order.l1_block).await?;
        if root != word(&order.statement.root_after) {
            return Err(PostError::OtherBatch { number, root });
        }
        (self.report)(PostNews::Posted(order.environment, commit));
        (self.report)(PostNews::Verified(order.environment, prove));
        Ok(())
    }

    /// Sends a call and waits for its block.
    async fn send(
        &self,
        order: &PostOrder,
        call: &'static str,
        builder: Call<'_>,
        nonce: u64,
    ) -> Result<(TransactionReceipt, L1Transaction), PostError> {
        let data_bytes = u64::try_from(builder.calldata().len()).expect("a length fits 64 bits");
        let pending = builder.nonce(nonce).send().await;
        let pending = pending.map_err(|error| PostError::of_send(order.environment.batch_number, call, error))?;
        let receipt = pending.with_timeout(Some(BLOCK_TIME_MAX)).get_receipt();
        let receipt = receipt.await.map_err(|source| PostError::Confirm { call, source })?;
        if !receipt.status() {
            return Err(PostError::Failed { call, transaction: receipt.transaction_hash });
        }
        let hash = FixedBytes(receipt.transaction_hash.0);
        tracing::info!(call, transaction = %hash, gas = receipt.gas_used, "L1 transaction is in a block");
        let transaction = L1Transaction { hash, gas: receipt.gas_used, data_bytes };
        Ok((receipt, transaction))
    }
}

#[cfg(test)]
mod tests;
