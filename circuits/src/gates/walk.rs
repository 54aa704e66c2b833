//! The step that both curve gates repeat: `Q <- (Q + T) + Q` in affine coordinates.
//!
//! With the slopes `l1` (of Q and T) and `l2` (of Q + T and Q) as the only witnesses:
//!
//! ```text
//! l1·(xT - x) - (yT - y) = 0          x' = l1² - x - xT            (x of Q + T)
//! (l1 + l2)·(x' - x) + 2y = 0         xnew = l2² - l1² + xT        ynew = l2·(x - xnew) - y
//! ```
//!
//! The old x cancels in `xnew`, so degrees do not grow along a row: deg xnew = max(2, deg T) and a constraint has degree
//! deg T + 1, however many steps follow each other. No coordinate between two steps needs a wire.
//!
//! # Soundness
//! `Q = T` leaves `l1` free; `Q = -T`, `T = -2Q` and results at infinity make the row unsatisfiable. That the walks below
//! never meet `Q = T` follows from the choice of their start and offset (see [`super::constants`]).

use plonky2::field::extension::FieldExtension;
use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::types::Field;

use super::F;
use super::algebra::{Algebra, Quintic};

/// An element of `GF(p^5)`.
pub(super) type Fq = QuinticExtension<F>;

/// Steps per row.
pub(super) const STEPS: usize = 8;
/// Constraints of one step: two equations in `GF(p^5)`.
pub(super) const STEP_CONSTRAINTS: usize = 10;
/// Wires of one point.
pub(super) const POINT_WIRES: usize = 10;
/// Wires of the slopes of one row.
pub(super) const SLOPE_WIRES: usize = STEPS * 10;

/// An affine point, coordinates as values of an [`Algebra`].
#[derive(Clone, Copy, Debug)]
pub(super) struct PointValue<V> {
    pub(super) x: Quintic<V>,
    pub(super) y: Quintic<V>,
}

/// The five values from column `start` on.
pub(super) fn quintic_at<V: Copy>(wires: &[V], start: usize) -> Quintic<V> {
    std::array::from_fn(|i| wires[start + i])
}

/// The point in the ten columns from `start` on.
pub(super) fn point_at<V: Copy>(wires: &[V], start: usize) -> PointValue<V> {
    PointValue { x: quintic_at(wires, start), y: quintic_at(wires, start + 5) }
}

/// One step from `q` with the slopes `[l1, l2]`: appends its constraints and returns the new point.
#[inline(always)]
pub(super) fn constrain_step<A: Algebra>(
    algebra: &mut A,
    q: PointValue<A::Value>,
    t: PointValue<A::Value>,
    [first, second]: [Quintic<A::Value>; 2],
    constraints: &mut Vec<A::Value>,
) -> PointValue<A::Value> {
    let run = algebra.quintic_sub(t.x, q.x);
    let rise = algebra.quintic_sub(t.y, q.y);
    constraints.extend(algebra.quintic_mul_sub(first, run, rise));

    let first_squared = algebra.quintic_square(first);
    let both_x = algebra.quintic_add(q.x, t.x);
    let sum_x = algebra.quintic_sub(first_squared, both_x);
    let slopes = algebra.quintic_add(first, second);
    let sum_run = algebra.quintic_sub(sum_x, q.x);
    let twice_y = algebra.quintic_add(q.y, q.y);
    constraints.extend(algebra.quintic_mul_add(slopes, sum_run, twice_y));

    let rest = algebra.quintic_sub(t.x, first_squared);
    let x = algebra.quintic_square_add(second, rest);
    let back = algebra.quintic_sub(q.x, x);
    let y = algebra.quintic_mul_sub(second, back, q.y);
    PointValue { x, y }
}

/// Appends the constraints that tie `q` to the point in the ten columns from `start` on.
pub(super) fn constrain_equal<A: Algebra>(
    algebra: &mut A,
    q: PointValue<A::Value>,
    expected: PointValue<A::Value>,
    constraints: &mut Vec<A::Value>,
) {
    constraints.extend(algebra.quintic_sub(expected.x, q.x));
    constraints.extend(algebra.quintic_sub(expected.y, q.y));
}

