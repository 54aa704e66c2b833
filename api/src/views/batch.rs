//! Batches and what they pay out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount};

use crate::schema::AmountText;
use crate::{Finality, FixedBytes, HexBytes, L1Hash, L1View, Progress, Step, Time};

/// A batch.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchView {
    /// Its number; the first is 1.
    pub number: u32,
    /// Its trace (W3C Trace Context): spans of sequencer, workers and L1 that are about it carry this id.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub trace_id: String,
    /// The last step that it has reached.
    pub status: Finality,
    /// Its time, which its transactions' expiry is compared with.
    pub timestamp: Time,
    /// State root before its first slot.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub root_before: Digest,
    /// State root after its last slot so far.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub root: Digest,
    /// Slots so far, without padding.
    pub slots: u32,
    /// Records that it publishes so far, 21 bytes each.
    pub records: u32,
    /// Segments, proved and to be proved.
    pub segments: u32,
    /// Withdrawals that it pays out so far.
    pub withdrawals: u32,
    /// Entries of the L1 queue that it takes.
    pub queue: QueueRange,
    /// How far its proof is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proving: Option<Progress>,
    /// All steps that it has reached, in order.
    pub steps: Vec<Step>,
    /// Its L1 transactions.
    #[serde(default)]
    pub l1: L1View,
    /// Processor time that its proofs have taken so far, of all threads together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
}

impl BatchView {
    /// Whether no further step will come.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let last = if self.withdrawals == 0 { Finality::Verified } else { Finality::Withdrawable };
        self.status == last
    }
}

/// Entries of the L1 queue: from the first to before the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct QueueRange {
    /// Position of the first.
    pub first: u64,
    /// Position after the last.
    pub end: u64,
}

/// A payment that a batch owes on L1.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct WithdrawalView {
    /// Number of the batch.
    pub batch: u32,
    /// Position among the withdrawals of the batch, counted from 0.
    pub position: u32,
    /// The last step that the batch has reached: the claim is refused before `withdrawable`.
    pub status: Finality,
    /// L1 address that is paid.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub owner: Address,
    /// Id of the asset.
    pub asset: u16,
    /// How much, in base units.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub amount: Amount,
    /// Siblings from the withdrawal's leaf to the batch's withdrawals root.
    pub path: Vec<L1Hash>,
    /// The L1 call that pays it; anyone may send it.
    pub claim: Call,
}

/// A call to a contract on L1.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// The contract.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub to: Address,
    /// Calldata.
    pub data: HexBytes,
    /// What is sent along, in wei.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub value: Amount,
}
