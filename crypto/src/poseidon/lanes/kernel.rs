//! The permutation on vectors.
//!
//! Between full rounds an element is one word; in linear layers and through partial rounds it is a pair of *halves*, 64-bit
//! integers that stand for `low + 2^32·high` and may be negative. They are mixed unreduced: the weights of a row of the
//! matrix add up to at most 264, so that halves below 2^34 are below 2^59 after three rounds.

use super::{LANES, MIX_LANES};
use crate::Goldilocks;
use crate::poseidon::constants::{HALF_FULL_ROUNDS, MDS_DIAGONAL_0, PARTIAL_ROUNDS, ROUND_CONSTANTS, ROUNDS};
use crate::poseidon::linear::{KERNEL_CYCLIC, KERNEL_NEGACYCLIC, KERNEL_SIX, LOW_MASK};
use crate::poseidon::{WIDTH, partial};
use crate::simd::{Kernel, Simd, Wide};

/// Groups of as many states as a vector has words, whose partial rounds are interleaved: during the S-box of one, a long
/// chain, the processor mixes others.
const GROUPS: usize = 4;

/// S-boxes of a full round that are interleaved.
const CHAINS: usize = 4;

/// Partial rounds that halves grow before they are made small again.
const ROUNDS_UNREDUCED: usize = 3;

/// Halves that stand for zero, both between 2^60 and 2^61: added to others, they make these positive.
const BIAS: Halves<u64> = Halves { low: 0x17ff_ffff_1000_0001, high: 0x1000_0000_d800_0000 };
const _: () = {
    let value = BIAS.low as u128 + ((BIAS.high as u128) << 32);
    assert!(Goldilocks::from_u128(value).is_zero() && BIAS.low >> 60 == 1 && BIAS.high >> 60 == 1);
};

/// The constants that follow the linear layers of the first and the last full rounds, biased.
static FULL_CONSTANTS: [[[Halves<u64>; WIDTH]; HALF_FULL_ROUNDS]; 2] = {
    let mut constants = [[[BIAS; WIDTH]; HALF_FULL_ROUNDS]; 2];
    let mut round = 0;
    while round < HALF_FULL_ROUNDS {
        constants[0][round] = biased(&ROUND_CONSTANTS[round + 1]);
        if round < HALF_FULL_ROUNDS - 1 {
            constants[1][round] = biased(&ROUND_CONSTANTS[ROUNDS - HALF_FULL_ROUNDS + round + 1]);
        }
        round += 1;
    }
    constants
};

/// Those of the partial rounds, biased: before the S-box of each, and after the last.
static PARTIAL_CONSTANTS: ([Halves<u64>; PARTIAL_ROUNDS], [Halves<u64>; WIDTH]) =
    (biased(&partial::CONSTANTS.0), biased(&partial::CONSTANTS.1));

/// The halves of constants plus [`BIAS`].
const fn biased<const N: usize>(constants: &[u64; N]) -> [Halves<u64>; N] {
    let mut halves = [BIAS; N];
    let mut i = 0;
    while i < N {
        halves[i].low += constants[i] & LOW_MASK;
        halves[i].high += constants[i] >> 32;
        i += 1;
    }
    halves
}

/// `low + 2^32·high`.
#[derive(Clone, Copy)]
struct Halves<V> {
    low: V,
    high: V,
}

/// The elements of the states of a group.
type State<V> = [V; WIDTH];

/// [`super::permute_first`].
pub(super) struct Permute<'a> {
    pub(super) states: &'a mut [[u64; LANES]; WIDTH],
    pub(super) used: usize,
}

impl Kernel for Permute<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const { assert!(LANES.is_multiple_of(GROUPS * S::WORDS)) };
        let Self { states, used } = self;
        for start in (0..used).step_by(GROUPS * S::WORDS) {
            let zero = [simd.splat(0); WIDTH];
            let mut groups = [Halves { low: zero, high: zero }; GROUPS];
            for (index, group) in groups.iter_mut().enumerate() {
                first_full_rounds(simd, states, start + index * S::WORDS, group);
            }
            partial_rounds(simd, &mut groups);
            for (index, group) in groups.iter().enumerate() {
                last_full_rounds(simd, group, states, start + index * S::WORDS);
            }
        }
    }
}

