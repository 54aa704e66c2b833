//! The generated evaluation of gates equals the library's at random points.

use crate::common::{creation_code, word};
use crate::evm::Evm;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::EvaluationVars;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use weft_circuits::wrap_config::EXTENSION_DEGREE as D;
use weft_contract::testbed::{TestBed, rare_gates};

type Extension = QuadraticExtension<F>;

/// Field elements, the ends of the range often among them.
fn element() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..F::ORDER, 1 => 0..3_u64, 1 => F::ORDER - 3..F::ORDER]
}

#[derive(Deserialize)]
struct Selectors {
    selector_indices: Vec<usize>,
    groups: Vec<std::ops::Range<usize>>,
}

/// A point to evaluate at: alphas, hash of the public inputs, openings of constants, sigmas and wires.
struct Point {
    alphas: Vec<F>,
    hash: [F; 4],
    openings: Vec<Extension>,
}

impl Point {
    fn new(common: &CommonCircuitData<F, D>, seed: &[u64]) -> Self {
        let config = &common.config;
        let mut elements = seed.iter().map(|&value| F::from_canonical_u64(value)).cycle();
        let mut take = || elements.next().expect("a cycle does not end");
        let alphas = (0..config.num_challenges).map(|_| take()).collect();
        let hash = core::array::from_fn(|_| take());
        let count = common.num_constants + config.num_routed_wires + config.num_wires;
        let openings = (0..count).map(|_| QuadraticExtension([take(), take()])).collect();
        Self { alphas, hash, openings }
    }

    fn calldata(&self) -> Vec<u8> {
        let words = self.alphas.iter().chain(&self.hash).flat_map(|e| word(e.to_canonical_u64()));
        let openings = self.openings.iter().flat_map(|e| e.0.map(|c| c.to_canonical_u64().to_be_bytes()));
        words.chain(openings.flatten()).collect()
    }

    /// Per alpha, the sum of alpha^j times constraint j.
    fn expected(&self, common: &CommonCircuitData<F, D>) -> Vec<Extension> {
        let selectors = serde_json::to_value(&common.selectors_info).expect("selectors serialize");
        let selectors: Selectors = serde_json::from_value(selectors).expect("selectors have this shape");
        let wires = common.num_constants + common.config.num_routed_wires;
        let mut sums = vec![Extension::ZERO; common.num_gate_constraints];
        for (row, gate) in common.gates.iter().enumerate() {
            let vars = EvaluationVars {
                local_constants: &self.openings[..common.num_constants],
                local_wires: &self.openings[wires..],
                public_inputs_hash: &HashOut { elements: self.hash },
            };
            let selector = selectors.selector_indices[row];
            let group = selectors.groups[selector].clone();
            let constraints = gate.0.eval_filtered(vars, row, selector, group, selectors.groups.len(), 0);
            sums.iter_mut().zip(constraints).for_each(|(sum, constraint)| *sum += constraint);
        }
        let horner = |&alpha: &F| sums.iter().rev().fold(Extension::ZERO, |sum, &term| sum * alpha.into() + term);
        self.alphas.iter().map(horner).collect()
    }
}

fn agree(common: &CommonCircuitData<F, D>, artifact: &str) {
    let evm = Evm::new();
    let gates = evm.deploy(&creation_code(artifact), &[]);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(seed in vec(element(), 601))| {
        let point = Point::new(common, &seed);
        let outcome = evm.call(gates, point.calldata());
        prop_assert!(outcome.success);
        let expected: Vec<u8> =
            point.expected(common).iter().flat_map(|e| e.0).flat_map(|c| word(c.to_canonical_u64())).collect();
        prop_assert_eq!(outcome.output, expected);
    });
}

#[test]
fn gates_of_a_recursive_verifier_agree_with_the_library() {
    agree(&TestBed::new().wrap.common, include_str!("../testbed/Gates.json"));
}

#[test]
fn rare_gates_agree_with_the_library() {
    agree(&rare_gates().common, include_str!("../testbed/rare/Gates.json"));
}
