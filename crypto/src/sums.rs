//! Weighted sums of field elements in several lanes, reduced once at the end.
//!
//! A weight is cut into limbs so short that their products with halves of elements are summed in one word.

use crate::field::Accumulator;
use crate::simd::{self, Kernel, Simd};
use crate::{Goldilocks, poseidon};

/// Lanes of a value.
pub const LANES: usize = 8;
/// Most values of a sum.
pub const TERMS_MAX: usize = 512;

/// Bits of a limb of a weight.
const LIMB_BITS: u32 = 22;
/// Limbs of a weight.
const LIMBS: usize = 3;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;
// A product of a half and a limb has 54 bits; besides their sum a word has room for what is carried into it.
const _: () = assert!((TERMS_MAX as u64) << (u32::BITS + LIMB_BITS) < u64::MAX);

/// A weight, the same in all lanes.
#[derive(Clone, Copy, Debug)]
pub struct Weight([u64; LIMBS]);

impl From<Goldilocks> for Weight {
    fn from(weight: Goldilocks) -> Self {
        let weight = weight.as_u64();
        Self([weight & LIMB_MASK, weight >> LIMB_BITS & LIMB_MASK, weight >> (2 * LIMB_BITS)])
    }
}

impl Weight {
    const fn as_u64(self) -> u64 {
        self.0[0] | self.0[1] << LIMB_BITS | self.0[2] << (2 * LIMB_BITS)
    }
}

/// The sum of each value times its weight, in every lane; any representatives in and out.
///
/// # Panics
/// There are not as many weights as values, or more than [`TERMS_MAX`].
#[must_use]
pub fn weighted_sum(values: &[[u64; LANES]], weights: &[Weight]) -> [u64; LANES] {
    assert!(values.len() == weights.len() && values.len() <= TERMS_MAX, "each value has a weight");
    let mut sums = [0; LANES];
    if simd::run(Sum { values, weights, sums: &mut sums }).is_err() {
        sums = sum_one_by_one(values, weights);
    }
    sums
}

/// [`weighted_sum`] on any processor.
fn sum_one_by_one(values: &[[u64; LANES]], weights: &[Weight]) -> [u64; LANES] {
    core::array::from_fn(|lane| {
        let mut sum = Accumulator::ZERO;
        for (value, weight) in values.iter().zip(weights) {
            sum.add_product(value[lane], weight.as_u64());
        }
        sum.reduce_loose()
    })
}

struct Sum<'a> {
    values: &'a [[u64; LANES]],
    weights: &'a [Weight],
    sums: &'a mut [u64; LANES],
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const { assert!(LANES.is_multiple_of(S::WORDS)) };
        let Self { values, weights, sums } = self;
        for start in (0..LANES).step_by(S::WORDS) {
            let mut low = [simd.splat(0); LIMBS];
            let mut high = low;
            for (value, Weight(limbs)) in values.iter().zip(weights) {
                let value = simd.load(&value[start..]);
                let upper = simd.high_to_low(value);
                for i in 0..LIMBS {
                    let limb = simd.splat(limbs[i]);
                    low[i] = simd.add(low[i], simd.mul_low(value, limb));
                    high[i] = simd.add(high[i], simd.mul_low(upper, limb));
                }
            }
            // The sum is low + 2^32·high.
            let (low, high) = (join(simd, low), join(simd, high));
            let shifted = poseidon::reduce(simd, simd.shl(high, 32), simd.shr(high, 32));
            // The second one is canonical, so that the sum folds once.
            simd.store(&mut sums[start..], simd.add_folding(shifted, simd.canonical(low)));
        }
    }
}

/// The word of a sum by limbs.
#[inline(always)]
fn join<S: Simd>(simd: S, [first, second, third]: [S::Vector; LIMBS]) -> S::Vector {
    let mask = simd.splat(LIMB_MASK);
    let second = simd.add(second, simd.shr(first, LIMB_BITS));
    let third = simd.add(third, simd.shr(second, LIMB_BITS));
    let lowest = simd.add(simd.and(first, mask), simd.shl(simd.and(second, mask), LIMB_BITS));
    let low = simd.add(lowest, simd.shl(third, 2 * LIMB_BITS));
    poseidon::reduce(simd, low, simd.shr(third, u64::BITS - 2 * LIMB_BITS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every implementation equals the definition in every lane.
    fn assert_equals_definition(values: &[[u64; LANES]], weights: &[Goldilocks]) {
        let limbs: Vec<_> = weights.iter().copied().map(Weight::from).collect();
        let mut found = vec![("chosen", weighted_sum(values, &limbs)), ("one by one", sum_one_by_one(values, &limbs))];
        #[cfg(target_arch = "x86_64")]
        {
            let mut sums = [0; LANES];
            if let Some(simd) = crate::simd::Avx512::detect() {
                simd.run(Sum { values, weights: &limbs, sums: &mut sums });
                found.push(("AVX-512", sums));
            }
            if let Some(simd) = crate::simd::Avx2::detect() {
                simd.run(Sum { values, weights: &limbs, sums: &mut sums });
                found.push(("AVX2", sums));
            }
        }
        for lane in 0..LANES {
            let terms = values.iter().zip(weights);
            let expected: Goldilocks = terms.map(|(value, &weight)| Goldilocks::from_u64(value[lane]) * weight).sum();
            for (name, sums) in &found {
                assert_eq!(Goldilocks::from_u64(sums[lane]), expected, "{name}, lane {lane}");
            }
        }
    }

    #[test]
    fn sums_of_extreme_values_do_not_overflow() {
        for count in [0, 1, 2, TERMS_MAX] {
            for value in [0, 1, Goldilocks::ORDER, u64::MAX] {
                for weight in [0, 1, 1 << 32, u64::MAX, Goldilocks::ORDER - 1] {
                    assert_equals_definition(&vec![[value; LANES]; count], &vec![Goldilocks::from_u64(weight); count]);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn sums_equal_the_definition(terms in proptest::collection::vec((any::<[u64; LANES]>(), any::<u64>()), 0..40)) {
            let (values, weights): (Vec<_>, Vec<_>) =
                terms.into_iter().map(|(value, weight)| (value, Goldilocks::from_u64(weight))).unzip();
            assert_equals_definition(&values, &weights);
        }
    }
}
