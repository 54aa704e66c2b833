//! The arguments between rows: the lookup of waiting times and the multiset of tuples, each repeated for every challenge.
//!
//! Auxiliary columns, as the library orders them: for each repetition the lookup's terms and their running sum; for each
//! the multiset's terms of both parts; for each the running sums of the parts and of the nodes' own tuples, from the last
//! row to the first.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use rayon::prelude::*;
use weft_circuits::config::F;
use weft_circuits::openings::relation::{ACCESS, FREQUENCY, Linear, OWN, PARTS, ROW, own_tuple, part_tuple, waited};

use super::Selectors;
use crate::plonk::Packed;
use crate::plonk::permutation::invert_all;

/// Rows that a task takes; one inversion is shared by all of their terms.
const TASK: usize = 512;
/// Auxiliary columns of a repetition: two of the lookup, three of the multiset.
const COLUMNS: usize = 5;

/// Challenges of a repetition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenge {
    /// Shifts the values of the lookup; weighs the elements of tuples by its powers.
    pub(super) beta: F,
    /// Shifts tuples.
    pub(super) gamma: F,
}

/// A shifted linear combination of the cells of a row.
#[derive(Clone, Debug)]
struct Shifted<S> {
    terms: Vec<(usize, S)>,
    shift: S,
}

impl<S: Field + From<F>> Shifted<S> {
    /// `shift + ∑ βⁱ·valueᵢ`.
    fn new(values: &[Linear], Challenge { beta, gamma }: Challenge) -> Self {
        let mut terms = Vec::new();
        let mut shift = gamma;
        for (value, weight) in values.iter().zip(beta.powers()) {
            terms.extend(value.terms().iter().map(|&(column, factor)| (column, S::from(factor * weight))));
            shift += value.constant() * weight;
        }
        Self { terms, shift: S::from(shift) }
    }

    fn at<P: PackedField<Scalar = S>>(&self, cell: impl Fn(usize) -> P) -> P {
        self.terms.iter().fold(P::from(self.shift), |sum, &(column, factor)| sum + cell(column) * factor)
    }
}

/// What one repetition inverts.
#[derive(Clone, Debug)]
struct Repetition<S> {
    waited: Shifted<S>,
    number: Shifted<S>,
    parts: [Shifted<S>; 2],
    own: Shifted<S>,
}

/// The arguments over elements of a field.
#[derive(Clone, Debug)]
pub(super) struct Arguments<S>(Vec<Repetition<S>>);

/// Cells of a row and of the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a, P> {
    /// Cells of the trace.
    pub(super) trace: &'a [P],
    /// Cells of the auxiliary columns.
    pub(super) auxiliary: &'a [P],
    /// Those of the next row.
    pub(super) next_auxiliary: &'a [P],
}

impl<S: Field + From<F>> Arguments<S> {
    /// The arguments for these challenges.
    pub(super) fn new(challenges: &[Challenge]) -> Self {
        let repetition = |&challenge: &Challenge| {
            let lookup = Challenge { beta: F::ZERO, gamma: challenge.beta };
            Repetition {
                waited: Shifted::new(&[waited()], lookup),
                number: Shifted { terms: vec![(ROW, S::ONE)], shift: S::from(lookup.gamma) },
                parts: [0, 1].map(|part| Shifted::new(&part_tuple(part), challenge)),
                own: Shifted::new(&own_tuple(), challenge),
            }
        };
        Self(challenges.iter().map(repetition).collect())
    }

    /// Number of auxiliary columns.
    pub(super) fn column_count(&self) -> usize {
        COLUMNS * self.0.len()
    }

