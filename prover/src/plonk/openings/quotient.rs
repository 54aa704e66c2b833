//! All constraints of the table, and their quotient.

use std::ops::Range;

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, SPONGE_WIDTH};
use rayon::prelude::*;
use weft_circuits::config::F;
use weft_circuits::gates::algebra::Lanes;
use weft_circuits::openings::relation::{
    COLUMNS, Constraint, Frame, INPUTS, Rows, SBOXES, constraints, control_constraints,
};

use super::arguments::{self, Arguments};
use crate::plonk::combination::{Weights, Words, write_words};
use crate::plonk::coset::Coset;
use crate::plonk::domain::Domain;
use crate::plonk::poseidon::mix;
use crate::plonk::tile::{TILE, Tile};
use crate::plonk::{Extension, Packed};

/// Points that a task takes.
const TASK: usize = 256;

/// Columns that constraints read in the next row: inputs, outputs of the last S-boxes, and all that say what the row is.
const READ_IN_NEXT_ROW: [Range<usize>; 2] = [INPUTS, SBOXES.end - 2 * SPONGE_WIDTH..COLUMNS];

/// The rounds in which only one element passes an S-box.
const PARTIAL_ROUNDS: Range<usize> = HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS;

/// What constraints of some rows are multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selectors<P> {
    /// One in the first row.
    pub(super) first: P,
    /// One in the last row.
    pub(super) last: P,
    /// Zero in the last row.
    pub(super) but_last: P,
}

impl Selectors<Extension> {
    /// The selectors at a point of a table of `2^degree_bits` rows.
    pub(super) fn at(point: Extension, degree_bits: usize) -> Self {
        let zero = point.exp_power_of_2(degree_bits) - Extension::ONE;
        let degree = Extension::from_canonical_usize(1 << degree_bits);
        let root = Extension::primitive_root_of_unity(degree_bits);
        let last = root.inverse();
        Self {
            first: zero / (degree * (point - Extension::ONE)),
            last: zero / (degree * (root * point - Extension::ONE)),
            but_last: point - last,
        }
    }
}

impl<P: PackedField> Selectors<P> {
    /// What vanishes on all rows if the constraint holds.
    fn select(&self, Constraint { rows, value, .. }: Constraint<P>) -> P {
        match rows {
            Rows::All => value,
            Rows::ButLast => value * self.but_last,
            Rows::First => value * self.first,
            Rows::Last => value * self.last,
        }
    }
}

/// Everything that must vanish, for cells that are given: the trace's, those of the next row, the auxiliary columns', those
/// of the next row.
pub(super) fn binding(
    cells: &[Extension],
    arguments: &Arguments<Extension>,
    selectors: &Selectors<Extension>,
    public_inputs: &[F],
) -> Vec<Extension> {
    let (row, rest) = cells.split_at(COLUMNS);
    let (next, rest) = rest.split_at(COLUMNS);
    let (auxiliary, next_auxiliary) = rest.split_at(arguments.column_count());
    let public_inputs: Vec<_> = public_inputs.iter().copied().map(Extension::from).collect();
    let frame = Frame { row, next, public_inputs: &public_inputs };
    let found = constraints(&mut Lanes::<Extension>::new(), &frame);
    let mut values: Vec<_> = found.into_iter().map(|constraint| selectors.select(constraint)).collect();
    arguments.evaluate(arguments::Rows { trace: row, auxiliary, next_auxiliary }, selectors, &mut values);
    values
}

/// What a quotient is computed from beside the tables.
pub(super) struct System {
    coset: Coset,
    first_row: Vec<F>,
    last_row: Vec<F>,
    last: F,
    arguments: Arguments<F>,
    public_inputs: Vec<Packed>,
}

/// Cells of a tile of points.
#[derive(Debug, Default)]
struct Scratch {
    row: Tile,
    next: Tile,
    auxiliary: Tile,
    next_auxiliary: Tile,
    terms: Vec<Packed>,
    words: Words,
}

impl System {
    /// The system of a table whose commitments are made on this domain.
    pub(super) fn new(domain: &Domain, degree_bits: usize, arguments: Arguments<F>, public_inputs: &[F]) -> Self {
        // Constraints have degree 3, their quotient 2.
        let coset = Coset::new(domain, degree_bits, 1);
        let last = F::primitive_root_of_unity(degree_bits).inverse();
        Self {
            first_row: coset.row_selector(F::ONE),
            last_row: coset.row_selector(last),
            coset,
            last,
            arguments,
            public_inputs: public_inputs.iter().map(|&input| Packed::from(input)).collect(),
        }
    }

