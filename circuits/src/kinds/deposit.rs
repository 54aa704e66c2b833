//! Deposit to an account that exists (PROTOCOL.md §8, DE): a total function, both polarities constrained.

use crate::builder::{Bool, Builder};
use crate::segment::facts::Facts;

/// Whether A is credited.
///
/// # Soundness
/// Every condition is exact in both directions: bits of the index, existence by the opened leaf (which is opened exactly
/// if the index is in the tree), comparisons and emptiness by tests for zero, overflow by a range check.
pub(crate) fn constrain(b: &mut Builder, facts: &Facts<'_>) -> Bool {
    let conditions = [facts.a_index.in_tree, facts.a_is_account, facts.a_is_named, facts.has_value, facts.a_takes];
    let can = b.all(&conditions);
    let deposit = facts.selectors().deposit;
    b.clause("DE-1", |b| {
        let cannot = b.not(can);
        b.when(deposit, |b| b.assert_equal(facts.fields().bounced.target(), cannot.target()));
    });
    b.and(deposit, can)
}
