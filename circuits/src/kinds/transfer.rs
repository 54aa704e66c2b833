//! Transfer (PROTOCOL.md §8, TR).

use weft_protocol::Object;

use crate::builder::Builder;
use crate::segment::facts::Facts;

/// B exists, because its leaf is a hash that leads to the root (SL-6).
pub(crate) fn constrain(b: &mut Builder, facts: &Facts<'_>) {
    let (fields, recipient) = (facts.fields(), &facts.input.b);
    b.when(facts.selectors().transfer, |b| {
        b.clause("TR-1", |b| {
            let difference = b.sub(fields.a, fields.b);
            b.assert_nonzero(difference);
        });
        b.clause("TR-2", |b| {
            let account = b.constant_u64(Object::ACCOUNT_HEADER);
            b.assert_equal(recipient.header, account);
        });
        b.clause("TR-3", |b| b.assert_all_equal(&fields.address.elements(), &recipient.owner));
        b.clause("TR-4", |b| b.assert_true(facts.b_takes));
    });
}