    /// Coefficients of the quotients, one for each α; columns begin with the values on the coset.
    pub(super) fn quotients(&self, alphas: &[F], trace: &[Vec<F>], auxiliary: &[Vec<F>]) -> Vec<Vec<F>> {
        let points = self.coset.points().len();
        let task = TASK.min(points);
        let tile = TILE.min(points / 2);
        let mut scratch = Scratch::default();
        self.fill([trace, auxiliary], 0, tile, &mut scratch);
        self.evaluate(0, 0, &mut scratch);
        let count = scratch.words.len();
        let weights: Vec<_> = alphas.iter().map(|&alpha| Weights::powers(alpha, count).reversed()).collect();
        let mut values = vec![F::ZERO; alphas.len() * points];
        let blocks = values.par_chunks_mut(alphas.len() * task).enumerate();
        blocks.for_each_init(Scratch::default, |scratch, (index, block)| {
            for offset in (0..task).step_by(Packed::WIDTH) {
                let (first, pack) = (index * task + offset, offset % tile / Packed::WIDTH);
                if pack == 0 {
                    self.fill([trace, auxiliary], first, tile, scratch);
                }
                self.evaluate(first, pack, scratch);
                let zero_inverse = self.coset.zero_inverse(first);
                for (weights, values) in weights.iter().zip(block.chunks_exact_mut(task)) {
                    let value = weights.sum(0, &scratch.words) * zero_inverse;
                    values[offset..offset + Packed::WIDTH].copy_from_slice(value.as_slice());
                }
            }
        });
        let quotient = |alpha: usize| {
            let blocks = values.chunks_exact(alphas.len() * task);
            let blocks = blocks.map(|block| &block[alpha * task..(alpha + 1) * task]);
            self.coset.interpolate(blocks.flatten().copied().collect())
        };
        (0..alphas.len()).into_par_iter().map(quotient).collect()
    }

    /// Copies the cells that constraints read at the points from `first` on.
    fn fill(&self, [trace, auxiliary]: [&[Vec<F>]; 2], first: usize, count: usize, scratch: &mut Scratch) {
        scratch.row.fill_from(trace, first, count);
        scratch.auxiliary.fill_from(auxiliary, first, count);
        scratch.next.fill(COLUMNS, count, |column, values| {
            if READ_IN_NEXT_ROW.iter().any(|columns| columns.contains(&column)) {
                self.coset.next_row(&trace[column], first, values);
            }
        });
        scratch.next_auxiliary.fill(auxiliary.len(), count, |column, values| {
            self.coset.next_row(&auxiliary[column], first, values);
        });
    }

    /// Everything that must vanish, in a pack of a tile.
    fn evaluate(&self, first: usize, pack: usize, scratch: &mut Scratch) {
        let Scratch { row, next, auxiliary, next_auxiliary, terms, words } = scratch;
        let [row, next, auxiliary, next_auxiliary] = [row, next, auxiliary, next_auxiliary].map(|tile| tile.row(pack));
        let zero = self.coset.zero(first);
        let at = |column: &[F]| *Packed::from_slice(&column[first..first + Packed::WIDTH]);
        let selectors = Selectors {
            first: at(&self.first_row) * zero,
            last: at(&self.last_row) * zero,
            but_last: at(self.coset.points()) - self.last,
        };
        terms.clear();
        let outputs = permutation(row, terms);
        let frame = Frame { row, next, public_inputs: &self.public_inputs };
        let found = control_constraints(&mut Lanes::<Packed>::new(), &frame, &outputs);
        terms.extend(found.into_iter().map(|constraint| selectors.select(constraint)));
        let rows = arguments::Rows { trace: row, auxiliary, next_auxiliary };
        self.arguments.evaluate(rows, &selectors, terms);
        write_words(terms, words);
    }
}

/// Appends the constraints of the permutation in a row, as [`constraints`] orders them; returns the outputs.
fn permutation(row: &[Packed], terms: &mut Vec<Packed>) -> [Packed; SPONGE_WIDTH] {
    let mut state: [Packed; SPONGE_WIDTH] = std::array::from_fn(|element| row[INPUTS.start + element]);
    let mut sboxes = row[SBOXES].as_chunks::<2>().0.iter();
    for (round, round_constants) in ALL_ROUND_CONSTANTS.as_chunks::<SPONGE_WIDTH>().0.iter().enumerate() {
        for (element, &constant) in state.iter_mut().zip(round_constants) {
            *element += F::from_canonical_u64(constant);
        }
        let boxes = if PARTIAL_ROUNDS.contains(&round) { 1 } else { SPONGE_WIDTH };
        for element in &mut state[..boxes] {
            let &[cube, seventh] = sboxes.next().expect("every S-box has its columns");
            let x = *element;
            terms.push(x * x * x - cube);
            terms.push(cube * cube * x - seventh);
            *element = seventh;
        }
        mix(&mut state);
    }
    state
}
