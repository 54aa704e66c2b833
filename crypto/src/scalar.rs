//! Integers modulo the prime order `n` of the curve's subgroup, 319 bits.
//!
//! Multiplication is Montgomery's with `2^320`, applied twice so that values stay plain. Nothing
//! branches on limbs, but nothing here is audited for constant time either.

use core::fmt;
use core::ops::{Add, Mul, Neg, Sub};

use crate::error::DecodeError;

/// 64-bit limbs of a scalar.
pub const LIMBS: usize = 5;

/// Bytes of an encoded scalar.
pub const ENCODED_LEN: usize = 40;

/// The order `n` of the prime-order subgroup, least significant limb first. The whole group has
/// `2n` points.
pub const ORDER: [u64; LIMBS] =
    [0xe80f_d996_948b_ffe1, 0xe888_5c39_d724_a09c, 0x7fff_ffe6_cfb8_0639, 0x7fff_fff1_0000_0016, 0x7fff_fffd_8000_0007];

/// `-1/n mod 2^64`.
const NEGATIVE_INVERSE: u64 = negative_inverse(ORDER[0]);

/// `2^640 mod n`.
const MONTGOMERY_SQUARE: Scalar = Scalar(power_of_two(640));

/// An integer below `n`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scalar([u64; LIMBS]);

impl Scalar {
    /// Zero.
    pub const ZERO: Self = Self([0; LIMBS]);
    /// One.
    pub const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// The integer `value`.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the integer")]
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self([value as u64, (value >> 64) as u64, 0, 0, 0])
    }

    /// `2^exponent mod n`.
    #[must_use]
    pub const fn power_of_two(exponent: u32) -> Self {
        Self(power_of_two(exponent))
    }

    /// Any integer of 320 bits, least significant limb first, reduced modulo `n`.
    #[must_use]
    pub const fn reduce(limbs: [u64; LIMBS]) -> Self {
        // 2^320 is below 3n.
        Self(subtract_order(subtract_order(limbs)))
    }

    /// An integer of 640 bits, big-endian, reduced modulo `n`: uniform bytes give a scalar of bias
    /// below `2^-320`.
    #[must_use]
    pub fn from_wide_bytes(bytes: &[u8; 2 * ENCODED_LEN]) -> Self {
        let (high, low) = bytes.split_at(ENCODED_LEN);
        let high = Self(montgomery(&limbs_from(high), &MONTGOMERY_SQUARE.0));
        high + Self::reduce(limbs_from(low))
    }

    /// 40 bytes, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ENCODED_LEN] {
        let mut bytes = [0; ENCODED_LEN];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0.into_iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::ScalarNotReduced`] if the integer is not below `n`.
    pub fn from_bytes(bytes: &[u8; ENCODED_LEN]) -> Result<Self, DecodeError> {
        let limbs = limbs_from(bytes);
        let (_, below) = subtract(&limbs, &ORDER);
        if below { Ok(Self(limbs)) } else { Err(DecodeError::ScalarNotReduced) }
    }

    /// The integer, least significant limb first.
    #[must_use]
    pub const fn limbs(&self) -> [u64; LIMBS] {
        self.0
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The multiplicative inverse, or `None` for zero.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        // Fermat: x^(n - 2); the lowest limb of n is above 2.
        let mut exponent = ORDER;
        exponent[0] -= 2;
        let mut result = Self::ONE;
        for bit in (0..64 * LIMBS).rev() {
            result = result * result;
            if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                result = result * *self;
            }
        }
        Some(result)
    }
}

/// Limbs of 40 big-endian bytes.
fn limbs_from(bytes: &[u8]) -> [u64; LIMBS] {
    let mut limbs = [0; LIMBS];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

/// `-1/odd mod 2^64` by Newton's iteration, which doubles the number of right bits.
const fn negative_inverse(odd: u64) -> u64 {
    let mut inverse = 1_u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg()
}

/// `2^exponent mod n` by doubling.
const fn power_of_two(exponent: u32) -> [u64; LIMBS] {
    let mut power = Scalar::ONE.0;
    let mut step = 0;
    while step < exponent {
        power = add_modulo(&power, &power);
        step += 1;
    }
    power
}

/// `a - b` modulo `2^320`, and whether it was negative.
const fn subtract(a: &[u64; LIMBS], b: &[u64; LIMBS]) -> ([u64; LIMBS], bool) {
    let mut difference = [0; LIMBS];
    let mut borrow = false;
    let mut i = 0;
    while i < LIMBS {
        let (partial, first) = a[i].overflowing_sub(b[i]);
        let (limb, second) = partial.overflowing_sub(borrow as u64);
        (difference[i], borrow) = (limb, first | second);
        i += 1;
    }
    (difference, borrow)
}

/// `a - n` if that is not negative, else `a`.
const fn subtract_order(a: [u64; LIMBS]) -> [u64; LIMBS] {
    let (difference, negative) = subtract(&a, &ORDER);
    if negative { a } else { difference }
}

/// `a + b mod n` for `a, b < n`; the sum is below `2^320`.
const fn add_modulo(a: &[u64; LIMBS], b: &[u64; LIMBS]) -> [u64; LIMBS] {
    let mut sum = [0; LIMBS];
    let mut carry = false;
    let mut i = 0;
    while i < LIMBS {
        let (partial, first) = a[i].overflowing_add(b[i]);
        let (limb, second) = partial.overflowing_add(carry as u64);
        (sum[i], carry) = (limb, first | second);
        i += 1;
    }
    subtract_order(sum)
}

/// `a·b/2^320 mod n` for any `a` of 320 bits and `b < n`.
fn montgomery(a: &[u64; LIMBS], b: &[u64; LIMBS]) -> [u64; LIMBS] {
    // The running value stays below (2n + 2^64·n + 2^64·n)/2^64, that is below 2n + 1 < 2^320.
    let mut value = [0_u64; LIMBS];
    for limb in a {
        let mut carry = 0;
        for j in 0..LIMBS {
            (value[j], carry) = limb.carrying_mul_add(b[j], value[j], carry);
        }
        let top = carry;
        let factor = value[0].wrapping_mul(NEGATIVE_INVERSE);
        // Makes the lowest limb zero, and drops it.
        (_, carry) = factor.carrying_mul_add(ORDER[0], value[0], 0);
        for j in 1..LIMBS {
            (value[j - 1], carry) = factor.carrying_mul_add(ORDER[j], value[j], carry);
        }
        value[LIMBS - 1] = top + carry;
    }
    subtract_order(value)
}

impl Add for Scalar {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(add_modulo(&self.0, &other.0))
    }
}

impl Neg for Scalar {
    type Output = Self;

    fn neg(self) -> Self {
        Self(subtract_order(subtract(&ORDER, &self.0).0))
    }
}

impl Sub for Scalar {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Scalar {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(montgomery(&montgomery(&self.0, &other.0), &MONTGOMERY_SQUARE.0))
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e] = self.0;
        write!(f, "0x{e:016x}{d:016x}{c:016x}{b:016x}{a:016x}")
    }
}

impl zeroize::DefaultIsZeroes for Scalar {}

#[cfg(test)]
mod tests;
