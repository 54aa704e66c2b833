//! Refusals and errors.

use weft_protocol::crypto::Digest;
use weft_protocol::{FeeSums, Reject};

use crate::BatchBuilder;

/// Why a slot is not in the batch. It changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A rule refuses the slot, in this batch and state.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// The batch has no room for the slot's records; the next one has.
    #[error("the batch has {used} records and no room for {needed} more")]
    BatchFull {
        /// Records of the batch.
        used: usize,
        /// Records of the slot.
        needed: usize,
    },
}

/// A batch cannot end: what it collected in fees belongs to nobody, and no proof of it would be accepted (SA-3).
#[derive(Debug, thiserror::Error)]
#[error("fees are not collected: {:?}", self.sums().amounts())]
pub struct FeesLeft {
    /// The batch, as it was.
    pub builder: Box<BatchBuilder>,
}

impl FeesLeft {
    /// What is left to collect.
    #[must_use]
    pub fn sums(&self) -> FeeSums {
        self.builder.fee_sums()
    }
}

/// A batch cannot be taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UndoError {
    /// It is not the last one of the state.
    #[error("the batch left the root {expected}, the state has {got}")]
    NotTheLast {
        /// Root that the batch left.
        expected: Digest,
        /// Root of the state.
        got: Digest,
    },
    /// What it wrote is not all in its undo.
    #[error("before the batch there was the root {expected}, its undo leads to {got}")]
    Incomplete {
        /// Root before the batch.
        expected: Digest,
        /// Root after the undo.
        got: Digest,
    },
}
