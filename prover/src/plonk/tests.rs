//! The library is the oracle: on one thread it grinds from zero on, so that its proofs are ours byte by byte.

use plonky2::field::types::Field;
use plonky2::fri::proof::FriProof;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData, VerifierCircuitData};
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::plonk::proof::ProofWithPublicInputs;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use weft_circuits::builder::CircuitName;
use weft_circuits::config::{C, D, F, recursion_config};
use weft_circuits::recursion::Assembly;
use weft_circuits::segment::SegmentCircuit;
use weft_circuits::wrap_config::{WRAP_PARAMETERS, WrapConfig, WrapParameters, circuit_config};
use weft_protocol::{Slot, SlotWitness};

use super::{PackedHasher, ProvingKey, random_wires};
use crate::idle_segment;

/// A proof of any configuration.
type AnyProof<K> = ProofWithPublicInputs<F, K, D>;

/// A circuit that raises its public input to a power and hashes it, and its inputs.
fn toy<K: GenericConfig<D, F = F>>(config: CircuitConfig) -> (CircuitData<F, K, D>, Target) {
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let input = builder.add_virtual_target();
    builder.register_public_input(input);
    let mut x = input;
    for _ in 0..500 {
        x = builder.mul_add(x, x, input);
    }
    builder.range_check(input, 20);
    let hash = builder.hash_n_to_hash_no_pad::<plonky2::hash::poseidon::PoseidonHash>(vec![x; 5]);
    builder.register_public_inputs(&hash.elements);
    (builder.build(), input)
}

fn toy_inputs(input: Target) -> PartialWitness<F> {
    let mut inputs = PartialWitness::new();
    inputs.set_target(input, F::from_canonical_u64(77)).expect("it is set once");
    inputs
}

pub(super) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start").install(work)
}

/// Wrap parameters with little grinding.
fn light_wrap() -> CircuitConfig {
    circuit_config(&WrapParameters { queries: 18, grinding_bits: 10, ..WRAP_PARAMETERS })
}

/// Where a witness keeps the value of a target.
fn representative(witness: &PartitionWitness<'_, F>, target: Target) -> usize {
    let position = match target {
        Target::Wire(wire) => wire.row * witness.num_wires + wire.column,
        Target::VirtualTarget { index } => witness.degree * witness.num_wires + index,
    };
    witness.representative_map[position]
}

/// The library's witness, random where nothing is constrained.
fn generate<'a, K>(circuit: &'a CircuitData<F, K, D>, inputs: &PartialWitness<F>) -> PartitionWitness<'a, F>
where
    K: GenericConfig<D, F = F>,
{
    generate_partial_witness(inputs.clone(), &circuit.prover_only, &circuit.common).expect("the witness is good")
}

fn library_proof<K: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, K, D>,
    witness: PartitionWitness<'_, F>,
) -> AnyProof<K> {
    let mut timing = TimingTree::default();
    let proof = prove_with_partition_witness(&circuit.prover_only, &circuit.common, witness, &mut timing);
    proof.expect("the witness is good")
}

/// Takes the key out of a circuit; what is left verifies.
fn take_key<K>(circuit: CircuitData<F, K, D>) -> (ProvingKey<K>, VerifierCircuitData<F, K, D>)
where
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    let CircuitData { prover_only, verifier_only, common } = circuit;
    (ProvingKey::new(prover_only.into(), &common), VerifierCircuitData { verifier_only, common })
}

/// Proves with both provers and compares, on several numbers of threads.
fn assert_proves_like_library<K>(circuit: CircuitData<F, K, D>, inputs: &PartialWitness<F>) -> AnyProof<K>
where
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    let mut witness = generate(&circuit, inputs);
    for wire in random_wires(&circuit.prover_only, &circuit.common) {
        let representative = representative(&witness, Target::Wire(wire));
        witness.values[representative] = None;
    }
    let expected = on_threads(1, || library_proof(&circuit, witness));
    let (key, circuit) = take_key(circuit);
    let witness = key.complete(inputs.clone(), &circuit.common).expect("the inputs are good");
    for threads in [1, 2, 4] {
        let proof = on_threads(threads, || key.prove(&circuit.common, &witness)).expect("the witness is good");
        assert_eq!(first_difference(&proof, &expected), None, "{threads} threads");
        assert!(proof.to_bytes() == expected.to_bytes(), "{threads} threads");
    }
    circuit.verify(expected.clone()).expect("the proof is good");
    expected
}