/// An affine point of the curve, natively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) x: Fq,
    pub(super) y: Fq,
}

impl Point {
    /// The point whose coordinates are ten consecutive elements.
    pub(super) fn from_elements(elements: &[F]) -> Self {
        Self {
            x: FieldExtension::from_basefield_array(quintic_at(elements, 0)),
            y: FieldExtension::from_basefield_array(quintic_at(elements, 5)),
        }
    }

    /// x, then y.
    pub(super) fn elements(&self) -> [F; POINT_WIRES] {
        let (x, y) = (self.x.0, self.y.0);
        [x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2], y[3], y[4]]
    }

    /// The coordinates as constants of an algebra.
    pub(super) fn constant<A: Algebra>(&self, algebra: &mut A) -> PointValue<A::Value> {
        PointValue { x: algebra.quintic_constant(self.x.0), y: algebra.quintic_constant(self.y.0) }
    }
}

/// Slopes and result of one step, by one inversion; `None` for the pairs that admit none.
fn step(q: Point, t: Point) -> Option<([Fq; 2], Point)> {
    let run = t.x - q.x;
    let rise = t.y - q.y;
    let run_squared = run * run;
    // x' - x = -d / run², so both denominators divide d·run.
    let d = run_squared * (q.x + q.x + t.x) - rise * rise;
    let inverse = (d * run).try_inverse()?;
    let first = rise * d * inverse;
    let second = (q.y + q.y) * run_squared * run * inverse - first;
    let x = second * second - first * first + t.x;
    let y = second * (q.x - x) - q.y;
    Some(([first, second], Point { x, y }))
}

