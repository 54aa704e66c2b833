//! The curve ecGFp5 (T. Pornin, eprint 2022/274) over `GF(p^5)`, in short Weierstrass form.
//!
//! The paper writes the curve as `v^2 = u(u^2 + 2u + 263z)`; with `x = u + 2/3`, `y = v` that is
//! `y^2 = x^3 + Ax + B`, the form that the circuits use. The group has `2n` points, `n` prime:
//! [`TWO_TORSION`] is `N`, the point of order two, and the points of the prime-order subgroup are
//! those whose `u` is a non-zero square, and the neutral point. The paper's group consists of the
//! other points, `P + N`; `P -> P + N` carries one group to the other.

mod constants;
mod jacobian;

use core::fmt;
use core::ops::{Add, Mul, Neg, Sub};

use crate::error::DecodeError;
use crate::quintic::{self, Fp5};
use crate::scalar::Scalar;
pub use constants::{
    A, B, COMB_SPACING, COMB_TEETH, GENERATOR, TWO_TORSION, U_SHIFT, comb_index, comb_table, d1, d2, generator_comb, q0,
};
pub(crate) use jacobian::Jacobian;

/// The order `n` of the prime-order subgroup, least significant limb first.
pub const ORDER: [u64; crate::scalar::LIMBS] = crate::scalar::ORDER;

/// Bytes of an encoded point.
pub const ENCODED_LEN: usize = quintic::ENCODED_LEN;

/// A point of the curve: always on it, finite or neutral, in the prime-order subgroup or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Point(Option<(Fp5, Fp5)>);

impl Point {
    /// The neutral point.
    pub const INFINITY: Self = Self(None);

    /// The finite point with these coordinates, or `None` if it is not on the curve.
    #[must_use]
    pub fn from_affine(x: Fp5, y: Fp5) -> Option<Self> {
        (y.square() == (x.square() + A) * x + B).then_some(Self(Some((x, y))))
    }

    /// The finite point that the caller knows to be on the curve.
    pub(crate) const fn new_unchecked(x: Fp5, y: Fp5) -> Self {
        Self(Some((x, y)))
    }

    /// The coordinates `(x, y)`, or `None` for the neutral point.
    #[must_use]
    pub const fn coordinates(&self) -> Option<(Fp5, Fp5)> {
        self.0
    }

    /// The x coordinate, or `None` for the neutral point.
    #[must_use]
    pub fn x(&self) -> Option<Fp5> {
        self.0.map(|(x, _)| x)
    }

    /// Whether this is the neutral point.
    #[must_use]
    pub const fn is_infinity(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the point lies in the subgroup of prime order.
    #[must_use]
    pub fn is_in_subgroup(&self) -> bool {
        self.0.is_none_or(|(x, _)| {
            let u = x - U_SHIFT;
            !u.is_zero() && u.is_square()
        })
    }

    /// The point plus itself.
    #[must_use]
    pub fn double(&self) -> Self {
        Jacobian::from(*self).double().to_affine()
    }

    /// `scalar` times the generator; faster than a general product.
    #[must_use]
    pub fn mul_generator(scalar: &Scalar) -> Self {
        Jacobian::INFINITY.comb(&scalar.limbs()).to_affine()
    }

    /// 40 bytes: `w = y/(x - 2/3)`, the neutral point as 0. One encoding for each point of the
    /// subgroup.
    ///
    /// Only for points of the subgroup: `P + N` would be encoded like `-P`.
    #[must_use]
    pub fn encode(&self) -> [u8; ENCODED_LEN] {
        debug_assert!(self.is_in_subgroup(), "a point outside of the subgroup has no encoding of its own");
        let w = self.0.and_then(|(x, y)| Some(y * (x - U_SHIFT).inverse()?));
        w.unwrap_or_default().to_bytes()
    }

    /// The point of the subgroup that [`Self::encode`] gives these bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotCanonical`] or [`DecodeError::NotAPoint`].
    pub fn decode(bytes: &[u8; ENCODED_LEN]) -> Result<Self, DecodeError> {
        Self::from_slope(Fp5::from_bytes(bytes)?).ok_or(DecodeError::NotAPoint)
    }

    /// The point of the subgroup with `y/(x - 2/3) = w`, if there is one; the neutral point for 0.
    fn from_slope(w: Fp5) -> Option<Self> {
        if w.is_zero() {
            return Some(Self::INFINITY);
        }
        // v = w·u in v^2 = u(u^2 + 2u + b) leaves u^2 - (w^2 - 2)·u + b = 0. The product b of the
        // two roots is no square, so that exactly one of them is: that of the point in the
        // subgroup.
        let sum = w.square() - constants::U_LINEAR;
        let root = (sum.square() - constants::U_CONSTANT.double().double()).sqrt()?;
        let candidate = (sum + root).scale(constants::HALF);
        let u = if candidate.is_square() { candidate } else { candidate - root };
        Some(Self::new_unchecked(u + U_SHIFT, w * u))
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Jacobian::from(self).add_affine(&other).to_affine()
    }
}

impl Neg for Point {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.map(|(x, y)| (x, -y)))
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul<&Scalar> for Point {
    type Output = Self;

    fn mul(self, scalar: &Scalar) -> Self {
        Jacobian::multiply(&self, &scalar.limbs()).to_affine()
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("Point(infinity)"),
            Some((x, y)) => write!(f, "Point({x:?}, {y:?})"),
        }
    }
}

#[cfg(test)]
mod tests;
