//! Slots: the unit of execution and of proving (PROTOCOL.md §8).

use serde::{Deserialize, Serialize};

use crate::kinds::{collect_fees, deposit, deposit_open, signed};
use crate::{
    AccountIndex, CodecError, Deposit, Environment, FeeAsset, FeeSums, Object, OpeningDeposit, Record, Reject,
    SignedTransaction,
};

/// How an L1 operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[repr(u8)]
pub enum Outcome {
    /// As asked for.
    #[default]
    Done = 0,
    /// Paid back to the sender.
    Bounced = 1,
    /// Without effect.
    Void = 2,
}

impl Outcome {
    /// The outcome with these two bits.
    ///
    /// # Errors
    /// The bits are 3.
    pub fn from_bits(bits: u8) -> Result<Self, CodecError> {
        match bits {
            0 => Ok(Self::Done),
            1 => Ok(Self::Bounced),
            2 => Ok(Self::Void),
            _ => Err(CodecError::UnusedField { field: "outcome" }),
        }
    }
}

/// One step of a batch.
#[expect(clippy::large_enum_variant, reason = "nearly all slots are signed: a box would cost each an allocation")]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Slot {
    /// Nothing: fills a segment up.
    Padding,
    /// A user's transaction.
    Signed(SignedTransaction),
    /// A deposit to an account.
    Deposit(Deposit),
    /// A deposit that opens an account at an index that the operator chose.
    OpeningDeposit {
        /// What the queue entry asks for.
        deposit: OpeningDeposit,
        /// Where the operator puts it; ignored (0) if it bounces.
        index: AccountIndex,
    },
    /// Pays a fee sum to an account that the operator chose.
    CollectFees {
        /// Who gets it.
        account: AccountIndex,
        /// Which sum.
        fee_asset: FeeAsset,
    },
}

/// What a slot does. `None` for an object that is not written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Effects {
    /// Object A afterwards.
    pub a_after: Option<Object>,
    /// Object B afterwards.
    pub b_after: Option<Object>,
    /// What is published.
    pub records: Vec<Record>,
    /// The fee sums afterwards.
    pub fee_sums: FeeSums,
    /// How an L1 operation ended; done for the others.
    pub outcome: Outcome,
}

impl Slot {
    /// Index of the first object that the slot opens.
    #[must_use]
    pub fn a(&self) -> Option<AccountIndex> {
        match self {
            Self::Padding => None,
            Self::Signed(signed) => Some(signed.transaction.sender),
            Self::Deposit(deposit) => deposit.account.in_tree().then_some(deposit.account),
            Self::OpeningDeposit { deposit, index } => deposit.opens_account().then_some(*index),
            Self::CollectFees { account, .. } => Some(*account),
        }
    }

    /// Index of the second object that the slot opens.
    #[must_use]
    pub fn b(&self) -> Option<AccountIndex> {
        match self {
            Self::Signed(signed) => signed.recipient(),
            _ => None,
        }
    }

    /// The rule of the slot's kind: what it does to the objects at [`Self::a`] and [`Self::b`] (`None`: empty leaf).
    ///
    /// The signature is not checked here: see [`SignedTransaction::signature_is_valid`].
    ///
    /// # Errors
    /// The rule that refuses the slot. A refused slot has no effect and cannot be part of a batch.
    pub fn apply(
        &self,
        environment: &Environment,
        a: Option<&Object>,
        b: Option<&Object>,
        fee_sums: FeeSums,
    ) -> Result<Effects, Reject> {
        for index in [self.a(), self.b()].into_iter().flatten() {
            if !index.in_tree() {
                return Err(Reject::IndexOutOfRange { index: index.0 });
            }
        }
        match self {
            Self::Padding => Ok(Effects::none(fee_sums)),
            Self::Signed(signed) => signed::apply(signed, environment, [a, b], fee_sums),
            Self::Deposit(entry) => Ok(deposit::apply(entry, a, fee_sums)),
            Self::OpeningDeposit { deposit, index } => deposit_open::apply(deposit, *index, a, fee_sums),
            Self::CollectFees { account, fee_asset } => collect_fees::apply(*account, *fee_asset, a, fee_sums),
        }
    }
}

impl Effects {
    /// No effect at all.
    #[must_use]
    pub fn none(fee_sums: FeeSums) -> Self {
        Self { a_after: None, b_after: None, records: Vec::new(), fee_sums, outcome: Outcome::Done }
    }
}
