//! Withdraw (PROTOCOL.md §8, WD).

use crate::builder::Builder;
use crate::segment::facts::Facts;

/// What L1 pays out goes to the owner.
pub(crate) fn constrain(b: &mut Builder, facts: &Facts<'_>) {
    b.when(facts.selectors().withdraw, |b| b.clause("WD-1", |b| b.assert_true(facts.a_is_named)));
}
