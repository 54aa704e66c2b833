//! The extension `GF(p^5) = GF(p)[z]/(z^5 - 3)`, the field of the curve's coordinates.
//!
//! `3` is no fifth power modulo `p`, so that the polynomial is irreducible. Inversion and square
//! roots go through the norm `a^(1 + p + p^2 + p^3 + p^4)`, which lies in `GF(p)`; raising to `p`
//! is a multiplication of the coefficients by constants.

use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::Goldilocks;
use crate::error::DecodeError;
use crate::field::Accumulator;

/// Bytes of an encoded element.
pub const ENCODED_LEN: usize = 40;

/// `3^((p - 1)/5)`, a fifth root of one: `z^p = ROOT·z`.
const ROOT: Goldilocks = Goldilocks::new_const(3).pow((Goldilocks::ORDER - 1) / 5);

/// Coefficients of `1, z, z^2, z^3, z^4` in `GF(p)[z]/(z^5 - 3)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Fp5(pub [Goldilocks; 5]);

impl Fp5 {
    /// The neutral element of addition.
    pub const ZERO: Self = Self([Goldilocks::ZERO; 5]);
    /// The neutral element of multiplication.
    pub const ONE: Self = Self::from_base(Goldilocks::ONE);

    /// An element of the base field.
    #[must_use]
    pub const fn from_base(value: Goldilocks) -> Self {
        Self([value, Goldilocks::ZERO, Goldilocks::ZERO, Goldilocks::ZERO, Goldilocks::ZERO])
    }

    /// The element with these coefficients, each reduced modulo `p`.
    #[must_use]
    pub const fn from_u64s(coefficients: [u64; 5]) -> Self {
        let [a, b, c, d, e] = coefficients;
        Self([
            Goldilocks::from_u64(a),
            Goldilocks::from_u64(b),
            Goldilocks::from_u64(c),
            Goldilocks::from_u64(d),
            Goldilocks::from_u64(e),
        ])
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The element times two.
    #[must_use]
    pub fn double(&self) -> Self {
        *self + *self
    }

    /// The element times an element of the base field.
    #[must_use]
    pub fn scale(&self, factor: Goldilocks) -> Self {
        Self(self.0.map(|coefficient| coefficient * factor))
    }

    /// The element times itself.
    #[must_use]
    pub fn square(&self) -> Self {
        let a = self.0;
        let twice_0 = a[0] + a[0];
        let twice_1 = a[1] + a[1];
        let (thrice_3, thrice_4) = (triple(a[3]), triple(a[4]));
        let (six_3, six_4) = (thrice_3 + thrice_3, thrice_4 + thrice_4);
        Self([
            dot([a[0], a[1], a[2]], [a[0], six_4, six_3]),
            dot([twice_0, a[2], a[3]], [a[1], six_4, thrice_3]),
            dot([twice_0, a[1], a[3]], [a[2], a[1], six_4]),
            dot([twice_0, twice_1, a[4]], [a[3], a[2], thrice_4]),
            dot([twice_0, twice_1, a[2]], [a[4], a[3], a[2]]),
        ])
    }

    /// The element to the power `p^count`, an automorphism; `count` up to 4.
    #[must_use]
    pub fn frobenius(&self, count: u32) -> Self {
        let root = ROOT.pow(u64::from(count));
        let mut factor = Goldilocks::ONE;
        Self(self.0.map(|coefficient| {
            let image = coefficient * factor;
            factor *= root;
            image
        }))
    }

    /// The multiplicative inverse, or `None` for zero.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let cofactor = self.norm_cofactor();
        let norm = self.norm_from(&cofactor);
        Some(cofactor.scale(norm.inverse()?))
    }

    /// The inverses of all elements at the price of one inversion, or `None` if one of them is
    /// zero.
    #[must_use]
    pub fn batch_inverse(elements: &[Self]) -> Option<Vec<Self>> {
        let mut products = Vec::with_capacity(elements.len());
        let mut product = Self::ONE;
        for element in elements {
            products.push(product);
            product *= *element;
        }
        let mut inverse = product.inverse()?;
        for (slot, element) in products.iter_mut().zip(elements).rev() {
            *slot *= inverse;
            inverse *= *element;
        }
        Some(products)
    }

