//! Range checks: values below `2^bits`, by their digits in base 4.
//!
//! ```text
//! 0..n values      then the digits of value 0, of value 1, …, lowest first
//! ```
//!
//! An odd width ends in one digit in base 2. Per value: one constraint for the sum and one per digit; degree 4.
//!
//! # Soundness
//! At most 63 bits, so that the sum of the digits as an integer stays below p and is the value itself.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::plonk::circuit_data::CircuitConfig;

use super::F;
use super::algebra::Algebra;
use super::shape::{CustomGate, GateShape};

/// Widest check: one more bit could exceed the field.
const BITS_MAX: usize = 63;

/// A segment has 123 constraints per row anyway, those of the Poseidon gate.
const CONSTRAINTS_MAX: usize = 123;

/// Shape of a row of range checks of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeCheck {
    bits: usize,
    values: usize,
}

/// Gate of range checks of one width.
pub type RangeGate = CustomGate<RangeCheck>;

impl Default for RangeCheck {
    fn default() -> Self {
        Self { bits: 1, values: 1 }
    }
}

impl RangeCheck {
    /// As many checks of `bits` bits per row as the configuration has room for.
    ///
    /// # Panics
    /// If `bits` is not in `1..=63`: circuits choose widths when they are built.
    pub fn for_config(bits: u32, config: &CircuitConfig) -> Self {
        let bits = usize::try_from(bits).expect("32 bits fit");
        assert!((1..=BITS_MAX).contains(&bits), "a range check has 1 to {BITS_MAX} bits, not {bits}");
        let per_value = 1 + bits.div_ceil(2);
        let room = config.num_wires.min(CONSTRAINTS_MAX) / per_value;
        Self { bits, values: room.min(config.num_routed_wires) }
    }

    /// Column of the value of a slot.
    pub const fn value(slot: usize) -> usize {
        slot
    }

    const fn digits_per_value(&self) -> usize {
        self.bits.div_ceil(2)
    }

    fn digits(&self, slot: usize) -> std::ops::Range<usize> {
        let start = self.values + slot * self.digits_per_value();
        start..start + self.digits_per_value()
    }
}

impl GateShape for RangeCheck {
    const NAME: &'static str = "RangeGate";

    fn parameters(&self) -> Vec<usize> {
        vec![self.bits, self.values]
    }

    fn from_parameters(parameters: &[usize]) -> Option<Self> {
        match *parameters {
            [bits, values] if (1..=BITS_MAX).contains(&bits) && values > 0 => Some(Self { bits, values }),
            _ => None,
        }
    }

    fn num_wires(&self) -> usize {
        self.values * (1 + self.digits_per_value())
    }

    fn num_constraints(&self) -> usize {
        self.num_wires()
    }

