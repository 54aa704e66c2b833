//! Assertions: what a circuit claims about its wires.

#[cfg(test)]
use super::mutation::Mutation;
use super::{Bool, Builder, Mode, Target};
use crate::gadgets::compare::IsZeroGenerator;
use crate::gates::{RangeCheck, RangeGate};
use crate::ledger::{Claim, Freedom};

/// Widest range check, bits: a wider integer could be written in two ways in the field.
pub const RANGE_BITS_MAX: u32 = 63;

impl Builder {
    /// Asserts `left = right`, under the open conditions.
    ///
    /// Costs nothing without conditions, two arithmetic operations with.
    pub fn assert_equal(&mut self, left: Target, right: Target) {
        match self.condition() {
            None => self.claim_equal(Claim::Equal(left, right), left, right),
            Some(flag) => {
                let difference = self.sub(left, right);
                let product = self.mul(flag.target(), difference);
                let zero = self.zero();
                self.claim_equal(Claim::EqualIf { flag: flag.target(), left, right }, product, zero);
            }
        }
    }

    /// Asserts equality element by element.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn assert_all_equal(&mut self, left: &[Target], right: &[Target]) {
        assert_eq!(left.len(), right.len(), "compared lists have one length");
        for (&left, &right) in left.iter().zip(right) {
            self.assert_equal(left, right);
        }
    }

    /// Asserts `value = 0`, under the open conditions.
    pub fn assert_zero(&mut self, value: Target) {
        let zero = self.zero();
        self.assert_equal(value, zero);
    }

    /// Asserts `value = 1`, under the open conditions.
    pub fn assert_one(&mut self, value: Target) {
        let one = self.one();
        self.assert_equal(value, one);
    }

    /// Asserts that `flag` is 1, under the open conditions.
    pub fn assert_true(&mut self, flag: Bool) {
        self.assert_one(flag.target());
    }

    /// Asserts that `flag` is 0, under the open conditions.
    pub fn assert_false(&mut self, flag: Bool) {
        self.assert_zero(flag.target());
    }

    /// Asserts `value` ≠ 0, under the open conditions.
    pub fn assert_nonzero(&mut self, value: Target) {
        let is_zero = self.is_zero(value);
        self.assert_false(is_zero);
    }

    /// Asserts that `value` is 0 or 1 and returns it as a [`Bool`].
    ///
    /// # Panics
    /// Inside a condition: the result would be a [`Bool`] only where the condition holds.
    pub fn assert_bool(&mut self, value: Target) -> Bool {
        assert!(self.condition().is_none(), "a Bool holds 0 or 1 under any condition: assert it outside of `when`");
        let residue = self.mul_sub(value, value, value);
        let zero = self.zero();
        self.claim_equal(Claim::Bool(value), residue, zero);
        Bool(value)
    }

    /// Asserts that the integer on the wire is below `2^bits`; under conditions, that of `condition · value` is.
    ///
    /// Several checks of one width share a row. Every width in use costs the circuit a type of gate.
    ///
    /// # Panics
    /// If `bits` is not in `1..=`[`RANGE_BITS_MAX`].
    pub fn range_check(&mut self, value: Target, bits: u32) {
        #[cfg(test)]
        let Some(bits) = self.range_bits(bits) else { return };
        let value = self.claim_range(value, bits);
        let gate = RangeGate::new(RangeCheck::for_config(bits, self.config()));
        let (row, slot) = self.find_slot(gate, &[], &[]);
        self.connect(value, Target::wire(row, RangeCheck::value(slot)));
    }

    /// The `bits` binary digits of `value`, lowest first; asserts that there are no more. Under conditions those of
    /// `condition · value`. One row.
    ///
    /// # Soundness
    /// At most 63 bits, so the sum of the weighted digits is below `2^63 < p` and has one representation.
    ///
    /// # Panics
    /// If `bits` is not in `1..=`[`RANGE_BITS_MAX`].
    pub fn to_bits(&mut self, value: Target, bits: u32) -> Vec<Bool> {
        let width = usize::try_from(bits).expect("63 fits");
        #[cfg(test)]
        if self.sites.mutates(Mutation::Digits) {
            return self.lowest_bits(value, width);
        }
        let value = self.claim_range(value, bits);
        // The library's gate constrains each limb to 0 or 1.
        self.inner.split_le(value, width).into_iter().map(|bit| Bool(bit.target)).collect()
    }

    /// Records that a value, or its product with the condition, is in range; returns what is to be checked.
    fn claim_range(&mut self, value: Target, bits: u32) -> Target {
        assert!((1..=RANGE_BITS_MAX).contains(&bits), "a range check has 1 to 63 bits, got {bits}");
        let value = match self.condition() {
            Some(flag) => self.mul(flag.target(), value),
            None => value,
        };
        self.record(Claim::Range { value, bits });
        value
    }

    /// Records a claim; makes `left = right` hold in [`Mode::Proving`].
    fn claim_equal(&mut self, claim: Claim, left: Target, right: Target) {
        #[cfg(test)]
        if self.sites.mutates(Mutation::of(&claim)) {
            return;
        }
        self.record(claim);
        match self.mode {
            Mode::Proving => self.inner.connect(left, right),
            Mode::Checking => {}
        }
    }

    /// 1 if `value` is 0, else 0.
    ///
    /// # Soundness
    /// With free `inverse`: `flag · value = 0` and `value · inverse + flag = 1`. If `value = 0` the second gives
    /// `flag = 1`; if not, the first gives `flag = 0`. The inverse is free only for `value = 0`, where nothing reads it.
    pub fn is_zero(&mut self, value: Target) -> Bool {
        self.gadget("is-zero", |b| {
            b.unconditionally(|b| {
                let flag = b.hint(Freedom::Determined);
                let inverse = b.hint(Freedom::Harmless);
                b.add_generator(IsZeroGenerator { value, flag, inverse });
                let product = b.mul(flag, value);
                b.assert_zero(product);
                let sum = b.mul_add(value, inverse, flag);
                b.assert_one(sum);
                Bool(flag)
            })
        })
    }

    /// 1 if both wires carry the same value, else 0.
    pub fn is_equal(&mut self, left: Target, right: Target) -> Bool {
        let difference = self.sub(left, right);
        self.is_zero(difference)
    }
}
