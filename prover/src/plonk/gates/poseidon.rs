//! The gates of a Poseidon permutation and of its linear layer, whose evaluation in the library is for one point.
//!
//! Wires of the first: input, output, swap, the four differences that the swap moves, and then every input of an S-box after the
//! first round, in order. The rounds here are those of the definition; the library's rearranged partial rounds have the same
//! S-box inputs, hence the same constraints.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, SPONGE_WIDTH};
use weft_circuits::config::{D, F};

use super::{Packed, PackedGate, Row};

/// Elements that the swap exchanges.
const SWAPPED: usize = 4;
const OUTPUT: usize = SPONGE_WIDTH;
const SWAP: usize = 2 * SPONGE_WIDTH;
const DIFFERENCES: usize = SWAP + 1;
const SBOX_INPUTS: usize = DIFFERENCES + SWAPPED;

/// The rounds in which only one element passes an S-box.
const PARTIAL_ROUNDS: std::ops::Range<usize> = HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS;

/// Half of an element in every lane.
type Halves = [u32; Packed::WIDTH];

/// Constraints of the library's Poseidon gate.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoseidonConstraints;

impl PackedGate for PoseidonConstraints {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let wires = row.wires();
        let mut state: [Packed; SPONGE_WIDTH] = std::array::from_fn(|element| wires[element]);
        let swap = wires[SWAP];
        constraints.push(swap * (swap - F::ONE));
        for element in 0..SWAPPED {
            let (left, right) = (wires[element], wires[element + SWAPPED]);
            let difference = wires[DIFFERENCES + element];
            constraints.push(swap * (right - left) - difference);
            state[element] += difference;
            state[element + SWAPPED] -= difference;
        }
        let mut inputs = wires[SBOX_INPUTS..].iter();
        for (round, round_constants) in ALL_ROUND_CONSTANTS.as_chunks::<SPONGE_WIDTH>().0.iter().enumerate() {
            for (element, &constant) in state.iter_mut().zip(round_constants) {
                *element += F::from_canonical_u64(constant);
            }
            let boxes = if PARTIAL_ROUNDS.contains(&round) { 1 } else { SPONGE_WIDTH };
            for element in &mut state[..boxes] {
                // The inputs of the first round are no wires of their own.
                if round > 0 {
                    let input = *inputs.next().expect("every S-box has its wire");
                    constraints.push(*element - input);
                    *element = input;
                }
                *element = seventh_power(*element);
            }
            state = mix(&state);
        }
        constraints.extend(state.iter().zip(&wires[OUTPUT..]).map(|(&element, &output)| element - output));
    }
}

/// The linear layer on elements of the extension: inputs, outputs.
impl PackedGate for PoseidonMdsGate<F, D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let (inputs, outputs) = row.wires().split_at(SPONGE_WIDTH * D);
        let mixed: [_; D] =
            std::array::from_fn(|coordinate| mix(&std::array::from_fn(|element| inputs[element * D + coordinate])));
        let outputs = outputs[..SPONGE_WIDTH * D].iter().enumerate();
        constraints.extend(outputs.map(|(wire, &output)| output - mixed[wire % D][wire / D]));
    }
}

#[inline(always)]
fn seventh_power(x: Packed) -> Packed {
    let square = x * x;
    square * square * square * x
}

/// The linear layer. Its entries are small, so that the halves of elements are summed without reduction: sums are below
/// 2^41, and nothing wraps. A check that it does not would keep the lanes from being added at once.
#[inline(always)]
fn mix(state: &[Packed; SPONGE_WIDTH]) -> [Packed; SPONGE_WIDTH] {
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
