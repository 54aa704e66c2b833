//! Why a batch is not on L1, and what that says about another attempt.

use alloy::contract::Error as CallError;
use alloy::primitives::{B256, U256};
use alloy::providers::PendingTransactionError;
use alloy::transports::TransportError;
use weft_contract::bindings::IRollup::IRollupErrors;

use crate::l1::FindError;

/// A batch is not on L1.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// L1 does not take the transaction.
    #[error("{call} was not sent: {source}")]
    Send {
        /// The contract's function.
        call: &'static str,
        /// What L1 said.
        source: CallError,
    },
    /// The contract refuses it.
    #[error("{call} was not sent: the contract refuses it: {refusal:?}")]
    Refused {
        /// The contract's function.
        call: &'static str,
        /// Why.
        refusal: Box<IRollupErrors>,
    },
    /// The batch has waited for longer than the contract takes it.
    #[error(
        "batch {number} cannot be posted any more: it began at {began}, and L1 takes {call} now only of batches that \
         began at {earliest} or later (UNIX seconds). The batch and those after it will be taken back: what they took goes \
         into new batches"
    )]
    TooOld {
        /// The batch.
        number: u32,
        /// The contract's function.
        call: &'static str,
        /// Its time, UNIX seconds.
        began: U256,
        /// The earliest time that the contract takes, UNIX seconds.
        earliest: U256,
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

/// What an error says about another attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outlook {
    /// L1 is away, or refuses to answer now; its clock is behind, or a block takes long.
    Passes,
    /// It passes if whoever answered knows less of L1 than whoever is asked next.
    Doubtful,
    /// It is too late, unless what was sent before is on its way.
    Lapsed,
    /// No later attempt can succeed.
    Final,
}

impl PostError {
    /// The error of a call that was not sent.
    pub(super) fn of_send(number: u32, call: &'static str, source: CallError) -> Self {
        match source.as_decoded_interface_error::<IRollupErrors>() {
            Some(IRollupErrors::TimestampOutOfRange(range)) if range.timestamp < range.earliest => {
                Self::TooOld { number, call, began: range.timestamp, earliest: range.earliest }
            }
            Some(refusal) => Self::Refused { call, refusal: Box::new(refusal) },
            None => Self::Send { call, source },
        }
    }

    pub(super) fn outlook(&self) -> Outlook {
        match self {
            Self::Confirm { .. } | Self::Transport(_) | Self::Find(FindError::Transport(_)) => Outlook::Passes,
            // L1's clock is behind the batch: one that is too old has an error of its own.
            Self::Refused { refusal, .. } if matches!(**refusal, IRollupErrors::TimestampOutOfRange(_)) => {
                Outlook::Passes
            }
            // Whoever refuses a transaction (an old nonce, a low price, a limit of requests) may take the next one.
            Self::Send { source, .. } | Self::Read(source)
                if matches!(source, CallError::TransportError(_)) && source.as_revert_data().is_none() =>
            {
                Outlook::Passes
            }
            Self::Send { .. }
            | Self::Refused { .. }
            | Self::Read(_)
            | Self::Failed { .. }
            | Self::Find(FindError::Missing { .. } | FindError::NoTransaction { .. }) => Outlook::Doubtful,
            Self::TooOld { .. } => Outlook::Lapsed,
            Self::OtherCommitment { .. } | Self::OtherBatch { .. } | Self::Find(FindError::Abi(_)) => Outlook::Final,
        }
    }
}
