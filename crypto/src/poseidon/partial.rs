//! The partial rounds, unrolled.
//!
//! A partial round applies the S-box to element 0 and then the matrix `[[m, w], [v, H]]`, where `m`
//! is one element and `H` is 11 × 11. All but the S-boxes is linear. With `u` the tail of the state
//! before the first round, and `y_j` the output of the S-box in round `j`, what follows round `r`
//! is, up to constants,
//!
//! ```text
//! element 0   m·y_r + Σ_{j<r} (w·H^(r-1-j)·v)·y_j + (w·H^r)·u
//! tail        H^(r+1)·u + Σ_{j<=r} (H^(r-j)·v)·y_j
//! ```
//!
//! So each round is one sum of products, of which only the last factor waits for the S-box before,
//! and the tail is computed once. Constants are carried along: of round `r`, only what reaches
//! element 0 is added before the S-box.

use super::constants::{HALF_FULL_ROUNDS, MDS_DIAGONAL_0, MDS_ROW, PARTIAL_ROUNDS, ROUND_CONSTANTS};
use super::{WIDTH, add_loose, seventh_power};
use crate::field::{Accumulator, canonical};

/// Elements that a partial round does not put through the S-box.
const TAIL: usize = WIDTH - 1;

type Vector = [u64; TAIL];
type Matrix = [Vector; TAIL];

/// `H`.
const TAIL_MATRIX: Matrix = {
    let mut matrix = [[0; TAIL]; TAIL];
    let mut row = 0;
    while row < TAIL {
        let mut column = 0;
        while column < TAIL {
            matrix[row][column] = MDS_ROW[(WIDTH + column - row) % WIDTH];
            column += 1;
        }
        row += 1;
    }
    matrix
};

/// `w·H^r` for each round `r`.
const ROWS: [Vector; PARTIAL_ROUNDS] = {
    let mut rows = [[0; TAIL]; PARTIAL_ROUNDS];
    let mut i = 0;
    while i < TAIL {
        rows[0][i] = MDS_ROW[i + 1];
        i += 1;
    }
    let mut round = 1;
    while round < PARTIAL_ROUNDS {
        rows[round] = vector_times_matrix(&rows[round - 1], &TAIL_MATRIX);
        round += 1;
    }
    rows
};

/// `H^k·v` for `k` from 0 to 21.
const COLUMNS: [Vector; PARTIAL_ROUNDS] = {
    let mut columns = [[0; TAIL]; PARTIAL_ROUNDS];
    let mut i = 0;
    while i < TAIL {
        columns[0][i] = MDS_ROW[WIDTH - 1 - i];
        i += 1;
    }
    let mut power = 1;
    while power < PARTIAL_ROUNDS {
        columns[power] = matrix_times_vector(&TAIL_MATRIX, &columns[power - 1]);
        power += 1;
    }
    columns
};

/// `m`, and then `w·H^k·v` for `k` from 0: the factor of an S-box's output in element 0, by how
/// many rounds ago it was.
const ECHOES: [u64; PARTIAL_ROUNDS] = {
    let mut echoes = [MDS_ROW[0] + MDS_DIAGONAL_0; PARTIAL_ROUNDS];
    let mut age = 1;
    while age < PARTIAL_ROUNDS {
        echoes[age] = dot(&ROWS[0], &COLUMNS[age - 1]);
        age += 1;
    }
    echoes
};

/// `H^22`.
const TAIL_POWER: Matrix = {
    let mut power = TAIL_MATRIX;
    let mut round = 1;
    while round < PARTIAL_ROUNDS {
        let mut row = 0;
        while row < TAIL {
            power[row] = vector_times_matrix(&power[row], &TAIL_MATRIX);
            row += 1;
        }
        round += 1;
    }
    power
};

/// What is added to element 0 before the S-box of each round, and to the state after the last
/// round.
pub(super) const CONSTANTS: ([u64; PARTIAL_ROUNDS], [u64; WIDTH]) = {
    let mut before = [0; PARTIAL_ROUNDS];
    let mut carried = [0; WIDTH];
    let mut round = 0;
    while round < PARTIAL_ROUNDS {
        before[round] = carried[0];
        // What element 0 carries enters the S-box and is no constant behind it.
        let (_, tail) = split(&carried);
        let mixed_tail = matrix_times_vector(&TAIL_MATRIX, &tail);
        let constants = &ROUND_CONSTANTS[HALF_FULL_ROUNDS + round + 1];
        carried[0] = add(dot(&ROWS[0], &tail), constants[0]);
        let mut i = 0;
        while i < TAIL {
            carried[i + 1] = add(mixed_tail[i], constants[i + 1]);
            i += 1;
        }
        round += 1;
    }
    (before, carried)
};

/// All partial rounds, with the constants that follow each; any representatives in and out.
#[inline(always)]
pub(super) fn rounds(state: &[u64; WIDTH]) -> [u64; WIDTH] {
    let (mut first, tail) = split(state);
    let mut outputs = [0; PARTIAL_ROUNDS];
    for round in 0..PARTIAL_ROUNDS {
        let mut sum = Accumulator::ZERO;
        for i in 0..TAIL {
            sum.add_product(tail[i], ROWS[round][i]);
        }
        for earlier in 0..round {
            sum.add_product(outputs[earlier], ECHOES[round - earlier]);
        }
        outputs[round] = seventh_power(add_loose(first, CONSTANTS.0[round]));
        sum.add_product(outputs[round], ECHOES[0]);
        first = sum.reduce_loose();
    }
    let mut after = [0; WIDTH];
    after[0] = first;
    for row in 0..TAIL {
        let mut sum = Accumulator::ZERO;
        for i in 0..TAIL {
            sum.add_product(tail[i], TAIL_POWER[row][i]);
        }
        for (round, output) in outputs.iter().enumerate() {
            sum.add_product(*output, COLUMNS[PARTIAL_ROUNDS - 1 - round][row]);
        }
        after[row + 1] = sum.reduce_loose();
    }
    core::array::from_fn(|i| add_loose(after[i], CONSTANTS.1[i]))
}

/// Element 0 and the tail.
const fn split(state: &[u64; WIDTH]) -> (u64, Vector) {
    let [first, tail @ ..] = *state;
    (first, tail)
}

/// `a + b` for canonical elements.
const fn add(a: u64, b: u64) -> u64 {
    let mut sum = Accumulator::ZERO;
    sum.add_product(a, 1);
    sum.add_product(b, 1);
    canonical(sum.reduce_loose())
}

const fn dot(a: &Vector, b: &Vector) -> u64 {
    let mut sum = Accumulator::ZERO;
    let mut i = 0;
    while i < TAIL {
        sum.add_product(a[i], b[i]);
        i += 1;
    }
    canonical(sum.reduce_loose())
}

const fn matrix_times_vector(matrix: &Matrix, vector: &Vector) -> Vector {
    let mut product = [0; TAIL];
    let mut row = 0;
    while row < TAIL {
        product[row] = dot(&matrix[row], vector);
        row += 1;
    }
    product
}

const fn vector_times_matrix(vector: &Vector, matrix: &Matrix) -> Vector {
    let mut product = [0; TAIL];
    let mut column = 0;
    while column < TAIL {
        let mut sum = Accumulator::ZERO;
        let mut row = 0;
        while row < TAIL {
            sum.add_product(vector[row], matrix[row][column]);
            row += 1;
        }
        product[column] = canonical(sum.reduce_loose());
        column += 1;
    }
    product
}
