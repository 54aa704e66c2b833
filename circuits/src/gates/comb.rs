//! Eight steps of the comb for `s·G`: `Q <- 2Q + T`, T = D2 + the teeth that four bits of s select.
//!
//! ```text
//! 0..10 Q in   10..20 Q out   20..52 bits, four per step   52..132 slopes
//! ```
//!
//! The bits of s are free boolean wires: s needs no value of its own in the circuit. 122 constraints of degree 5.

use plonky2::field::types::{Field, PrimeField64};

use super::F;
use super::algebra::Algebra;
use super::constants::{TEETH, constants};
use super::shape::{CustomGate, GateShape};
use super::walk::{
    POINT_WIRES, Point, PointValue, SLOPE_WIRES, STEP_CONSTRAINTS, STEPS, constrain_equal, constrain_step, point_at,
    quintic_at, walk,
};

const Q_IN: usize = 0;
const Q_OUT: usize = Q_IN + POINT_WIRES;
const BITS: usize = Q_OUT + POINT_WIRES;
const NUM_BITS: usize = STEPS * TEETH;
const SLOPES: usize = BITS + NUM_BITS;

/// Shape of a row of the comb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comb;

/// Gate of the comb `s·G`.
pub type CombGate = CustomGate<Comb>;

impl Comb {
    /// Steps per row.
    pub const STEPS_PER_ROW: usize = STEPS;

    /// Columns of the point before the row.
    pub fn q_in() -> std::ops::Range<usize> {
        Q_IN..Q_IN + POINT_WIRES
    }

    /// Columns of the point after the row.
    pub fn q_out() -> std::ops::Range<usize> {
        Q_OUT..Q_OUT + POINT_WIRES
    }

    /// Column of the bit that selects `tooth` in `step`.
    pub const fn bit(step: usize, tooth: usize) -> usize {
        BITS + TEETH * step + tooth
    }
}

/// All products of subsets of `bits`; bit i of the index says whether factor i is in.
fn monomials<A: Algebra>(algebra: &mut A, bits: &[A::Value]) -> Vec<A::Value> {
    let mut products = vec![algebra.constant(F::ONE)];
    for &bit in bits {
        let with_bit: Vec<_> = products
            .iter()
            .enumerate()
            .map(|(subset, &product)| if subset == 0 { bit } else { algebra.mul(product, bit) })
            .collect();
        products.extend(with_bit);
    }
    products
}

/// The table entry that the bits select, as a polynomial of degree 4 in them.
fn select<A: Algebra>(algebra: &mut A, bits: &[A::Value]) -> PointValue<A::Value> {
    let products = monomials(algebra, bits);
    let mut coordinate =
        |coefficients: &[F; 1 << TEETH]| algebra.affine(coefficients[0], &coefficients[1..], &products[1..]);
    let polynomials = &constants().comb_polynomials;
    PointValue {
        x: std::array::from_fn(|i| coordinate(&polynomials[i])),
        y: std::array::from_fn(|i| coordinate(&polynomials[5 + i])),
    }
}

impl GateShape for Comb {
    const NAME: &'static str = "CombGate";

    fn parameters(&self) -> Vec<usize> {
        Vec::new()
    }

    fn from_parameters(parameters: &[usize]) -> Option<Self> {
        parameters.is_empty().then_some(Self)
    }

    fn num_wires(&self) -> usize {
        SLOPES + SLOPE_WIRES
    }

    fn num_constraints(&self) -> usize {
        NUM_BITS + STEPS * STEP_CONSTRAINTS + POINT_WIRES
    }

