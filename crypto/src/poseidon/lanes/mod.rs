//! Many independent permutations at once.
//!
//! A block holds [`LANES`] states element by element: word `i` of all states, then word `i + 1`.

mod kernel;

use super::{RATE, WIDTH, hash, permute_words};
use crate::field::canonical;
use crate::{Digest, Goldilocks, Tag, simd};
use kernel::Permute;

/// States of a block.
pub const LANES: usize = 32;

/// [`super::permute`] of each of the [`LANES`] states whose word `i` is `states[i][lane]`.
///
/// Takes any 64-bit representatives; leaves canonical ones. Every state that goes in gives what it gives alone: lanes do
/// not touch each other.
pub fn permute_lanes(states: &mut [[u64; LANES]; WIDTH]) {
    if let Err(Permute(states)) = simd::run(Permute(states)) {
        permute_one_by_one(states);
    }
}

/// [`permute_lanes`] on any processor.
fn permute_one_by_one(states: &mut [[u64; LANES]; WIDTH]) {
    for lane in 0..LANES {
        let state = permute_words(&states.each_ref().map(|words| words[lane]));
        for (words, word) in states.iter_mut().zip(state) {
            words[lane] = canonical(word);
        }
    }
}

/// [`hash`] of each of the inputs, in order.
#[must_use]
pub fn hash_many<const N: usize>(tag: Tag, inputs: &[[Goldilocks; N]]) -> Vec<Digest> {
    let (blocks, rest) = inputs.as_chunks::<LANES>();
    let packed = blocks.iter().flat_map(|block| hash_block(tag, block));
    packed.chain(rest.iter().map(|input| hash(tag, input))).collect()
}

/// [`super::compress`] of each of the pairs, in order.
#[must_use]
pub fn compress_many(pairs: &[[Digest; 2]]) -> Vec<Digest> {
    let inputs: Vec<_> = pairs.iter().map(|[left, right]| concatenate(left, right)).collect();
    hash_many(Tag::NODE, &inputs)
}

/// The sponge of [`hash`], in all lanes at once.
fn hash_block<const N: usize>(tag: Tag, inputs: &[[Goldilocks; N]; LANES]) -> [Digest; LANES] {
    let mut states = [[0; LANES]; WIDTH];
    states[RATE] = [Goldilocks::from_u64(tag.0).as_u64(); LANES];
    states[RATE + 1] = [N as u64; LANES];
    for start in (0..N.max(1)).step_by(RATE) {
        for (i, words) in states[..RATE].iter_mut().enumerate() {
            *words = inputs.each_ref().map(|input| input.get(start + i).map_or(0, |element| element.as_u64()));
        }
        permute_lanes(&mut states);
    }
    core::array::from_fn(|lane| Digest(core::array::from_fn(|i| Goldilocks::from_u64(states[i][lane]))))
}

/// The elements of both, as an inner node hashes them.
pub(super) fn concatenate(left: &Digest, right: &Digest) -> [Goldilocks; RATE] {
    let ([a, b, c, d], [e, f, g, h]) = (left.0, right.0);
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests;
