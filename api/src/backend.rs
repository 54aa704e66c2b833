//! What the API asks of the node.

use core::error::Error;
use core::time::Duration;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Domain, Reject, SignedTransaction};

use crate::{AccountView, BatchView, StatusView, TransactionView, WithdrawalView};

/// The node behind the API. All methods may be called at once from many tasks.
///
/// A request that is cut off or takes too long drops its future: an implementation must be in order at every `await`.
/// Work that keeps a processor busy (checks of signatures) belongs on other threads.
pub trait Backend: Send + Sync + 'static {
    /// Which rollup this is; never changes.
    fn deployment(&self) -> &Deployment;

    /// Takes a transaction into the pool, or finds the one with the same id.
    ///
    /// Checked before: domain, encodings, and the rules that need neither state nor signature.
    fn submit(&self, transaction: SignedTransaction) -> impl Future<Output = Result<Submission, SubmitError>> + Send;

    /// The transaction with this id, if it was accepted.
    fn transaction(&self, id: Digest) -> impl Future<Output = Result<Option<TransactionView>, BackendError>> + Send;

    /// The account at an index.
    fn account(&self, index: AccountIndex) -> impl Future<Output = Result<Option<AccountView>, BackendError>> + Send;

    /// Accounts of a holder, by rising index.
    fn accounts(
        &self,
        holder: Holder,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<AccountView>, BackendError>> + Send;

    /// One batch.
    fn batch(&self, selector: BatchSelector) -> impl Future<Output = Result<Option<BatchView>, BackendError>> + Send;

    /// Batches by falling number.
    fn batches(&self, page: PageRequest) -> impl Future<Output = Result<Vec<BatchView>, BackendError>> + Send;

    /// The proof of a batch, if it exists already.
    fn proof(&self, number: u32) -> impl Future<Output = Result<Option<ProofFile>, BackendError>> + Send;

    /// Withdrawals of a batch that exists, by rising position.
    fn withdrawals(
        &self,
        number: u32,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<WithdrawalView>, BackendError>> + Send;

    /// The node as a whole.
    fn status(&self) -> impl Future<Output = Result<StatusView, BackendError>> + Send;
}

/// Identity of a rollup.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// Chain id of its L1.
    pub chain_id: u64,
    /// Its contract on that L1.
    #[serde(with = "crate::text")]
    pub contract: Address,
    /// Domain of everything that is signed for it.
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

/// Whose accounts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holder {
    /// Those that an L1 address owns.
    Owner(Address),
    /// Those with a main key of this digest.
    Key(Digest),
}

/// Which batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BatchSelector {
    /// The one with this number.
    Number(u32),
    /// The last one that was begun.
    Latest,
    /// The last one that the contract has verified.
    Verified,
}

/// Part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PageRequest {
    /// Index, number or position of the last item before the page, in the order of the list; `None`: from its start.
    pub after: Option<u32>,
    /// Most items to return, at least 1.
    pub limit: usize,
}

/// A file that is passed on as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofFile {
    /// Media type.
    pub content_type: &'static str,
    /// Content.
    pub bytes: Bytes,
}
