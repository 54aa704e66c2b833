//! What every gate is tested with: equations against an honest row, mutation of every wire, degree, and the agreement of
//! the three ways in which the library evaluates.

use std::collections::BTreeSet;

use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate::{Gate, GateRef};
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::vars::{EvaluationVars, EvaluationVarsBaseBatch};

use super::constants::constants;
use super::shape::{CustomGate, GateShape};
use super::walk::{Fq, Point};
use super::{D, F, FE};
use crate::config::C;
use crate::testing::motion::{derivatives, kernel_support};

/// Twice the point, by the tangent.
pub(super) fn double(p: Point) -> Point {
    let slope = (p.x * p.x * Fq::from_canonical_u64(3) + constants().a) / (p.y + p.y);
    chord(p, p, slope)
}

/// The sum of two points with different x, by the chord.
pub(super) fn add(p: Point, q: Point) -> Point {
    chord(p, q, slope(p, q))
}

/// The slope of the chord through two points with different x.
pub(super) fn slope(p: Point, q: Point) -> Fq {
    (q.y - p.y) / (q.x - p.x)
}

fn chord(p: Point, q: Point, slope: Fq) -> Point {
    let x = slope * slope - p.x - q.x;
    Point { x, y: slope * (p.x - x) - p.y }
}

/// Whether the point satisfies the equation of the curve.
pub(super) fn on_curve(p: Point) -> bool {
    p.y * p.y == p.x * p.x * p.x + constants().a * p.x + constants().b
}

/// A multiple of D1, by doubling and adding.
pub(super) fn multiple_of_d1(factor: u64) -> Point {
    let d1 = constants().d1;
    (0..factor.ilog2()).rev().fold(d1, |point, bit| {
        let doubled = double(point);
        if factor >> bit & 1 == 1 { add(doubled, d1) } else { doubled }
    })
}

/// The row of `Q <- (Q + T) + Q` for each addend: end point and slopes, by ordinary affine formulas.
pub(super) fn reference_walk(start: Point, addends: &[Point]) -> (Point, Vec<F>) {
    let mut slopes = Vec::new();
    let end = addends.iter().fold(start, |q, &t| {
        let sum = add(q, t);
        slopes.extend(slope(q, t).0.into_iter().chain(slope(sum, q).0));
        add(sum, q)
    });
    (end, slopes)
}

/// The constraints of a row with these wires.
pub(super) fn evaluate<S: GateShape>(shape: &S, wires: &[F]) -> Vec<F> {
    CustomGate::new(shape.clone()).constraints(&mut super::algebra::Lanes::<F>::new(), wires)
}

pub(super) fn assert_satisfied<S: GateShape>(shape: &S, wires: &[F]) {
    assert_eq!(wires.len(), shape.num_wires());
    let broken: Vec<_> =
        evaluate(shape, wires).into_iter().enumerate().filter(|(_, value)| value.is_nonzero()).collect();
    assert!(broken.is_empty(), "an honest row breaks {broken:?}");
}

/// The outputs of an honest row cannot move, alone or together, while its inputs stay.
pub(super) fn assert_outputs_cannot_move<S: GateShape>(shape: &S, wires: &[F]) {
    let gate = GateRef::new(CustomGate::new(shape.clone()));
    let outputs: BTreeSet<_> = (0..shape.slots()).flat_map(|slot| shape.outputs(slot)).collect();
    let directions: Vec<_> = outputs.iter().map(|&column| vec![column]).collect();
    let equations = derivatives(&gate, &[], wires, &directions).into_iter();
    let equations = equations.map(|row| outputs.iter().copied().zip(row).filter(|(_, d)| d.is_nonzero()).collect());
    assert_eq!(kernel_support(equations, &outputs), BTreeSet::new(), "{}", S::NAME);
}

