//! The L1 queue.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount, QueueEntry, QueueOperation};

use crate::schema::AmountText;
use crate::{FixedBytes, Time};

/// An entry of the L1 queue, which batches must take in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueEntryView {
    /// Its position, counted from 0.
    pub position: u64,
    /// How far it is.
    pub state: QueueState,
    /// What it does.
    pub kind: QueueKind,
    /// L1 address that put it in.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub sender: Address,
    /// L1 address of the owner of the account.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub owner: Address,
    /// Index of the account that is paid, of a deposit.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<u32>,
    /// Digest of the main key of the account that is opened, of an opening deposit.
    #[schema(value_type = FixedBytes<32>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// Id of the asset.
    pub asset: u16,
    /// How much, in base units.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub amount: Amount,
    /// Number of the batch that takes it.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// When the node read it from L1.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Time>,
    /// Seconds since then, while it waits.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// Keccak chain over the queue up to this entry, as the contract has it.
    pub chain: FixedBytes<32>,
}

/// How far an entry of the queue is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// No batch has taken it.
    Waiting,
    /// A batch has taken it.
    Executed,
    /// The contract has verified that batch.
    Verified,
}

/// What an entry of the queue does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// Pays an account.
    Deposit,
    /// Opens an account and pays it.
    OpeningDeposit,
}

impl QueueEntryView {
    /// An entry that waits.
    #[must_use]
    pub fn waiting(position: u64, entry: &QueueEntry, chain: [u8; 32]) -> Self {
        let (kind, owner, account, key, asset, amount) = match entry.operation {
            QueueOperation::Deposit(deposit) => {
                (QueueKind::Deposit, deposit.owner, Some(deposit.account.0), None, deposit.asset, deposit.amount)
            }
            QueueOperation::OpeningDeposit(deposit) => {
                (QueueKind::OpeningDeposit, deposit.owner, None, Some(deposit.key), deposit.asset, deposit.amount)
            }
        };
        Self {
            position,
            state: QueueState::Waiting,
            kind,
            sender: entry.sender,
            owner,
            account,
            key,
            asset: asset.0,
            amount,
            batch: None,
            read_at: None,
            age_seconds: None,
            chain: FixedBytes(chain),
        }
    }
}
