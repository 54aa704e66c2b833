//! What a node works with: limits, fees, readiness.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount};

use crate::schema::AmountText;
use crate::{AssetView, Circuit, Deployment, FixedBytes, TransactionKindName};

/// What a client must know of a rollup before it signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigView {
    /// Which rollup this is.
    pub deployment: Deployment,
    /// Salt of the deployment's domain.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub genesis_salt: Digest,
    /// L1 address whose key signs soft receipts.
    #[schema(value_type = FixedBytes<20>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<Address>,
    /// Assets that L1 has listed, by id.
    pub assets: Vec<AssetView>,
    /// The circuits in use.
    pub circuits: Vec<Circuit>,
    /// Security of the proofs in bits, conjectured and proven.
    pub security: SecurityView,
    /// What the node takes on.
    pub limits: NodeLimits,
}

/// Security of the proofs that L1 verifies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecurityView {
    /// Bits by the usual conjecture on FRI.
    pub conjectured_bits: u32,
    /// Bits that are proven: up to the Johnson bound.
    pub proven_bits: u32,
}

/// What the node takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeLimits {
    /// Transactions that may wait for a batch.
    pub pool_transactions: u64,
    /// Of those, of one account.
    pub pool_transactions_per_account: u32,
    /// Slots after which a batch is sealed.
    pub batch_slots: u32,
    /// Records of a batch.
    pub batch_records: u32,
    /// Milliseconds after the first slot at which a batch is sealed.
    pub batch_milliseconds: u64,
    /// Batches that may be sealed and not yet verified.
    pub unverified_batches: u32,
}

/// What the API takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiLimits {
    /// Bytes of a body.
    pub body_bytes: u64,
    /// Transactions of `POST /v1/transactions/batch`.
    pub submit_transactions: u32,
    /// Items of a page.
    pub page_items: u32,
    /// Requests of one client in a second, on the average.
    pub requests_per_second: u32,
    /// Requests of one client at once, after a pause.
    pub requests_burst: u32,
    /// Streams of events of one client at the same time.
    pub streams: u32,
    /// Seconds after which a stream ends; clients resume with `Last-Event-ID`.
    pub stream_seconds: u64,
}

/// Body of `/v1/config`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FullConfigView {
    /// What the node works with.
    #[serde(flatten)]
    pub node: ConfigView,
    /// What the API takes on.
    pub api: ApiLimits,
}

/// The rules of fees. A fee is chosen by the user: any that its 16 bits can write, not below the minimum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeesView {
    /// Least fee of each kind of transaction, in base units of the fee's asset.
    pub minimum: Vec<KindFee>,
    /// Ids of the assets in which fees may be paid.
    pub assets: Vec<u16>,
    /// Bits of a fee's mantissa.
    pub mantissa_bits: u32,
    /// Bits of its binary exponent.
    pub exponent_bits: u32,
    /// The largest fee.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub maximum: Amount,
    /// The rule in words.
    pub rule: String,
}

/// Least fee of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct KindFee {
    /// Which transactions.
    pub kind: TransactionKindName,
    /// Their least fee.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub fee: Amount,
}

/// Answer of `POST /v1/fees/estimate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeeEstimateView {
    /// The least fee that the transaction may have and that is not below what was asked for; it can be written.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub fee: Amount,
    /// Id of its asset.
    pub fee_asset: u16,
    /// The fee as a record has it.
    pub encoded: u16,
    /// Least fee of the kind.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub minimum: Amount,
}

/// Body of `/readyz`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadyView {
    /// Whether the node can take transactions and get them to L1.
    pub ready: bool,
    /// What was looked at.
    pub checks: Vec<CheckView>,
}

/// One thing that readiness needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    /// Its name, one word.
    pub name: String,
    /// Whether it is in order.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

impl ReadyView {
    /// Ready if all checks are in order.
    #[must_use]
    pub fn of(checks: Vec<CheckView>) -> Self {
        Self { ready: checks.iter().all(|check| check.ok), checks }
    }
}
