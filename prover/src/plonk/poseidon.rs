//! Poseidon's linear layer on packs.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::{Poseidon, SPONGE_WIDTH};
use weft_circuits::config::F;

use super::Packed;

/// Half of an element in every lane.
type Halves = [u32; Packed::WIDTH];

/// The linear layer. Its entries are small, so that the halves of elements are summed without reduction: sums are below
/// 2^41, and nothing wraps. A check that it does not would keep the lanes from being added at once.
#[inline(always)]
pub(super) fn mix(state: &[Packed; SPONGE_WIDTH]) -> [Packed; SPONGE_WIDTH] {
    let [low, high] = [0, 32].map(|shift| state.each_ref().map(|element| halves(element, shift)));
    std::array::from_fn(|row| {
        let (low, high) = (weighted_sum(&low, row), weighted_sum(&high, row));
        let mut carried = Packed::ZEROS;
        let mut rest = Packed::ZEROS;
        let lanes = carried.as_slice_mut().iter_mut().zip(rest.as_slice_mut());
        for ((carried, rest), (low, high)) in lanes.zip(low.iter().zip(high)) {
            // 2^64 = 2^32 - 1
            *carried = F::from_noncanonical_u64(high << 32);
            let upper = (high >> 32).wrapping_mul(u64::from(u32::MAX));
            *rest = F::from_noncanonical_u64(low.wrapping_add(upper));
        }
        carried + rest
    })
}

/// The lower 32 bits of the shifted elements.
#[inline(always)]
fn halves(element: &Packed, shift: u32) -> Halves {
    let mut halves = [0; Packed::WIDTH];
    for (half, element) in halves.iter_mut().zip(element.as_slice()) {
        #[expect(clippy::cast_possible_truncation, reason = "the other half is taken elsewhere")]
        let lower = (element.0 >> shift) as u32;
        *half = lower;
    }
    halves
}

/// The sum of the halves with the weights of a row of the matrix.
#[inline(always)]
fn weighted_sum(halves: &[Halves; SPONGE_WIDTH], row: usize) -> [u64; Packed::WIDTH] {
    let mut sums = [0_u64; Packed::WIDTH];
    for (column, weight) in F::MDS_MATRIX_CIRC.iter().enumerate() {
        let weight = weight + if column == 0 { F::MDS_MATRIX_DIAG[row] } else { 0 };
        for (sum, &half) in sums.iter_mut().zip(&halves[(column + row) % SPONGE_WIDTH]) {
            *sum = sum.wrapping_add(u64::from(half).wrapping_mul(weight));
        }
    }
    sums
}
