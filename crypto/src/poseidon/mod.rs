//! Poseidon over Goldilocks: width 12, rate 8, S-box `x^7`, 8 full and 22 partial rounds.
//!
//! The permutation is plonky2's. The sponge is ours: the capacity starts with the tag and the number of elements, each
//! block overwrites the rate, a partial last block is filled with zeros. The length in the capacity makes the filling
//! unambiguous. PROTOCOL.md defines the same.

mod constants;

use crate::field::mul_loose;
use crate::{Digest, Goldilocks, Tag};
use constants::{HALF_FULL_ROUNDS, MDS_DIAGONAL_0, MDS_ROW, PARTIAL_ROUNDS, ROUND_CONSTANTS, ROUNDS};

/// Elements of the state.
pub const WIDTH: usize = 12;

/// Elements that a block overwrites.
pub const RATE: usize = 8;

const LOW_MASK: u64 = 0xffff_ffff;

/// The permutation of plonky2 1.1, in place.
pub fn permute(state: &mut [Goldilocks; WIDTH]) {
    let mut s = state.map(Goldilocks::as_u64);
    for (element, constant) in s.iter_mut().zip(ROUND_CONSTANTS[0]) {
        *element = add_loose(*element, constant);
    }
    for round in 0..HALF_FULL_ROUNDS {
        s = mix(&s.map(seventh_power), &constants_after(round));
    }
    for round in HALF_FULL_ROUNDS..HALF_FULL_ROUNDS + PARTIAL_ROUNDS {
        s[0] = seventh_power(s[0]);
        s = mix(&s, &constants_after(round));
    }
    for round in HALF_FULL_ROUNDS + PARTIAL_ROUNDS..ROUNDS {
        s = mix(&s.map(seventh_power), &constants_after(round));
    }
    *state = s.map(Goldilocks::from_u64);
}

/// Hash of `elements` for the use `tag`; the number of elements is part of what is hashed.
#[must_use]
pub fn hash(tag: Tag, elements: &[Goldilocks]) -> Digest {
    let mut state = [Goldilocks::ZERO; WIDTH];
    state[RATE] = Goldilocks::from_u64(tag.0);
    state[RATE + 1] = Goldilocks::from_u64(elements.len() as u64);
    let (blocks, rest) = elements.as_chunks::<RATE>();
    for block in blocks {
        state[..RATE].copy_from_slice(block);
        permute(&mut state);
    }
    if !rest.is_empty() || blocks.is_empty() {
        state[..RATE].fill(Goldilocks::ZERO);
        state[..rest.len()].copy_from_slice(rest);
        permute(&mut state);
    }
    Digest([state[0], state[1], state[2], state[3]])
}

/// Digest of an inner node: `hash(Tag::NODE, left ‖ right)`, one permutation.
#[must_use]
pub fn compress(left: &Digest, right: &Digest) -> Digest {
    let ([a, b, c, d], [e, f, g, h]) = (left.0, right.0);
    hash(Tag::NODE, &[a, b, c, d, e, f, g, h])
}

/// The constants that follow the linear layer of `round`: those of the next round, nothing after the last.
#[inline(always)]
fn constants_after(round: usize) -> [u64; WIDTH] {
    ROUND_CONSTANTS.get(round + 1).copied().unwrap_or([0; WIDTH])
}

/// `x^7`, any representative in and out.
#[inline(always)]
fn seventh_power(x: u64) -> u64 {
    let square = mul_loose(x, x);
    mul_loose(mul_loose(square, square), mul_loose(square, x))
}

/// `a + b` for any `a` and canonical `b`, as some representative.
#[inline(always)]
fn add_loose(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    // b < p, so that after a carry the sum is below p and one more 2^32 - 1 does not carry.
    sum.wrapping_add(LOW_MASK * u64::from(carry))
}

/// The linear layer, and then the addition of `constants`.
///
/// The halves of the elements are mixed apart: a row of the matrix adds up to 264 + 8, so that sums of 32-bit halves stay
/// below 2^41 and nothing carries until the end. The loops have fixed bounds for the compiler to vectorise.
#[inline(always)]
fn mix(state: &[u64; WIDTH], constants: &[u64; WIDTH]) -> [u64; WIDTH] {
    let mut low = constants.map(|constant| constant & LOW_MASK);
    let mut high = constants.map(|constant| constant >> 32);
    // The state twice in a row, so that a rotation is a window.
    let mut low_twice = [0; 2 * WIDTH];
    let mut high_twice = [0; 2 * WIDTH];
    for i in 0..2 * WIDTH {
        low_twice[i] = state[i % WIDTH] & LOW_MASK;
        high_twice[i] = state[i % WIDTH] >> 32;
    }
    for (i, factor) in MDS_ROW.into_iter().enumerate() {
        for row in 0..WIDTH {
            low[row] += low_twice[row + i] * u64::from(factor);
            high[row] += high_twice[row + i] * u64::from(factor);
        }
    }
    low[0] += low_twice[0] * u64::from(MDS_DIAGONAL_0);
    high[0] += high_twice[0] * u64::from(MDS_DIAGONAL_0);
    let mut mixed = [0; WIDTH];
    for row in 0..WIDTH {
        // low + 2^32·high, with 2^64 = 2^32 - 1: the first term is below 2^42, so that one carry is all there can be.
        let small = low[row] + (high[row] >> 32) * LOW_MASK;
        let (sum, carry) = small.overflowing_add(high[row] << 32);
        mixed[row] = sum.wrapping_add(LOW_MASK * u64::from(carry));
    }
    mixed
}

#[cfg(test)]
mod tests;
