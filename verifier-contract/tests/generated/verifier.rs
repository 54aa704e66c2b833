//! The generated verifier accepts real proofs, and nothing that differs from one.

use std::sync::LazyLock;

use crate::common::{creation_code, selector, word};
use crate::evm::{Evm, Outcome};
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::challenger::Challenger;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::Hasher as _;
use plonky2::plonk::proof::ProofWithPublicInputs;
use revm::primitives::Address;
use weft_circuits::wrap_config::encoding::EXTENSION_BYTES;
use weft_circuits::wrap_config::hasher::DIGEST_BYTES;
use weft_circuits::wrap_config::{
    EXTENSION_DEGREE as D, ProofLayout, WRAP_PARAMETERS, WrapConfig, WrapHasher, encode_proof,
};
use weft_contract::testbed::TestBed;

type WrapProof = ProofWithPublicInputs<F, WrapConfig, D>;

const INPUTS: [u64; 4] = [1, 2, 3, F::ORDER - 1];

/// Gas of a verification with its calldata: the bound for a wrap of 2^13 rows.
const GAS_MAX: u64 = 2_910_000;

static BED: LazyLock<(TestBed, WrapProof)> = LazyLock::new(|| {
    let bed = TestBed::new();
    let proof = bed.prove(INPUTS);
    (bed, proof)
});

fn circuit() -> &'static CircuitData<F, WrapConfig, D> {
    &BED.0.wrap
}

fn layout() -> ProofLayout {
    ProofLayout::new(&circuit().common)
}

fn encoded(proof: &WrapProof) -> Vec<u8> {
    encode_proof(proof, &circuit().verifier_only, &circuit().common).expect("the proof has the circuit's shape")
}

/// A chain with the test circuit's verifier.
struct Chain {
    evm: Evm,
    verifier: Address,
}

impl Chain {
    fn new() -> Self {
        let evm = Evm::new();
        let gates = evm.deploy(&creation_code(include_str!("../testbed/Gates.json")), &[]);
        let argument = [&[0; 12], gates.as_slice()].concat();
        let verifier = evm.deploy(&creation_code(include_str!("../testbed/Verifier.json")), &argument);
        Self { evm, verifier }
    }

    fn verify(&self, proof: &[u8], inputs: &[[u8; 32]; 4]) -> Outcome {
        self.evm.call(self.verifier, calldata(proof, inputs))
    }

    #[track_caller]
    fn refuses(&self, proof: &[u8], error: &str) {
        let outcome = self.verify(proof, &INPUTS.map(word));
        assert!(!outcome.success);
        assert_eq!(outcome.output, selector(error), "expected {error}");
    }
}

/// Calldata of `verify(proof, inputs)`.
fn calldata(proof: &[u8], inputs: &[[u8; 32]; 4]) -> Vec<u8> {
    let mut data = selector("verify(bytes,uint256[4])").to_vec();
    data.extend(word(160));
    data.extend(inputs.as_flattened());
    data.extend(word(proof.len() as u64));
    data.extend(proof);
    data.resize(4 + (data.len() - 4).next_multiple_of(32), 0);
    data
}

