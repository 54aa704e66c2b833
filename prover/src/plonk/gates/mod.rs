//! Constraints of gates at several points side by side.

mod extension;
mod poseidon;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt::Debug;

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;
use serde::Deserialize;
use weft_circuits::config::{D, F};
use weft_circuits::gates::algebra::Lanes;
use weft_circuits::gates::{Comb, CustomGate, EntryChange, GateShape, KeyCheck, RangeCheck, ScalarMul};

use super::Packed;
use extension::Interpolation;
use poseidon::PoseidonConstraints;

/// What the library takes for the index of a gate that a selector does not select.
const UNUSED_SELECTOR: u64 = u32::MAX as u64;

/// A pack of points, column by column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Constants without selectors.
    pub(super) constants: &'a [F],
    /// Wires.
    pub(super) wires: &'a [F],
    /// Hash of the public inputs.
    pub(super) public_inputs_hash: &'a HashOut<F>,
}

impl Row<'_> {
    /// The wires.
    pub(super) fn wires(&self) -> &[Packed] {
        Packed::pack_slice(self.wires)
    }

    /// The constants without selectors.
    pub(super) fn constants(&self) -> &[Packed] {
        Packed::pack_slice(self.constants)
    }
}

/// A gate that is evaluated at a pack of points.
pub(super) trait PackedGate: Debug + Send + Sync {
    /// Appends the values of the constraints, in the library's order.
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>);
}

/// Any gate of the library.
impl PackedGate for GateRef<F, D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let Row { constants, wires, public_inputs_hash } = *row;
        let points = EvaluationVarsBaseBatch::new(Packed::WIDTH, constants, wires, public_inputs_hash);
        constraints.extend_from_slice(Packed::pack_slice(&self.0.eval_unfiltered_base_batch(points)));
    }
}

/// A gate of ours, whose equations read packs as they are.
impl<S: GateShape> PackedGate for CustomGate<S> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        constraints.extend(self.shape().constraints(&mut Lanes::<Packed>::new(), row.wires()));
    }
}

/// A gate with the polynomial that is zero in rows of other gates.
#[derive(Debug)]
pub(super) struct FilteredGate {
    /// The gate.
    pub(super) gate: Box<dyn PackedGate>,
    /// Column of the selector that selects it.
    selector: usize,
    /// Values of the selector that select something else.
    others: Vec<F>,
    /// log2 of the cosets of the subgroup on which its constraints, without the filter, are determined by their values.
    pub(super) coset_bits: usize,
}

impl FilteredGate {
    /// The filter where the selectors have these values.
    pub(super) fn filter(&self, selectors: &[Packed]) -> Packed {
        let selector = selectors[self.selector];
        self.others.iter().map(|&other| other - selector).product()
    }
}

/// The library's selectors, whose fields can only be read as they are serialized.
#[derive(Deserialize)]
struct Selectors {
    /// For each gate the column of its selector.
    selector_indices: Vec<usize>,
    /// For each selector the gates that it selects.
    groups: Vec<std::ops::Range<u64>>,
}

/// The gates of a circuit that have constraints.
pub(super) fn filtered_gates(common: &CommonCircuitData<F, D>) -> Vec<FilteredGate> {
    let selectors = serde_json::to_value(&common.selectors_info).and_then(serde_json::from_value::<Selectors>);
    let Selectors { selector_indices, groups } =
        selectors.expect("the library writes its selectors as it declares them");
    let unused = (groups.len() > 1).then_some(UNUSED_SELECTOR);
    let gates = (0..).zip(&common.gates).zip(selector_indices);
    let gates = gates.filter(|((_, gate), _)| gate.0.num_constraints() > 0);
    gates
        .map(|((index, gate), selector)| {
            let others = groups[selector].clone().filter(|&other| other != index).chain(unused);
            let others = others.map(F::from_canonical_u64).collect();
            let coset_bits = gate.0.degree().next_power_of_two().ilog2() as usize;
            FilteredGate { gate: packed(gate), selector, others, coset_bits }
        })
        .collect()
}

/// The evaluation of a gate: ours where the library's takes one point after another.
fn packed(gate: &GateRef<F, D>) -> Box<dyn PackedGate> {
    let any = gate.0.as_any();
    if any.is::<PoseidonGate<F, D>>() {
        Box::new(PoseidonConstraints)
    } else if any.is::<PoseidonMdsGate<F, D>>() {
        Box::new(PoseidonMdsGate::<F, D>::new())
    } else if let Some(gate) = any.downcast_ref::<ArithmeticExtensionGate<D>>() {
        Box::new(gate.clone())
    } else if let Some(gate) = any.downcast_ref::<MulExtensionGate<D>>() {
        Box::new(gate.clone())
    } else if let Some(gate) = any.downcast_ref::<ReducingGate<D>>() {
        Box::new(gate.clone())
    } else if let Some(gate) = any.downcast_ref::<ReducingExtensionGate<D>>() {
        Box::new(gate.clone())
    } else if let Some(gate) = any.downcast_ref::<CosetInterpolationGate<F, D>>() {
        Box::new(Interpolation::new(gate))
    } else {
        let ours =
            [custom::<ScalarMul>, custom::<Comb>, custom::<KeyCheck>, custom::<RangeCheck>, custom::<EntryChange>];
        ours.iter().find_map(|custom| custom(any)).unwrap_or_else(|| Box::new(gate.clone()))
    }
}

/// The gate of a shape, if it is one.
fn custom<S: GateShape>(gate: &dyn Any) -> Option<Box<dyn PackedGate>> {
    let gate: &CustomGate<S> = gate.downcast_ref()?;
    Some(Box::new(gate.clone()))
}