    fn degree(&self) -> usize {
        TEETH + 1
    }

    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        let bits = &wires[BITS..SLOPES];
        constraints.extend(bits.iter().map(|&bit| algebra.quadratic(bit, F::NEG_ONE)));
        let mut q = point_at(wires, Q_IN);
        for (step, selectors) in bits.chunks_exact(TEETH).enumerate() {
            let t = select(algebra, selectors);
            let slopes = SLOPES + 10 * step;
            let slopes = [quintic_at(wires, slopes), quintic_at(wires, slopes + 5)];
            q = constrain_step(algebra, q, t, slopes, &mut constraints);
        }
        constrain_equal(algebra, q, point_at(wires, Q_OUT), &mut constraints);
        constraints
    }

    fn inputs(&self, _slot: usize) -> Vec<usize> {
        Self::q_in().chain(BITS..SLOPES).collect()
    }

    fn outputs(&self, _slot: usize) -> Vec<usize> {
        Self::q_out().chain(SLOPES..self.num_wires()).collect()
    }

    fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
        let (q, bits) = inputs.split_at(POINT_WIRES);
        let addends = bits.chunks_exact(TEETH).map(|selectors| {
            let index =
                selectors.iter().rev().fold(0, |index, bit| index << 1 | usize::from(bit.to_canonical_u64() & 1 == 1));
            constants().comb[index]
        });
        let (end, slopes) = walk(Point::from_elements(q), addends)?;
        Some(end.elements().into_iter().chain(slopes).collect())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::FieldExtension;
    use plonky2::field::types::{Field, Sample};

    use super::super::testing::{
        assert_conforms, assert_every_mutation_is_detected, evaluate, fill_slot, multiple_of_d1, on_curve,
        reference_walk,
    };
    use super::super::walk::Fq;
    use super::*;

    /// One table index per step; all sixteen occur in two rows.
    const ROWS: [[usize; STEPS]; 2] = [[3, 0, 15, 9, 1, 6, 12, 4], [2, 5, 7, 8, 10, 11, 13, 14]];

    /// A row built without the code under test.
    fn honest_row(indices: [usize; STEPS]) -> Vec<F> {
        let start = multiple_of_d1(123_456_789);
        let addends = indices.map(|index| constants().comb[index]);
        let (end, slopes) = reference_walk(start, &addends);
        let bits =
            indices.into_iter().flat_map(|index| (0..TEETH).map(move |tooth| F::from_bool(index >> tooth & 1 == 1)));
        start.elements().into_iter().chain(end.elements()).chain(bits).chain(slopes).collect()
    }

    #[test]
    fn conforms() {
        assert_conforms(&Comb);
        assert_eq!((Comb.num_wires(), Comb.num_constraints()), (132, 122));
        assert_eq!(Comb::bit(7, 3), SLOPES - 1);
    }

    #[test]
    fn honest_rows_satisfy_and_every_mutation_is_detected() {
        for row in ROWS.map(honest_row) {
            assert!(on_curve(Point::from_elements(&row[Q_OUT..BITS])));
            assert_every_mutation_is_detected(&Comb, &row);
        }
    }

    #[test]
    fn generator_fills_the_row_that_curve_arithmetic_gives() {
        for row in ROWS.map(honest_row) {
            let mut filled = vec![F::ZERO; Comb.num_wires()];
            let inputs: Vec<F> = Comb.inputs(0).into_iter().map(|column| row[column]).collect();
            fill_slot(&Comb, 0, &inputs, &mut filled);
            assert_eq!(filled, row);
        }
    }

    #[test]
    fn constraints_at_random_points_are_those_of_the_documentation() {
        let wires = F::rand_vec(Comb.num_wires());
        let at = |start: usize| Fq::from_basefield_array(quintic_at(&wires, start));
        let (mut x, mut y) = (at(Q_IN), at(Q_IN + 5));
        let mut expected: Vec<F> = wires[BITS..SLOPES].iter().map(|&bit| bit * (bit - F::ONE)).collect();
        for k in 0..STEPS {
            let (mut t_x, mut t_y) = (Fq::ZERO, Fq::ZERO);
            for (index, entry) in constants().comb.iter().enumerate() {
                let weight: F = (0..TEETH)
                    .map(|tooth| {
                        let bit = wires[Comb::bit(k, tooth)];
                        if index >> tooth & 1 == 1 { bit } else { F::ONE - bit }
                    })
                    .product();
                t_x += entry.x * Fq::from(weight);
                t_y += entry.y * Fq::from(weight);
            }
            let (first, second) = (at(SLOPES + 10 * k), at(SLOPES + 10 * k + 5));
            expected.extend((first * (t_x - x) - (t_y - y)).0);
            let sum_x = first * first - x - t_x;
            expected.extend(((first + second) * (sum_x - x) + y + y).0);
            let next = second * second - sum_x - x;
            (x, y) = (next, second * (x - next) - y);
        }
        expected.extend((at(Q_OUT) - x).0);
        expected.extend((at(Q_OUT + 5) - y).0);
        assert_eq!(evaluate(&Comb, &wires), expected);
    }
}
