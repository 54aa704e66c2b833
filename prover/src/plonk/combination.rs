//! Sums of many values with fixed weights, reduced once at the end.

use std::array;

use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, PrimeField64};
use weft_circuits::config::F;

use super::Packed;

/// Bits of a limb of a weight. Products of limbs and halves of elements have 54 bits.
const LIMB_BITS: u32 = 22;
/// Limbs of a weight.
const LIMBS: usize = 3;
/// So many products are summed in 64 bits.
const TERMS_MAX: usize = 1 << (u64::BITS - LIMB_BITS - u32::BITS);

/// An integer for each lane.
type Words = [u64; Packed::WIDTH];

/// Weights of the values of a sum, in limbs.
#[derive(Clone, Debug)]
pub(super) struct Weights(Vec<[u32; LIMBS]>);

impl Weights {
    /// The powers of `base` for a sum by Horner's rule: the last value has weight one.
    pub(super) fn powers(base: F, count: usize) -> Self {
        assert!(count <= TERMS_MAX, "sums have at most {TERMS_MAX} terms");
        let mut limbs: Vec<_> = base.powers().take(count).map(limbs).collect();
        limbs.reverse();
        Self(limbs)
    }

    /// The weighted sum of so many values as there are weights.
    pub(super) fn sum(&self, values: &[Packed]) -> Packed {
        assert_eq!(values.len(), self.0.len(), "one weight for each value");
        let mut sums: [[Words; LIMBS]; 2] = [[[0; Packed::WIDTH]; LIMBS]; 2];
        for (value, weight) in values.iter().zip(&self.0) {
            let value: Words = array::from_fn(|lane| value.as_slice()[lane].0);
            let [low, high] = &mut sums;
            for (limb, (low, high)) in low.iter_mut().zip(high).enumerate() {
                let weight = u64::from(weight[limb]);
                for lane in 0..Packed::WIDTH {
                    let half = value[lane] & u64::from(u32::MAX);
                    low[lane] = low[lane].wrapping_add(half.wrapping_mul(weight));
                    high[lane] = high[lane].wrapping_add((value[lane] >> u32::BITS).wrapping_mul(weight));
                }
            }
        }
        let mut total = Packed::ZEROS;
        for (half, sums) in sums.iter().enumerate() {
            for (limb, sum) in (0..).zip(sums) {
                let shift = limb * LIMB_BITS + if half == 0 { 0 } else { u32::BITS };
                total += pack(sum) * F::TWO.exp_u64(u64::from(shift));
            }
        }
        total
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a limb has fewer bits")]
fn limbs(weight: F) -> [u32; LIMBS] {
    let (weight, mask) = (weight.to_canonical_u64(), (1 << LIMB_BITS) - 1);
    array::from_fn(|limb| (weight >> (LIMB_BITS as usize * limb) & mask) as u32)
}

fn pack(words: &Words) -> Packed {
    let mut pack = Packed::ZEROS;
    for (lane, &word) in pack.as_slice_mut().iter_mut().zip(words) {
        *lane = F::from_noncanonical_u64(word);
    }
    pack
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn sums_equal_horner_s_rule() {
        let largest = F::from_noncanonical_u64(u64::MAX);
        for (base, count) in [(F::rand(), 0), (F::rand(), 1), (F::rand(), 345), (F::NEG_ONE, TERMS_MAX)] {
            let values: Vec<F> =
                (0..count * Packed::WIDTH).map(|index| if index % 3 == 0 { largest } else { F::rand() }).collect();
            let packs = Packed::pack_slice(&values);
            let expected = packs.iter().fold(Packed::ZEROS, |sum, &value| sum * base + value);
            assert_eq!(Weights::powers(base, count).sum(packs).as_slice(), expected.as_slice(), "{count}");
        }
    }
}