/// [`super::mix_lanes`].
pub(super) struct Mix<'a>(pub(super) &'a mut [[u64; MIX_LANES]; WIDTH]);

impl Kernel for Mix<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const { assert!(MIX_LANES.is_multiple_of(S::WORDS)) };
        let Self(state) = self;
        let mask = simd.splat(LOW_MASK);
        for start in (0..MIX_LANES).step_by(S::WORDS) {
            let zero = [simd.splat(0); WIDTH];
            let mut halves = Halves { low: zero, high: zero };
            for (words, (low, high)) in state.iter().zip(halves.low.iter_mut().zip(&mut halves.high)) {
                let element = simd.load(&words[start..]);
                (*low, *high) = (simd.and(element, mask), simd.shr(element, 32));
            }
            let mixed = Halves { low: mix(simd, &halves.low), high: mix(simd, &halves.high) };
            for (words, element) in state.iter_mut().zip(join_all(simd, &mixed, &[BIAS; WIDTH])) {
                simd.store(&mut words[start..], element);
            }
        }
    }
}

/// Reads the states of the group at `offset`.
#[inline(always)]
fn first_full_rounds<S: Simd>(
    simd: S,
    states: &[[u64; LANES]; WIDTH],
    offset: usize,
    group: &mut Halves<State<S::Vector>>,
) {
    let mut state = [simd.splat(0); WIDTH];
    for (element, (words, constant)) in state.iter_mut().zip(states.iter().zip(&ROUND_CONSTANTS[0])) {
        // The constant is canonical, so that the sum folds once.
        *element = simd.add_folding(simd.load(&words[offset..]), simd.splat(*constant));
    }
    for constants in &FULL_CONSTANTS[0] {
        full_round(simd, &mut state, constants);
    }
    let mask = simd.splat(LOW_MASK);
    for (element, (low, high)) in state.into_iter().zip(group.low.iter_mut().zip(&mut group.high)) {
        (*low, *high) = (simd.and(element, mask), simd.shr(element, 32));
    }
}

/// Writes the states of the group at `offset`.
#[inline(always)]
fn last_full_rounds<S: Simd>(
    simd: S,
    group: &Halves<State<S::Vector>>,
    states: &mut [[u64; LANES]; WIDTH],
    offset: usize,
) {
    let mut state = join_all(simd, group, &PARTIAL_CONSTANTS.1);
    for constants in &FULL_CONSTANTS[1] {
        full_round(simd, &mut state, constants);
    }
    for (words, element) in states.iter_mut().zip(state) {
        simd.store(&mut words[offset..], simd.canonical(element));
    }
}

#[inline(always)]
fn full_round<S: Simd>(simd: S, state: &mut State<S::Vector>, constants: &[Halves<u64>; WIDTH]) {
    let mut halves = Halves { low: *state, high: *state };
    for start in (0..WIDTH).step_by(CHAINS) {
        let mut elements = [state[0]; CHAINS];
        elements.copy_from_slice(&state[start..start + CHAINS]);
        let powers = seventh_power(Wide::<S, CHAINS>(simd), elements);
        halves.low[start..start + CHAINS].copy_from_slice(&powers.low);
        halves.high[start..start + CHAINS].copy_from_slice(&powers.high);
    }
    let mixed = Halves { low: mix(simd, &halves.low), high: mix(simd, &halves.high) };
    *state = join_all(simd, &mixed, constants);
}

