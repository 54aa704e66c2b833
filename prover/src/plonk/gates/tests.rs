//! Each evaluation of ours against the library's at random points.

use plonky2::field::types::Sample;
use plonky2::gates::gate::Gate;
use plonky2::plonk::circuit_data::CircuitConfig;
use weft_circuits::config::{recursion_config, shrink_config};

use super::*;

/// Packs of points at which a gate is evaluated.
const PACKS: usize = 5;

/// Whether ours is used and equals the library's.
fn assert_equals_library<G: Gate<F, D>>(gate: G, config: &CircuitConfig) {
    let gate = GateRef::new(gate);
    let ours = packed(&gate);
    assert!(!format!("{ours:?}").starts_with("GateRef"), "{gate:?} is evaluated by the library");
    for _ in 0..PACKS {
        let constants = F::rand_vec(config.num_constants * Packed::WIDTH);
        let wires = F::rand_vec(config.num_wires * Packed::WIDTH);
        let row = Row { constants: &constants, wires: &wires, public_inputs_hash: &HashOut::rand() };
        let (mut values, mut expected) = (Vec::new(), Vec::new());
        ours.evaluate(&row, &mut values);
        gate.evaluate(&row, &mut expected);
        assert_eq!(values.len(), gate.0.num_constraints());
        let flat = |packs: &[Packed]| packs.iter().flat_map(|pack| pack.as_slice().to_vec()).collect::<Vec<_>>();
        assert_eq!(flat(&values), flat(&expected), "{gate:?}");
    }
}

#[test]
fn gates_are_evaluated_as_the_library_does() {
    let (recursion, shrink) = (recursion_config(), shrink_config());
    assert_equals_library(PoseidonGate::<F, D>::new(), &recursion);
    assert_equals_library(PoseidonMdsGate::<F, D>::new(), &recursion);
    assert_equals_library(CustomGate::new(ScalarMul), &recursion);
    assert_equals_library(CustomGate::new(Comb), &recursion);
    assert_equals_library(CustomGate::new(KeyCheck::for_config(&recursion)), &recursion);
    assert_equals_library(CustomGate::new(EntryChange), &recursion);
    assert_equals_library(CustomGate::new(RangeCheck::for_config(40, &recursion)), &recursion);
    for config in [&recursion, &shrink] {
        let (wires, routed) = (config.num_wires, config.num_routed_wires);
        assert_equals_library(ArithmeticExtensionGate::<D>::new_from_config(config), config);
        assert_equals_library(MulExtensionGate::<D>::new_from_config(config), config);
        assert_equals_library(ReducingGate::<D>::new(ReducingGate::<D>::max_coeffs_len(wires, routed)), config);
        let coefficients = ReducingExtensionGate::<D>::max_coeffs_len(wires, routed);
        assert_equals_library(ReducingExtensionGate::<D>::new(coefficients), config);
    }
    for bits in [2, 3, 4] {
        for degree in 2..=1 << bits {
            let mut gate = CosetInterpolationGate::<F, D>::new(bits);
            gate.degree = degree;
            if Gate::<F, D>::num_wires(&gate) <= recursion.num_wires {
                assert_equals_library(gate, &recursion);
            }
        }
    }
}
