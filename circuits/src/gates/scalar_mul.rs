//! Eight bits of the challenge: `Q <- 2Q + T`, T = P' where the bit is 1, D1 where it is 0.
//!
//! ```text
//! 0..10 Q in   10..20 Q out   20..30 P'   30 acc in   31 acc out   32..40 bits, highest first   40..120 slopes
//! ```
//!
//! `acc out = 2^8 · acc in + bits` ties the bits of eight rows to one 64-bit limb. 99 constraints of degree 3.

use plonky2::field::types::{Field, PrimeField64};

use super::F;
use super::algebra::Algebra;
use super::constants::constants;
use super::shape::{CustomGate, GateShape};
use super::walk::{
    POINT_WIRES, Point, PointValue, SLOPE_WIRES, STEP_CONSTRAINTS, STEPS, constrain_equal, constrain_step, point_at,
    quintic_at, walk,
};

/// Columns of the point before the row.
const Q_IN: usize = 0;
/// Columns of the point after the row.
const Q_OUT: usize = Q_IN + POINT_WIRES;
/// Columns of the shifted key.
const KEY: usize = Q_OUT + POINT_WIRES;
const ACC_IN: usize = KEY + POINT_WIRES;
const ACC_OUT: usize = ACC_IN + 1;
const BITS: usize = ACC_OUT + 1;
const SLOPES: usize = BITS + STEPS;

/// Shape of a row of the walk `e·P`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScalarMul;

/// Gate of the walk `e·P`.
pub type ScalarMulGate = CustomGate<ScalarMul>;

impl ScalarMul {
    /// Bits of the scalar that one row absorbs.
    pub const BITS_PER_ROW: usize = STEPS;

    /// Columns of the point before the row.
    pub fn q_in() -> std::ops::Range<usize> {
        Q_IN..Q_IN + POINT_WIRES
    }

    /// Columns of the point after the row.
    pub fn q_out() -> std::ops::Range<usize> {
        Q_OUT..Q_OUT + POINT_WIRES
    }

    /// Columns of the shifted key.
    pub fn key() -> std::ops::Range<usize> {
        KEY..KEY + POINT_WIRES
    }

    /// Column of the scalar's prefix before the row.
    pub const fn acc_in() -> usize {
        ACC_IN
    }

    /// Column of the scalar's prefix including the row.
    pub const fn acc_out() -> usize {
        ACC_OUT
    }
}