    fn degree(&self) -> usize {
        if self.bits == 1 { 2 } else { 4 }
    }

    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        let powers = (0..self.digits_per_value()).map(|digit| F::from_canonical_u64(1 << (2 * digit)));
        let coefficients: Vec<F> = powers.chain([F::NEG_ONE]).collect();
        for slot in 0..self.values {
            let digits = &wires[self.digits(slot)];
            let terms = [digits, &wires[Self::value(slot)..=Self::value(slot)]].concat();
            constraints.push(algebra.affine(F::ZERO, &coefficients, &terms));
            for (index, &digit) in digits.iter().enumerate() {
                constraints.push(if 2 * index + 1 == self.bits {
                    algebra.quadratic(digit, F::NEG_ONE)
                } else {
                    // d(d - 3) is 0 or -2 exactly for the four digits.
                    let product = algebra.quadratic(digit, -F::from_canonical_u64(3));
                    algebra.quadratic(product, F::TWO)
                });
            }
        }
        constraints
    }

    fn slots(&self) -> usize {
        self.values
    }

    fn inputs(&self, slot: usize) -> Vec<usize> {
        vec![Self::value(slot)]
    }

    fn outputs(&self, slot: usize) -> Vec<usize> {
        self.digits(slot).collect()
    }

    fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
        let value = inputs[0].to_canonical_u64();
        let digit = |index| {
            let mask = if 2 * index + 1 == self.bits { 1 } else { 3 };
            F::from_canonical_u64(value >> (2 * index) & mask)
        };
        Some((0..self.digits_per_value()).map(digit).collect())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::{Field64, Sample};
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::super::testing::{assert_conforms, assert_every_mutation_is_detected, evaluate, fill_slot};
    use super::*;
    use crate::config::segment_config;

    fn shape(bits: u32) -> RangeCheck {
        RangeCheck::for_config(bits, &segment_config())
    }

    fn row_with(value: u64, shape: RangeCheck) -> Vec<F> {
        let mut wires = vec![F::ZERO; shape.num_wires()];
        fill_slot(&shape, shape.values - 1, &[F::from_canonical_u64(value)], &mut wires);
        wires
    }

    fn accepts(value: u64, shape: RangeCheck) -> bool {
        evaluate(&shape, &row_with(value, shape)).iter().all(Field::is_zero)
    }

    #[test]
    fn conforms() {
        for bits in [1, 2, 3, 16, 31, 32, 62, 63] {
            assert_conforms(&shape(bits));
        }
        assert_eq!(shape(32), RangeCheck { bits: 32, values: 7 });
        assert_eq!(shape(16), RangeCheck { bits: 16, values: 13 });
        assert_eq!((shape(32).num_wires(), shape(32).num_constraints()), (119, 119));
    }

    #[test]
    fn every_mutation_is_detected() {
        for (bits, value) in [(1, 1), (7, 0x55), (32, 0xdead_beef), (62, (1 << 62) - 1)] {
            assert_every_mutation_is_detected(&shape(bits), &row_with(value, shape(bits)));
        }
    }

    #[test]
    fn constraints_at_random_points_are_those_of_the_documentation() {
        let number = F::from_canonical_u64;
        for bits in 1..=63 {
            let shape = shape(bits);
            let wires = F::rand_vec(shape.num_wires());
            let expected: Vec<F> = (0..shape.values)
                .flat_map(|slot| {
                    let digits = &wires[shape.digits(slot)];
                    let sum = digits.iter().rev().fold(F::ZERO, |sum, &digit| sum * number(4) + digit);
                    let is_digit = |(index, &digit): (usize, &F)| {
                        let base = if 2 * index + 1 == shape.bits { 2 } else { 4 };
                        (0..base).map(|value| digit - number(value)).product()
                    };
                    let digits = digits.iter().enumerate().map(is_digit);
                    [sum - wires[RangeCheck::value(slot)]].into_iter().chain(digits).collect::<Vec<F>>()
                })
                .collect();
            assert_eq!(evaluate(&shape, &wires), expected, "{bits} bits");
        }
    }

    #[test]
    fn the_border_is_exact() {
        for bits in 1..=63 {
            assert!(accepts(0, shape(bits)) && accepts((1 << bits) - 1, shape(bits)), "{bits} bits");
            assert!(
                !accepts(1 << bits, shape(bits)) && !accepts(F::NEG_ONE.to_canonical_u64(), shape(bits)),
                "{bits} bits"
            );
        }
    }

    #[test]
    fn a_digit_of_four_is_refused_though_the_sum_is_right() {
        // 4 = 1·4 + 0 = 0·4 + 4: the carry moved into the lower digit.
        let shape = shape(4);
        let mut wires = row_with(4, shape);
        let digits = shape.digits(shape.values - 1);
        wires[digits.start] = F::from_canonical_u64(4);
        wires[digits.start + 1] = F::ZERO;
        let values = evaluate(&shape, &wires);
        assert_eq!(values.iter().filter(|value| value.is_nonzero()).count(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn accepts_exactly_the_range(bits in 1_u32..=63, value in any::<u64>(), shift in 0_u32..64) {
            let value = (value >> shift) % F::ORDER;
            assert_eq!(accepts(value, shape(bits)), value >> bits == 0);
        }
    }
}
