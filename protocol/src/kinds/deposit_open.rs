//! Deposit that opens an account (PROTOCOL.md §8, DO).

use crate::{AccountIndex, ENTRY_COUNT, Effects, FeeSums, Object, OpeningDeposit, Outcome, Reject};

/// Whether the deposit opens an account, wherever the operator puts it.
pub(crate) fn is_creditable(deposit: &OpeningDeposit) -> bool {
    !deposit.asset.is_none() && !deposit.amount.is_zero()
}

/// Opens the account at the operator's index, or bounces.
pub(crate) fn apply(
    deposit: &OpeningDeposit,
    index: AccountIndex,
    a: Option<&Object>,
    fee_sums: FeeSums,
) -> Result<Effects, Reject> {
    if !is_creditable(deposit) {
        let outcome = Outcome::Bounced;
        let records = deposit.records(AccountIndex::default(), outcome);
        return Ok(Effects {
            records,
            outcome,
            ..Effects::none(fee_sums)
        });
    }
    if a.is_some() {
        return Err(Reject::NotEmpty { index: index.0 });
    }
    let account = Object::account(deposit.owner, deposit.key);
    let a_after = account.credited(deposit.asset, deposit.amount, ENTRY_COUNT)?;
    let records = deposit.records(index, Outcome::Done);
    Ok(Effects {
        a_after: Some(a_after),
        records,
        ..Effects::none(fee_sums)
    })
}
