//! Deposit that opens an account (PROTOCOL.md §8, DO).

use crate::{AccountIndex, ENTRY_COUNT, Effects, FeeSums, Object, OpeningDeposit, Outcome, Reject};

impl OpeningDeposit {
    /// Whether the deposit opens an account, wherever the operator puts it; else it bounces (DO-1).
    #[must_use]
    pub fn opens_account(&self) -> bool {
        !self.asset.is_none() && !self.amount.is_zero()
    }
}

/// Opens the account at the operator's index, or bounces.
pub(crate) fn apply(
    deposit: &OpeningDeposit,
    index: AccountIndex,
    a: Option<&Object>,
    fee_sums: FeeSums,
) -> Result<Effects, Reject> {
    if !deposit.opens_account() {
        let outcome = Outcome::Bounced;
        let records = deposit.records(AccountIndex::default(), outcome);
        return Ok(Effects { records, outcome, ..Effects::none(fee_sums) });
    }
    if a.is_some() {
        return Err(Reject::NotEmpty { index: index.0 });
    }
    let account = Object::account(deposit.owner, deposit.key);
    let a_after = account.credited(deposit.asset, deposit.amount, ENTRY_COUNT)?;
    let records = deposit.records(index, Outcome::Done);
    Ok(Effects { a_after: Some(a_after), records, ..Effects::none(fee_sums) })
}
