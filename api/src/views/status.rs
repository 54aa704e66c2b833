//! The node as a whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount};

use crate::schema::AmountText;
use crate::{Bottleneck, Deployment, FixedBytes, Lags};

/// What the node serves and how far it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// Which rollup this is.
    pub deployment: Deployment,
    /// Assets that L1 has listed, by id.
    pub assets: Vec<AssetView>,
    /// Number of the last L1 block that the node has read.
    pub l1_head: u64,
    /// The L1 queue.
    pub queue: QueueView,
    /// State root after all executed transactions.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub root: Digest,
    /// Number of the last batch that takes no more slots; 0 before the first, as with the two that follow.
    pub last_sealed: u32,
    /// Number of the last batch whose proof exists.
    pub last_proven: u32,
    /// Number of the last batch that the contract has verified.
    pub last_verified: u32,
    /// Transactions that are accepted and not yet executed.
    pub pending_transactions: u64,
    /// Jobs of provers, by state.
    pub jobs: JobCounts,
    /// Workers that are registered.
    pub workers: u32,
    /// How far each stage is behind the one before it.
    pub lags: Lags,
    /// The stage that holds up the others now.
    pub bottleneck: Bottleneck,
    /// What stands behind the word "proven".
    pub proofs: Proofs,
    /// The circuits in use.
    pub circuits: Vec<Circuit>,
}

/// An asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetView {
    /// Its id.
    pub id: u16,
    /// Its ERC-20 contract; absent for the chain's own coin.
    #[schema(value_type = FixedBytes<20>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub token: Option<Address>,
    /// L1 amount of one base unit.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub scale: Amount,
}

/// Positions in the L1 queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Entries that verified batches have taken.
    pub head: u64,
    /// Entries that executed batches have taken.
    pub executed: u64,
    /// Entries that L1 holds: position of the next one.
    pub next: u64,
}

/// How many jobs of provers are in which state; those of batches that are proven are not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct JobCounts {
    /// Wait for proofs that they need.
    pub waiting: u32,
    /// Wait for a worker.
    pub ready: u32,
    /// In work.
    pub leased: u32,
    /// Given up.
    pub quarantined: u32,
}

/// What proofs are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proofs {
    /// Proofs of the circuits, checked by the contract.
    Real,
}

/// Identity of a circuit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Circuit {
    /// Its name.
    pub name: String,
    /// Its digest: a Keccak hash, not one of elements.
    pub digest: FixedBytes<32>,
}

/// Body of `/livez`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// Always true: a process that does not serve requests gives no answer.
    pub live: bool,
}
