//! The quotient: all constraints of a circuit on the points of a coset, divided by the polynomial that vanishes on its rows.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::coset::Coset;
use super::domain::Domain;
use super::gates::{FilteredGate, Row, filtered_gates};
use super::{Challenges, Packed};

/// Points that a task takes.
const TASK: usize = 256;

/// Whatever of the constraints does not depend on the witness.
#[derive(Debug)]
pub(super) struct Vanishing {
    gates: Vec<FilteredGate>,
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

/// Columns of one pack of points side by side, as gates read them.
#[derive(Debug, Default)]
struct Scratch {
    constants: Vec<F>,
    wires: Vec<F>,
    constraints: Vec<Packed>,
    terms: Vec<Packed>,
}

impl Vanishing {
    /// The constraints of a circuit whose commitments are made on this domain.
    pub(super) fn new(common: &CommonCircuitData<F, D>, domain: &Domain) -> Self {
        let coset = Coset::new(domain, common.degree_bits(), quotient_bits(common));
        Self {
            gates: filtered_gates(common),
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
        let count = challenges.alphas.len();
        let task = TASK.min(self.coset.points().len());
        let mut values = vec![F::ZERO; count * self.coset.points().len()];
        values.par_chunks_mut(count * task).enumerate().for_each_init(Scratch::default, |scratch, (index, block)| {
            for offset in (0..task).step_by(Packed::WIDTH) {
                let pack = Pack { common, tables, challenges, vanishing: self, first: index * task + offset };
                for (alpha, value) in pack.quotients(scratch).into_iter().enumerate() {
                    block[alpha * task + offset..][..Packed::WIDTH].copy_from_slice(value.as_slice());
                }
            }
        });
        let quotient = |alpha: usize| {
            let blocks = values.chunks_exact(count * task).map(|block| &block[alpha * task..(alpha + 1) * task]);
            self.coset.interpolate(blocks.flatten().copied().collect())
        };
        (0..count).into_par_iter().map(quotient).collect()
    }
}

/// log2 of the cosets of the subgroup on which the quotient is computed.
pub(super) fn quotient_bits(common: &CommonCircuitData<F, D>) -> usize {
    common.quotient_degree_factor.next_power_of_two().ilog2() as usize
}

/// Points side by side.
struct Pack<'a> {
    common: &'a CommonCircuitData<F, D>,
    tables: Tables<'a>,
    challenges: &'a Challenges,
    vanishing: &'a Vanishing,
    first: usize,
}

impl Pack<'_> {
    /// The quotients at the points.
    fn quotients(&self, scratch: &mut Scratch) -> Vec<Packed> {
        let vanishing = self.vanishing;
        scratch.terms.clear();
        self.permutation_terms(&mut scratch.terms);
        self.gate_terms(scratch);
        let zero_inverse = vanishing.coset.zero_inverse(self.first);
        let first_row = *self.pack(&vanishing.first_row);
        let zs = &self.tables.products[self.common.zs_range()];
        let alphas = self.challenges.alphas.iter();
        alphas
            .map(|&alpha| {
                let terms = scratch.terms.iter().rev();
                let sum = terms.fold(Packed::ZEROS, |sum, &term| sum * alpha + term);
                // These come first and are divided already.
                zs.iter().rev().fold(sum * zero_inverse, |sum, z| sum * alpha + (*self.pack(z) - F::ONE) * first_row)
            })
            .collect()
    }

    /// For each challenge and chunk: whether the next product is the previous one times the chunk's ratio.
    fn permutation_terms(&self, terms: &mut Vec<Packed>) {
        let Self { common, tables, challenges, .. } = self;
        let sigmas = &tables.fixed[common.sigmas_range()];
        let partials = &tables.products[common.partial_products_range()];
        let point = *self.pack(self.vanishing.coset.points());
        let chunk = common.quotient_degree_factor;
        for (index, (&beta, &gamma)) in challenges.betas.iter().zip(&challenges.gammas).enumerate() {
            let mut previous = *self.pack(&tables.products[index]);
            let mut partials = partials[index * common.num_partial_products..][..common.num_partial_products].iter();
            let wires = tables.wires[..sigmas.len()].chunks(chunk);
            for ((wires, sigmas), shifts) in wires.zip(sigmas.chunks(chunk)).zip(common.k_is.chunks(chunk)) {
                let (mut numerator, mut denominator) = (Packed::ONES, Packed::ONES);
                for ((wire, sigma), &shift) in wires.iter().zip(sigmas).zip(shifts) {
                    let value = *self.pack(wire) + gamma;
                    numerator *= value + point * (beta * shift);
                    denominator *= value + *self.pack(sigma) * beta;
                }
                let next = partials.next().map_or_else(
                    || self.vanishing.coset.next_row(&tables.products[index], self.first),
                    |next| *self.pack(next),
                );
                terms.push(previous * numerator - next * denominator);
                previous = next;
            }
        }
    }

    /// The constraints of all gates, each under the filter that is zero in rows of other gates.
    fn gate_terms(&self, scratch: &mut Scratch) {
        let Scratch { constants, wires, constraints, terms } = scratch;
        self.gather(&self.tables.fixed[self.common.constants_range()], constants);
        self.gather(self.tables.wires, wires);
        let (selectors, constants) = constants.split_at(self.vanishing.selectors * Packed::WIDTH);
        let row = Row { constants, wires, public_inputs_hash: self.tables.public_inputs_hash };
        let first = terms.len();
        terms.resize(first + self.vanishing.constraints, Packed::ZEROS);
        for gate in &self.vanishing.gates {
            constraints.clear();
            gate.gate.evaluate(&row, constraints);
            let filter = gate.filter(Packed::pack_slice(selectors));
            for (term, &constraint) in terms[first..].iter_mut().zip(&*constraints) {
                *term += constraint * filter;
            }
        }
    }

    /// Copies the points' values of all columns.
    fn gather(&self, columns: &[Vec<F>], values: &mut Vec<F>) {
        values.clear();
        for column in columns {
            values.extend_from_slice(&column[self.first..self.first + Packed::WIDTH]);
        }
    }

    /// The points' values of a column.
    fn pack<'c>(&self, column: &'c [F]) -> &'c Packed {
        Packed::from_slice(&column[self.first..self.first + Packed::WIDTH])
    }
}
