//! The Goldilocks field, `p = 2^64 - 2^32 + 1`.
//!
//! Reduction uses `2^64 = 2^32 - 1` and `2^96 = -1` modulo `p`. Functions whose name ends in
//! `_loose` work on any 64-bit representative of an element; everything public is canonical.

use core::fmt;
use core::iter::{Product, Sum};
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// `2^64 mod p`.
const EPSILON: u64 = 0xffff_ffff;

/// An element of the field of order [`Goldilocks::ORDER`], in canonical form: the integer inside is
/// below the order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Goldilocks(u64);

/// As its integer.
impl Serialize for Goldilocks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Refuses integers that are not below the order.
impl<'de> Deserialize<'de> for Goldilocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u64::deserialize(deserializer)?;
        Self::from_canonical(value).ok_or_else(|| D::Error::custom("not below the order of the field"))
    }
}

impl Goldilocks {
    /// The order `p = 2^64 - 2^32 + 1` of the field.
    pub const ORDER: u64 = 0xffff_ffff_0000_0001;
    /// The neutral element of addition.
    pub const ZERO: Self = Self(0);
    /// The neutral element of multiplication.
    pub const ONE: Self = Self(1);

    /// The element `value`, or `None` if `value` is not below the order.
    #[must_use]
    pub const fn from_canonical(value: u64) -> Option<Self> {
        if value < Self::ORDER { Some(Self(value)) } else { None }
    }

    /// The element `value mod p`.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(canonical(value))
    }

    /// The element `value mod p`, for constants.
    #[must_use]
    pub const fn new_const(value: u64) -> Self {
        Self::from_u64(value)
    }

    /// The element `value mod p`.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(canonical(reduce_loose(value)))
    }

    /// The canonical integer, below the order.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether this is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The element times itself.
    #[must_use]
    pub const fn square(self) -> Self {
        self.times(self)
    }

    /// The element to the power `exponent`; `0^0 = 1`.
    #[must_use]
    pub const fn pow(self, mut exponent: u64) -> Self {
        let mut base = self;
        let mut result = Self::ONE;
        while exponent != 0 {
            if exponent & 1 == 1 {
                result = result.times(base);
            }
            base = base.square();
            exponent >>= 1;
        }
        result
    }

    /// The multiplicative inverse, or `None` for zero.
    #[must_use]
    pub const fn inverse(self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        // Fermat: x^(p - 2). The exponent is 31 ones, a zero and 32 ones.
        let t2 = self.square().times(self);
        let t3 = t2.square().times(self);
        let t6 = t3.squares(3).times(t3);
        let t12 = t6.squares(6).times(t6);
        let t24 = t12.squares(12).times(t12);
        let t30 = t24.squares(6).times(t6);
        let t31 = t30.square().times(self);
        let t63 = t31.squares(32).times(t31);
        Some(t63.square().times(self))
    }

    /// Whether this is the square of an element; zero is.
    #[must_use]
    pub const fn is_square(self) -> bool {
        self.pow((Self::ORDER - 1) / 2).0 <= 1
    }

    /// One of the two square roots (which one is unspecified), or `None` if this is no square.
    ///
    /// Tonelli and Shanks: `p - 1 = 2^32·(2^32 - 1)`.
    #[must_use]
    pub fn sqrt(self) -> Option<Self> {
        let power = self.pow(EPSILON / 2);
        let mut root = self * power;
        // root^2 = self·error, and the order of error divides 2^(level - 1) if self is a square.
        let mut error = root * power;
        // Has order 2^level. 7 is no square.
        let mut generator = Self::new_const(7).pow(EPSILON);
        let mut level = 32;
        while error.0 > 1 {
            let mut order = 0;
            let mut square = error;
            while square != Self::ONE {
                square = square.square();
                order += 1;
            }
            if order >= level {
                return None;
            }
            let correction = generator.squares(level - order - 1);
            root *= correction;
            generator = correction.square();
            error *= generator;
            level = order;
        }
        Some(root)
    }

    /// The product as a constant function; `*` is the same.
    #[must_use]
    pub const fn times(self, other: Self) -> Self {
        Self(canonical(mul_loose(self.0, other.0)))
    }

    /// The element squared `count` times.
    const fn squares(mut self, count: u32) -> Self {
        let mut done = 0;
        while done < count {
            self = self.square();
            done += 1;
        }
        self
    }
}

