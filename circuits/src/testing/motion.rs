//! Whether wires of a finished witness can move together.
//!
//! [`super::mutate`] changes one wire at a time and so misses an alias of several: one wire rises, another falls, and no
//! equation minds. Here all wires that the inputs should determine may move at once. The equations of all rows are made
//! linear at the witness; a movement that none of them minds is a vector of their kernel, which must be 0. What remains is
//! a choice between separate values (of a flag, of a position): the tests of the gates try those.

use std::collections::{BTreeMap, BTreeSet};

use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;
use plonky2_maybe_rayon::{MaybeIntoParIter, ParallelIterator};

use super::checker::{Checker, value_of};
use super::mutate::{class_of, harmless_classes};
use crate::config::{D, F};
use crate::wired::Witness;

/// A sum of unknowns with coefficients that must be 0.
pub(crate) type Equation = BTreeMap<usize, F>;

/// Classes of wires that can move, alone or with others, while the inputs stay and all equations hold in first order.
///
/// `witness` must satisfy the circuit and come from `inputs`. Wires without a value belong to operations that nobody uses.
/// The public inputs' hash is left out: it would tie what only it reads.
#[must_use]
pub fn movable_classes<K: GenericConfig<D, F = F> + 'static>(
    checker: &Checker<'_, K>,
    witness: &PartitionWitness<'_, F>,
    inputs: &Witness,
) -> Vec<usize> {
    let fixed: BTreeSet<_> = inputs.values().map(|(target, _)| class_of(witness, target)).collect();
    let is_unknown = |class: usize| witness.values[class].is_some() && !fixed.contains(&class);
    let rows: Vec<_> =
        (0..checker.rows()).filter(|&row| !checker.gate(row).0.id().starts_with("PublicInput")).collect();
    let linear: Vec<_> = rows.into_par_iter().map(|row| linear_row(checker, witness, row, &is_unknown)).collect();
    let unknowns = linear.iter().flat_map(|row| row.unknowns.iter().copied()).collect();
    let support = kernel_support(linear.into_iter().flat_map(|row| row.equations), &unknowns);
    let harmless: BTreeSet<_> = harmless_classes(checker.circuit(), witness).into_iter().collect();
    support.difference(&harmless).copied().collect()
}

/// A row made linear.
struct LinearRow {
    unknowns: BTreeSet<usize>,
    equations: Vec<Equation>,
}

fn linear_row<K: GenericConfig<D, F = F>>(
    checker: &Checker<'_, K>,
    witness: &PartitionWitness<'_, F>,
    row: usize,
    is_unknown: &impl Fn(usize) -> bool,
) -> LinearRow {
    let gate = checker.gate(row);
    let columns = gate.0.num_wires();
    let wires: Vec<_> = (0..columns).map(|column| value_of(witness, Target::wire(row, column))).collect();
    let mut columns_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for column in 0..columns {
        let class = class_of(witness, Target::wire(row, column));
        if is_unknown(class) {
            columns_of.entry(class).or_default().push(column);
        }
    }
    let directions: Vec<_> = columns_of.values().cloned().collect();
    let derivatives = derivatives(gate, &checker.base_constants(row), &wires, &directions);
    let unknowns: Vec<_> = columns_of.into_keys().collect();
    let equation = |coefficients: Vec<F>| {
        unknowns.iter().copied().zip(coefficients).filter(|(_, coefficient)| coefficient.is_nonzero()).collect()
    };
    let equations = derivatives.into_iter().map(equation).collect();
    LinearRow { unknowns: unknowns.into_iter().collect(), equations }
}

/// Constraint by constraint its derivatives at `wires` in these directions, each of which moves some columns together.
pub(crate) fn derivatives(
    gate: &GateRef<F, D>,
    constants: &[F],
    wires: &[F],
    directions: &[Vec<usize>],
) -> Vec<Vec<F>> {
    let degree = gate.0.degree().max(1);
    // The point itself, then `degree` steps into each direction.
    let points = 1 + degree * directions.len();
    let mut batch: Vec<_> = wires.iter().flat_map(|&value| std::iter::repeat_n(value, points)).collect();
    for (direction, columns) in directions.iter().enumerate() {
        for (column, step) in columns.iter().flat_map(|&column| (1..=degree).map(move |step| (column, step))) {
            batch[column * points + direction * degree + step] += F::from_canonical_usize(step);
        }
    }
    let constants: Vec<_> = constants.iter().flat_map(|&value| std::iter::repeat_n(value, points)).collect();
    let vars = EvaluationVarsBaseBatch::new(points, &constants, &batch, &HashOut::ZERO);
    let values = gate.0.eval_unfiltered_base_batch(vars);
    let weights = derivative_weights(degree);
    let derivative = |values: &[F], direction: usize| {
        let steps = &values[1 + direction * degree..][..degree];
        weights[0] * values[0] + weights[1..].iter().zip(steps).map(|(&weight, &value)| weight * value).sum::<F>()
    };
    values
        .chunks_exact(points)
        .map(|values| (0..directions.len()).map(|direction| derivative(values, direction)).collect())
        .collect()
}

