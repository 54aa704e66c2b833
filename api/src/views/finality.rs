//! How final a transaction or a batch is: the same words everywhere.

use core::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{L1Hash, Time};

/// The steps from an accepted transaction to one whose withdrawal can be claimed, in order; the last three are the ways
/// out on the side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// Checked and in the pool.
    Accepted,
    /// In a batch, and its effects are in the state.
    Executed,
    /// The batch takes no more slots.
    Sealed,
    /// Some of the batch's segments are proved.
    Proving,
    /// The wrapped proof of the batch exists.
    Proven,
    /// The batch's data is on L1.
    Posted,
    /// The contract has verified the proof and moved its root.
    Verified,
    /// What the batch pays out can be claimed on L1.
    Withdrawable,
    /// Refused by rule when it was executed.
    Rejected,
    /// Its expiry passed before it was executed.
    Expired,
    /// Another transaction with its nonce was executed.
    Replaced,
}

/// A step that was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// The step.
    pub step: Finality,
    /// When it was reached.
    pub at: Time,
}

/// Segments proved so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// Proved.
    pub done: u32,
    /// Of so many.
    pub total: u32,
}

/// An L1 transaction of the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct L1Transaction {
    /// Its hash.
    pub hash: L1Hash,
    /// Gas that it used.
    pub gas: u64,
    /// Bytes of its calldata.
    pub data_bytes: u64,
}

/// The L1 transactions of a batch, as far as they are in an L1 block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct L1View {
    /// Published the batch's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<L1Transaction>,
    /// Had the proof verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prove: Option<L1Transaction>,
}

impl Finality {
    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Executed => "executed",
            Self::Sealed => "sealed",
            Self::Proving => "proving",
            Self::Proven => "proven",
            Self::Posted => "posted",
            Self::Verified => "verified",
            Self::Withdrawable => "withdrawable",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
        }
    }

    /// Whether the transaction has no effect and never will.
    #[must_use]
    pub fn is_void(self) -> bool {
        matches!(self, Self::Rejected | Self::Expired | Self::Replaced)
    }
}

impl fmt::Display for Finality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_word_is_the_one_in_json() {
        let ladder = [
            Finality::Accepted,
            Finality::Executed,
            Finality::Sealed,
            Finality::Proving,
            Finality::Proven,
            Finality::Posted,
            Finality::Verified,
            Finality::Withdrawable,
            Finality::Rejected,
            Finality::Expired,
            Finality::Replaced,
        ];
        for step in ladder {
            assert_eq!(serde_json::to_value(step).unwrap(), step.to_string());
        }
        assert!(ladder.is_sorted());
    }
}