/// Sets the proof-of-work witness to one that fits the rest of the proof.
fn grind(proof: &mut WrapProof) {
    let common = &circuit().common;
    let challenges = common.config.num_challenges;
    let inputs_hash = PoseidonHash::hash_no_pad(&proof.public_inputs);
    let body = &mut proof.proof;
    let mut transcript = Challenger::<F, WrapHasher>::new();
    common.fri_params.observe(&mut transcript);
    transcript.observe_hash::<WrapHasher>(circuit().verifier_only.circuit_digest);
    transcript.observe_elements(&inputs_hash.elements);
    transcript.observe_cap(&body.wires_cap);
    transcript.get_n_challenges(2 * challenges);
    transcript.observe_cap(&body.plonk_zs_partial_products_cap);
    transcript.get_n_challenges(challenges);
    transcript.observe_cap(&body.quotient_polys_cap);
    transcript.get_n_challenges(2);
    let openings = &body.openings;
    for values in [
        &openings.constants,
        &openings.plonk_sigmas,
        &openings.wires,
        &openings.plonk_zs,
        &openings.partial_products,
        &openings.quotient_polys,
        &openings.plonk_zs_next,
    ] {
        transcript.observe_extension_elements::<D>(values);
    }
    let fri = &mut body.opening_proof;
    transcript.get_n_challenges(2);
    for cap in &fri.commit_phase_merkle_caps {
        transcript.observe_cap(cap);
        transcript.get_n_challenges(2);
    }
    transcript.observe_extension_elements::<D>(&fri.final_poly.coeffs);
    fri.pow_witness = (0..)
        .map(F::from_canonical_u64)
        .find(|&witness| {
            let mut transcript = transcript.clone();
            transcript.observe_element(witness);
            transcript.get_challenge().to_canonical_u64().leading_zeros() >= WRAP_PARAMETERS.grinding_bits
        })
        .expect("the field has enough elements");
}

#[test]
fn a_real_proof_is_accepted_within_the_bound() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    let outcome = chain.verify(&proof, &INPUTS.map(word));
    println!("verify: {} gas, {} proof bytes, {} rows", outcome.gas, proof.len(), circuit().common.degree());
    assert!(outcome.success);
    assert_eq!(outcome.output, word(1));
    assert!(outcome.gas <= GAS_MAX, "{}", outcome.gas);
}

#[test]
fn the_circuit_digest_is_shown() {
    let chain = Chain::new();
    let outcome = chain.evm.call(chain.verifier, selector("circuitDigest()").to_vec());
    let digest = &circuit().verifier_only.circuit_digest.0;
    assert_eq!(outcome.output[..DIGEST_BYTES], digest[..]);
    assert_eq!(outcome.output[DIGEST_BYTES..], [0; 32 - DIGEST_BYTES]);
}

#[test]
fn a_change_of_what_the_transcript_absorbs_is_refused() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    let layout = layout();
    let [first, wires, zs, quotient] = layout.columns;
    let constants = circuit().common.num_constants;
    let opening = |column: usize| layout.openings() + column * EXTENSION_BYTES + 7;
    let positions = [
        ("wires cap", 0),
        ("Z cap", layout.cap_bytes()),
        ("quotient cap", 2 * layout.cap_bytes()),
        ("last digest of a cap", 3 * layout.cap_bytes() - 1),
        ("constants", opening(0)),
        ("sigmas", opening(constants)),
        ("wires", opening(first)),
        ("Z", opening(first + wires)),
        ("partial products", opening(first + wires + layout.next_columns)),
        ("quotient", opening(first + wires + zs)),
        ("second coefficient", opening(first + wires + zs) + 8),
        ("Z at the next point", opening(first + wires + zs + quotient)),
        ("first fold's cap", layout.fold_caps()),
        ("second fold's cap", layout.fold_caps() + layout.cap_bytes()),
        ("final polynomial", layout.final_polynomial() + 7),
        ("proof-of-work witness", layout.grinding_witness() + 7),
    ];
    for (name, position) in positions {
        let mut changed = proof.clone();
        changed[position] ^= 1;
        let outcome = chain.verify(&changed, &INPUTS.map(word));
        assert!(!outcome.success, "{name}");
        assert_eq!(outcome.output, selector("ProofOfWork()"), "{name}");
    }
}

