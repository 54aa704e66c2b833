//! Sums of constraints with the powers of a challenge.

use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, PrimeField64};
use weft_circuits::config::F;
use weft_protocol::crypto::Goldilocks;
use weft_protocol::crypto::sums::{LANES, Weight, weighted_sum};

use super::Packed;

/// Values of many packs, a word for each lane.
pub(super) type Words = Vec<[u64; LANES]>;

/// Weights of the values of a sum.
#[derive(Clone, Debug)]
pub(super) struct Weights(Vec<Weight>);

impl Weights {
    /// The first powers of `base`.
    pub(super) fn powers(base: F, count: usize) -> Self {
        let powers = base.powers().take(count);
        Self(powers.map(|power| Goldilocks::from_u64(power.to_canonical_u64()).into()).collect())
    }

    /// The same weights from the last to the first.
    pub(super) fn reversed(mut self) -> Self {
        self.0.reverse();
        self
    }

    /// The sum of values with the weights from `first` on.
    pub(super) fn sum(&self, first: usize, values: &[[u64; LANES]]) -> Packed {
        let sums = weighted_sum(values, &self.0[first..first + values.len()]);
        let mut total = Packed::ZEROS;
        for (lane, word) in total.as_slice_mut().iter_mut().zip(sums) {
            *lane = F::from_noncanonical_u64(word);
        }
        total
    }
}

/// Writes the words of packs; lanes that packs do not have are zero.
pub(super) fn write_words(packs: &[Packed], words: &mut Words) {
    words.clear();
    words.extend(packs.iter().map(|pack| {
        let mut words = [0; LANES];
        for (word, element) in words.iter_mut().zip(pack.as_slice()) {
            *word = element.0;
        }
        words
    }));
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn sums_equal_horner_s_rule() {
        for count in [0, 1, 2, 345] {
            let (base, values) = (F::rand(), F::rand_vec(count * Packed::WIDTH));
            let packs = Packed::pack_slice(&values);
            let expected = packs.iter().fold(Packed::ZEROS, |sum, &value| sum * base + value);
            let weights = Weights::powers(base, count).reversed();
            let mut words = Words::new();
            write_words(packs, &mut words);
            assert_eq!(weights.sum(0, &words).as_slice(), expected.as_slice(), "{count}");
            let (head, tail) = words.split_at(count / 3);
            let split = weights.sum(0, head) + weights.sum(head.len(), tail);
            assert_eq!(split.as_slice(), expected.as_slice(), "{count}");
        }
    }
}
