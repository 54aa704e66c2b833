//! A small wrap circuit for tests of the generated contracts: it depends on the library alone, and proves in seconds
//! what the protocol's wrap takes a whole batch for.

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::Field;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use weft_circuits::wrap_config::{EXTENSION_DEGREE as D, PUBLIC_INPUTS, WrapConfig, wrap_circuit_config};

type Inner = PoseidonGoldilocksConfig;

/// Squarings in the inner circuit: 2^11 rows.
const INNER_STEPS: usize = 30_000;

/// Parameters of the inner layers: the library's, with a third challenge and a 29th query.
fn inner_config() -> CircuitConfig {
    let mut config = CircuitConfig::standard_recursion_config();
    config.num_challenges = 3;
    config.fri_config.num_query_rounds = 29;
    config
}

/// Inner circuit and wrap.
#[derive(Debug)]
pub struct TestBed {
    inner: CircuitData<F, Inner, D>,
    inputs: [Target; PUBLIC_INPUTS],
    /// The wrap circuit.
    pub wrap: CircuitData<F, WrapConfig, D>,
    inner_proof: ProofWithPublicInputsTarget<D>,
}

impl Default for TestBed {
    fn default() -> Self {
        Self::new()
    }
}

impl TestBed {
    /// Builds both circuits.
    #[must_use]
    pub fn new() -> Self {
        let mut builder = CircuitBuilder::<F, D>::new(inner_config());
        let inputs = builder.add_virtual_target_arr::<PUBLIC_INPUTS>();
        builder.register_public_inputs(&inputs);
        let mut x = builder.add_many(inputs);
        for _ in 0..INNER_STEPS {
            x = builder.square(x);
        }
        let inner = builder.build::<Inner>();

        let mut builder = CircuitBuilder::<F, D>::new(wrap_circuit_config());
        let inner_proof = builder.add_virtual_proof_with_pis(&inner.common);
        let verifier = builder.constant_verifier_data(&inner.verifier_only);
        builder.verify_proof::<Inner>(&inner_proof, &verifier, &inner.common);
        builder.register_public_inputs(&inner_proof.public_inputs);
        let wrap = builder.build::<WrapConfig>();
        Self { inner, inputs, wrap, inner_proof }
    }

    /// A wrapped proof with these public inputs, each below p.
    ///
    /// # Panics
    /// Never: any inputs satisfy the circuit.
    #[must_use]
    pub fn prove(&self, values: [u64; PUBLIC_INPUTS]) -> ProofWithPublicInputs<F, WrapConfig, D> {
        let mut witness = PartialWitness::new();
        for (&target, value) in self.inputs.iter().zip(values) {
            witness.set_target(target, F::from_canonical_u64(value)).expect("an input is set once");
        }
        let proof = self.inner.prove(witness).expect("any inputs satisfy the inner circuit");
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.inner_proof, &proof).expect("the proof has the circuit's shape");
        self.wrap.prove(witness).expect("the inner proof is valid")
    }
}

/// A circuit with a row of each gate that [`TestBed::wrap`] does not have, and with more routed wires. Its gates are
/// evaluated at random points, nothing is proved.
#[must_use]
pub fn rare_gates() -> CircuitData<F, WrapConfig, D> {
    let config = CircuitConfig { fri_config: wrap_circuit_config().fri_config, ..inner_config() };
    let mut builder = CircuitBuilder::<F, D>::new(config.clone());
    let inputs = builder.add_virtual_target_arr::<PUBLIC_INPUTS>();
    builder.register_public_inputs(&inputs);
    builder.add_gate(PoseidonMdsGate::<F, D>::new(), vec![]);
    builder.add_gate(BaseSumGate::<4>::new_from_config::<F>(&config), vec![]);
    builder.add_gate(RandomAccessGate::<F, D>::new_from_config(&config, 1), vec![]);
    builder.add_gate(RandomAccessGate::<F, D>::new_from_config(&config, 5), vec![]);
    builder.add_gate(CosetInterpolationGate::<F, D>::new(2), vec![]);
    builder.add_gate(ReducingGate::<D>::new(43), vec![]);
    builder.add_gate(ReducingExtensionGate::<D>::new(1), vec![]);
    builder.add_gate(ExponentiationGate::<F, D>::new(3), vec![]);
    builder.build::<WrapConfig>()
}