/// The canonical representative of `value`.
pub(crate) const fn canonical(value: u64) -> u64 {
    if value >= Goldilocks::ORDER { value - Goldilocks::ORDER } else { value }
}

/// `x mod p` as some 64-bit representative.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of the integer")]
#[inline(always)]
pub(crate) const fn reduce_loose(x: u128) -> u64 {
    let (low, high) = (x as u64, (x >> 64) as u64);
    let (difference, borrow) = low.overflowing_sub(high >> 32);
    // After a borrow the difference is at least 2^64 - 2^32, so that this cannot borrow again.
    let difference = difference.wrapping_sub(EPSILON.wrapping_mul(borrow as u64));
    let (sum, carry) = difference.overflowing_add((high & EPSILON).wrapping_mul(EPSILON));
    // The second term is at most 2^64 - 2^33 + 1, so that after a carry the sum is small.
    sum.wrapping_add(EPSILON.wrapping_mul(carry as u64))
}

/// The product as some 64-bit representative; the factors may be any.
#[inline(always)]
pub(crate) const fn mul_loose(a: u64, b: u64) -> u64 {
    reduce_loose((a as u128).wrapping_mul(b as u128))
}

/// A sum of products of any 64-bit representatives, reduced once at the end.
#[derive(Clone, Copy)]
pub(crate) struct Accumulator {
    sum: u128,
    /// How often the sum has passed `2^128`.
    carries: u64,
}

impl Accumulator {
    /// The empty sum.
    pub(crate) const ZERO: Self = Self { sum: 0, carries: 0 };

    /// Adds `a·b`; at most `2^30` times.
    #[inline(always)]
    pub(crate) const fn add_product(&mut self, a: u64, b: u64) {
        let (sum, carry) = self.sum.overflowing_add((a as u128).wrapping_mul(b as u128));
        self.sum = sum;
        self.carries = self.carries.wrapping_add(carry as u64);
    }

    /// The sum modulo `p`, as some 64-bit representative.
    #[inline(always)]
    pub(crate) const fn reduce_loose(self) -> u64 {
        // 2^128 = -2^32. After a borrow the difference is far above 2^32, so that there is no
        // second one.
        let (difference, borrow) = reduce_loose(self.sum).overflowing_sub(self.carries << 32);
        difference.wrapping_sub(EPSILON.wrapping_mul(borrow as u64))
    }
}

impl Add for Goldilocks {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let (sum, carry) = self.0.overflowing_add(other.0);
        // Both are below p: one subtraction of p suffices, and after a carry it is the same as
        // adding 2^64 - p.
        let (reduced, borrow) = sum.overflowing_sub(Self::ORDER);
        Self(if carry || !borrow { reduced } else { sum })
    }
}

impl Sub for Goldilocks {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        let (difference, borrow) = self.0.overflowing_sub(other.0);
        Self(difference.wrapping_sub(EPSILON.wrapping_mul(u64::from(borrow))))
    }
}

impl Mul for Goldilocks {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        self.times(other)
    }
}

impl Neg for Goldilocks {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl AddAssign for Goldilocks {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Goldilocks {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Goldilocks {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Sum for Goldilocks {
    fn sum<I: Iterator<Item = Self>>(elements: I) -> Self {
        elements.fold(Self::ZERO, Add::add)
    }
}

impl Product for Goldilocks {
    fn product<I: Iterator<Item = Self>>(elements: I) -> Self {
        elements.fold(Self::ONE, Mul::mul)
    }
}

impl fmt::Display for Goldilocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl zeroize::DefaultIsZeroes for Goldilocks {}

#[cfg(test)]
mod tests;