#[inline(always)]
fn partial_rounds<S: Simd>(simd: S, groups: &mut [Halves<State<S::Vector>>; GROUPS]) {
    let wide = Wide::<S, GROUPS>(simd);
    for round in 0..PARTIAL_ROUNDS {
        let mut first = Halves { low: wide.splat(0), high: wide.splat(0) };
        for (i, group) in groups.iter().enumerate() {
            (first.low[i], first.high[i]) = (group.low[0], group.high[0]);
        }
        let powers = seventh_power(wide, join(wide, first, PARTIAL_CONSTANTS.0[round]));
        for (i, group) in groups.iter_mut().enumerate() {
            (group.low[0], group.high[0]) = (powers.low[i], powers.high[i]);
            *group = Halves { low: mix(simd, &group.low), high: mix(simd, &group.high) };
            if round % ROUNDS_UNREDUCED == ROUNDS_UNREDUCED - 1 {
                for (low, high) in group.low.iter_mut().zip(&mut group.high) {
                    let small = carry(simd, Halves { low: *low, high: *high });
                    (*low, *high) = (small.low, small.high);
                }
            }
        }
    }
}

/// The same element by halves below `2^33`.
#[inline(always)]
fn carry<S: Simd>(simd: S, halves: Halves<S::Vector>) -> Halves<S::Vector> {
    let mask = simd.splat(LOW_MASK);
    let high = simd.add(halves.high, simd.signed_high(halves.low));
    // 2^64 = 2^32 - 1.
    let over = simd.signed_high(high);
    Halves { low: simd.sub(simd.and(halves.low, mask), over), high: simd.add(simd.and(high, mask), over) }
}

/// [`join`] of all elements of a state.
#[inline(always)]
fn join_all<S: Simd>(simd: S, state: &Halves<State<S::Vector>>, constants: &[Halves<u64>; WIDTH]) -> State<S::Vector> {
    let mut words = state.low;
    for i in 0..WIDTH {
        words[i] = join(simd, Halves { low: state.low[i], high: state.high[i] }, constants[i]);
    }
    words
}

/// The word of halves below `2^59` and of a biased constant.
#[inline(always)]
fn join<S: Simd>(simd: S, halves: Halves<S::Vector>, biased: Halves<u64>) -> S::Vector {
    let low = simd.add(halves.low, simd.splat(biased.low));
    let high = simd.add(halves.high, simd.splat(biased.high));
    // Both are positive and below 2^62, and 2^64 = 2^32 - 1: the first term is below 2^63, so that the sum folds once.
    let small = simd.add(low, simd.mul_low(simd.shr(high, 32), simd.splat(LOW_MASK)));
    simd.add_folding(small, simd.shl(high, 32))
}

/// `x^7` of any words, as halves below `2^34`.
#[inline(always)]
fn seventh_power<S: Simd>(simd: S, x: S::Vector) -> Halves<S::Vector> {
    let square = square(simd, x);
    let fourth = self::square(simd, square);
    let third = product(simd, x, square);
    halves_of_product(simd, third, fourth)
}

/// `x^2`, any words in and out.
#[inline(always)]
fn square<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
    let high = simd.high_to_low(x);
    let [low_low, low_high, high_high] = [simd.mul_low(x, x), simd.mul_low(x, high), simd.mul_low(high, high)];
    // The product in the middle counts twice.
    let middle = simd.add(low_high, simd.shr(low_low, 33));
    reduce(simd, simd.mul(x, x), simd.add(high_high, simd.shr(middle, 31)))
}

/// `a·b`, any words in and out.
#[inline(always)]
fn product<S: Simd>(simd: S, a: S::Vector, b: S::Vector) -> S::Vector {
    let mask = simd.splat(LOW_MASK);
    let [low_low, low_high, high_low, high_high] = products_of_halves(simd, a, b);
    let first = simd.add(high_low, simd.shr(low_low, 32));
    let second = simd.add(low_high, simd.and(first, mask));
    let high = simd.add(simd.add(high_high, simd.shr(first, 32)), simd.shr(second, 32));
    reduce(simd, simd.mul(a, b), high)
}