/// The first part in which two proofs differ, in the order in which they are made.
fn first_difference<K: GenericConfig<D, F = F>>(a: &AnyProof<K>, b: &AnyProof<K>) -> Option<&'static str> {
    let parts = [
        ("public inputs", a.public_inputs == b.public_inputs),
        ("wires", a.proof.wires_cap == b.proof.wires_cap),
        ("products", a.proof.plonk_zs_partial_products_cap == b.proof.plonk_zs_partial_products_cap),
        ("quotients", a.proof.quotient_polys_cap == b.proof.quotient_polys_cap),
        ("openings", a.proof.openings == b.proof.openings),
    ];
    let part = parts.iter().find(|(_, equal)| !equal).map(|(part, _)| *part);
    part.or_else(|| first_difference_of_tests(&a.proof.opening_proof, &b.proof.opening_proof))
}

/// The first part in which two low-degree tests differ, in the order in which they are made.
pub(super) fn first_difference_of_tests<H: Hasher<F>>(
    a: &FriProof<F, H, D>,
    b: &FriProof<F, H, D>,
) -> Option<&'static str> {
    let parts = [
        ("folds", a.commit_phase_merkle_caps == b.commit_phase_merkle_caps),
        ("final polynomial", a.final_poly == b.final_poly),
        ("nonce", a.pow_witness == b.pow_witness),
        ("queries", a.query_round_proofs == b.query_round_proofs),
    ];
    parts.iter().find(|(_, equal)| !equal).map(|(part, _)| *part)
}

#[test]
fn a_toy_circuit_is_proved_like_the_library_does() {
    let (circuit, input) = toy::<C>(recursion_config());
    assert_proves_like_library(circuit, &toy_inputs(input));
}

#[test]
fn a_keccak_circuit_is_proved_like_the_library_does() {
    let (circuit, input) = toy::<WrapConfig>(light_wrap());
    assert_proves_like_library(circuit, &toy_inputs(input));
}

#[test]
fn a_segment_is_proved_like_the_library_does() {
    let name = CircuitName { name: "segment-test", version: 1 };
    let circuit = SegmentCircuit::build(name, 1, Assembly::FRESH);
    let mut segment = idle_segment();
    segment.slots.resize(1, SlotWitness { slot: Slot::Padding, a: None, b: None });
    let inputs = circuit.witness(&segment).expect("one slot").into_partial();
    assert_proves_like_library(circuit.layer.into_circuit().data, &inputs);
}

#[test]
fn a_recursion_is_proved_like_the_library_does() {
    let (inner, input) = toy::<C>(recursion_config());
    let proof = inner.prove(toy_inputs(input)).expect("the witness is good");
    let mut builder = CircuitBuilder::<F, D>::new(recursion_config());
    let child = builder.add_virtual_proof_with_pis(&inner.common);
    let key = builder.constant_verifier_data(&inner.verifier_only);
    builder.verify_proof::<C>(&child, &key, &inner.common);
    let outer = builder.build::<C>();
    let mut inputs = PartialWitness::new();
    inputs.set_proof_with_pis_target(&child, &proof).expect("the proof has the circuit's shape");
    assert_proves_like_library(outer, &inputs);
}

#[test]
fn a_witness_that_violates_a_constraint_proves_nothing() {
    let (circuit, input) = toy::<C>(recursion_config());
    let public_inputs = circuit.prover_only.public_inputs.clone();
    let (key, circuit) = take_key(circuit);
    let good = key.complete(toy_inputs(input), &circuit.common).expect("the inputs are good");
    // The input, an element of the hash, and a wire in the middle that is copied nowhere else.
    let mut positions: Vec<_> = public_inputs[..2].iter().map(|&target| representative(&good, target)).collect();
    positions.push((0..good.values.len()).filter(|&position| good.values[position].is_some()).nth(700).expect("many"));
    for position in positions {
        let mut bad = good.clone();
        bad.values[position] = bad.values[position].map(|value| value + F::ONE);
        let proof = key.prove(&circuit.common, &bad);
        assert!(proof.is_err() || proof.is_ok_and(|proof| circuit.verify(proof).is_err()), "{position}");
    }
}

#[test]
fn a_changed_proof_is_refused() {
    let (circuit, input) = toy::<C>(recursion_config());
    let (key, circuit) = take_key(circuit);
    let witness = key.complete(toy_inputs(input), &circuit.common).expect("the inputs are good");
    let bytes = key.prove(&circuit.common, &witness).expect("the witness is good").to_bytes();
    let verify =
        |bytes: Vec<u8>| AnyProof::<C>::from_bytes(bytes, &circuit.common).and_then(|proof| circuit.verify(proof));
    verify(bytes.clone()).expect("the proof is good");
    // Caps, openings, paths, the final polynomial, the nonce and the public inputs.
    const FLIPS: usize = 40;
    for flip in 0..FLIPS {
        let mut changed = bytes.clone();
        let position = flip * (bytes.len() - 1) / (FLIPS - 1);
        changed[position] ^= 1;
        assert!(verify(changed).is_err(), "byte {position}");
    }
}
