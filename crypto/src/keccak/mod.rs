//! Keccak-f\[1600\] and Keccak-256, many at once.
//!
//! Ethereum's hash: the padding is that of the original submission, which FIPS 202 changed.

mod kernel;

use crate::simd;
use kernel::Permute;

/// States of a block.
pub const LANES: usize = 8;

/// Words of a state.
pub const WIDTH: usize = 25;

/// Bytes that a block of a message fills of a state.
const RATE_BYTES: usize = 136;

/// Keccak-f\[1600\] of each of the [`LANES`] states whose word `i` is `states[i][lane]`; word `x + 5y` is the lane `(x, y)`
/// of FIPS 202.
///
/// Every state that goes in gives what it gives alone: lanes do not touch each other.
pub fn permute_lanes(states: &mut [[u64; LANES]; WIDTH]) {
    if let Err(Permute(states)) = simd::run(Permute(states)) {
        permute_one_by_one(states);
    }
}

/// [`permute_lanes`] on any processor.
fn permute_one_by_one(states: &mut [[u64; LANES]; WIDTH]) {
    for lane in 0..LANES {
        let mut state = states.each_ref().map(|words| words[lane]);
        ::keccak::f1600(&mut state);
        for (words, word) in states.iter_mut().zip(state) {
            words[lane] = word;
        }
    }
}

/// Keccak-256 of each of the messages.
///
/// # Panics
/// If the messages differ in length.
#[must_use]
pub fn keccak256_lanes(messages: &[&[u8]; LANES]) -> [[u8; 32]; LANES] {
    let length = messages[0].len();
    assert!(messages.iter().all(|message| message.len() == length), "messages of a block have one length");
    let mut states = [[0; LANES]; WIDTH];
    let whole = length / RATE_BYTES * RATE_BYTES;
    for start in (0..whole).step_by(RATE_BYTES) {
        for (lane, message) in messages.iter().enumerate() {
            absorb(&mut states, lane, &message[start..start + RATE_BYTES]);
        }
        permute_lanes(&mut states);
    }
    for (lane, message) in messages.iter().enumerate() {
        let mut last = [0; RATE_BYTES];
        last[..length - whole].copy_from_slice(&message[whole..]);
        last[length - whole] ^= 0x01;
        last[RATE_BYTES - 1] ^= 0x80;
        absorb(&mut states, lane, &last);
    }
    permute_lanes(&mut states);
    let mut digests = [[0; 32]; LANES];
    for (lane, digest) in digests.iter_mut().enumerate() {
        for (bytes, words) in digest.chunks_exact_mut(8).zip(&states) {
            bytes.copy_from_slice(&words[lane].to_le_bytes());
        }
    }
    digests
}

/// Adds whole words to the state in a lane.
fn absorb(states: &mut [[u64; LANES]; WIDTH], lane: usize, block: &[u8]) {
    for (words, bytes) in states.iter_mut().zip(block.as_chunks::<8>().0) {
        words[lane] ^= u64::from_le_bytes(*bytes);
    }
}

#[cfg(test)]
mod tests;
