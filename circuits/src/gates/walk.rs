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
