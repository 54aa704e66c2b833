//! Bodies of answers. Clients parse them with the same types; fields that they do not know are to be ignored.

mod account;
mod batch;
mod config;
mod event;
mod finality;
mod lags;
mod prover;
mod queue;
mod record;
mod soft_receipt;
mod status;
mod transaction;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use account::{AccountProofView, AccountView, AgentView, Balance, NonceView, ObjectView};
pub use batch::{BatchView, Call, QueueRange, WithdrawalView};
pub use config::{
    ApiLimits, CheckView, ConfigView, FeeEstimateView, FeesView, FullConfigView, KindFee, NodeLimits, ReadyView,
    SecurityView,
};
pub use event::Event;
pub use finality::{Finality, L1Transaction, L1View, Progress, Step};
pub use lags::{Bottleneck, Lags, StageName};
pub use prover::{
    AttemptsView, EstimateView, JobStateName, JobView, ProofTreeView, WorkerState, WorkerView, WorkersView,
};
pub use queue::{QueueEntryView, QueueKind, QueueState};
pub use record::{BatchDataView, OutcomeName, RecordKind, RecordView};
pub use soft_receipt::SoftReceipt;
pub use status::{AssetView, Circuit, JobCounts, Live, Proofs, QueueView, StatusView};
pub use transaction::{
    RejectionView, ReturnView, SubmitResult, SubmittedView, TransactionFields, TransactionKindName, TransactionView,
};

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is listed, at most as many as `limit` asked for.
    pub items: Vec<T>,
    /// `cursor` of the next page; absent on the last one. Its content is the server's own affair.
    #[schema(required = false, pattern = "^[0-9a-f]{16}$")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