    /// Appends what must vanish of a row, in the library's order.
    pub(super) fn evaluate<P: PackedField<Scalar = S>>(
        &self,
        rows: Rows<'_, P>,
        selectors: &Selectors<P>,
        terms: &mut Vec<P>,
    ) {
        let Self(repetitions) = self;
        let Rows { trace, auxiliary, next_auxiliary } = rows;
        let cell = |column: usize| trace[column];
        for (index, repetition) in repetitions.iter().enumerate() {
            let [waits, sum] = [0, 1].map(|column| auxiliary[2 * index + column]);
            let number = repetition.number.at(cell);
            let change = next_auxiliary[2 * index + 1] - sum;
            terms.push(repetition.waited.at(cell) * waits - trace[ACCESS]);
            terms.push(sum * selectors.first);
            terms.push((change - waits) * number + trace[FREQUENCY]);
        }
        let multiset = 2 * repetitions.len();
        for (index, repetition) in repetitions.iter().enumerate() {
            let both = auxiliary[multiset + index];
            let [a, b] = repetition.parts.each_ref().map(|part| part.at(cell));
            terms.push(a * b * both - trace[PARTS[0]] * b - trace[PARTS[1]] * a);
            let column = multiset + repetitions.len() + 2 * index;
            let [parts, own] = [column, column + 1].map(|column| auxiliary[column]);
            let [parts_next, own_next] = [column, column + 1].map(|column| next_auxiliary[column]);
            terms.push((parts - both) * selectors.last);
            terms.push((parts - parts_next - both) * selectors.but_last);
            let tuple = repetition.own.at(cell);
            terms.push((tuple * own + trace[OWN]) * selectors.last);
            terms.push((tuple * (own - own_next) + trace[OWN]) * selectors.but_last);
        }
    }
}

impl Arguments<F> {
    /// The auxiliary columns of a filled table.
    pub(super) fn columns(&self, trace: &[Vec<F>]) -> Vec<Vec<F>> {
        let [mut lookups, mut terms, mut sums] = [const { Vec::new() }; 3];
        for repetition in &self.0 {
            let [waits, changes, both, own] = repetition.terms(trace);
            lookups.extend([waits, running_sum(changes.into_iter())]);
            sums.push(reverse_sum(&both));
            sums.push(reverse_sum(&own));
            terms.push(both);
        }
        [lookups, terms, sums].concat()
    }
}

impl Repetition<F> {
    /// For each row: the lookup's term, the change of its sum, the multiset's terms of the parts and of the own tuple.
    fn terms(&self, trace: &[Vec<F>]) -> [Vec<F>; 4] {
        let rows = trace[0].len();
        let task = TASK.min(rows);
        let blocks: Vec<_> =
            (0..rows / task).into_par_iter().map(|block| self.block(trace, block * task, task)).collect();
        [0, 1, 2, 3].map(|column| {
            let packs = blocks.iter().flat_map(|block| &block[column]);
            packs.flat_map(|pack| pack.as_slice()).copied().collect()
        })
    }

    fn block(&self, trace: &[Vec<F>], first: usize, rows: usize) -> [Vec<Packed>; 4] {
        let packs = rows / Packed::WIDTH;
        let columns: Vec<_> = trace.iter().map(|column| Packed::pack_slice(&column[first..first + rows])).collect();
        let Self { waited, number, parts: [a, b], own } = self;
        let denominators = [waited, number, a, b, own].into_iter();
        let mut inverses: Vec<Packed> = denominators
            .flat_map(|shifted| (0..packs).map(|pack| shifted.at(|column| columns[column][pack])).collect::<Vec<_>>())
            .collect();
        invert_all(&mut inverses);
        let inverse = |denominator: usize, pack: usize| inverses[denominator * packs + pack];
        let waits: Vec<_> = (0..packs).map(|pack| inverse(0, pack) * columns[ACCESS][pack]).collect();
        let change = |pack: usize| waits[pack] - inverse(1, pack) * columns[FREQUENCY][pack];
        let both =
            |pack: usize| inverse(2, pack) * columns[PARTS[0]][pack] + inverse(3, pack) * columns[PARTS[1]][pack];
        let own = |pack: usize| -inverse(4, pack) * columns[OWN][pack];
        let changes = (0..packs).map(change).collect();
        [waits, changes, (0..packs).map(both).collect(), (0..packs).map(own).collect()]
    }
}

/// For each row the sum of all terms of the rows before.
fn running_sum(terms: impl Iterator<Item = F>) -> Vec<F> {
    let mut next = F::ZERO;
    terms
        .map(|term| {
            let sum = next;
            next += term;
            sum
        })
        .collect()
}

/// For each row the sum of its term and those of all rows after it.
fn reverse_sum(terms: &[F]) -> Vec<F> {
    let mut sum = F::ZERO;
    let mut sums: Vec<_> = terms
        .iter()
        .rev()
        .map(|&term| {
            sum += term;
            sum
        })
        .collect();
    sums.reverse();
    sums
}
