//! Every value of a slot that has a width, pushed beyond it.

use plonky2::field::types::{Field, PrimeField64};

use super::accesses::{is_refused, one_slot};
use super::clauses::accepted;
use crate::builder::{Mode, Target};
use crate::config::F;
use crate::segment::{SegmentCircuit, SegmentWires};
use crate::testing::Checker;

/// Transfer with a fee, and opening deposit, among the accepted slots: all fields are in use in one or the other.
const SLOTS: [usize; 2] = [1, 4];

/// A wire and the bits that its value has.
type Width = (String, Target, u32);

fn widths(wires: &SegmentWires) -> Vec<Width> {
    let (slot, environment) = (&wires.slots[0].input, &wires.environment);
    let (fields, selectors) = (&slot.fields, &slot.selectors);
    let named = |name: &str, target: Target, bits: u32| (name.to_owned(), target, bits);
    let flags = [
        ("transfer", selectors.transfer),
        ("withdraw", selectors.withdraw),
        ("deposit", selectors.deposit),
        ("opening", selectors.opening),
        ("collect", selectors.collect),
        ("lane", fields.lane),
        ("bounced", fields.bounced),
        ("A exists", slot.a_exists),
    ];
    let mut widths: Vec<_> = flags.into_iter().map(|(name, flag)| named(name, flag.target(), 1)).collect();
    let bits = fields.fee_asset.iter().chain(&fields.fee_exponent).enumerate();
    widths.extend(bits.map(|(i, bit)| (format!("bit {i} of fee asset and exponent"), bit.target(), 1)));
    widths.extend([
        named("A", fields.a, 32),
        named("B", fields.b, 32),
        named("asset", fields.asset.target(), 16),
        named("mantissa", fields.fee_mantissa.target(), 11),
        named("amount, high", fields.amount_high.target(), 8),
        named("amount, low", fields.amount_low.target(), 54),
        named("address, high", fields.address.high.target(), 48),
        named("address, middle", fields.address.middle.target(), 56),
        named("address, low", fields.address.low.target(), 56),
        named("expiry", fields.expiry.target(), 40),
        named("batch number", environment.batch_number.target(), 32),
        named("timestamp", environment.timestamp.target(), 40),
        // Of an account that signs it rises by 1.
        named("nonce", slot.a.nonce, 32),
    ]);
    for (half, key) in fields.key.iter().enumerate() {
        let parts =
            [(key.high.target(), 16), (key.middle.target(), 48), (key.carry.target(), 8), (key.low.target(), 56)];
        widths.extend(parts.map(|(target, bits)| (format!("key, half {half}"), target, bits)));
    }
    for (owner, object) in [("A", &slot.a), ("B", &slot.b)] {
        widths.extend(object.ids.iter().map(|id| (format!("id of {owner}"), id.target(), 16)));
    }
    widths
}

/// The first value beyond the width, the greatest element, and the residue of 2^64 − 1.
#[test]
fn no_value_is_wider_than_it_says() {
    let circuit: &SegmentCircuit = one_slot(Mode::Proving);
    let checker = Checker::new(circuit.layer.circuit());
    let cases = accepted();
    let mut tried = 0;
    for (name, target, bits) in widths(&circuit.wires) {
        let values = [F::from_canonical_u64(1 << bits), F::NEG_ONE, F::from_noncanonical_u64(u64::MAX)];
        for value in values.into_iter().filter(|value| value.to_canonical_u64() >> bits != 0) {
            for case in SLOTS.map(|slot| &cases[slot]) {
                assert!(is_refused(&checker, case, &[(target, value)]), "{name} of {bits} bits: {value}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "most values are beyond most widths");
}