/// Changes each wire of an honest row in three ways; the gate must notice every time, and also if all outputs move.
pub(super) fn assert_every_mutation_is_detected<S: GateShape>(shape: &S, wires: &[F]) {
    assert_satisfied(shape, wires);
    assert_outputs_cannot_move(shape, wires);
    for column in 0..wires.len() {
        for change in [F::ONE, F::NEG_ONE, F::from_canonical_u64(1 << 32)] {
            let mut mutated = wires.to_vec();
            mutated[column] += change;
            let noticed = evaluate(shape, &mutated).iter().any(Field::is_nonzero);
            assert!(noticed, "{}: wire {column} changed by {change} goes unnoticed", S::NAME);
        }
    }
}

/// Places the values of a slot's inputs and the generator's outputs into a row.
pub(super) fn fill_slot<S: GateShape>(shape: &S, slot: usize, inputs: &[F], wires: &mut [F]) {
    let outputs = shape.fill(inputs).expect("these inputs have a witness");
    assert_eq!(shape.outputs(slot).len(), outputs.len());
    let columns = shape.inputs(slot).into_iter().chain(shape.outputs(slot));
    for (column, &value) in columns.zip(inputs.iter().chain(&outputs)) {
        wires[column] = value;
    }
}

/// Degree, number of constraints, and agreement of the evaluations over extension, packed lanes and circuit.
pub(super) fn assert_conforms<S: GateShape>(shape: &S) {
    let gate = CustomGate::new(shape.clone());
    test_low_degree::<F, _, D>(gate.clone());
    test_eval_fns::<F, C, _, D>(gate.clone()).expect("evaluations agree");
    assert_eq!(exact_degree(&gate), shape.degree(), "declared degree");
    assert_packed_agrees(&gate);
    assert_eq!(S::from_parameters(&shape.parameters()).expect("own parameters").parameters(), shape.parameters());
    let mut columns: Vec<_> =
        (0..shape.slots()).flat_map(|slot| [shape.inputs(slot), shape.outputs(slot)].concat()).collect();
    columns.sort_unstable();
    let before = columns.len();
    columns.dedup();
    assert_eq!(before, columns.len(), "no column belongs to two roles");
    assert!(columns.iter().all(|&column| column < shape.num_wires()));
}

/// Degree of the constraints on a random line, which is their total degree but for negligible chance: the order of the
/// last difference that does not vanish.
fn exact_degree<S: GateShape>(gate: &CustomGate<S>) -> usize {
    let shape = gate.shape();
    let (origin, direction) = (FE::rand_vec(shape.num_wires()), FE::rand_vec(shape.num_wires()));
    let mut rows: Vec<Vec<FE>> = (0..shape.degree() + 3)
        .map(|t| {
            let wires: Vec<FE> =
                origin.iter().zip(&direction).map(|(&o, &d)| o + d * FE::from_canonical_usize(t)).collect();
            let values = gate.eval_unfiltered(EvaluationVars {
                local_constants: &[],
                local_wires: &wires,
                public_inputs_hash: &HashOut::ZERO,
            });
            assert_eq!(values.len(), shape.num_constraints());
            values
        })
        .collect();
    let mut degree = 0;
    for order in 0.. {
        if rows.iter().flatten().any(Field::is_nonzero) {
            degree = order;
        }
        if rows.len() == 1 {
            return degree;
        }
        rows = rows.windows(2).map(|pair| pair[1].iter().zip(&pair[0]).map(|(&b, &a)| b - a).collect()).collect();
    }
    degree
}

/// A batch that fills packed lanes and leaves a rest, in a circuit wider than the gate.
fn assert_packed_agrees<S: GateShape>(gate: &CustomGate<S>) {
    const POINTS: usize = 37;
    let columns = gate.shape().num_wires() + 3;
    let batch: Vec<F> = F::rand_vec(POINTS * columns);
    let values = gate.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(POINTS, &[], &batch, &HashOut::ZERO));
    for point in 0..POINTS {
        let wires: Vec<FE> = (0..columns).map(|column| FE::from(batch[column * POINTS + point])).collect();
        let expected = gate.eval_unfiltered(EvaluationVars {
            local_constants: &[],
            local_wires: &wires,
            public_inputs_hash: &HashOut::ZERO,
        });
        for (index, value) in expected.into_iter().enumerate() {
            assert_eq!(value, FE::from(values[index * POINTS + point]));
        }
    }
}
