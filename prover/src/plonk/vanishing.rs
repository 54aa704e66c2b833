//! The quotient: all constraints of a circuit on the points of a coset, divided by the polynomial that vanishes on its rows.
//!
//! The constraints of a gate are summed with their weights before the gate's filter is applied. Where their degree without
//! the filter is low, fewer points determine the sums: they are evaluated there and completed by transforms.

use std::iter::zip;

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::combination::{Weights, Words, write_words};
use super::coset::Coset;
use super::domain::Domain;
use super::gates::{FilteredGate, Row, filtered_gates};
use super::tile::{TILE, Tile};
use super::{Challenges, Packed};

/// Points that a task takes.
const TASK: usize = 256;

/// Whatever of the constraints does not depend on the witness.
#[derive(Debug)]
pub(super) struct Vanishing {
    /// Gates that all points are needed for.
    high: Vec<FilteredGate>,
    /// The others, those first that need more points.
    low: Vec<FilteredGate>,
    /// By `coset_bits` of a low gate: from the points that it needs to all points.
    completions: Vec<Domain>,
    selectors: usize,
    /// Constraints of the gate that has most.
    constraints: usize,
    coset: Coset,
    /// `L_0 / Z_H` at the points.
    first_row: Vec<F>,
}

/// What the quotient is computed from. All columns begin with the values on the points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    /// Constants, and then the permutation.
    pub(super) fixed: &'a [Vec<F>],
    /// Wires.
    pub(super) wires: &'a [Vec<F>],
    /// Z's, and then partial products.
    pub(super) products: &'a [Vec<F>],
    /// Hash of the public inputs.
    pub(super) public_inputs_hash: &'a HashOut<F>,
}

/// What a task works on.
#[derive(Debug, Default)]
struct Scratch {
    tiles: Tiles,
    terms: Terms,
}

/// Rows of all tables.
#[derive(Debug, Default)]
struct Tiles {
    fixed: Tile,
    wires: Tile,
    products: Tile,
}

/// Constraints that are to be summed.
#[derive(Debug, Default)]
struct Terms {
    packs: Vec<Packed>,
    words: Words,
}

impl Terms {
    /// For each challenge, the sum with the weights from `first` on.
    fn sums(&mut self, weights: &[Weights], first: usize) -> impl Iterator<Item = Packed> {
        write_words(&self.packs, &mut self.words);
        weights.iter().map(move |weights| weights.sum(first, &self.words))
    }
}

/// Values at the points of a task, for each challenge.
#[derive(Debug)]
struct Block {
    quotients: Vec<Vec<F>>,
    /// For each low gate, at the points that it needs, the sums of its constraints.
    low: Vec<Vec<Vec<F>>>,
}

impl Vanishing {
    /// The constraints of a circuit whose commitments are made on this domain.
    pub(super) fn new(common: &CommonCircuitData<F, D>, domain: &Domain) -> Self {
        let (degree_bits, quotient_bits) = (common.degree_bits(), quotient_bits(common));
        let coset = Coset::new(domain, degree_bits, quotient_bits);
        let (mut low, high): (Vec<_>, _) =
            filtered_gates(common).into_iter().partition(|gate| gate.coset_bits < quotient_bits);
        low.sort_by_key(|gate: &FilteredGate| std::cmp::Reverse(gate.coset_bits));
        let completion = |bits| Domain::new(degree_bits + bits, quotient_bits - bits, F::ONE);
        Self {
            high,
            low,
            completions: (0..quotient_bits).map(completion).collect(),
            selectors: common.selectors_info.num_selectors(),
            constraints: common.num_gate_constraints,
            first_row: coset.row_selector(F::ONE),
            coset,
        }
    }

    /// Coefficients of the quotients, one for each challenge.
    pub(super) fn quotients(
        &self,
        common: &CommonCircuitData<F, D>,
        tables: Tables<'_>,
        challenges: &Challenges,
    ) -> Vec<Vec<F>> {
        let system = System::new(self, common, tables, challenges);
        let points = self.coset.points().len();
        let task = TASK.min(points);
        let firsts = (0..points / task).into_par_iter().map(|index| index * task);
        let blocks = firsts.map_init(Scratch::default, |scratch, first| system.evaluate(first, task, scratch));
        let mut blocks: Vec<_> = blocks.collect();
        let sums = self.complete(&blocks);
        let add = |(index, block)| system.add_low_gates(index * task, &sums, block);
        blocks.par_iter_mut().enumerate().for_each(add);
        let quotient = |challenge: usize| {
            let values = blocks.iter().flat_map(|block| &block.quotients[challenge]);
            self.coset.interpolate(values.copied().collect())
        };
        (0..challenges.alphas.len()).into_par_iter().map(quotient).collect()
    }

