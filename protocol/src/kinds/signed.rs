//! Transfer and withdraw (PROTOCOL.md §8, TX, TR, WD).

use crate::crypto::Digest;
use crate::object::CreditError;
use crate::{
    AccountIndex, Effects, Environment, FeeSums, Lane, OTHERS_ENTRY_COUNT, Object, Outcome, Record, Reject,
    SignedTransaction, Transaction, TransactionKind,
};

impl SignedTransaction {
    /// Index of the account that a transfer pays.
    #[must_use]
    pub fn recipient(&self) -> Option<AccountIndex> {
        match self.transaction.kind {
            TransactionKind::Transfer { to } => Some(to),
            TransactionKind::Withdraw => None,
        }
    }
}

/// Rules that need no state, so that they refuse a transaction at the door.
///
/// # Errors
/// TX-7, TX-8, TX-9, TR-1.
pub fn check_stateless(transaction: &Transaction) -> Result<(), Reject> {
    if transaction.group != Digest::ZERO {
        return Err(Reject::UnsupportedGroup);
    }
    if transaction.lane != Lane::Main {
        return Err(Reject::UnsupportedLane);
    }
    if transaction.amount.is_zero() {
        return Err(Reject::ZeroAmount);
    }
    if transaction.asset.is_none() {
        return Err(Reject::UnknownAsset);
    }
    match transaction.kind {
        TransactionKind::Transfer { to } if to == transaction.sender => Err(Reject::SelfTransfer),
        TransactionKind::Transfer { .. } | TransactionKind::Withdraw => Ok(()),
    }
}

/// The rule of signed slots.
pub(crate) fn apply(
    signed: &SignedTransaction,
    environment: &Environment,
    [a, b]: [Option<&Object>; 2],
    fee_sums: FeeSums,
) -> Result<Effects, Reject> {
    let transaction = &signed.transaction;
    check_stateless(transaction)?;
    let sender = authorise(signed, environment, a)?;
    let sender = pay(transaction, sender)?;
    let fee_sum = fee_sums.get(transaction.fee_asset).checked_add(transaction.fee.value());
    let fee_sums = fee_sums.with(transaction.fee_asset, fee_sum.expect("4,096 fees below 2^42 stay below 2^62"));
    let mut records = vec![transaction.record()];
    let b_after = match transaction.kind {
        TransactionKind::Transfer { to } => Some(receive(transaction, to, b)?),
        TransactionKind::Withdraw => {
            if transaction.named_address != sender.owner {
                return Err(Reject::WrongRecipient);
            }
            records.push(Record::address(&sender.owner));
            None
        }
    };
    Ok(Effects { a_after: Some(sender), b_after, records, fee_sums, outcome: Outcome::Done })
}

/// The sender, with its nonce raised, if key, nonce and time are right.
fn authorise(signed: &SignedTransaction, environment: &Environment, a: Option<&Object>) -> Result<Object, Reject> {
    let transaction = &signed.transaction;
    let mut sender =
        *a.filter(|object| object.is_account()).ok_or(Reject::UnknownAccount { index: transaction.sender.0 })?;
    if signed.key.digest() != sender.main_key {
        return Err(Reject::WrongKey);
    }
    if transaction.nonce != sender.nonce {
        return Err(Reject::WrongNonce { expected: sender.nonce, got: transaction.nonce });
    }
    sender.nonce = sender.nonce.checked_add(1).ok_or(Reject::NonceExhausted)?;
    if environment.timestamp > transaction.expiry {
        return Err(Reject::Expired { expiry: transaction.expiry, timestamp: environment.timestamp });
    }
    Ok(sender)
}

/// The sender without the amount and without the fee.
fn pay(transaction: &Transaction, sender: Object) -> Result<Object, Reject> {
    let amount = transaction.amount;
    let sender = sender
        .debited(transaction.asset, amount)
        .ok_or_else(|| Reject::InsufficientBalance { balance: sender.balance(transaction.asset), amount })?;
    let fee = transaction.fee.value();
    if fee.is_zero() {
        return Ok(sender);
    }
    let asset = transaction.fee_asset.asset();
    sender.debited(asset, fee).ok_or_else(|| Reject::InsufficientFee { balance: sender.balance(asset), fee })
}

/// The recipient with the amount.
fn receive(transaction: &Transaction, to: AccountIndex, b: Option<&Object>) -> Result<Object, Reject> {
    let recipient = b.filter(|object| object.is_account()).ok_or(Reject::UnknownRecipient { index: to.0 })?;
    if transaction.named_address != recipient.owner {
        return Err(Reject::WrongRecipient);
    }
    Ok(recipient.credited(transaction.asset, transaction.amount, OTHERS_ENTRY_COUNT)?)
}

impl From<CreditError> for Reject {
    fn from(error: CreditError) -> Self {
        match error {
            CreditError::EntriesFull => Self::EntriesFull,
            CreditError::Overflow => Self::RecipientOverflow,
        }
    }
}
