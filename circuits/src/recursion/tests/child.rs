//! What a verification reads of a proof: every part of it, natively and in a circuit, and each before the challenge that
//! depends on it. Few queries, so that the circuit is small; the code is that of every layer.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use plonky2::fri::proof::FriQueryRound;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::{CircuitConfig, CommonCircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::{ProofChallenges, ProofWithPublicInputs};

use crate::builder::{Builder, Child, ChildKey, Circuit, CircuitName, Mode};
use crate::config::{C, D, F, recursion_config};
use crate::testing::{Checker, generate};
use crate::wired::Witness;

type Proof = ProofWithPublicInputs<F, C, D>;
type Common = CommonCircuitData<F, D>;
type Challenges = ProofChallenges<F, D>;
type Hash = HashOut<F>;
type Query = FriQueryRound<F, <C as GenericConfig<D>>::Hasher, D>;

const NAME: CircuitName = CircuitName { name: "child-test", version: 1 };
/// Two folds of 16 follow, and a last polynomial of 4 coefficients.
const DEGREE_BITS: usize = 10;
const QUERIES: usize = 2;

fn config() -> CircuitConfig {
    let mut config = recursion_config();
    config.security_bits = 1;
    config.fri_config.num_query_rounds = QUERIES;
    config.fri_config.proof_of_work_bits = 4;
    config
}

/// A circuit with a proof of it.
struct World {
    circuit: Circuit,
    proof: Proof,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut b = Builder::new(NAME, config(), Mode::Proving);
    let root = b.input();
    let square = b.mul(root, root);
    b.expose(&[root, square]);
    b.pad_to_degree(DEGREE_BITS);
    let circuit = b.build();
    let mut witness = Witness::new();
    witness.set(root, F::from_canonical_u64(5)).expect("set once");
    let proof = circuit.data.prove(witness.into_partial()).expect("5² = 25");
    World { circuit, proof }
});