    /// For each low gate and challenge, the sums of the constraints at all points.
    fn complete(&self, blocks: &[Block]) -> Vec<Vec<Vec<F>>> {
        let gates = self.low.par_iter().enumerate();
        gates
            .map(|(index, gate)| {
                let challenges = (0..blocks[0].quotients.len()).into_par_iter();
                let sums = challenges.map(|challenge| {
                    let known = blocks.iter().flat_map(|block| &block.low[index][challenge]);
                    self.completions[gate.coset_bits].complete(known.copied().collect())
                });
                sums.collect()
            })
            .collect()
    }
}

/// log2 of the cosets of the subgroup on which the quotient is computed.
pub(super) fn quotient_bits(common: &CommonCircuitData<F, D>) -> usize {
    common.quotient_degree_factor.next_power_of_two().ilog2() as usize
}

/// All constraints for one witness.
struct System<'a> {
    common: &'a CommonCircuitData<F, D>,
    tables: Tables<'a>,
    challenges: &'a Challenges,
    vanishing: &'a Vanishing,
    /// For each challenge: weights of the first row of each Z, then of the permutation's constraints, then of those of a
    /// gate.
    weights: Vec<Weights>,
    first_of_permutation: usize,
    first_of_gate: usize,
}

impl<'a> System<'a> {
    fn new(
        vanishing: &'a Vanishing,
        common: &'a CommonCircuitData<F, D>,
        tables: Tables<'a>,
        challenges: &'a Challenges,
    ) -> Self {
        let first_of_permutation = common.zs_range().len();
        let first_of_gate = first_of_permutation + challenges.betas.len() * (common.num_partial_products + 1);
        let count = first_of_gate + vanishing.constraints;
        let weights = challenges.alphas.iter().map(|&alpha| Weights::powers(alpha, count)).collect();
        Self { common, tables, challenges, vanishing, weights, first_of_permutation, first_of_gate }
    }

    /// The quotients at the points of a task, but for the low gates, whose sums are evaluated.
    fn evaluate(&self, first: usize, count: usize, scratch: &mut Scratch) -> Block {
        let challenges = self.weights.len();
        let mut block = Block {
            quotients: vec![Vec::with_capacity(count); challenges],
            low: vec![vec![Vec::with_capacity(count); challenges]; self.vanishing.low.len()],
        };
        let Scratch { tiles, terms } = scratch;
        let tile = TILE.min(count);
        for first in (first..first + count).step_by(tile) {
            tiles.fixed.fill_from(self.tables.fixed, first, tile);
            tiles.wires.fill_from(self.tables.wires, first, tile);
            tiles.products.fill_from(self.tables.products, first, tile);
            for index in 0..tile / Packed::WIDTH {
                let [fixed, wires, products] =
                    [&tiles.fixed, &tiles.wires, &tiles.products].map(|tile| tile.pack(index));
                let pack = Pack { system: self, first: first + index * Packed::WIDTH, fixed, wires, products };
                pack.evaluate(terms, &mut block);
            }
        }
        block
    }

    /// Adds the sums of the low gates' constraints under their filters.
    fn add_low_gates(&self, first: usize, sums: &[Vec<Vec<F>>], block: &mut Block) {
        let Vanishing { low, coset, selectors, .. } = self.vanishing;
        let mut row = Vec::with_capacity(*selectors);
        for offset in (0..block.quotients[0].len()).step_by(Packed::WIDTH) {
            let first = first + offset;
            row.clear();
            row.extend(self.tables.fixed[..*selectors].iter().map(|column| *values(column, first)));
            let zero_inverse = coset.zero_inverse(first);
            for (gate, sums) in zip(low, sums) {
                let factor = gate.filter(&row) * zero_inverse;
                for (quotients, sums) in zip(&mut block.quotients, sums) {
                    let quotients = Packed::from_slice_mut(&mut quotients[offset..offset + Packed::WIDTH]);
                    *quotients += *values(sums, first) * factor;
                }
            }
        }
    }
}

