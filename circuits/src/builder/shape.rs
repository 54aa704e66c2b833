//! Shapes: what circuits must have in common so that one parent can verify any of them.

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::util::reducing::ReducingFactorTarget;

use super::{Builder, Target};
use crate::config::{D, F};

impl Builder {
    /// Makes all gates that a verification of proofs can need part of the circuit's gate set, used or not.
    ///
    /// The gate of FRI's interpolation is missing: its parameters come from the child's folds, and every circuit that
    /// verifies a proof uses it.
    pub fn include_verification_gates(&mut self) {
        self.trace("verification gates");
        let config = self.config().clone();
        let (wires, routed) = (config.num_wires, config.num_routed_wires);
        let gates = [
            GateRef::new(NoopGate),
            GateRef::new(ConstantGate::new(config.num_constants)),
            GateRef::new(PoseidonGate::<F, D>::new()),
            GateRef::new(PoseidonMdsGate::<F, D>::new()),
            GateRef::new(ArithmeticGate::new_from_config(&config)),
            GateRef::new(ArithmeticExtensionGate::<D>::new_from_config(&config)),
            GateRef::new(MulExtensionGate::<D>::new_from_config(&config)),
            GateRef::new(BaseSumGate::<2>::new_from_config::<F>(&config)),
            GateRef::new(ReducingGate::<D>::new(ReducingGate::<D>::max_coeffs_len(wires, routed))),
            GateRef::new(ReducingExtensionGate::<D>::new(ReducingExtensionGate::<D>::max_coeffs_len(wires, routed))),
            GateRef::new(RandomAccessGate::<F, D>::new_from_config(&config, config.fri_config.cap_height)),
            GateRef::new(ExponentiationGate::<F, D>::new_from_config(&config)),
        ];
        for gate in gates {
            self.inner.add_gate_to_gate_set(gate);
        }
    }

    /// Adds empty rows until the circuit cannot have fewer than `2^degree_bits` rows.
    ///
    /// # Panics
    /// If it has more rows already.
    pub fn pad_to_degree(&mut self, degree_bits: usize) {
        self.trace(("pad to degree", degree_bits));
        assert!(self.rows() < 1 << degree_bits, "{} rows do not fit 2^{degree_bits}", self.rows());
        while self.rows() <= 1 << (degree_bits - 1) {
            self.inner.add_gate(NoopGate, vec![]);
        }
    }

    /// `Σ coefficients[k] · point^k` in the quadratic extension, about 1 row for 40 coefficients.
    pub fn evaluate_polynomial(&mut self, coefficients: &[Target], point: [Target; D]) -> [Target; D] {
        self.trace(("polynomial", coefficients, point));
        let ExtensionTarget(value) =
            ReducingFactorTarget::new(ExtensionTarget(point)).reduce_base(coefficients, &mut self.inner);
        value
    }
}
