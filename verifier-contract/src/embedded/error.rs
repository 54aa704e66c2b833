//! What the chain answers instead of a result, with the codes and texts of real nodes; why it does not open.

use std::io;
use std::path::PathBuf;

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
    /// A block could not be kept on disk; the chain takes no more until it is opened again.
    #[error("the chain cannot be kept on disk: {reason}")]
    Disk {
        /// File and reason.
        reason: String,
    },
}

/// Why a chain that is kept on disk does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has the file open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A line that is not the last is not whole: this is no crash's doing.
    #[error("{} is damaged in line {line}: restore the file, or remove it to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// The chain began with another [`EmbeddedConfig`](super::EmbeddedConfig).
    #[error("{} is of a chain that began with another configuration", path.display())]
    OtherConfig {
        /// The file.
        path: PathBuf,
    },
    /// A transaction that was taken is refused now.
    #[error("block {number} of {} cannot be executed again: {source}", path.display())]
    Replay {
        /// The file.
        path: PathBuf,
        /// The block.
        number: u64,
        /// Why.
        source: RpcError,
    },
    /// A transaction does something else than when it was taken.
    #[error("block {number} of {} was {expected}, executed again it is {got}", path.display())]
    Diverged {
        /// The file.
        path: PathBuf,
        /// The block.
        number: u64,
        /// Its hash in the file.
        expected: B256,
        /// Its hash now.
        got: B256,
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
            | Self::UnknownBlock { .. }
            | Self::Disk { .. } => -32000,
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