impl GateShape for ScalarMul {
    const NAME: &'static str = "ScalarMulGate";

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
        STEPS + 1 + STEPS * STEP_CONSTRAINTS + POINT_WIRES
    }

    fn degree(&self) -> usize {
        3
    }

    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let mut constraints = Vec::with_capacity(self.num_constraints());
        let bits = &wires[BITS..BITS + STEPS];
        constraints.extend(bits.iter().map(|&bit| algebra.quadratic(bit, F::NEG_ONE)));
        // 2^8·acc in + bits - acc out
        let powers = (0..=STEPS).rev().map(|exponent| F::from_canonical_u64(1 << exponent));
        let coefficients: Vec<F> = powers.chain([F::NEG_ONE]).collect();
        let terms: Vec<_> = [wires[ACC_IN]].into_iter().chain(bits.iter().copied()).chain([wires[ACC_OUT]]).collect();
        constraints.push(algebra.affine(F::ZERO, &coefficients, &terms));

        let offset = constants().d1.constant(algebra);
        let key = point_at(wires, KEY);
        let difference =
            PointValue { x: algebra.quintic_sub(key.x, offset.x), y: algebra.quintic_sub(key.y, offset.y) };
        let mut q = point_at(wires, Q_IN);
        for (step, &bit) in bits.iter().enumerate() {
            let t = PointValue {
                x: std::array::from_fn(|i| algebra.mul_add(bit, difference.x[i], offset.x[i])),
                y: std::array::from_fn(|i| algebra.mul_add(bit, difference.y[i], offset.y[i])),
            };
            let slopes = SLOPES + 10 * step;
            let slopes = [quintic_at(wires, slopes), quintic_at(wires, slopes + 5)];
            q = constrain_step(algebra, q, t, slopes, &mut constraints);
        }
        constrain_equal(algebra, q, point_at(wires, Q_OUT), &mut constraints);
        constraints
    }

    fn inputs(&self, _slot: usize) -> Vec<usize> {
        Self::q_in().chain(Self::key()).chain([ACC_IN, ACC_OUT]).collect()
    }

    fn outputs(&self, _slot: usize) -> Vec<usize> {
        Self::q_out().chain(BITS..self.num_wires()).collect()
    }

    fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
        let (q, key) = (Point::from_elements(&inputs[..10]), Point::from_elements(&inputs[10..20]));
        let shifted = inputs[20] * F::from_canonical_u64(1 << STEPS);
        let byte = (inputs[21] - shifted).to_canonical_u64();
        let bits: Vec<bool> = (0..STEPS).rev().map(|exponent| byte >> exponent & 1 == 1).collect();
        let (end, slopes) = walk(q, bits.iter().map(|&bit| if bit { key } else { constants().d1 }))?;
        Some(end.elements().into_iter().chain(bits.into_iter().map(F::from_bool)).chain(slopes).collect())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::FieldExtension;
    use plonky2::field::types::{Field, Sample};

    use super::super::testing::{
        assert_conforms, assert_every_mutation_is_detected, assert_satisfied, evaluate, fill_slot, multiple_of_d1,
        on_curve, reference_walk,
    };
    use super::super::walk::Fq;
    use super::*;

    const PREFIX: u64 = 0x00ab_cdef;
    const BYTE: u64 = 0b1011_0010;

    fn addends(key: Point) -> Vec<Point> {
        (0..STEPS).rev().map(|exponent| if BYTE >> exponent & 1 == 1 { key } else { constants().d1 }).collect()
    }

    /// A row built without the code under test.
    fn honest_row() -> Vec<F> {
        let (start, key) = (multiple_of_d1(7), multiple_of_d1(1_000_003));
        let (end, slopes) = reference_walk(start, &addends(key));
        let bits = (0..STEPS).rev().map(|exponent| F::from_canonical_u64(BYTE >> exponent & 1));
        let accumulators = [F::from_canonical_u64(PREFIX), F::from_canonical_u64(PREFIX * 256 + BYTE)];
        start
            .elements()
            .into_iter()
            .chain(end.elements())
            .chain(key.elements())
            .chain(accumulators)
            .chain(bits)
            .chain(slopes)
            .collect()
    }

    #[test]
    fn conforms() {
        assert_conforms(&ScalarMul);
        assert_eq!((ScalarMul.num_wires(), ScalarMul.num_constraints()), (120, 99));
    }

    #[test]
    fn honest_row_satisfies_and_every_mutation_is_detected() {
        let row = honest_row();
        assert!(on_curve(Point::from_elements(&row[Q_OUT..KEY])));
        assert_every_mutation_is_detected(&ScalarMul, &row);
    }

    #[test]
    fn generator_fills_the_row_that_curve_arithmetic_gives() {
        let row = honest_row();
        let mut filled = vec![F::ZERO; ScalarMul.num_wires()];
        let inputs: Vec<F> = ScalarMul.inputs(0).into_iter().map(|column| row[column]).collect();
        fill_slot(&ScalarMul, 0, &inputs, &mut filled);
        assert_eq!(filled, row);
    }

    #[test]
    fn computes_256_q_plus_the_addends() {
        // 256·7·D1 + Σ 2^k·T_k, with T the key 11·D1 or D1.
        let sum: u64 = (0..STEPS).map(|k| if BYTE >> k & 1 == 1 { 11 << k } else { 1 << k }).sum();
        let mut row = vec![F::ZERO; ScalarMul.num_wires()];
        let (start, key) = (multiple_of_d1(7), multiple_of_d1(11));
        let inputs: Vec<F> =
            start.elements().into_iter().chain(key.elements()).chain([F::ZERO, F::from_canonical_u64(BYTE)]).collect();
        fill_slot(&ScalarMul, 0, &inputs, &mut row);
        assert_satisfied(&ScalarMul, &row);
        assert_eq!(Point::from_elements(&row[Q_OUT..KEY]), multiple_of_d1(256 * 7 + sum));
    }

    #[test]
    fn meeting_the_addend_has_no_witness() {
        let d1 = constants().d1;
        let inputs: Vec<F> =
            d1.elements().into_iter().chain(multiple_of_d1(9).elements()).chain([F::ZERO, F::ZERO]).collect();
        assert_eq!(ScalarMul.fill(&inputs), None);
    }

    #[test]
    fn constraints_at_random_points_are_those_of_the_documentation() {
        let wires = F::rand_vec(ScalarMul.num_wires());
        let at = |start: usize| Fq::from_basefield_array(quintic_at(&wires, start));
        let (mut x, mut y) = (at(Q_IN), at(Q_IN + 5));
        let mut expected: Vec<F> = (0..STEPS).map(|k| wires[BITS + k] * (wires[BITS + k] - F::ONE)).collect();
        let packed = (0..STEPS).fold(wires[ACC_IN], |acc, k| acc + acc + wires[BITS + k]);
        expected.push(packed - wires[ACC_OUT]);
        for k in 0..STEPS {
            let bit = Fq::from(wires[BITS + k]);
            let t_x = constants().d1.x * (Fq::ONE - bit) + at(KEY) * bit;
            let t_y = constants().d1.y * (Fq::ONE - bit) + at(KEY + 5) * bit;
            let (first, second) = (at(SLOPES + 10 * k), at(SLOPES + 10 * k + 5));
            expected.extend((first * (t_x - x) - (t_y - y)).0);
            let sum_x = first * first - x - t_x;
            expected.extend(((first + second) * (sum_x - x) + y + y).0);
            let next = second * second - sum_x - x;
            (x, y) = (next, second * (x - next) - y);
        }
        expected.extend((at(Q_OUT) - x).0);
        expected.extend((at(Q_OUT + 5) - y).0);
        assert_eq!(evaluate(&ScalarMul, &wires), expected);
    }
}