/// A change of a proof, with what is changed.
type Change = (&'static str, fn(&mut Proof));

/// A change of the parameters, with what is changed.
type ParameterChange = (&'static str, fn(&mut Common));

/// Every kind of value in a proof, changed.
fn changed_values() -> Vec<Change> {
    const ONE: F = F::ONE;
    vec![
        ("public input", |proof| proof.public_inputs[1] += ONE),
        ("wires cap", |proof| proof.proof.wires_cap.0[7].elements[2] += ONE),
        ("products cap", |proof| proof.proof.plonk_zs_partial_products_cap.0[15].elements[0] += ONE),
        ("quotient cap", |proof| proof.proof.quotient_polys_cap.0[0].elements[3] += ONE),
        ("opened constant", |proof| proof.proof.openings.constants[0].0[1] += ONE),
        ("opened sigma", |proof| proof.proof.openings.plonk_sigmas[79].0[0] += ONE),
        ("opened wire", |proof| proof.proof.openings.wires[134].0[0] += ONE),
        ("opened product", |proof| proof.proof.openings.plonk_zs[2].0[0] += ONE),
        ("opened next product", |proof| proof.proof.openings.plonk_zs_next[1].0[0] += ONE),
        ("opened partial product", |proof| proof.proof.openings.partial_products[0].0[1] += ONE),
        ("opened quotient", |proof| proof.proof.openings.quotient_polys[0].0[0] += ONE),
        ("cap of the first fold", |proof| fold_cap(proof, 0)[3].elements[1] += ONE),
        ("cap of the last fold", |proof| fold_cap(proof, 1)[9].elements[1] += ONE),
        ("last polynomial", |proof| proof.proof.opening_proof.final_poly.coeffs[3].0[1] += ONE),
        ("grinding", |proof| proof.proof.opening_proof.pow_witness += ONE),
        ("leaf of constants", |proof| leaf(proof, 0)[0] += ONE),
        ("leaf of wires", |proof| leaf(proof, 1)[134] += ONE),
        ("leaf of products", |proof| leaf(proof, 2)[1] += ONE),
        ("leaf of quotients", |proof| leaf(proof, 3)[2] += ONE),
        ("sibling", |proof| siblings(proof, 1)[0].elements[0] += ONE),
        ("last sibling", |proof| {
            siblings(proof, 3).last_mut().expect("a path").elements[3] += ONE;
        }),
        ("folded value", |proof| last_query(proof).steps[0].evals[11].0[0] += ONE),
        ("value folded last", |proof| last_query(proof).steps[1].evals[0].0[1] += ONE),
        ("sibling in a fold", |proof| last_query(proof).steps[0].merkle_proof.siblings[1].elements[2] += ONE),
        ("order of the queries", |proof| proof.proof.opening_proof.query_round_proofs.swap(0, 1)),
    ]
}

fn fold_cap(proof: &mut Proof, fold: usize) -> &mut Vec<Hash> {
    &mut proof.proof.opening_proof.commit_phase_merkle_caps[fold].0
}

fn last_query(proof: &mut Proof) -> &mut Query {
    &mut proof.proof.opening_proof.query_round_proofs[QUERIES - 1]
}

fn leaf(proof: &mut Proof, oracle: usize) -> &mut Vec<F> {
    &mut last_query(proof).initial_trees_proof.evals_proofs[oracle].0
}

fn siblings(proof: &mut Proof, oracle: usize) -> &mut Vec<Hash> {
    &mut last_query(proof).initial_trees_proof.evals_proofs[oracle].1.siblings
}

/// Proofs of another shape: longer, shorter, with parts of a tree read one level higher.
fn changed_shapes() -> Vec<Change> {
    vec![
        ("public input missing", |proof| proof.public_inputs.truncate(1)),
        ("public input added", |proof| proof.public_inputs.push(F::ZERO)),
        ("cap cut", |proof| proof.proof.wires_cap.0.truncate(8)),
        ("cap of a fold cut", |proof| fold_cap(proof, 0).truncate(8)),
        ("fold added", |proof| {
            let caps = &mut proof.proof.opening_proof.commit_phase_merkle_caps;
            caps.extend_from_within(1..);
        }),
        ("opened constant missing", |proof| proof.proof.openings.constants.truncate(1)),
        ("opened wire added", |proof| proof.proof.openings.wires.push(F::ZERO.into())),
        ("opened quotient missing", |proof| proof.proof.openings.quotient_polys.truncate(1)),
        ("opened lookup added", |proof| proof.proof.openings.lookup_zs.push(F::ZERO.into())),
        ("no queries", |proof| proof.proof.opening_proof.query_round_proofs.clear()),
        ("query missing", |proof| proof.proof.opening_proof.query_round_proofs.truncate(QUERIES - 1)),
        ("query added", |proof| proof.proof.opening_proof.query_round_proofs.extend_from_within(..1)),
        ("oracle missing", |proof| last_query(proof).initial_trees_proof.evals_proofs.truncate(3)),
        ("leaf with a zero more", |proof| leaf(proof, 2).push(F::ZERO)),
        ("leaf with a value less", |proof| leaf(proof, 2).truncate(1)),
        ("path cut", |proof| siblings(proof, 0).truncate(3)),
        ("path longer", |proof| siblings(proof, 0).extend_from_within(..1)),
        ("node for a leaf", |proof| {
            let sibling = siblings(proof, 1).remove(0);
            *leaf(proof, 1) = [sibling.elements, sibling.elements].concat();
        }),
        ("fold missing", |proof| last_query(proof).steps.truncate(1)),
        ("folded value missing", |proof| last_query(proof).steps[0].evals.truncate(15)),
        ("path in a fold cut", |proof| last_query(proof).steps[0].merkle_proof.siblings.truncate(1)),
        ("last polynomial longer", |proof| proof.proof.opening_proof.final_poly.coeffs.push(F::ZERO.into())),
        ("last polynomial shorter", |proof| proof.proof.opening_proof.final_poly.coeffs.truncate(3)),
    ]
}

fn changed(change: fn(&mut Proof)) -> Proof {
    let mut proof = WORLD.proof.clone();
    change(&mut proof);
    proof
}

#[test]
fn every_part_of_a_proof_is_read_natively() {
    let data = &WORLD.circuit.data;
    data.verify(WORLD.proof.clone()).expect("a good proof");
    // The library hashes leaves up to the length of a digest in another way.
    let leaves = &WORLD.proof.proof.opening_proof.query_round_proofs[0].initial_trees_proof.evals_proofs;
    assert!(leaves.iter().all(|(leaf, _)| leaf.len() > 4));
    for (name, change) in changed_values().into_iter().chain(changed_shapes()) {
        assert!(data.verify(changed(change)).is_err(), "{name}");
    }
}

/// A circuit that verifies a proof of the child.
fn parent() -> (Circuit, Child) {
    let child = &WORLD.circuit.data;
    let mut b = Builder::new(NAME, recursion_config(), Mode::Proving);
    let verified = b.clause("T-1", |b| b.verify_child(&child.common, ChildKey::Constant(&child.verifier_only)));
    (b.build(), verified)
}

#[test]
fn every_part_of_a_proof_is_read_in_a_circuit() {
    let (circuit, child) = parent();
    let checker = Checker::new(&circuit);
    let is_accepted = |proof: &Proof| {
        let mut witness = Witness::new();
        child.assign(&mut witness, proof, None).expect("the right shape");
        let generated = generate(&circuit, &witness, &[]);
        generated.is_complete() && checker.broken_rows(&generated.witness).is_empty()
    };
    assert!(is_accepted(&WORLD.proof));
    for (name, change) in changed_values() {
        assert!(!is_accepted(&changed(change)), "{name}");
    }
}

fn challenges(proof: &Proof, common: &Common) -> Challenges {
    let digest = &WORLD.circuit.data.verifier_only.circuit_digest;
    proof.get_challenges(proof.get_public_inputs_hash(), digest, common).expect("the right shape")
}

/// What the prover says is observed before the challenge that must not depend on less: in order, what is changed and the
/// challenges that change first.
#[test]
fn challenges_depend_on_everything_before_them() {
    let common = &WORLD.circuit.data.common;
    let honest = challenges(&WORLD.proof, common);
    let find = |name: &str| changed_values().into_iter().find(|change| change.0 == name).expect("a change").1;
    let first: fn(&Challenges) -> Vec<F> = |drawn| [&drawn.plonk_betas[..], &drawn.plonk_gammas].concat();
    let alphas: fn(&Challenges) -> Vec<F> = |drawn| drawn.plonk_alphas.clone();
    let zeta: fn(&Challenges) -> Vec<F> = |drawn| drawn.plonk_zeta.0.to_vec();
    let batching: fn(&Challenges) -> Vec<F> = |drawn| drawn.fri_challenges.fri_alpha.0.to_vec();
    let folds: fn(&Challenges) -> Vec<F> =
        |drawn| drawn.fri_challenges.fri_betas.iter().flat_map(|beta| beta.0).collect();
    let queries: fn(&Challenges) -> Vec<F> = |drawn| {
        let indices = drawn.fri_challenges.fri_query_indices.iter().map(|&index| F::from_canonical_usize(index));
        indices.chain([drawn.fri_challenges.fri_pow_response]).collect()
    };
    for (name, drawn) in [
        ("public input", first),
        ("wires cap", first),
        ("products cap", alphas),
        ("quotient cap", zeta),
        ("opened constant", batching),
        ("opened next product", batching),
        ("cap of the first fold", folds),
        ("cap of the last fold", folds),
        ("last polynomial", queries),
        ("grinding", queries),
    ] {
        let other = challenges(&changed(find(name)), common);
        assert_ne!(drawn(&other), drawn(&honest), "{name}");
    }

    // The circuit and its parameters.
    let mut digest = WORLD.circuit.data.verifier_only.circuit_digest;
    digest.elements[3] += F::ONE;
    let hash = WORLD.proof.get_public_inputs_hash();
    let other = WORLD.proof.get_challenges(hash, &digest, common).expect("the right shape");
    assert_ne!(first(&other), first(&honest), "circuit digest");
    let parameters: [ParameterChange; 6] = [
        ("rate", |common| common.fri_params.config.rate_bits += 1),
        ("cap height", |common| common.fri_params.config.cap_height += 1),
        ("grinding bits", |common| common.fri_params.config.proof_of_work_bits += 1),
        ("queries", |common| common.fri_params.config.num_query_rounds += 1),
        ("degree", |common| common.fri_params.degree_bits += 1),
        ("folds", |common| common.fri_params.reduction_arity_bits[0] += 1),
    ];
    for (name, change) in parameters {
        let mut common = common.clone();
        change(&mut common);
        assert_ne!(first(&challenges(&WORLD.proof, &common)), first(&honest), "{name}");
    }
}

/// The library stores parameters of FRI twice, and reads the number of queries out of one copy and their shape out of the
/// other. All circuits here come from the builder, which makes the copies equal.
#[test]
fn both_copies_of_the_parameters_are_equal() {
    let common = &WORLD.circuit.data.common;
    assert_eq!(common.fri_params, common.config.fri_config.fri_params(common.degree_bits(), false));
    assert_eq!(common.fri_params.degree_bits, DEGREE_BITS);
    assert!(common.luts.is_empty() && common.num_lookup_polys == 0, "no lookups");
    // Lists in which a circuit looks a place up: the library fills others up with their last value.
    assert_eq!(
        (common.config.fri_config.num_cap_elements(), &common.fri_params.reduction_arity_bits[..]),
        (16, &[4, 4][..])
    );
}
