//! Bodies of answers. Clients parse them with the same types; fields that they do not know are to be ignored.

mod account;
mod batch;
mod finality;
mod status;
mod transaction;

use serde::{Deserialize, Serialize};

pub use account::{AccountView, Balance};
pub use batch::{BatchView, Call, WithdrawalView};
pub use finality::{Finality, L1Transaction, L1View, Progress, Step};
pub use status::{AssetView, Circuit, Live, Proofs, QueueView, StatusView};
pub use transaction::{RejectionView, TransactionFields, TransactionKindName, TransactionView};

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is listed, at most as many as `limit` asked for.
    pub items: Vec<T>,
    /// `cursor` of the next page; absent on the last one. Its content is the server's own affair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
