//! Records in circuits: limbs from fields, and the chain.

use plonky2::field::types::Field;
use weft_protocol::Kind;
use weft_protocol::crypto::Tag;

use super::facts::Facts;
use super::input::{FieldWires, KeyWires};
use crate::builder::{Bool, Builder, Target};
use crate::config::F;

/// The limbs of a record and whether the slot has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordWires {
    pub(crate) limbs: [Target; 3],
    pub(crate) used: Bool,
}

fn shift(bits: u32) -> F {
    F::from_canonical_u64(1 << bits)
}

impl Builder {
    /// The fee's 16 bits and its value.
    ///
    /// # Soundness
    /// mantissa < 2^11 and exponent < 2^5, so the value is below 2^42.
    pub(super) fn fee(&mut self, fields: &FieldWires) -> [Target; 2] {
        let mantissa = fields.fee_mantissa.target();
        let exponent = self.from_bits(&fields.fee_exponent);
        let code = self.mul_constant_add(shift(5), mantissa, exponent);
        let value = fields.fee_exponent.iter().enumerate().fold(mantissa, |value, (i, bit)| {
            // value · (1 + bit·(2^(2^i) − 1))
            let factor = shift(1 << i) - F::ONE;
            self.arithmetic([factor, F::ONE], [value, bit.target(), value])
        });
        [code, value]
    }

    /// Limbs of the first record.
    ///
    /// # Soundness
    /// All fields have their widths (SL-2; the kind is one of the known codes), so the limbs are below 2^56 and no field
    /// reaches into the next.
    pub(super) fn first_record(&mut self, facts: &Facts<'_>) -> [Target; 3] {
        let (selectors, fields) = (facts.selectors(), facts.fields());
        let kinds = [
            (selectors.transfer, Kind::Transfer),
            (selectors.collect, Kind::CollectFees),
            (selectors.withdraw, Kind::Withdraw),
            (selectors.deposit, Kind::Deposit),
            (selectors.opening, Kind::OpeningDeposit),
        ];
        let fee_asset = fields.fee_asset.iter().zip([shift(49), shift(50)]).map(|(bit, weight)| (weight, bit.target()));
        let mut limb_0 =
            vec![(shift(48), fields.lane.target()), (shift(16), fields.a), (F::ONE, fields.asset.target())];
        limb_0.extend(fee_asset);
        limb_0.extend(kinds.map(|(flag, kind)| (F::from_canonical_u64((kind as u64) << 51), flag.target())));
        let limb_1 = [(shift(24), fields.b), (shift(8), facts.fee_code), (F::ONE, fields.amount_high.target())];
        let limb_2 = [(shift(2), fields.amount_low.target()), (F::ONE, fields.bounced.target())];
        [self.linear_combination(&limb_0), self.linear_combination(&limb_1), self.linear_combination(&limb_2)]
    }

    /// Limbs of the record that carries the address.
    pub(super) fn address_record(&mut self, fields: &FieldWires) -> [Target; 3] {
        let [high, middle, low] = fields.address.elements();
        let first = self.add_constant(high, F::from_canonical_u64((Kind::Address as u64) << 51));
        [first, middle, low]
    }

    /// Limbs of a record that carries two words of a key.
    pub(super) fn key_record(&mut self, key: &KeyWires) -> [Target; 3] {
        let first = self.add_constant(key.high.target(), F::from_canonical_u64((Kind::Key as u64) << 51));
        let middle = self.mul_constant_add(shift(8), key.middle.target(), key.carry.target());
        [first, middle, key.low.target()]
    }

    /// The two words of a key that a record carries, mod p.
    pub(crate) fn key_words(&mut self, key: &KeyWires) -> [Target; 2] {
        let first = self.mul_constant_add(shift(48), key.high.target(), key.middle.target());
        let second = self.mul_constant_add(shift(56), key.carry.target(), key.low.target());
        [first, second]
    }

    /// The chain after the records that are used.
    pub(super) fn extend_chain(&mut self, chain: [Target; 4], records: &[RecordWires]) -> [Target; 4] {
        records.iter().fold(chain, |chain, record| {
            let input = [&chain[..], &record.limbs].concat();
            let next = self.hash(Tag::CHAIN, &input);
            self.select_array(record.used, next, chain)
        })
    }
}
