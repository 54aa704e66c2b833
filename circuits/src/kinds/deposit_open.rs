//! Deposit that opens an account (PROTOCOL.md §8, DO).

use weft_protocol::Object;

use crate::builder::{Bool, Builder};
use crate::segment::facts::Facts;

/// Whether the account is opened.
///
/// # Soundness
/// The leaf before is 0 (DO-2), so that nothing binds the object of A but this: identity from the entry (DO-3), the rest
/// 0 because the object does not exist (SL-4), and the one entry by the common rule of credits.
pub(crate) fn constrain(b: &mut Builder, facts: &Facts<'_>) -> Bool {
    let (fields, a) = (facts.fields(), &facts.input.a);
    let opening = facts.selectors().opening;
    let opened = b.and(opening, facts.has_value);
    let bounced = {
        let no_value = b.not(facts.has_value);
        b.and(opening, no_value)
    };
    b.clause("DO-1", |b| {
        b.when(opening, |b| {
            let no_value = b.not(facts.has_value);
            b.assert_equal(fields.bounced.target(), no_value.target());
        });
    });
    b.clause("DO-2", |b| b.when(opened, |b| b.assert_false(facts.input.a_exists)));
    let key = fields.key.each_ref().map(|half| b.key_words(half)).concat();
    b.clause("DO-3", |b| {
        b.when(opened, |b| {
            let account = b.constant_u64(Object::ACCOUNT_HEADER);
            b.assert_equal(a.header, account);
            b.assert_all_equal(&a.owner, &fields.address.elements());
            b.assert_all_equal(&a.main_key, &key);
        });
        b.when(bounced, |b| b.assert_zero(fields.a));
    });
    opened
}
