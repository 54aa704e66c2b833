//! Public keys: on the curve, and not one of the points with which anybody could sign.
//!
//! ```text
//! slot i: 11·i used, 11·i + 1.. x (5), y (5)      after all slots: inverse (5) per slot
//! ```
//!
//! Where `used` is 1: `y² = x³ + A·x + B` and `(x - D1.x)·(x - (D1 + N).x)·inverse = 1`. A slot that nothing is connected
//! to has zeros everywhere and satisfies the equations as unused. 10 constraints per slot, degree 4.
//!
//! # Soundness
//! The caller connects `used` to the constant 1. The excluded points stand for the keys O and N: with either the
//! challenge drops out of the signature equation. The points with the same x and the opposite y are refused with them.

use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CircuitConfig;

use super::F;
use super::algebra::Algebra;
use super::constants::constants;
use super::shape::{CustomGate, GateShape};
use super::walk::{Fq, POINT_WIRES, Point, point_at, quintic_at};

const ROUTED_PER_SLOT: usize = 1 + POINT_WIRES;
const INVERSE_WIRES: usize = 5;
const CONSTRAINTS_PER_SLOT: usize = 10;
/// Every point of the quotient pays for the equations of all slots, and so does every verifier in a circuit; with more
/// than two that is more than the rows that are saved.
const SLOTS_MAX: usize = 2;

/// Shape of a row of key checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    slots: usize,
}

/// Gate of key checks.
pub type KeyGate = CustomGate<KeyCheck>;

impl Default for KeyCheck {
    fn default() -> Self {
        Self { slots: 1 }
    }
}

impl KeyCheck {
    /// As many checks per row as pay, if the configuration has room for them.
    ///
    /// # Panics
    /// If it has no room for one.
    pub fn for_config(config: &CircuitConfig) -> Self {
        let room = config.num_routed_wires / ROUTED_PER_SLOT;
        let room = room.min(config.num_wires / (ROUTED_PER_SLOT + INVERSE_WIRES));
        assert!(room > 0, "a key check needs {ROUTED_PER_SLOT} routed wires");
        Self { slots: room.min(SLOTS_MAX) }
    }

    /// Column that says whether the slot is used.
    pub const fn used(slot: usize) -> usize {
        ROUTED_PER_SLOT * slot
    }

    /// Columns of the key.
    pub fn key(slot: usize) -> std::ops::Range<usize> {
        let start = Self::used(slot) + 1;
        start..start + POINT_WIRES
    }

    const fn inverse(&self, slot: usize) -> usize {
        ROUTED_PER_SLOT * self.slots + INVERSE_WIRES * slot
    }
}

impl GateShape for KeyCheck {
    const NAME: &'static str = "KeyGate";

    fn parameters(&self) -> Vec<usize> {
        vec![self.slots]
    }

    fn from_parameters(parameters: &[usize]) -> Option<Self> {
        match *parameters {
            [slots] if slots > 0 => Some(Self { slots }),
            _ => None,
        }
    }

    fn num_wires(&self) -> usize {
        self.inverse(self.slots)
    }

    fn num_constraints(&self) -> usize {
        CONSTRAINTS_PER_SLOT * self.slots
    }

    fn degree(&self) -> usize {
        4
    }

    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        let a = algebra.quintic_constant(constants().a.0);
        let b = algebra.quintic_constant(constants().b.0);
        let excluded = constants().excluded_x.map(|x| algebra.quintic_constant(x.0));
        for slot in 0..self.slots {
            let used = wires[Self::used(slot)];
            let key = point_at(wires, Self::key(slot).start);
            let square = algebra.quintic_square_add(key.x, a);
            let cubic = algebra.quintic_mul_add(square, key.x, b);
            let y_squared = algebra.quintic_square(key.y);
            let curve = algebra.quintic_sub(y_squared, cubic);
            constraints.extend(curve.map(|value| algebra.mul(used, value)));

            let distances = excluded.map(|x| algebra.quintic_sub(key.x, x));
            let product = algebra.quintic_mul(distances[0], distances[1]);
            let mut one = algebra.quintic_mul(product, quintic_at(wires, self.inverse(slot)));
            one[0] = algebra.sub(one[0], used);
            constraints.extend(one);
        }
        constraints
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn inputs(&self, slot: usize) -> Vec<usize> {
        Self::key(slot).collect()
    }