#[test]
fn a_change_in_a_query_is_refused() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    let layout = layout();
    let path = layout.initial_siblings * DIGEST_BYTES;
    let mut positions = Vec::new();
    let mut column = 0;
    for (tree, columns) in layout.columns.iter().enumerate() {
        positions.extend([column * 8 + 7, (column + columns) * 8 - 1]);
        positions.extend([layout.query_siblings() + tree * path, layout.query_siblings() + (tree + 1) * path - 1]);
        column += columns;
    }
    for step in 0..layout.fold_bits.len() {
        let (start, end) = (layout.query_fold(step), layout.query_fold(step + 1));
        let siblings = layout.fold_siblings[step] * DIGEST_BYTES;
        positions.extend([start + 7, end - siblings - 1, end - siblings, end - 1]);
    }
    for query in [0, layout.queries - 1] {
        for &position in &positions {
            let mut changed = proof.clone();
            changed[layout.first_query() + query * layout.query_bytes() + position] ^= 1;
            chain.refuses(&changed, "MerklePath()");
        }
    }
}

#[test]
fn false_openings_are_refused_though_the_work_is_done_again() {
    let chain = Chain::new();
    let changes: [fn(&mut WrapProof); 6] = [
        |p| p.proof.openings.constants[0] += Field::ONE,
        |p| p.proof.openings.wires[134] += Field::ONE,
        |p| p.proof.openings.plonk_zs[2] += Field::ONE,
        |p| p.proof.openings.plonk_zs_next[1] += Field::ONE,
        |p| p.proof.openings.partial_products[5] += Field::ONE,
        |p| p.proof.openings.quotient_polys[23] += Field::ONE,
    ];
    for change in changes {
        let mut proof = BED.1.clone();
        change(&mut proof);
        grind(&mut proof);
        chain.refuses(&encoded(&proof), "Constraints()");
    }
}

#[test]
fn queries_answer_the_work_that_was_done() {
    let chain = Chain::new();
    // Another witness of the same proof draws other queries, which the rows do not answer.
    let mut proof = BED.1.clone();
    proof.proof.opening_proof.final_poly.coeffs[0] += Field::ONE;
    grind(&mut proof);
    chain.refuses(&encoded(&proof), "MerklePath()");
}

#[test]
fn other_public_inputs_are_refused() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    for index in 0..INPUTS.len() {
        let mut inputs = INPUTS;
        inputs[index] -= 1;
        assert!(!chain.verify(&proof, &inputs.map(word)).success, "input {index}");
    }
}

#[test]
fn words_that_are_no_elements_are_refused() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    for index in 0..INPUTS.len() {
        let mut aliased = INPUTS.map(word);
        // INPUTS[index] + p, the same element.
        let value = u128::from(INPUTS[index]) + u128::from(F::ORDER);
        aliased[index][16..].copy_from_slice(&value.to_be_bytes());
        let outcome = chain.verify(&proof, &aliased);
        assert_eq!(outcome.output, selector("NotCanonical()"));
    }
    let layout = layout();
    for position in [layout.openings(), layout.fold_caps() - 8, layout.final_polynomial(), layout.grinding_witness()] {
        let mut changed = proof.clone();
        changed[position..position + 8].copy_from_slice(&F::ORDER.to_be_bytes());
        chain.refuses(&changed, "NotCanonical()");
    }
}

#[test]
fn other_lengths_and_functions_are_refused() {
    let chain = Chain::new();
    let proof = encoded(&BED.1);
    chain.refuses(&proof[..proof.len() - 1], "ProofLength()");
    chain.refuses(&[&proof[..], &[0]].concat(), "ProofLength()");
    chain.refuses(&[], "ProofLength()");

    let data = calldata(&proof, &INPUTS.map(word));
    let cut = data[..4 + 192 + proof.len() - 1].to_vec();
    assert_eq!(chain.evm.call(chain.verifier, cut).output, selector("ProofLength()"));
    let mut moved = data;
    moved[4 + 31] ^= 32;
    assert_eq!(chain.evm.call(chain.verifier, moved).output, selector("ProofLength()"));
    assert_eq!(chain.evm.call(chain.verifier, vec![]).output, selector("UnknownFunction()"));
}
