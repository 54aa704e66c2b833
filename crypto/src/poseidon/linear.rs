//! The linear layer, by small integers.
//!
//! A circulant matrix is a product of polynomials modulo `X^12 - 1 = (X^3 - 1)(X^3 + 1)(X^6 + 1)`.
//! Modulo the three factors the kernel's coefficients are, up to sign, powers of two: the products
//! are shifts and additions of integers.

use super::WIDTH;
use super::constants::{MDS_DIAGONAL_0, MDS_ROW};

/// The lower half of a word; also `2^64 mod p`.
pub(super) const LOW_MASK: u64 = 0xffff_ffff;

/// The kernel modulo `X^3 - 1`, over 4.
pub(super) const KERNEL_CYCLIC: [u64; 3] = fold([1, 1, 1], 4);

/// The kernel modulo `X^3 + 1`, over 4.
pub(super) const KERNEL_NEGACYCLIC: [u64; 3] = fold([-1, 1, -1], 4);

/// The kernel modulo `X^6 + 1`, over 2.
pub(super) const KERNEL_SIX: [u64; 6] = fold([-1], 2);

/// The kernel with sign `signs[i - 1]` for its part `i > 0` of `N` coefficients, summed, over
/// `divisor`, modulo `2^64`.
///
/// Output `r` takes input `c` times `MDS_ROW[c - r]`, so that the kernel is the row backwards.
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small integers modulo 2^64")]
const fn fold<const N: usize, const PARTS: usize>(signs: [i64; PARTS], divisor: i64) -> [u64; N] {
    let mut folded = [0; N];
    let mut i = 0;
    while i < N {
        let mut sum = MDS_ROW[(WIDTH - i) % WIDTH] as i64;
        let mut part = 1;
        while part <= PARTS {
            sum += signs[part - 1] * MDS_ROW[WIDTH - i - part * N] as i64;
            part += 1;
        }
        assert!(sum % divisor == 0, "the inverse transform divides exactly");
        folded[i] = (sum / divisor) as u64;
        i += 1;
    }
    folded
}

/// The linear layer, and then the addition of `constants`; any representatives in and out.
///
/// The 32-bit halves of the elements are mixed apart: a row of the matrix adds up to at most 272,
/// so that the sums stay below 2^41 and nothing carries until the end.
#[inline(always)]
pub(super) fn mix(state: &[u64; WIDTH], constants: &[u64; WIDTH]) -> [u64; WIDTH] {
    let low = mix_halves(&state.map(|element| element & LOW_MASK));
    let high = mix_halves(&state.map(|element| element >> 32));
    core::array::from_fn(|row| {
        let low = low[row].wrapping_add(constants[row] & LOW_MASK);
        let high = high[row].wrapping_add(constants[row] >> 32);
        // low + 2^32·high, with 2^64 = 2^32 - 1: the first term is below 2^42, so that one carry is
        // all there can be.
        let small = low.wrapping_add((high >> 32).wrapping_mul(LOW_MASK));
        let (sum, carry) = small.overflowing_add(high << 32);
        sum.wrapping_add(LOW_MASK.wrapping_mul(u64::from(carry)))
    })
}

/// The matrix times a vector of integers below `2^32`. Intermediate values may be negative: all is
/// modulo `2^64`.
#[inline(always)]
fn mix_halves(halves: &[u64; WIDTH]) -> [u64; WIDTH] {
    let sums: [u64; 6] = core::array::from_fn(|i| halves[i].wrapping_add(halves[i + 6]));
    let differences: [u64; 6] = core::array::from_fn(|i| halves[i].wrapping_sub(halves[i + 6]));
    let cyclic = product::<3, 1>(&core::array::from_fn(|i| sums[i].wrapping_add(sums[i + 3])), &KERNEL_CYCLIC);
    let negacyclic =
        product::<3, { u64::MAX }>(&core::array::from_fn(|i| sums[i].wrapping_sub(sums[i + 3])), &KERNEL_NEGACYCLIC);
    let six = product::<6, { u64::MAX }>(&differences, &KERNEL_SIX);
    let mut mixed = [0; WIDTH];
    for i in 0..3 {
        let (even, odd) = (cyclic[i].wrapping_add(negacyclic[i]), cyclic[i].wrapping_sub(negacyclic[i]));
        mixed[i] = even.wrapping_add(six[i]);
        mixed[i + 3] = odd.wrapping_add(six[i + 3]);
        mixed[i + 6] = even.wrapping_sub(six[i]);
        mixed[i + 9] = odd.wrapping_sub(six[i + 3]);
    }
    mixed[0] = mixed[0].wrapping_add(halves[0].wrapping_mul(MDS_DIAGONAL_0));
    mixed
}

/// The product of two polynomials modulo `X^N - WRAP`, with coefficients modulo `2^64`.
#[inline(always)]
fn product<const N: usize, const WRAP: u64>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut product = [0_u64; N];
    for i in 0..N {
        for j in 0..N {
            let factor = if i + j < N { b[j] } else { b[j].wrapping_mul(WRAP) };
            let sum = &mut product[(i + j) % N];
            *sum = sum.wrapping_add(a[i].wrapping_mul(factor));
        }
    }
    product
}
