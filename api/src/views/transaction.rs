//! Transactions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount, Reject, Transaction, TransactionKind};

use crate::schema::AmountText;
use crate::{Finality, FixedBytes, L1View, Problem, Progress, SoftReceipt, Step, Time};

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKindName {
    /// Pays another account.
    Transfer,
    /// Pays out on L1.
    Withdraw,
}

impl From<&TransactionKind> for TransactionKindName {
    fn from(kind: &TransactionKind) -> Self {
        match kind {
            TransactionKind::Transfer { .. } => Self::Transfer,
            TransactionKind::Withdraw => Self::Withdraw,
        }
    }
}

/// What a user has signed, in the words of the request and of the answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionFields {
    /// What it does.
    pub kind: TransactionKindName,
    /// Index of the account that pays.
    pub sender: u32,
    /// Index of the account that is paid, of a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// Id of the asset that is paid.
    pub asset: u16,
    /// How much is paid, in base units.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub amount: Amount,
    /// Id of the asset of the fee, 1 to 4.
    pub fee_asset: u16,
    /// The fee, in base units: a number that 11 bits and a binary exponent can write.
    #[schema(value_type = AmountText)]
    #[serde(with = "crate::text::decimal")]
    pub fee: Amount,
    /// L1 address of the owner of `to`, of a transfer.
    #[schema(value_type = FixedBytes<20>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Address>,
    /// L1 address of the owner of `sender`, of a withdrawal.
    #[schema(value_type = FixedBytes<20>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub owner: Option<Address>,
    /// Nonce of the sender.
    pub nonce: u32,
    /// Last time of a batch that may contain it, in seconds since the UNIX epoch.
    pub expiry: u64,
}

impl From<&Transaction> for TransactionFields {
    fn from(transaction: &Transaction) -> Self {
        let named = Some(transaction.named_address);
        let (kind, to, recipient, owner) = match transaction.kind {
            TransactionKind::Transfer { to } => (TransactionKindName::Transfer, Some(to.0), named, None),
            TransactionKind::Withdraw => (TransactionKindName::Withdraw, None, None, named),
        };
        Self {
            kind,
            sender: transaction.sender.0,
            to,
            asset: transaction.asset.0,
            amount: transaction.amount,
            fee_asset: transaction.fee_asset.asset().0,
            fee: transaction.fee.value(),
            recipient,
            owner,
            nonce: transaction.nonce,
            expiry: transaction.expiry.get(),
        }
    }
}

/// The rule that refused a transaction after it had been accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RejectionView {
    /// Stable name of the rule.
    pub code: String,
    /// What was wrong.
    pub detail: String,
}

impl From<&Reject> for RejectionView {
    fn from(reject: &Reject) -> Self {
        Self { code: reject.code().to_owned(), detail: reject.to_string() }
    }
}

/// The batch of a transaction was taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReturnView {
    /// Number of the batch; another one has it now, or will.
    pub batch: u32,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: String,
}

/// A transaction and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Digest of its message.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub id: Digest,
    /// The last step that it has reached.
    pub status: Finality,
    /// What was signed.
    pub transaction: TransactionFields,
    /// Why it was rejected, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectionView>,
    /// Number of the batch that contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Position in that batch, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// How far the proof of that batch is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proving: Option<Progress>,
    /// All steps that it has reached, in order. If its batch was taken back, those that it lost are there too, then
    /// *accepted* once more, and what followed.
    pub steps: Vec<Step>,
    /// When and why its batch was taken back, if one was: the last time.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnView>,
    /// The sequencer's signed word that it was accepted.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_receipt: Option<SoftReceipt>,
    /// L1 transactions of that batch.
    #[serde(default)]
    pub l1: L1View,
}

impl TransactionView {
    /// Whether no further step will come.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let last = match self.transaction.kind {
            TransactionKindName::Transfer => Finality::Verified,
            TransactionKindName::Withdraw => Finality::Withdrawable,
        };
        self.status.is_void() || self.status == last
    }
}

/// Answer of `POST /v1/transactions/batch`: what became of each transaction, in the order of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubmittedView {
    /// One result for each transaction.
    pub results: Vec<SubmitResult>,
}

/// What became of one of many transactions: either `transaction` or `problem` is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SubmitResult {
    /// The status that it would have got alone: 202 accepted, 200 known before, else why not.
    pub status: u16,
    /// The transaction, if it was accepted now or before.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionView>,
    /// Why it was refused.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}
