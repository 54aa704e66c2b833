//! Collection of a fee sum (PROTOCOL.md §8, CF). CF-3 is where the fee sums change.

use crate::builder::Builder;
use crate::segment::facts::Facts;

/// The whole sum goes to an account.
pub(crate) fn constrain(b: &mut Builder, facts: &Facts<'_>) {
    let fields = facts.fields();
    let sum = b.dot(&facts.fee_asset, &facts.before.fee_sums);
    b.when(facts.selectors().collect, |b| {
        b.clause("CF-1", |b| {
            b.assert_equal(fields.asset.target(), facts.fee_asset_id);
            b.assert_equal(facts.amount, sum);
            b.assert_true(facts.has_value);
        });
        b.clause("CF-2", |b| {
            b.assert_true(facts.a_is_account);
            b.assert_true(facts.a_takes);
        });
    });
}
