//! The low-degree test: folds, grinding, queries.

use plonky2::field::extension::unflatten;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::FriParams;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::plonk::plonk_common::reduce_with_powers;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::Extension;
use super::domain::Domain;
use super::evaluation::coordinates;
use super::hasher::PackedHasher;
use super::merkle::Tree;
use super::transcript::Transcript;

/// Proves that a polynomial, given by its coefficients, has the low degree that it has. Its values are a combination of
/// rows of `oracles`, which are opened where the test looks.
pub(super) fn prove_low_degree<H: PackedHasher>(
    mut polynomial: Vec<Extension>,
    oracles: &[&Tree<H>],
    parameters: &FriParams,
    transcript: &mut Transcript<H>,
) -> FriProof<F, H, D> {
    let config = &parameters.config;
    let mut shift = F::coset_shift();
    let mut folds = Vec::with_capacity(parameters.reduction_arity_bits.len());
    for &arity_bits in &parameters.reduction_arity_bits {
        let tree = commit(&polynomial, shift, arity_bits, parameters);
        transcript.absorb_cap(&tree.cap());
        folds.push(tree);
        let beta = transcript.extension_challenge();
        let cosets = polynomial.par_chunks_exact(1 << arity_bits);
        polynomial = cosets.map(|chunk| reduce_with_powers(chunk, beta)).collect();
        shift = shift.exp_power_of_2(arity_bits);
    }
    transcript.absorb_extensions(&polynomial);
    let pow_witness = transcript.grind(config.proof_of_work_bits);
    let rows = 1 << parameters.lde_bits();
    let queries = transcript.challenges(config.num_query_rounds).into_par_iter().map(|challenge| {
        let challenge = usize::try_from(challenge.to_canonical_u64()).expect("an index has 64 bits");
        query(challenge % rows, oracles, &folds, &parameters.reduction_arity_bits)
    });
    FriProof {
        commit_phase_merkle_caps: folds.iter().map(Tree::cap).collect(),
        query_round_proofs: queries.collect(),
        final_poly: PolynomialCoeffs::new(polynomial),
        pow_witness,
    }
}

/// Commits to the values of a polynomial on its coset; a leaf has the values that one fold combines.
fn commit<H: PackedHasher>(polynomial: &[Extension], shift: F, arity_bits: usize, parameters: &FriParams) -> Tree<H> {
    let domain = Domain::new(polynomial.len().ilog2() as usize, parameters.config.rate_bits, shift);
    let values = coordinates(polynomial.iter().copied());
    let values: Vec<_> = values.par_iter().map(|coordinate| domain.extend(coordinate)).collect();
    let columns = (0..D << arity_bits).into_par_iter();
    let columns =
        columns.map(|column| values[column % D][column / D..].iter().step_by(1 << arity_bits).copied().collect());
    Tree::new(columns.collect(), parameters.config.cap_height)
}

/// Opens everything that the test looks at if it starts from this row.
fn query<H: PackedHasher>(
    mut row: usize,
    oracles: &[&Tree<H>],
    folds: &[Tree<H>],
    arity_bits: &[usize],
) -> FriQueryRound<F, H, D> {
    let evals_proofs = oracles.iter().map(|tree| (tree.row(row), tree.path(row))).collect();
    let steps = folds.iter().zip(arity_bits).map(|(tree, bits)| {
        row >>= bits;
        FriQueryStep { evals: unflatten::<F, D>(&tree.row(row)), merkle_proof: tree.path(row) }
    });
    FriQueryRound { steps: steps.collect(), initial_trees_proof: FriInitialTreeProof { evals_proofs } }
}
