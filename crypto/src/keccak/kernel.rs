//! The permutation on vectors. The names of the steps are those of FIPS 202.

use super::{LANES, WIDTH};
use crate::simd::{Kernel, Simd};

const ROUNDS: usize = 24;

/// Rotations of step rho, by word.
const ROTATIONS: [u32; WIDTH] = {
    let mut rotations = [0; WIDTH];
    let (mut x, mut y) = (1, 0);
    let mut step = 0;
    while step < 24 {
        rotations[x + 5 * y] = (step + 1) * (step + 2) / 2 % 64;
        (x, y) = (y, (2 * x + 3 * y) % 5);
        step += 1;
    }
    rotations
};

/// What step iota adds to word 0, by round: bits of a shift register over `X^8 + X^6 + X^5 + X^4 + 1`.
static ROUND_CONSTANTS: [u64; ROUNDS] = {
    let mut constants = [0; ROUNDS];
    let mut register: u8 = 1;
    let mut round = 0;
    while round < ROUNDS {
        let mut bit = 0;
        while bit < 7 {
            constants[round] |= ((register & 1) as u64) << ((1 << bit) - 1);
            register = (register << 1) ^ if register >> 7 == 1 { 0x71 } else { 0 };
            bit += 1;
        }
        round += 1;
    }
    constants
};

/// [`super::permute_lanes`].
pub(super) struct Permute<'a>(pub(super) &'a mut [[u64; LANES]; WIDTH]);

impl Kernel for Permute<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const { assert!(LANES.is_multiple_of(S::WORDS)) };
        let Self(states) = self;
        for start in (0..LANES).step_by(S::WORDS) {
            let mut state = [simd.splat(0); WIDTH];
            for (vector, words) in state.iter_mut().zip(states.iter()) {
                *vector = simd.load(&words[start..]);
            }
            for constant in &ROUND_CONSTANTS {
                round(simd, &mut state, *constant);
            }
            for (words, vector) in states.iter_mut().zip(state) {
                simd.store(&mut words[start..], vector);
            }
        }
    }
}

#[inline(always)]
fn round<S: Simd>(simd: S, state: &mut [S::Vector; WIDTH], constant: u64) {
    let zero = simd.splat(0);
    // Theta.
    let mut columns = [zero; 5];
    for x in 0..5 {
        columns[x] = simd.xor3(simd.xor3(state[x], state[x + 5], state[x + 10]), state[x + 15], state[x + 20]);
    }
    // Theta's effect, rho and pi.
    let mut moved = [zero; WIDTH];
    for x in 0..5 {
        let (before, after) = (columns[(x + 4) % 5], simd.rotate(columns[(x + 1) % 5], 1));
        for y in 0..5 {
            let word = simd.xor3(state[x + 5 * y], before, after);
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = simd.rotate(word, ROTATIONS[x + 5 * y]);
        }
    }
    // Chi.
    for y in 0..5 {
        for x in 0..5 {
            let [a, b, c] = [x, x + 1, x + 2].map(|x| moved[x % 5 + 5 * y]);
            state[x + 5 * y] = simd.xor_unless(a, b, c);
        }
    }
    // Iota.
    state[0] = simd.xor(state[0], simd.splat(constant));
}