    fn outputs(&self, slot: usize) -> Vec<usize> {
        (self.inverse(slot)..self.inverse(slot) + INVERSE_WIRES).collect()
    }

    fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
        let x = Point::from_elements(inputs).x;
        let product: Fq = constants().excluded_x.iter().map(|&excluded| x - excluded).product();
        // An excluded key has no inverse; zero lets the gate refuse it.
        Some(product.try_inverse().unwrap_or(Fq::ZERO).0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::FieldExtension;
    use plonky2::field::types::{Field, Sample};

    use super::super::testing::{
        add, assert_conforms, assert_every_mutation_is_detected, assert_satisfied, evaluate, fill_slot, multiple_of_d1,
    };
    use super::*;
    use crate::config::segment_config;

    fn row_with(keys: &[Point], shape: KeyCheck) -> Vec<F> {
        let mut wires = vec![F::ZERO; shape.num_wires()];
        for (slot, key) in keys.iter().enumerate() {
            let inputs: Vec<F> = key.elements().to_vec();
            fill_slot(&shape, slot, &inputs, &mut wires);
            wires[KeyCheck::used(slot)] = F::ONE;
        }
        wires
    }

    #[test]
    fn conforms() {
        for slots in [1, 2, 7] {
            assert_conforms(&KeyCheck { slots });
        }
        assert_eq!(KeyCheck::for_config(&segment_config()), KeyCheck { slots: 2 });
        let narrow = CircuitConfig { num_routed_wires: 20, ..segment_config() };
        assert_eq!(KeyCheck::for_config(&narrow), KeyCheck { slots: 1 });
    }

    #[test]
    fn honest_keys_satisfy_and_every_mutation_is_detected() {
        let shape = KeyCheck { slots: 3 };
        let row = row_with(&[3, 8, 1_000_003].map(multiple_of_d1), shape);
        assert_every_mutation_is_detected(&shape, &row);
    }

    #[test]
    fn unused_slots_are_satisfied_by_zeros() {
        let shape = KeyCheck { slots: 3 };
        assert_satisfied(&shape, &vec![F::ZERO; shape.num_wires()]);
        assert_satisfied(&shape, &row_with(&[multiple_of_d1(5)], shape));
    }

    #[test]
    fn bad_keys_break_the_equation_that_names_them() {
        let shape = KeyCheck { slots: 1 };
        let broken = |key: Point| -> [bool; 2] {
            let values = evaluate(&shape, &row_with(&[key], shape));
            [&values[..5], &values[5..]].map(|part| part.iter().any(Field::is_nonzero))
        };
        let key = multiple_of_d1(5);
        // N is the point with y = 0, and x = 2/3.
        let n = Point { x: Fq::TWO / Fq::from_canonical_u64(3), y: Fq::ZERO };
        let d1_plus_n = add(constants().d1, n);
        assert_eq!(broken(key), [false, false]);
        assert_eq!(broken(Point { x: Fq::ZERO, y: Fq::ZERO }), [true, false], "the zero key");
        assert_eq!(broken(Point { x: key.x, y: key.y + Fq::ONE }), [true, false], "off the curve");
        assert_eq!(broken(constants().d1), [false, true], "the key O");
        assert_eq!(broken(Point { x: constants().d1.x, y: -constants().d1.y }), [false, true]);
        assert_eq!(broken(d1_plus_n), [false, true], "the key N");
    }

    #[test]
    fn constraints_at_random_points_are_those_of_the_documentation() {
        let shape = KeyCheck { slots: 2 };
        let wires = F::rand_vec(shape.num_wires());
        let at = |start: usize| Fq::from_basefield_array(quintic_at(&wires, start));
        let expected: Vec<F> = (0..2)
            .flat_map(|slot| {
                let used = Fq::from(wires[KeyCheck::used(slot)]);
                let (x, y) = (at(KeyCheck::key(slot).start), at(KeyCheck::key(slot).start + 5));
                let curve = (y * y - x * x * x - constants().a * x - constants().b) * used;
                let [first, second] = constants().excluded_x;
                let one = (x - first) * (x - second) * at(shape.inverse(slot)) - used;
                curve.0.into_iter().chain(one.0)
            })
            .collect();
        assert_eq!(evaluate(&shape, &wires), expected);
    }
}