/// The steps of one row from `q` on, adding `addends` in turn: the last point, then the slopes as they lie in the row.
pub(super) fn walk(q: Point, addends: impl IntoIterator<Item = Point>) -> Option<(Point, Vec<F>)> {
    let mut slopes = Vec::with_capacity(SLOPE_WIRES);
    let mut point = q;
    for t in addends {
        let (both, next) = step(point, t)?;
        slopes.extend(both.iter().flat_map(|slope| slope.0));
        point = next;
    }
    Some((point, slopes))
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use weft_crypto::curve::{self, COMB_SPACING};
    use weft_crypto::scalar::Scalar;

    use super::super::algebra::Lanes;
    use super::super::constants::constants;
    use super::super::testing::{add, double, multiple_of_d1, on_curve, slope};
    use super::*;

    /// Residues of the two equations of a step, and the point after it.
    fn residues(q: Point, t: Point, slopes: [Fq; 2]) -> ([Fq; 2], Point) {
        let algebra = &mut Lanes::<F>::new();
        let [q, t] = [q, t].map(|point| point.constant(algebra));
        let mut constraints = Vec::new();
        let end = constrain_step(algebra, q, t, slopes.map(|slope| slope.0), &mut constraints);
        let end = Point { x: QuinticExtension(end.x), y: QuinticExtension(end.y) };
        ([0, 5].map(|start| QuinticExtension(quintic_at(&constraints, start))), end)
    }

    fn negated(point: Point) -> Point {
        Point { y: -point.y, ..point }
    }

    /// The second slope that goes with a first one.
    fn second_slope(q: Point, t: Point, first: Fq) -> Fq {
        let sum_x = first * first - q.x - t.x;
        -(q.y + q.y) / (sum_x - q.x) - first
    }

    /// Why the walk must never meet its addend: any slope serves, and the next point is the prover's choice.
    #[test]
    fn a_step_from_the_addend_proves_anything() {
        let q = multiple_of_d1(9);
        let ends = [0, 1].map(|_| {
            let first = Fq::rand();
            let (residues, end) = residues(q, q, [first, second_slope(q, q, first)]);
            assert_eq!(residues, [Fq::ZERO; 2]);
            end
        });
        assert_ne!(ends[0], ends[1]);
        assert!(ends.iter().all(|end| !on_curve(*end)));
    }

    /// Opposite points: their sum is infinite. `T = -2Q`: the sum is -Q and the next point infinite. No slopes serve, for
    /// the equation that fails does not contain the slope that could repair it.
    #[test]
    fn steps_through_infinity_have_no_slopes() {
        let q = multiple_of_d1(9);
        for _ in 0..8 {
            let (opposite, _) = residues(q, negated(q), [Fq::rand(), Fq::rand()]);
            assert_eq!(opposite[0], q.y + q.y);
            let back = negated(double(q));
            let (doubled, _) = residues(q, back, [slope(q, back), Fq::rand()]);
            assert_eq!(doubled, [Fq::ZERO, q.y + q.y]);
        }
        assert!(q.y != Fq::ZERO, "points of odd order, and their sums with N but N itself, have y ≠ 0");
        assert_eq!(step(q, negated(q)), None);
        assert_eq!(step(q, negated(double(q))), None);
    }

    /// From the point of order two the step is an ordinary one.
    #[test]
    fn the_point_of_order_two_is_no_exception() {
        let (x, y) = curve::TWO_TORSION.coordinates().expect("N is finite");
        let [x, y] = [x, y].map(|value| QuinticExtension(value.0.map(|c| F::from_canonical_u64(c.as_u64()))));
        let (n, t) = (Point { x, y }, multiple_of_d1(5));
        let (slopes, end) = step(n, t).expect("no exception");
        assert_eq!(residues(n, t, slopes), ([Fq::ZERO; 2], end));
        // N + T + N = T.
        assert_eq!(end, add(add(n, t), n));
        assert_eq!(end, t);
    }

    /// Weight of D1 in the running point before step `step` of the challenge: 8·2^step − 1.
    fn weight(step: u32) -> Scalar {
        Scalar::power_of_two(step + 3) - Scalar::ONE
    }

    /// Weight of D1 in D2.
    fn comb_weight() -> Scalar {
        let spacing = u32::try_from(COMB_SPACING).expect("80");
        let inverse = (Scalar::power_of_two(spacing) - Scalar::ONE).inverse().expect("below the order");
        -(Scalar::power_of_two(spacing) * weight(128) * inverse)
    }

    /// The argument of [`super::super::constants`], in numbers. A point before a step is `u·P + a·D1` (then `+ b·G`), an
    /// addend is `P + D1`, `D1`, or `D2` and teeth of G. To meet it, `(a − the addend's weight)·D1` would have to be a
    /// multiple of P and G: the weight is 0 nowhere, so that such a meeting gives the logarithm of D1.
    #[test]
    fn d1_never_drops_out_of_a_meeting() {
        assert_eq!(curve::d1() * &comb_weight(), curve::d2());
        for step in 0..128 {
            assert!(!(weight(step) - Scalar::ONE).is_zero(), "step {step} of the challenge");
        }
        for step in 0..80 {
            let doublings = Scalar::power_of_two(step);
            let comb = (doublings - Scalar::ONE) * comb_weight();
            let point = doublings * weight(128) + comb;
            assert!(!(point - comb_weight()).is_zero(), "step {step} of the response");
        }
    }

    /// The weights are those of the walk itself: with P = O the point before each step is a multiple of D1 alone.
    #[test]
    fn the_weights_are_those_of_the_walk() {
        let convert = |point: curve::Point| {
            let (x, y) = point.coordinates().expect("finite");
            let [x, y] = [x, y].map(|value| QuinticExtension(value.0.map(|c| F::from_canonical_u64(c.as_u64()))));
            Point { x, y }
        };
        let mut point = convert(curve::q0());
        for step in 0..128 {
            assert_eq!(point, convert(curve::d1() * &weight(step)), "step {step} of the challenge");
            point = add(add(point, constants().d1), point);
        }
        for step in 0..80 {
            let doublings = Scalar::power_of_two(step);
            let expected = doublings * weight(128) + (doublings - Scalar::ONE) * comb_weight();
            assert_eq!(point, convert(curve::d1() * &expected), "step {step} of the response");
            // The last step would end at infinity: without P and G nothing is left.
            if step < 79 {
                point = add(add(point, constants().comb[0]), point);
            }
        }
    }
}
