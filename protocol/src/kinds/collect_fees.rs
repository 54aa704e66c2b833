//! Collection of a fee sum by the operator (PROTOCOL.md §8, CF).

use crate::{AccountIndex, Amount, ENTRY_COUNT, Effects, FeeAsset, FeeSums, Kind, Object, RecordFields, Reject};

/// Pays the whole sum to the account.
///
/// It may take any position: those that only the owner can fill stay open for the four fee assets, whatever others pay in,
/// so that nobody can keep a batch from ending.
pub(crate) fn apply(
    account: AccountIndex,
    fee_asset: FeeAsset,
    a: Option<&Object>,
    fee_sums: FeeSums,
) -> Result<Effects, Reject> {
    let amount = fee_sums.get(fee_asset);
    if amount.is_zero() {
        return Err(Reject::NothingToCollect);
    }
    let collector = a.filter(|object| object.is_account()).ok_or(Reject::UnknownAccount { index: account.0 })?;
    let asset = fee_asset.asset();
    let a_after = collector.credited(asset, amount, ENTRY_COUNT)?;
    let fields = RecordFields { fee_asset, ..RecordFields::new(Kind::CollectFees, account, asset, amount) };
    let fee_sums = fee_sums.with(fee_asset, Amount::ZERO);
    Ok(Effects { a_after: Some(a_after), records: vec![fields.record()], ..Effects::none(fee_sums) })
}