/// `a·b` of any words, as halves below `2^34`.
#[inline(always)]
fn halves_of_product<S: Simd>(simd: S, a: S::Vector, b: S::Vector) -> Halves<S::Vector> {
    let mask = simd.splat(LOW_MASK);
    let [low_low, low_high, high_low, high_high] = products_of_halves(simd, a, b);
    // What is to be counted 2^64 times: 2^64 = 2^32 - 1 and 2^96 = -1.
    let over = simd.add(simd.add(high_high, simd.shr(low_high, 32)), simd.shr(high_low, 32));
    let over_low = simd.and(over, mask);
    let middle = simd.add(simd.and(low_high, mask), simd.and(high_low, mask));
    Halves {
        low: simd.sub(simd.sub(simd.and(low_low, mask), over_low), simd.shr(over, 32)),
        high: simd.add(simd.add(simd.shr(low_low, 32), over_low), middle),
    }
}

/// The products of the lower half of `a` with both halves of `b`, then of its upper half.
#[inline(always)]
fn products_of_halves<S: Simd>(simd: S, a: S::Vector, b: S::Vector) -> [S::Vector; 4] {
    let (a_high, b_high) = (simd.high_to_low(a), simd.high_to_low(b));
    [simd.mul_low(a, b), simd.mul_low(a, b_high), simd.mul_low(a_high, b), simd.mul_low(a_high, b_high)]
}

/// `low + 2^64·high` as some word.
#[inline(always)]
pub(crate) fn reduce<S: Simd>(simd: S, low: S::Vector, high: S::Vector) -> S::Vector {
    // 2^64 = 2^32 - 1 and 2^96 = -1. What is subtracted is below 2^32, what is added at most 2^64 - 2^33 + 1.
    let difference = simd.sub_folding(low, simd.shr(high, 32));
    simd.add_folding(difference, simd.mul_low(high, simd.splat(LOW_MASK)))
}

/// The matrix times a vector of integers, as in [`crate::poseidon::linear`].
#[inline(always)]
fn mix<S: Simd>(simd: S, halves: &State<S::Vector>) -> State<S::Vector> {
    let zero = simd.splat(0);
    let (mut cyclic, mut negacyclic, mut six) = ([zero; 3], [zero; 3], [zero; 6]);
    for i in 0..3 {
        let [a, b, c, d] = [halves[i], halves[i + 3], halves[i + 6], halves[i + 9]];
        let (even, odd) = (simd.add(a, c), simd.add(b, d));
        (cyclic[i], negacyclic[i]) = (simd.add(even, odd), simd.sub(even, odd));
        (six[i], six[i + 3]) = (simd.sub(a, c), simd.sub(b, d));
    }
    let cyclic = convolve::<S, 3, 1>(simd, &cyclic, &KERNEL_CYCLIC);
    let negacyclic = convolve::<S, 3, -1>(simd, &negacyclic, &KERNEL_NEGACYCLIC);
    let six = convolve::<S, 6, -1>(simd, &six, &KERNEL_SIX);
    let mut mixed = *halves;
    for i in 0..3 {
        let (even, odd) = (simd.add(cyclic[i], negacyclic[i]), simd.sub(cyclic[i], negacyclic[i]));
        mixed[i] = simd.add(even, six[i]);
        mixed[i + 3] = simd.add(odd, six[i + 3]);
        mixed[i + 6] = simd.sub(even, six[i]);
        mixed[i + 9] = simd.sub(odd, six[i + 3]);
    }
    mixed[0] = simd.add(mixed[0], simd.shl(halves[0], MDS_DIAGONAL_0.trailing_zeros()));
    mixed
}

/// The product of two polynomials modulo `X^N - WRAP`; the kernel's coefficients are powers of two up to sign.
#[inline(always)]
fn convolve<S: Simd, const N: usize, const WRAP: i64>(
    simd: S,
    a: &[S::Vector; N],
    kernel: &[u64; N],
) -> [S::Vector; N] {
    let mut product = [simd.splat(0); N];
    for i in 0..N {
        for j in 0..N {
            let sum = &mut product[(i + j) % N];
            let factor = kernel[j].cast_signed() * if i + j < N { 1 } else { WRAP };
            let term = simd.shl(a[i], factor.trailing_zeros());
            *sum = if factor > 0 { simd.add(*sum, term) } else { simd.sub(*sum, term) };
        }
    }
    product
}
