//! The circuit's way to the commitment, step by step.
//!
//! A step takes `Q` to `(Q + T) + Q` with two slopes, which are the circuit's witnesses. 128 steps
//! with `T` in `{D1, P'}`, by the bits of the challenge from the highest, lead from `Q0 = 7·D1` to
//! `e·P + (8·2^128 - 1)·D1`. 80 steps with `T` from the comb table ([`curve::comb_table`]), by the
//! bits of `s`, lead on to `2^80·e·P + s·G`: the offsets cancel.
//!
//! The formulas do not use the curve's coefficients. They have no value if `T = ±Q` or if a sum on
//! the way is neutral; for honest keys that does not happen but with probability below 2^-188.

use crate::curve::{self, COMB_SPACING, Point, comb_index};
use crate::quintic::Fp5;
use crate::scalar::LIMBS;

/// Steps of the challenge.
pub const CHALLENGE_STEPS: usize = 128;

/// Steps of the comb.
pub const COMB_STEPS: usize = COMB_SPACING;

/// One step: the two slopes, and the point after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Slope of the line through `Q` and `T`.
    pub l1: Fp5,
    /// Slope of the line through `Q + T` and `Q`.
    pub l2: Fp5,
    /// `2Q + T`, finite.
    pub after: Point,
}

/// All steps of a walk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walk {
    /// The 128 steps of the challenge, highest bit first.
    pub challenge: Vec<Step>,
    /// The 80 steps of the comb, highest position first.
    pub comb: Vec<Step>,
    /// The point at which the walk ends: `s·G + 2^80·e·P`.
    pub end: Point,
}

/// `2Q + T` by the circuit's formulas, or `None` if they have no value here.
///
/// With `Q = (x, y)` and `T = (xT, yT)`:
///
/// ```text
/// l1 = (yT - y)/(xT - x)       x' = l1^2 - x - xT
/// l2 = -2y/(x' - x) - l1       x_new = l2^2 - l1^2 + xT       y_new = l2·(x - x_new) - y
/// ```
#[must_use]
pub fn step(q: &Point, t: &Point) -> Option<Step> {
    let (x, y) = q.coordinates()?;
    let (t_x, t_y) = t.coordinates()?;
    let l1 = (t_y - y) * (t_x - x).inverse()?;
    let l1_square = l1.square();
    let sum_x = l1_square - x - t_x;
    let l2 = -(y.double() * (sum_x - x).inverse()? + l1);
    let after_x = l2.square() - l1_square + t_x;
    let after_y = l2 * (x - after_x) - y;
    // The chord of two points meets the curve in a third.
    Some(Step { l1, l2, after: Point::new_unchecked(after_x, after_y) })
}

/// The walk for the key `P'` (`shifted`), the challenge and an integer `s` of 320 bits, least
/// significant limb first.
///
/// `None` if one of the steps has no value.
#[must_use]
pub fn walk(shifted: &Point, challenge: u128, s: &[u64; LIMBS]) -> Option<Walk> {
    let mut q = curve::q0();
    let mut advance = |t: &Point| {
        let step = step(&q, t)?;
        q = step.after;
        Some(step)
    };
    let offset = curve::d1();
    let challenge = (0..CHALLENGE_STEPS)
        .rev()
        .map(|bit| advance(if challenge >> bit & 1 == 1 { shifted } else { &offset }))
        .collect::<Option<_>>()?;
    let table = curve::comb_table();
    let comb = (0..COMB_STEPS).rev().map(|position| advance(&table[comb_index(s, position)])).collect::<Option<_>>()?;
    Some(Walk { challenge, comb, end: q })
}
