//! Poseidon's permutation as linear maps between S-boxes.
//!
//! One text for the constraints and for the trace: who calls says what an S-box is. The partial rounds are those of
//! the library's fast form, in which a round mixes its one S-box into the state by 23 products.

use std::array;

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{
    ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, SPONGE_WIDTH as WIDTH,
};

use crate::config::F;
use crate::gates::algebra::Algebra;

/// A state of the permutation.
pub(super) type State<V> = [V; WIDTH];

/// The permutation; `sbox` is asked for `x⁷` of each S-box in turn.
pub(super) fn permute<A: Algebra>(
    a: &mut A,
    input: State<A::Value>,
    mut sbox: impl FnMut(&mut A, A::Value) -> A::Value,
) -> State<A::Value> {
    let mut state = input;
    for round in 0..HALF_N_FULL_ROUNDS {
        state = full_round(a, state, round, &mut sbox);
    }
    state = add_constants(a, state, &F::FAST_PARTIAL_FIRST_ROUND_CONSTANT);
    state = enter_partial_rounds(a, &state);
    for round in 0..N_PARTIAL_ROUNDS {
        let seventh = sbox(a, state[0]);
        let constant = a.constant(F::from_canonical_u64(F::FAST_PARTIAL_ROUND_CONSTANTS[round]));
        state[0] = a.add(seventh, constant);
        state = mix_partially(a, &state, round);
    }
    for round in 0..HALF_N_FULL_ROUNDS {
        state = full_round(a, state, HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS + round, &mut sbox);
    }
    state
}

fn full_round<A: Algebra>(
    a: &mut A,
    state: State<A::Value>,
    round: usize,
    sbox: &mut impl FnMut(&mut A, A::Value) -> A::Value,
) -> State<A::Value> {
    let constants: [u64; WIDTH] = array::from_fn(|lane| ALL_ROUND_CONSTANTS[WIDTH * round + lane]);
    let state = add_constants(a, state, &constants).map(|x| sbox(a, x));
    a.poseidon_mix(state)
}

fn add_constants<A: Algebra>(a: &mut A, state: State<A::Value>, constants: &[u64; WIDTH]) -> State<A::Value> {
    array::from_fn(|lane| {
        let constant = a.constant(F::from_canonical_u64(constants[lane]));
        a.add(state[lane], constant)
    })
}

/// The matrix in front of the partial rounds: it leaves the first lane.
fn enter_partial_rounds<A: Algebra>(a: &mut A, state: &State<A::Value>) -> State<A::Value> {
    array::from_fn(|lane| match lane.checked_sub(1) {
        None => state[0],
        Some(column) => {
            let coefficients: [F; WIDTH - 1] =
                array::from_fn(|row| F::from_canonical_u64(F::FAST_PARTIAL_ROUND_INITIAL_MATRIX[row][column]));
            a.affine(F::ZERO, &coefficients, &state[1..])
        }
    })
}

/// The sparse matrix of a partial round: a row for the first lane, a multiple of the first lane to each other.
fn mix_partially<A: Algebra>(a: &mut A, state: &State<A::Value>, round: usize) -> State<A::Value> {
    array::from_fn(|lane| match lane.checked_sub(1) {
        None => {
            let row: [F; WIDTH] = array::from_fn(|column| {
                let corner = F::MDS_MATRIX_CIRC[0] + F::MDS_MATRIX_DIAG[0];
                let rest = |column: usize| F::FAST_PARTIAL_ROUND_W_HATS[round][column];
                F::from_canonical_u64(column.checked_sub(1).map_or(corner, rest))
            });
            a.affine(F::ZERO, &row, state)
        }
        Some(column) => {
            let factor = a.constant(F::from_canonical_u64(F::FAST_PARTIAL_ROUND_VS[round][column]));
            a.mul_add(factor, state[0], state[lane])
        }
    })
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;
    use crate::gates::algebra::Lanes;

    #[test]
    fn the_permutation_is_the_library_s() {
        for _ in 0..10 {
            let input: State<F> = array::from_fn(|_| F::rand());
            let mut sboxes = 0;
            let output = permute(&mut Lanes::<F>::new(), input, |_, x| {
                sboxes += 1;
                x.exp_u64(7)
            });
            assert_eq!(output, F::poseidon(input));
            assert_eq!(sboxes, super::super::columns::SBOX_COUNT);
        }
    }
}
