//! Arithmetic without divisions: `(X, Y, Z)` stands for `(X/Z^2, Y/Z^3)`, and for the neutral point
//! if `Z = 0`.
//!
//! Complete: equal, opposite and neutral summands are told apart. Not constant time.

use crate::curve::{A, COMB_SPACING, Point, comb_index, generator_comb};
use crate::quintic::Fp5;
use crate::scalar::LIMBS;

/// Bits of a window in [`Jacobian::multiply`].
const WINDOW_BITS: usize = 4;

/// A point in Jacobian coordinates.
#[derive(Clone, Copy)]
pub(crate) struct Jacobian {
    x: Fp5,
    y: Fp5,
    z: Fp5,
}

impl From<Point> for Jacobian {
    fn from(point: Point) -> Self {
        point.coordinates().map_or(Self::INFINITY, |(x, y)| Self { x, y, z: Fp5::ONE })
    }
}

impl Jacobian {
    /// The neutral point.
    pub(crate) const INFINITY: Self = Self { x: Fp5::ONE, y: Fp5::ONE, z: Fp5::ZERO };

    /// The point plus itself.
    pub(crate) fn double(&self) -> Self {
        let yy = self.y.square();
        let s = (self.x * yy).double().double();
        let xx = self.x.square();
        let m = xx.double() + xx + self.z.square().square() * A;
        let x = m.square() - s.double();
        let y = m * (s - x) - yy.square().double().double().double();
        let z = (self.y * self.z).double();
        Self { x, y, z }
    }

    /// The sum with an affine point.
    pub(crate) fn add_affine(&self, other: &Point) -> Self {
        let Some((other_x, other_y)) = other.coordinates() else {
            return *self;
        };
        if self.z.is_zero() {
            return Self::from(*other);
        }
        let zz = self.z.square();
        let h = other_x * zz - self.x;
        let r = other_y * zz * self.z - self.y;
        if h.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        let hh = h.square();
        let hhh = hh * h;
        let v = self.x * hh;
        let x = r.square() - hhh - v.double();
        let y = r * (v - x) - self.y * hhh;
        Self { x, y, z: self.z * h }
    }

    /// Affine coordinates.
    pub(crate) fn to_affine(self) -> Point {
        self.z.inverse().map_or(Point::INFINITY, |inverse| self.scale_to_affine(inverse))
    }

    /// Affine coordinates of many finite or neutral points at the price of one inversion.
    pub(crate) fn batch_to_affine(points: &[Self]) -> Vec<Point> {
        let finite: Vec<_> = points.iter().map(|point| point.z).filter(|z| !z.is_zero()).collect();
        let mut inverses = Fp5::batch_inverse(&finite).expect("zeros were filtered out").into_iter();
        let affine = |point: &Self| {
            if point.z.is_zero() {
                return Point::INFINITY;
            }
            point.scale_to_affine(inverses.next().expect("one inverse for each finite point"))
        };
        points.iter().map(affine).collect()
    }

    /// Whether the point is finite and has this x coordinate.
    pub(crate) fn has_x(&self, x: Fp5) -> bool {
        !self.z.is_zero() && x * self.z.square() == self.x
    }

    /// `integer` times `point`, for an integer with the least significant limb first.
    pub(crate) fn multiply(point: &Point, integer: &[u64]) -> Self {
        let mut multiples = vec![Self::INFINITY];
        for i in 1..1 << WINDOW_BITS {
            multiples.push(multiples[i - 1].add_affine(point));
        }
        let multiples = Self::batch_to_affine(&multiples);
        let mut sum = Self::INFINITY;
        for limb in integer.iter().rev() {
            for shift in (0..64).step_by(WINDOW_BITS).rev() {
                for _ in 0..WINDOW_BITS {
                    sum = sum.double();
                }
                sum = sum.add_affine(&multiples[low_bits(limb >> shift)]);
            }
        }
        sum
    }

    /// `2^80·self + integer·G`, the integer of 320 bits with the least significant limb first.
    pub(crate) fn comb(self, integer: &[u64; LIMBS]) -> Self {
        let table = generator_comb();
        (0..COMB_SPACING).rev().fold(self, |sum, step| sum.double().add_affine(&table[comb_index(integer, step)]))
    }

    /// Affine coordinates, given `1/z`.
    fn scale_to_affine(&self, inverse: Fp5) -> Point {
        let square = inverse.square();
        Point::new_unchecked(self.x * square, self.y * square * inverse)
    }
}

/// The lowest [`WINDOW_BITS`] bits.
fn low_bits(word: u64) -> usize {
    usize::from(word.to_le_bytes()[0]) & ((1 << WINDOW_BITS) - 1)
}
