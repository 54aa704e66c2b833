//! Poseidon over Goldilocks: width 12, rate 8, S-box `x^7`, 8 full and 22 partial rounds.
//!
//! The permutation is plonky2's. The sponge is ours: the capacity starts with the tag and the
//! number of elements, each block overwrites the rate, a partial last block is filled with zeros.
//! The length in the capacity makes the filling unambiguous. PROTOCOL.md defines the same.

mod constants;
mod lanes;
mod linear;
mod partial;

use crate::field::mul_loose;
use crate::{Digest, Goldilocks, Tag};
use constants::{HALF_FULL_ROUNDS, PARTIAL_ROUNDS, ROUND_CONSTANTS, ROUNDS};
pub(crate) use lanes::reduce;
pub use lanes::{LANES, MIX_LANES, compress_many, hash_many, mix_lanes, permute_lanes};
use linear::mix;

/// Elements of the state.
pub const WIDTH: usize = 12;

/// Elements that a block overwrites.
pub const RATE: usize = 8;

/// The permutation of plonky2 1.1, in place.
pub fn permute(state: &mut [Goldilocks; WIDTH]) {
    *state = permute_words(&state.map(Goldilocks::as_u64)).map(Goldilocks::from_u64);
}

/// [`permute`], any representatives in and out.
#[inline(always)]
fn permute_words(state: &[u64; WIDTH]) -> [u64; WIDTH] {
    let mut s = *state;
    for (element, constant) in s.iter_mut().zip(ROUND_CONSTANTS[0]) {
        *element = add_loose(*element, constant);
    }
    for round in 0..HALF_FULL_ROUNDS {
        s = mix(&s.map(seventh_power), &constants_after(round));
    }
    s = partial::rounds(&s);
    for round in HALF_FULL_ROUNDS + PARTIAL_ROUNDS..ROUNDS {
        s = mix(&s.map(seventh_power), &constants_after(round));
    }
    s
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
    hash(Tag::NODE, &lanes::concatenate(left, right))
}

/// The constants that follow the linear layer of `round`: those of the next round, nothing after
/// the last.
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
    sum.wrapping_add(linear::LOW_MASK.wrapping_mul(u64::from(carry)))
}

#[cfg(test)]
mod tests;
