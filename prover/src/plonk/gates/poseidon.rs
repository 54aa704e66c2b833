//! The gates of a Poseidon permutation and of its linear layer, whose evaluation in the library is for one point.
//!
//! Wires of the first: input, output, swap, the four differences that the swap moves, and then every input of an S-box after the
//! first round, in order. The rounds here are those of the definition; the library's rearranged partial rounds have the same
//! S-box inputs, hence the same constraints.

use plonky2::field::types::Field;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, SPONGE_WIDTH};
use weft_circuits::config::{D, F};

use super::{Packed, PackedGate, Row};
use crate::plonk::poseidon::mix;

/// Elements that the swap exchanges.
const SWAPPED: usize = 4;
const OUTPUT: usize = SPONGE_WIDTH;
const SWAP: usize = 2 * SPONGE_WIDTH;
const DIFFERENCES: usize = SWAP + 1;
const SBOX_INPUTS: usize = DIFFERENCES + SWAPPED;

/// The rounds in which only one element passes an S-box.
const PARTIAL_ROUNDS: std::ops::Range<usize> = HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS;

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
            mix(&mut state);
        }
        constraints.extend(state.iter().zip(&wires[OUTPUT..]).map(|(&element, &output)| element - output));
    }
}

/// The linear layer on elements of the extension: inputs, outputs.
impl PackedGate for PoseidonMdsGate<F, D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let (inputs, outputs) = row.wires().split_at(SPONGE_WIDTH * D);
        let mixed: [_; D] = std::array::from_fn(|coordinate| {
            let mut state = std::array::from_fn(|element| inputs[element * D + coordinate]);
            mix(&mut state);
            state
        });
        let outputs = outputs[..SPONGE_WIDTH * D].iter().enumerate();
        constraints.extend(outputs.map(|(wire, &output)| output - mixed[wire % D][wire / D]));
    }
}

#[inline(always)]
fn seventh_power(x: Packed) -> Packed {
    let square = x * x;
    square * square * square * x
}