/// Weights of the values at 0, 1, …, `degree` in the derivative at 0 of a polynomial of this degree: by Newton's form it
/// is the sum of the k-th differences divided by k, with changing signs.
fn derivative_weights(degree: usize) -> Vec<F> {
    let unit = |at: usize| -> Vec<F> { (0..=degree).map(|step| F::from_bool(step == at)).collect() };
    let derivative = |mut values: Vec<F>| {
        let mut sum = F::ZERO;
        for order in 1..=degree {
            values = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let term = values[0] / F::from_canonical_usize(order);
            sum += if order % 2 == 1 { term } else { -term };
        }
        sum
    };
    (0..=degree).map(|at| derivative(unit(at))).collect()
}

/// The unknowns that are not 0 in every solution of the equations.
pub(crate) fn kernel_support(
    equations: impl IntoIterator<Item = Equation>,
    unknowns: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let mut rows: Vec<Equation> = equations.into_iter().filter(|equation| !equation.is_empty()).collect();
    let mut holders: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (row, equation) in rows.iter().enumerate() {
        equation.keys().for_each(|&unknown| {
            holders.entry(unknown).or_default().insert(row);
        });
    }
    // Shortest first: an equation of one unknown takes it out of all others, and most follow from each other so.
    let mut open: BTreeSet<_> = rows.iter().enumerate().map(|(row, equation)| (equation.len(), row)).collect();
    let mut pivots: BTreeMap<usize, usize> = BTreeMap::new();
    while let Some((_, row)) = open.pop_first() {
        let Some((&pivot, &leading)) = rows[row].iter().next() else { continue };
        let equation = rows[row].clone();
        pivots.insert(pivot, row);
        let others: Vec<_> = holders[&pivot].iter().copied().filter(|&other| other != row).collect();
        for other in others {
            let was_open = open.remove(&(rows[other].len(), other));
            let factor = rows[other][&pivot] / leading;
            for (&unknown, &coefficient) in &equation {
                let entry = rows[other].entry(unknown).or_insert(F::ZERO);
                *entry -= factor * coefficient;
                if entry.is_zero() {
                    rows[other].remove(&unknown);
                    holders.entry(unknown).or_default().remove(&other);
                } else {
                    holders.entry(unknown).or_default().insert(other);
                }
            }
            if was_open && !rows[other].is_empty() {
                open.insert((rows[other].len(), other));
            }
        }
    }
    let moves = |unknown: &usize| pivots.get(unknown).is_none_or(|&row| rows[row].len() > 1);
    unknowns.iter().copied().filter(moves).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{Builder, CircuitName, Mode};
    use crate::config::segment_config;
    use crate::ledger::Freedom;
    use crate::testing::generate;
    use crate::testing::mutate::unconstrained_classes;
    use crate::testing::unlisted_generator;

    fn equation(terms: &[(usize, i64)]) -> Equation {
        terms.iter().map(|&(unknown, factor)| (unknown, F::from_noncanonical_i64(factor))).collect()
    }

    #[test]
    fn the_kernel_is_what_the_equations_leave() {
        let unknowns: BTreeSet<_> = (0..4).collect();
        let support = |equations: &[Equation]| kernel_support(equations.iter().cloned(), &unknowns);
        let sum = equation(&[(0, 1), (1, 1)]);
        let difference = equation(&[(0, 1), (1, -1)]);
        let chain = equation(&[(1, 5), (2, 1), (3, 2)]);
        assert_eq!(support(&[]), unknowns);
        assert_eq!(support(std::slice::from_ref(&sum)), unknowns);
        assert_eq!(support(&[sum.clone(), difference.clone()]), BTreeSet::from([2, 3]));
        assert_eq!(support(&[chain.clone(), sum.clone(), difference.clone()]), BTreeSet::from([2, 3]));
        assert_eq!(support(&[chain, equation(&[(3, 1)]), sum, difference]), BTreeSet::new());
    }

    #[test]
    fn weights_give_the_derivative_of_every_power() {
        for degree in 1..=8 {
            let weights = derivative_weights(degree);
            for power in 0..=degree {
                let values = (0..=degree).map(|step| F::from_canonical_usize(step).exp_u64(power as u64));
                let derivative: F = values.zip(&weights).map(|(value, &weight)| value * weight).sum();
                assert_eq!(derivative, F::from_bool(power == 1), "x^{power} at degree {degree}");
            }
        }
    }

    /// Two hints of which only the sum is asserted: a change of one is noticed, a movement of both is not.
    #[test]
    fn an_alias_of_two_wires_is_found() {
        let movable = |with_product: bool| {
            let mut b = Builder::new(CircuitName { name: "test", version: 1 }, segment_config(), Mode::Proving);
            let hints = b.gadget("test", |b| [0, 1].map(|_| b.hint(Freedom::Determined)));
            hints.into_iter().for_each(|hint| unlisted_generator(&mut b, hint));
            let sum = b.add(hints[0], hints[1]);
            b.clause("T-1", |b| b.assert_zero(sum));
            if with_product {
                let product = b.mul_add(hints[0], hints[1], hints[0]);
                b.clause("T-2", |b| b.assert_zero(product));
            }
            let circuit = b.build();
            let inputs = Witness::new();
            let witness = generate(&circuit, &inputs, &[]).witness;
            let checker = Checker::new(&circuit);
            assert!(checker.broken_rows(&witness).is_empty());
            assert!(unconstrained_classes(&checker, &witness).is_empty());
            movable_classes(&checker, &witness, &inputs).len()
        };
        assert!(movable(false) >= 2);
        assert_eq!(movable(true), 0);
    }
}
