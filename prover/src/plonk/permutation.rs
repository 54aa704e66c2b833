//! The permutation argument: running products of the ratios that copy constraints make cancel.
//!
//! Routed wires are taken in chunks that the degree allows. A chunk's ratio in a row is the product of
//! `(w + β·k·x + γ) / (w + β·σ + γ)` over its wires; Z is the product of all ratios of the rows before, a partial product
//! that of Z and the row's first ratios.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use rayon::prelude::*;
use weft_circuits::config::F;

use super::Packed;

/// Rows that a task takes; one inversion is shared by all of their ratios.
const TASK: usize = 512;

/// What the argument is about, on the subgroup in natural order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation<'a> {
    /// Wires of a chunk.
    pub(super) chunk: usize,
    /// Shifts of the identity permutation, one for each routed wire.
    pub(super) shifts: &'a [F],
    /// The subgroup.
    pub(super) points: &'a [F],
    /// The permutation, one column for each routed wire.
    pub(super) sigmas: &'a [Vec<F>],
    /// All wires, column by column.
    pub(super) wires: &'a [Vec<F>],
}

impl Permutation<'_> {
    /// Z and the partial products for these challenges.
    pub(super) fn products(&self, beta: F, gamma: F) -> (Vec<F>, Vec<Vec<F>>) {
        let rows = self.points.len();
        let chunks = self.shifts.len().div_ceil(self.chunk);
        let task = TASK.min(rows);
        let blocks: Vec<_> = (0..rows / task)
            .into_par_iter()
            .map(|block| self.row_products(block * task, task, [beta, gamma]))
            .collect();
        let columns = |chunk: usize| blocks.iter().flat_map(move |block| &block[chunk * task..(chunk + 1) * task]);
        let mut next = F::ONE;
        let z: Vec<_> = columns(chunks - 1)
            .map(|&product| {
                let z = next;
                next *= product;
                z
            })
            .collect();
        let partials = (0..chunks - 1).into_par_iter();
        let partials = partials.map(|chunk| columns(chunk).zip(&z).map(|(&product, &z)| product * z).collect());
        let partials = partials.collect();
        (z, partials)
    }

    /// Products of the first ratios of each of `rows` rows: of one ratio in all rows, then of two, up to all of them.
    fn row_products(&self, first: usize, rows: usize, challenges: [F; 2]) -> Vec<F> {
        let chunks = self.shifts.len().div_ceil(self.chunk);
        let mut numerators = vec![Packed::ONES; chunks * rows / Packed::WIDTH];
        let mut denominators = numerators.clone();
        let packs = rows / Packed::WIDTH;
        for (wire, ((values, sigmas), &shift)) in self.wires.iter().zip(self.sigmas).zip(self.shifts).enumerate() {
            let chunk = wire / self.chunk * packs;
            let outputs = numerators[chunk..].iter_mut().zip(&mut denominators[chunk..]);
            let [values, sigmas, points] = [&values[..], sigmas, self.points].map(|all| pack(all, first, rows));
            let [beta, gamma] = challenges;
            for ((numerator, denominator), ((&value, &sigma), &point)) in
                outputs.zip(values.iter().zip(sigmas).zip(points))
            {
                let value = value + gamma;
                *numerator *= value + point * (beta * shift);
                *denominator *= value + sigma * beta;
            }
        }
        invert_all(&mut denominators);
        let mut running = vec![Packed::ONES; packs];
        let mut products = Vec::with_capacity(chunks * rows);
        for (numerators, inverses) in numerators.chunks_exact(packs).zip(denominators.chunks_exact(packs)) {
            for ((running, &numerator), &inverse) in running.iter_mut().zip(numerators).zip(inverses) {
                *running *= numerator * inverse;
                products.extend_from_slice(running.as_slice());
            }
        }
        products
    }
}

/// Some rows of a column.
fn pack(column: &[F], first: usize, rows: usize) -> &[Packed] {
    Packed::pack_slice(&column[first..first + rows])
}

/// Inverts all elements, none of which is zero, at the price of one inversion for each lane.
pub(super) fn invert_all(values: &mut [Packed]) {
    let mut product = Packed::ONES;
    let mut before = Vec::with_capacity(values.len());
    for &value in &*values {
        before.push(product);
        product *= value;
    }
    let inverses = F::batch_multiplicative_inverse(product.as_slice());
    let mut inverse = *Packed::from_slice(&inverses);
    for (value, before) in values.iter_mut().zip(before).rev() {
        (*value, inverse) = (inverse * before, inverse * *value);
    }
}
