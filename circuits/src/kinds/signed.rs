//! Signed slots: transfer and withdraw (PROTOCOL.md §8, TX).

use crate::builder::Builder;
use crate::gadgets::signature::SignatureWires;
use crate::segment::facts::Facts;
use crate::segment::input::EnvironmentWires;

/// Authority, time and means of the sender. TX-5 is where A's nonce is raised, TX-11 where the fee sums change.
pub(crate) fn constrain(b: &mut Builder, environment: &EnvironmentWires, facts: &Facts<'_>) -> SignatureWires {
    let (signed, fields, a) = (facts.signed, facts.fields(), &facts.input.a);
    let message = b.message(environment, facts);
    let signature = b.clause("TX-3", |b| b.verify_signature(message, signed));
    b.when(signed, |b| {
        b.clause("TX-1", |b| b.assert_true(facts.a_is_account));
        b.clause("TX-2", |b| b.assert_all_equal(&signature.key_digest(), &a.main_key));
        b.clause("TX-4", |b| b.assert_equal(fields.nonce, a.nonce));
        b.clause("TX-6", |b| {
            let expiry = fields.expiry;
            b.assert_at_most(environment.timestamp, expiry);
        });
        b.clause("TX-7", |b| fields.group.iter().for_each(|&element| b.assert_zero(element)));
        b.clause("TX-8", |b| b.assert_false(fields.lane));
        b.clause("TX-9", |b| b.assert_true(facts.has_value));
        b.clause("TX-10", |b| {
            b.assert_true(facts.a_has_entry);
            b.assert_true(facts.a_has_fee_entry);
        });
    });
    signature
}
