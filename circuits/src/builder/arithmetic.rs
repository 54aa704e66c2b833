//! Arithmetic on wires. Results are definitions: they hold under any condition.

use plonky2::field::types::Field;

use super::{Bool, Builder, Target};
use crate::config::F;

impl Builder {
    /// A constant.
    pub fn constant(&mut self, value: F) -> Target {
        self.trace(value);
        self.inner.constant(value)
    }

    /// A constant given as an integer.
    ///
    /// # Panics
    /// If `value` is not below the order of the field.
    pub fn constant_u64(&mut self, value: u64) -> Target {
        assert!(value < crate::config::ORDER, "constants are canonical");
        self.constant(F::from_canonical_u64(value))
    }

    /// 0.
    pub fn zero(&mut self) -> Target {
        self.constant(F::ZERO)
    }

    /// 1.
    pub fn one(&mut self) -> Target {
        self.constant(F::ONE)
    }

    /// A constant flag.
    pub fn constant_bool(&mut self, value: bool) -> Bool {
        let target = self.constant(F::from_bool(value));
        Bool(target)
    }

    /// `scale · a · b + weight · c`, one operation of an arithmetic row.
    pub fn arithmetic(&mut self, [scale, weight]: [F; 2], [a, b, c]: [Target; 3]) -> Target {
        self.trace(([scale, weight], [a, b, c]));
        self.inner.arithmetic(scale, weight, a, b, c)
    }

    /// `a + b`.
    pub fn add(&mut self, a: Target, b: Target) -> Target {
        let one = self.one();
        self.arithmetic([F::ONE, F::ONE], [a, one, b])
    }

    /// `a − b`.
    pub fn sub(&mut self, a: Target, b: Target) -> Target {
        let one = self.one();
        self.arithmetic([F::ONE, F::NEG_ONE], [a, one, b])
    }

    /// `a · b`.
    pub fn mul(&mut self, a: Target, b: Target) -> Target {
        self.arithmetic([F::ONE, F::ZERO], [a, b, a])
    }

    /// `a · b + c`.
    pub fn mul_add(&mut self, a: Target, b: Target, c: Target) -> Target {
        self.arithmetic([F::ONE, F::ONE], [a, b, c])
    }

    /// `a · b − c`.
    pub fn mul_sub(&mut self, a: Target, b: Target, c: Target) -> Target {
        self.arithmetic([F::ONE, F::NEG_ONE], [a, b, c])
    }

    /// `a + constant`.
    pub fn add_constant(&mut self, a: Target, constant: F) -> Target {
        let constant = self.constant(constant);
        self.add(a, constant)
    }

    /// `constant · a`.
    pub fn mul_constant(&mut self, constant: F, a: Target) -> Target {
        let constant = self.constant(constant);
        self.mul(constant, a)
    }

    /// `scale · a + c`, one operation.
    pub fn mul_constant_add(&mut self, scale: F, a: Target, c: Target) -> Target {
        let one = self.one();
        self.arithmetic([scale, F::ONE], [a, one, c])
    }

    /// Sum of the terms.
    pub fn sum(&mut self, terms: &[Target]) -> Target {
        let zero = self.zero();
        terms.iter().fold(zero, |sum, &term| self.add(sum, term))
    }

    /// `Σ weight · term`.
    ///
    /// # Soundness
    /// A sum in the field: the caller bounds the terms where it must not wrap around the order.
    pub fn linear_combination(&mut self, terms: &[(F, Target)]) -> Target {
        let zero = self.zero();
        terms.iter().fold(zero, |sum, &(weight, term)| self.mul_constant_add(weight, term, sum))
    }

    /// `Σ 2^i · bits[i]`.
    ///
    /// # Panics
    /// With more than 63 bits: the sum could wrap around the order of the field.
    pub fn from_bits(&mut self, bits: &[Bool]) -> Target {
        assert!(bits.len() <= 63, "at most 63 bits make an integer in the field");
        let zero = self.zero();
        bits.iter().rev().fold(zero, |sum, bit| self.mul_constant_add(F::TWO, sum, bit.target()))
    }

    /// `yes` if `flag`, else `no`. Two operations.
    pub fn select(&mut self, flag: Bool, yes: Target, no: Target) -> Target {
        let difference = self.sub(yes, no);
        self.mul_add(flag.target(), difference, no)
    }

    /// Element by element `yes` if `flag`, else `no`.
    pub fn select_array<const N: usize>(&mut self, flag: Bool, yes: [Target; N], no: [Target; N]) -> [Target; N] {
        std::array::from_fn(|i| self.select(flag, yes[i], no[i]))
    }

    /// `yes` if `flag`, else `no`, for flags.
    pub fn select_bool(&mut self, flag: Bool, yes: Bool, no: Bool) -> Bool {
        Bool(self.select(flag, yes.target(), no.target()))
    }

    /// `value` if `flag`, else 0.
    pub fn gate(&mut self, flag: Bool, value: Target) -> Target {
        self.mul(flag.target(), value)
    }

    /// Both.
    pub fn and(&mut self, a: Bool, b: Bool) -> Bool {
        Bool(self.mul(a.target(), b.target()))
    }

    /// At least one.
    pub fn or(&mut self, a: Bool, b: Bool) -> Bool {
        let a_and_not_b = self.arithmetic([-F::ONE, F::ONE], [a.target(), b.target(), a.target()]);
        Bool(self.add(a_and_not_b, b.target()))
    }

    /// Exactly one.
    pub fn xor(&mut self, a: Bool, b: Bool) -> Bool {
        let a_less_2ab = self.arithmetic([-F::TWO, F::ONE], [a.target(), b.target(), a.target()]);
        Bool(self.add(a_less_2ab, b.target()))
    }

    /// The opposite.
    pub fn not(&mut self, a: Bool) -> Bool {
        let one = self.one();
        Bool(self.sub(one, a.target()))
    }

    /// All of them; 1 for none.
    pub fn all(&mut self, flags: &[Bool]) -> Bool {
        let one = self.constant_bool(true);
        flags.iter().fold(one, |all, &flag| self.and(all, flag))
    }

    /// At least one of them; 0 for none.
    pub fn any(&mut self, flags: &[Bool]) -> Bool {
        let none: Vec<_> = flags.iter().map(|&flag| self.not(flag)).collect();
        let none = self.all(&none);
        self.not(none)
    }
}
