//! Why a slot is not valid: a transaction refused by rule.

use serde::{Deserialize, Serialize};

use crate::{Amount, Timestamp};

/// The rule that refuses a slot. Each belongs to a clause of PROTOCOL.md §8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum Reject {
    /// SL-7.
    #[error("the index {index} is not below 2^28")]
    IndexOutOfRange {
        /// The index.
        index: u32,
    },
    /// TX-1, CF-2.
    #[error("there is no account {index}")]
    UnknownAccount {
        /// The index.
        index: u32,
    },
    /// TX-2.
    #[error("the key is not the account's main key")]
    WrongKey,
    /// TX-3.
    #[error("the signature is not valid")]
    BadSignature,
    /// TX-4.
    #[error("the account's nonce is {expected}, the transaction has {got}")]
    WrongNonce {
        /// What the account has.
        expected: u32,
        /// What the transaction has.
        got: u32,
    },
    /// TX-5.
    #[error("the account has signed 2^32 - 1 transactions, its last")]
    NonceExhausted,
    /// TX-6.
    #[error("the transaction expired at {expiry}, the batch has time {timestamp}")]
    Expired {
        /// Last time of the transaction.
        expiry: Timestamp,
        /// Time of the batch.
        timestamp: Timestamp,
    },
    /// TX-7.
    #[error("groups are not supported in this version: the group field must be 0")]
    UnsupportedGroup,
    /// TX-8.
    #[error("the agent lane is not supported in this version")]
    UnsupportedLane,
    /// TX-9.
    #[error("the amount is 0")]
    ZeroAmount,
    /// TX-9.
    #[error("asset 0 does not exist")]
    UnknownAsset,
    /// TX-10.
    #[error("the account holds {balance} of the asset, the transaction takes {amount}")]
    InsufficientBalance {
        /// What it holds.
        balance: Amount,
        /// What is taken.
        amount: Amount,
    },
    /// TX-10.
    #[error("after the payment the account holds {balance} of the fee asset, the fee is {fee}")]
    InsufficientFee {
        /// What is left.
        balance: Amount,
        /// What is due.
        fee: Amount,
    },
    /// TR-1.
    #[error("sender and recipient are the same account")]
    SelfTransfer,
    /// TR-2.
    #[error("there is no recipient account {index}")]
    UnknownRecipient {
        /// The index.
        index: u32,
    },
    /// TR-3, WD-1.
    #[error("the named address is not the account's owner")]
    WrongRecipient,
    /// TR-4, CF-2.
    #[error("the account has no free entry for the asset")]
    EntriesFull,
    /// TR-4, CF-2.
    #[error("the account's amount of the asset would reach 2^62")]
    RecipientOverflow,
    /// DO-2.
    #[error("the index {index} chosen for a new account is not empty")]
    NotEmpty {
        /// The index.
        index: u32,
    },
    /// CF-1.
    #[error("there is no fee of this asset to collect")]
    NothingToCollect,
}

impl Reject {
    /// A stable name for APIs and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::IndexOutOfRange { .. } => "index_out_of_range",
            Self::UnknownAccount { .. } => "unknown_account",
            Self::WrongKey => "wrong_key",
            Self::BadSignature => "bad_signature",
            Self::WrongNonce { .. } => "wrong_nonce",
            Self::NonceExhausted => "nonce_exhausted",
            Self::Expired { .. } => "expired",
            Self::UnsupportedGroup => "unsupported_group",
            Self::UnsupportedLane => "unsupported_lane",
            Self::ZeroAmount => "zero_amount",
            Self::UnknownAsset => "unknown_asset",
            Self::InsufficientBalance { .. } => "insufficient_balance",
            Self::InsufficientFee { .. } => "insufficient_fee",
            Self::SelfTransfer => "self_transfer",
            Self::UnknownRecipient { .. } => "unknown_recipient",
            Self::WrongRecipient => "wrong_recipient",
            Self::EntriesFull => "entries_full",
            Self::RecipientOverflow => "recipient_overflow",
            Self::NotEmpty { .. } => "not_empty",
            Self::NothingToCollect => "nothing_to_collect",
        }
    }
}