/// Values at points side by side, column by column.
#[derive(Clone, Copy)]
struct Pack<'a> {
    system: &'a System<'a>,
    first: usize,
    fixed: &'a [F],
    wires: &'a [F],
    products: &'a [F],
}

impl Pack<'_> {
    /// Appends the quotients and the sums of low gates.
    fn evaluate(self, terms: &mut Terms, block: &mut Block) {
        let System { common, vanishing: Vanishing { high, low, coset, selectors, .. }, .. } = self.system;
        let selectors = &Packed::pack_slice(self.fixed)[..*selectors];
        let mut quotients = self.permutation(terms);
        for gate in high {
            let filter = gate.filter(selectors);
            zip(&mut quotients, self.gate(gate, terms)).for_each(|(quotient, sum)| *quotient += sum * filter);
        }
        let known = |gate: &&FilteredGate| self.first >> gate.coset_bits < common.degree();
        for (gate, sums) in zip(low.iter().take_while(known), &mut block.low) {
            zip(sums, self.gate(gate, terms)).for_each(|(sums, sum)| sums.extend_from_slice(sum.as_slice()));
        }
        let zero_inverse = coset.zero_inverse(self.first);
        for ((values, quotient), first_row) in zip(zip(&mut block.quotients, quotients), self.first_row(terms)) {
            values.extend_from_slice((quotient * zero_inverse + first_row).as_slice());
        }
    }

    /// For each challenge, the sum of: Z is one in the first row.
    fn first_row(self, terms: &mut Terms) -> impl Iterator<Item = Packed> {
        let System { common, vanishing, weights, .. } = self.system;
        let first_row = *values(&vanishing.first_row, self.first);
        let zs = &Packed::pack_slice(self.products)[common.zs_range()];
        terms.packs.clear();
        terms.packs.extend(zs.iter().map(|&z| (z - F::ONE) * first_row));
        terms.sums(weights, 0)
    }

    /// For each challenge, the sum over challenges and chunks of: the next product is the previous one times the chunk's
    /// ratio.
    fn permutation(self, terms: &mut Terms) -> Vec<Packed> {
        let System { common, tables, challenges, vanishing, weights, first_of_permutation, .. } = self.system;
        let sigmas = &Packed::pack_slice(self.fixed)[common.sigmas_range()];
        let products = Packed::pack_slice(self.products);
        let partials = &products[common.partial_products_range()];
        let wires = &Packed::pack_slice(self.wires)[..sigmas.len()];
        let point = *values(vanishing.coset.points(), self.first);
        let chunk = common.quotient_degree_factor;
        terms.packs.clear();
        for (index, (&beta, &gamma)) in challenges.betas.iter().zip(&challenges.gammas).enumerate() {
            let mut previous = products[index];
            let mut partials = partials[index * common.num_partial_products..][..common.num_partial_products].iter();
            let chunks = zip(zip(wires.chunks(chunk), sigmas.chunks(chunk)), common.k_is.chunks(chunk));
            for ((wires, sigmas), shifts) in chunks {
                let (mut numerator, mut denominator) = (Packed::ONES, Packed::ONES);
                for ((&wire, &sigma), &shift) in zip(zip(wires, sigmas), shifts) {
                    let value = wire + gamma;
                    numerator *= value + point * (beta * shift);
                    denominator *= value + sigma * beta;
                }
                let next = partials.next().copied().unwrap_or_else(|| {
                    let mut next = Packed::ZEROS;
                    vanishing.coset.next_row(&tables.products[index], self.first, next.as_slice_mut());
                    next
                });
                terms.packs.push(previous * numerator - next * denominator);
                previous = next;
            }
        }
        terms.sums(weights, *first_of_permutation).collect()
    }

    /// For each challenge, the sum of the constraints of a gate.
    fn gate(self, gate: &FilteredGate, terms: &mut Terms) -> impl Iterator<Item = Packed> {
        let System { common, tables, vanishing, weights, first_of_gate, .. } = self.system;
        let constants = vanishing.selectors * Packed::WIDTH..common.num_constants * Packed::WIDTH;
        let constants = &self.fixed[constants];
        terms.packs.clear();
        let row = Row { constants, wires: self.wires, public_inputs_hash: tables.public_inputs_hash };
        gate.gate.evaluate(&row, &mut terms.packs);
        terms.sums(weights, *first_of_gate)
    }
}

/// A column's values at the points from `first` on.
fn values(column: &[F], first: usize) -> &Packed {
    Packed::from_slice(&column[first..first + Packed::WIDTH])
}
