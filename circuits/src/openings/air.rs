//! The table for the library: constraints, tuples of the multiset, the lookup of waiting times.

use plonky2::field::extension::FieldExtension;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use starky::constraint_consumer::{ConstraintConsumer, RecursiveConstraintConsumer};
use starky::cross_table_lookup::{CrossTableLookup, TableWithColumns};
use starky::evaluation_frame::{StarkEvaluationFrame, StarkFrame};
use starky::lookup::{Column, Filter, Lookup};
use starky::stark::Stark;

use super::columns::{
    ACCESS, AFTER, BEFORE, COLUMNS, FREQUENCY, HEIGHT, OWN, PARTS, POSITION, ROW, TIMES, last_sbox, part_inputs,
};
use super::constraints::{Constraint, Frame, PUBLIC_INPUTS, Rows, constraints};
#[cfg(test)]
use crate::builder::mutation::mutated_term;
use crate::config::{D, F};
use crate::gates::algebra::{Lanes, Recursive, poseidon_matrix_row};

/// Highest degree of a constraint.
pub const DEGREE: usize = 3;
/// Time of a node of the tree after: no row has this number.
pub(super) const TIME_AFTER: u64 = 1 << 32;

/// The table as the library sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Air;

impl Stark<F, D> for Air {
    type EvaluationFrame<FE, P, const D2: usize>
        = StarkFrame<P, P::Scalar, COLUMNS, PUBLIC_INPUTS>
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>;
    type EvaluationFrameTarget = StarkFrame<ExtensionTarget<D>, ExtensionTarget<D>, COLUMNS, PUBLIC_INPUTS>;

    fn eval_packed_generic<FE, P, const D2: usize>(
        &self,
        vars: &Self::EvaluationFrame<FE, P, D2>,
        consumer: &mut ConstraintConsumer<P>,
    ) where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let public_inputs: Vec<P> = vars.get_public_inputs().iter().map(|&input| P::from(input)).collect();
        let frame = Frame { row: vars.get_local_values(), next: vars.get_next_values(), public_inputs: &public_inputs };
        for Constraint { rows, value, .. } in constraints(&mut Lanes::<P>::new(), &frame) {
            match rows {
                Rows::All => consumer.constraint(value),
                Rows::ButLast => consumer.constraint_transition(value),
                Rows::First => consumer.constraint_first_row(value),
                Rows::Last => consumer.constraint_last_row(value),
            }
        }
    }

    fn eval_ext_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: &Self::EvaluationFrameTarget,
        consumer: &mut RecursiveConstraintConsumer<F, D>,
    ) {
        let frame = Frame {
            row: vars.get_local_values(),
            next: vars.get_next_values(),
            public_inputs: vars.get_public_inputs(),
        };
        for Constraint { rows, value, .. } in constraints(&mut Recursive::new(builder), &frame) {
            match rows {
                Rows::All => consumer.constraint(builder, value),
                Rows::ButLast => consumer.constraint_transition(builder, value),
                Rows::First => consumer.constraint_first_row(builder, value),
                Rows::Last => consumer.constraint_last_row(builder, value),
            }
        }
    }

    fn constraint_degree(&self) -> usize {
        DEGREE
    }

    fn lookups(&self) -> Vec<Lookup<F>> {
        #[cfg(test)]
        if mutated_term("OpeningsLookups", Vec::new, 1).is_some() {
            return Vec::new();
        }
        vec![order()]
    }

    fn requires_ctls(&self) -> bool {
        true
    }
}

/// A linear combination of the cells of a row.
#[derive(Clone, Debug)]
pub struct Linear {
    terms: Vec<(usize, F)>,
    constant: F,
}

impl Linear {
    fn new(terms: impl IntoIterator<Item = (usize, F)>) -> Self {
        Self { terms: terms.into_iter().collect(), constant: F::ZERO }
    }

    fn cell(column: usize) -> Self {
        Self::new([(column, F::ONE)])
    }

    /// Columns of the cells with their factors; no column comes twice.
    #[must_use]
    pub fn terms(&self) -> &[(usize, F)] {
        &self.terms
    }

    /// What is added to the cells.
    #[must_use]
    pub const fn constant(&self) -> F {
        self.constant
    }

    fn column(&self) -> Column<F> {
        Column::linear_combination_with_constant(self.terms.iter().copied(), self.constant)
    }

    #[cfg(test)]
    pub(super) fn value(&self, row: &[F]) -> F {
        self.terms.iter().fold(self.constant, |sum, &(column, factor)| sum + row[column] * factor)
    }
}

/// What an access looks up among the numbers of the rows: how many rows lie between it and the row, or the beginning,
/// that left what it finds. Hence it finds what was left on an earlier row (OP-8).
#[must_use]
pub fn waited() -> Linear {
    Linear { terms: vec![(ROW, F::ONE), (TIMES[0], F::NEG_ONE)], constant: F::NEG_ONE }
}

fn order() -> Lookup<F> {
    Lookup {
        columns: vec![waited().column()],
        table_column: Column::single(ROW),
        frequencies_column: Column::single(FREQUENCY),
        filter_columns: vec![Filter::new_simple(Column::single(ACCESS))],
    }
}

/// Elements of the multiset: position, height, time, digest.
pub type Tuple = [Linear; 7];

/// The tuple of a node itself, received by the node before, sent by the node after.
#[must_use]
pub fn own_tuple() -> Tuple {
    let position = Linear::new([(POSITION, F::TWO.inverse())]);
    let time = Linear::new([(AFTER, F::from_canonical_u64(TIME_AFTER))]);
    let output = |lane| Linear::new((0..).map(last_sbox).zip(poseidon_matrix_row(lane)));
    let [a, b, c, d] = [0, 1, 2, 3].map(output);
    [position, Linear::cell(HEIGHT), time, a, b, c, d]
}

/// The tuple of a node's child, or of the leaf that an access finds (`part` 0) or leaves (1).
///
/// A right child stands one position further. Children are one level lower than the node; an access has height 0.
#[must_use]
pub fn part_tuple(part: usize) -> Tuple {
    let right = F::from_canonical_usize(part);
    let position = Linear::new([(POSITION, F::ONE), (BEFORE, right), (AFTER, right)]);
    let height = Linear::new([(HEIGHT, F::ONE), (BEFORE, F::NEG_ONE), (AFTER, F::NEG_ONE)]);
    let digest = |lane| Linear::cell(part_inputs(part).start + lane);
    let [a, b, c, d] = [0, 1, 2, 3].map(digest);
    [position, height, Linear::cell(TIMES[part]), a, b, c, d]
}

/// OP-9: what is sent is received. The table looks its parts up in its own tuples, whose signs are turned.
pub(super) fn multiset() -> CrossTableLookup<F> {
    let table = |tuple: Tuple, filter| {
        let columns = tuple.iter().map(Linear::column);
        #[cfg(test)]
        let columns =
            columns.enumerate().map(|(element, column)| match mutated_term("OpeningsMultiset", Vec::new, 7) {
                Some(mutated) if mutated == element => Column::zero(),
                _ => column,
            });
        TableWithColumns::new(0, columns.collect(), Filter::new_simple(filter))
    };
    let part = |part| table(part_tuple(part), Column::single(PARTS[part]));
    let negative = Linear::new([(OWN, F::NEG_ONE)]).column();
    CrossTableLookup::new(vec![part(0), part(1)], table(own_tuple(), negative))
}