    /// Whether this is the square of an element; zero is.
    #[must_use]
    pub fn is_square(&self) -> bool {
        // The exponent of the norm is odd: an element is a square exactly if its norm is one.
        self.norm_from(&self.norm_cofactor()).is_square()
    }

    /// One of the two square roots (which one is unspecified), or `None` if this is no square.
    #[must_use]
    pub fn sqrt(&self) -> Option<Self> {
        if self.is_zero() {
            return Some(Self::ZERO);
        }
        // With h = (p + p^2 + p^3 + p^4)/2: norm = a·(a^h)^2, so that the root is sqrt(norm)/a^h.
        let half_power = self.pow(Goldilocks::ORDER.div_ceil(2));
        let denominator = half_power.frobenius(1) * half_power.frobenius(3);
        let norm = (*self * denominator.square()).0[0];
        Some(denominator.inverse()?.scale(norm.sqrt()?))
    }

    /// The element to the power `exponent`; `0^0 = 1`.
    #[must_use]
    pub fn pow(&self, exponent: u64) -> Self {
        let mut result = Self::ONE;
        for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
            result = result.square();
            if exponent >> bit & 1 == 1 {
                result *= *self;
            }
        }
        result
    }

    /// 40 bytes: coefficient 0 first, each big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ENCODED_LEN] {
        let mut bytes = [0; ENCODED_LEN];
        for (chunk, coefficient) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&coefficient.as_u64().to_be_bytes());
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotCanonical`] if a coefficient is not below `p`.
    pub fn from_bytes(bytes: &[u8; ENCODED_LEN]) -> Result<Self, DecodeError> {
        let mut coefficients = [Goldilocks::ZERO; 5];
        for (position, chunk) in bytes.as_chunks::<8>().0.iter().enumerate() {
            coefficients[position] =
                Goldilocks::from_canonical(u64::from_be_bytes(*chunk)).ok_or(DecodeError::NotCanonical { position })?;
        }
        Ok(Self(coefficients))
    }

    /// `a^(p + p^2 + p^3 + p^4)`, which times `a` is the norm.
    fn norm_cofactor(&self) -> Self {
        let pair = self.frobenius(1) * self.frobenius(2);
        pair * pair.frobenius(2)
    }

    /// The norm, given the cofactor: the other coefficients of the product vanish.
    fn norm_from(&self, cofactor: &Self) -> Goldilocks {
        let (a, b) = (self.0, cofactor.0);
        dot(a, [b[0], triple(b[4]), triple(b[3]), triple(b[2]), triple(b[1])])
    }
}

/// Three times the element.
#[inline(always)]
fn triple(element: Goldilocks) -> Goldilocks {
    element + element + element
}

/// The sum of products, reduced once.
#[inline(always)]
fn dot<const N: usize>(a: [Goldilocks; N], b: [Goldilocks; N]) -> Goldilocks {
    let mut sum = Accumulator::ZERO;
    for i in 0..N {
        sum.add_product(a[i].as_u64(), b[i].as_u64());
    }
    Goldilocks::from_u64(sum.reduce_loose())
}

impl Add for Fp5 {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Sub for Fp5 {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] - other.0[i]))
    }
}

impl Mul for Fp5 {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        // z^5 = 3: what wraps around is tripled.
        let t = b.map(triple);
        Self([
            dot(a, [b[0], t[4], t[3], t[2], t[1]]),
            dot(a, [b[1], b[0], t[4], t[3], t[2]]),
            dot(a, [b[2], b[1], b[0], t[4], t[3]]),
            dot(a, [b[3], b[2], b[1], b[0], t[4]]),
            dot(a, [b[4], b[3], b[2], b[1], b[0]]),
        ])
    }
}

impl Neg for Fp5 {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self(self.0.map(Neg::neg))
    }
}

impl AddAssign for Fp5 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fp5 {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Fp5 {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

#[cfg(test)]
mod tests;
