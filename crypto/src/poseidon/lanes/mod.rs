//! Many independent permutations at once.
//!
//! A block holds [`LANES`] states element by element: word `i` of all states, then word `i + 1`.

mod kernel;

use super::linear::mix;
use super::{RATE, WIDTH, hash, permute_words};
use crate::field::canonical;
use crate::{Digest, Goldilocks, Tag, simd};
pub(crate) use kernel::reduce;
use kernel::{Mix, Permute};

/// States of a block.
pub const LANES: usize = 32;

/// States of a block of [`mix_lanes`].
pub const MIX_LANES: usize = 8;

/// Fewer inputs than this are hashed one by one: a block of vectors takes as long however few of its lanes are used.
const FEWEST_PACKED: usize = 10;

/// [`super::permute`] of each of the [`LANES`] states whose word `i` is `states[i][lane]`.
///
/// Takes any 64-bit representatives; leaves canonical ones. Every state that goes in gives what it gives alone: lanes do
/// not touch each other.
pub fn permute_lanes(states: &mut [[u64; LANES]; WIDTH]) {
    permute_first(states, LANES);
}

/// [`permute_lanes`] for the first `used` lanes; the others may be anything afterwards.
fn permute_first(states: &mut [[u64; LANES]; WIDTH], used: usize) {
    if let Err(Permute { states, used }) = simd::run(Permute { states, used }) {
        permute_one_by_one(states, used);
    }
}

/// [`permute_first`] on any processor.
fn permute_one_by_one(states: &mut [[u64; LANES]; WIDTH], used: usize) {
    for lane in 0..used {
        let state = permute_words(&states.each_ref().map(|words| words[lane]));
        for (words, word) in states.iter_mut().zip(state) {
            words[lane] = canonical(word);
        }
    }
}

/// The linear layer of a full round, on each of the [`MIX_LANES`] states whose word `i` is `states[i][lane]`.
///
/// Any 64-bit representatives in and out.
pub fn mix_lanes(states: &mut [[u64; MIX_LANES]; WIDTH]) {
    if let Err(Mix(states)) = simd::run(Mix(states)) {
        mix_one_by_one(states);
    }
}

/// [`mix_lanes`] on any processor.
fn mix_one_by_one(states: &mut [[u64; MIX_LANES]; WIDTH]) {
    for lane in 0..MIX_LANES {
        let mixed = mix(&states.each_ref().map(|words| words[lane]), &[0; WIDTH]);
        for (words, word) in states.iter_mut().zip(mixed) {
            words[lane] = word;
        }
    }
}

/// [`hash`] of each of the inputs, in order.
#[must_use]
pub fn hash_many<const N: usize>(tag: Tag, inputs: &[[Goldilocks; N]]) -> Vec<Digest> {
    let mut digests = Vec::with_capacity(inputs.len());
    for block in inputs.chunks(LANES) {
        if block.len() < FEWEST_PACKED {
            digests.extend(block.iter().map(|input| hash(tag, input)));
        } else {
            digests.extend(hash_block(tag, block).into_iter().take(block.len()));
        }
    }
    digests
}

/// [`super::compress`] of each of the pairs, in order.
#[must_use]
pub fn compress_many(pairs: &[[Digest; 2]]) -> Vec<Digest> {
    let inputs: Vec<_> = pairs.iter().map(|[left, right]| concatenate(left, right)).collect();
    hash_many(Tag::NODE, &inputs)
}

/// The sponge of [`hash`] in a lane for each of at most [`LANES`] inputs; their digests come first.
fn hash_block<const N: usize>(tag: Tag, inputs: &[[Goldilocks; N]]) -> [Digest; LANES] {
    let mut states = [[0; LANES]; WIDTH];
    states[RATE] = [Goldilocks::from_u64(tag.0).as_u64(); LANES];
    states[RATE + 1] = [N as u64; LANES];
    for start in (0..N.max(1)).step_by(RATE) {
        for (i, words) in states[..RATE].iter_mut().enumerate() {
            for (word, input) in words.iter_mut().zip(inputs) {
                *word = input.get(start + i).map_or(0, |element| element.as_u64());
            }
        }
        permute_first(&mut states, inputs.len());
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
