//! What the API asks of the node.

use core::error::Error;
use core::time::Duration;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Amount, Domain, Record, Reject, SignedTransaction};

use crate::{
    AccountProofView, AccountView, BatchView, CheckView, ConfigView, FixedBytes, JobStateName, JobView, KindFee,
    ProofTreeView, QueueEntryView, StatusView, TransactionView, WithdrawalView, WorkersView,
};

/// The node behind the API. All methods may be called at once from many tasks.
///
/// A request that is cut off or takes too long drops its future: an implementation must be in order at every `await`.
/// Work that keeps a processor busy (checks of signatures) belongs on other threads.
pub trait Backend: Send + Sync + 'static {
    /// Which rollup this is; never changes.
    fn deployment(&self) -> &Deployment;

    /// Takes transactions into the pool in this order, or finds those with the same ids; one result for each.
    ///
    /// Checked before: domain, encodings, and the rules that need neither state nor signature. What was accepted outlives
    /// a crash of the node.
    fn submit(
        &self,
        transactions: Vec<SignedTransaction>,
    ) -> impl Future<Output = Vec<Result<Submission, SubmitError>>> + Send;

    /// The transaction with this id, if it was accepted.
    fn transaction(&self, id: Digest) -> impl Future<Output = Result<Option<TransactionView>, BackendError>> + Send;

    /// The file that proves what became of a transaction, once its batch is proven.
    fn receipt(&self, id: Digest) -> impl Future<Output = Result<Option<FileBody>, BackendError>> + Send;

    /// The account at an index.
    fn account(&self, index: AccountIndex) -> impl Future<Output = Result<Option<AccountView>, BackendError>> + Send;

    /// Accounts that a filter lets through, by rising index; the key of the page is the index.
    fn accounts(
        &self,
        filter: AccountFilter,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<AccountView>, BackendError>> + Send;

    /// What stands at an index after a batch; `None`: after the last sealed one.
    fn account_proof(
        &self,
        index: AccountIndex,
        batch: Option<u32>,
    ) -> impl Future<Output = Result<StateAt<AccountProofView>, BackendError>> + Send;

    /// Transactions that an account has signed or that pay it, the newest first. The key of the page is a number that
    /// rises with each transaction of the account, which comes with it.
    fn account_transactions(
        &self,
        index: AccountIndex,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<(u64, TransactionView)>, BackendError>> + Send;

    /// One batch.
    fn batch(&self, selector: BatchSelector) -> impl Future<Output = Result<Option<BatchView>, BackendError>> + Send;

    /// Batches by falling number, which is the key of the page.
    fn batches(&self, page: PageRequest) -> impl Future<Output = Result<Vec<BatchView>, BackendError>> + Send;

    /// Signed transactions of a batch by rising slot, which is the key of the page.
    fn batch_transactions(
        &self,
        number: u32,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<TransactionView>, BackendError>> + Send;

    /// The records of a batch, once it is sealed.
    fn batch_records(&self, number: u32) -> impl Future<Output = Result<Option<Vec<Record>>, BackendError>> + Send;

    /// The proof of a batch, if it exists already.
    fn proof(&self, number: u32) -> impl Future<Output = Result<Option<FileBody>, BackendError>> + Send;

    /// The jobs of a batch, if there is such a batch.
    fn proof_tree(&self, number: u32) -> impl Future<Output = Result<Option<ProofTreeView>, BackendError>> + Send;

    /// Withdrawals of a batch that exists, by rising position, which is the key of the page.
    fn withdrawals(
        &self,
        number: u32,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<WithdrawalView>, BackendError>> + Send;

    /// Entries of the L1 queue that the node knows, by rising position, which is the key of the page.
    fn queue(&self, page: PageRequest) -> impl Future<Output = Result<Vec<QueueEntryView>, BackendError>> + Send;

    /// Jobs of batches that are not proven, the oldest batch first; the key of the page is [`JobView::key`].
    fn jobs(
        &self,
        state: Option<JobStateName>,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<JobView>, BackendError>> + Send;

    /// The provers.
    fn workers(&self) -> impl Future<Output = Result<WorkersView, BackendError>> + Send;

    /// Least fees.
    fn minimum_fees(&self) -> Vec<KindFee>;

    /// What a client must know before it signs.
    fn config(&self) -> impl Future<Output = Result<ConfigView, BackendError>> + Send;

    /// The node as a whole.
    fn status(&self) -> impl Future<Output = Result<StatusView, BackendError>> + Send;

    /// What stands in the way of taking transactions and getting them to L1.
    fn readiness(&self) -> impl Future<Output = Vec<CheckView>> + Send;

    /// The metrics of the process, in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// Identity of a rollup.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// Chain id of its L1.
    pub chain_id: u64,
    /// Its contract on that L1.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub contract: Address,
    /// Domain of everything that is signed for it.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "domain")]
    pub domain: Domain,
}

/// Domains as the text of their digest.
mod domain {
    use super::Domain;

    pub(super) fn serialize<S: serde::Serializer>(domain: &Domain, serializer: S) -> Result<S::Ok, S::Error> {
        crate::text::serialize(&domain.0, serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Domain, D::Error> {
        crate::text::deserialize(deserializer).map(Domain)
    }
}

/// How a transaction got into the pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Submission {
    /// It is new.
    Accepted(TransactionView),
    /// It was accepted before; this is how far it is.
    Known(TransactionView),
}

/// Why a transaction was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// A rule refuses it in the state that it would meet.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// There is no room in the pool.
    #[error("the pool of pending transactions is full")]
    PoolFull {
        /// When there may be room again.
        retry_after: Duration,
    },
    /// As many transactions of the account as are allowed wait in the pool.
    #[error("{pending} transactions of the account wait in the pool, as many as are allowed")]
    AccountFull {
        /// So many wait.
        pending: u32,
        /// When there may be room again.
        retry_after: Duration,
    },
    /// The fee is below the node's least fee.
    #[error("the fee is below {minimum}, the least that this node takes for the kind")]
    FeeTooLow {
        /// The least fee.
        minimum: Amount,
    },
    /// The node failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The node cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Not now: it is starting, stopping or waiting for L1.
    #[error("the node is not ready: {reason}")]
    NotReady {
        /// What it waits for; clients see it.
        reason: String,
        /// When it may be ready.
        retry_after: Duration,
    },
    /// A fault of the node. Clients learn nothing but that; the log has it.
    #[error("the node failed")]
    Internal {
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Which accounts: those that fit all that is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AccountFilter {
    /// L1 address that owns them.
    pub owner: Option<Address>,
    /// Digest of their main key.
    pub key: Option<Digest>,
}

/// Something of the state after a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StateAt<T> {
    /// There it is.
    Found(T),
    /// There is no such batch, or it is not sealed.
    NotSealed,
    /// The node keeps the states after the last batches only.
    Gone {
        /// The oldest batch whose state is kept.
        oldest: u32,
    },
}

/// Which batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BatchSelector {
    /// The one with this number.
    Number(u32),
    /// The last one that was begun.
    Latest,
    /// The last one whose proof exists.
    Proven,
    /// The last one that the contract has verified.
    Verified,
}

/// Part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PageRequest {
    /// Key of the last item before the page, in the order of the list; `None`: from its start.
    pub after: Option<u64>,
    /// Most items to return, at least 1.
    pub limit: usize,
}

/// A file that is passed on as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileBody {
    /// Media type.
    pub content_type: &'static str,
    /// Content.
    pub bytes: Bytes,
}
