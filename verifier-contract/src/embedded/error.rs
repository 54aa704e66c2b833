//! What the chain answers instead of a result, with the codes and texts of real nodes.

use alloy::primitives::{B256, Bytes};
use thiserror::Error;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RpcError {
    /// The chain does not know the method.
    #[error("the method {method} does not exist/is not available")]
    UnknownMethod {
        /// The method's name.
        method: String,
    },
    /// The parameters do not fit the method.
    #[error("invalid params: {reason}")]
    InvalidParams {
        /// What is wrong with them.
        reason: String,
    },
    /// The request is no JSON-RPC request.
    #[error("invalid request: {reason}")]
    InvalidRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// The call reverted.
    #[error("execution reverted")]
    Reverted {
        /// What the contract returned: an ABI-encoded error.
        output: Bytes,
    },
    /// The call ended otherwise than by returning or reverting.
    #[error("execution halted: {reason}")]
    Halted {
        /// Why.
        reason: String,
    },
    /// The transaction breaks a rule of the chain and was not taken.
    #[error("transaction rejected: {reason}")]
    Rejected {
        /// The rule.
        reason: String,
    },
    /// The transaction was taken before.
    #[error("already known")]
    AlreadyKnown {
        /// The transaction's hash.
        hash: B256,
    },
    /// Only the latest state can be read.
    #[error("historical state is not available: asked for {asked}, latest is {latest}")]
    HistoricalState {
        /// The block asked for.
        asked: u64,
        /// The latest block.
        latest: u64,
    },
    /// No block has this number or hash.
    #[error("block not found: {block}")]
    UnknownBlock {
        /// The block asked for.
        block: String,
    },
}

impl RpcError {
    /// The JSON-RPC error code.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self {
            Self::UnknownMethod { .. } => -32601,
            Self::InvalidParams { .. } => -32602,
            Self::InvalidRequest { .. } => -32600,
            Self::Reverted { .. } => 3,
            Self::Halted { .. }
            | Self::Rejected { .. }
            | Self::AlreadyKnown { .. }
            | Self::HistoricalState { .. }
            | Self::UnknownBlock { .. } => -32000,
        }
    }

    /// The error's data: the output of a reverted call.
    #[must_use]
    pub const fn data(&self) -> Option<&Bytes> {
        if let Self::Reverted { output } = self { Some(output) } else { None }
    }

    #[expect(clippy::needless_pass_by_value, reason = "`map_err` hands its error over")]
    pub(super) fn invalid_params(reason: impl ToString) -> Self {
        Self::InvalidParams { reason: reason.to_string() }
    }
}
