//! Bytes of a wrapped proof: fixed length, big-endian words, 25-byte digests.
//!
//! ```text
//! cap of wires ‖ cap of Z and partial products ‖ cap of quotient        2^cap digests each
//! openings: constants, sigmas, wires, Z, partial products, quotient at ζ; Z at gζ
//! caps of the folds
//! final polynomial, lowest coefficient first
//! proof-of-work witness
//! per query:
//!   row of the four trees: constants and sigmas, wires, Z and partial products, quotient
//!   siblings of the four trees, from the leaf up
//!   per fold: the coset's evaluations without the one at the query's own position; siblings
//! ```
//! An element is 8 bytes, an element of the extension 16, the coefficient of 1 first. The evaluation left out
//! of a fold is the one that the verifier has just computed.

use plonky2::field::types::PrimeField64;
use plonky2::fri::proof::FriQueryRound;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;

use super::hasher::DIGEST_BYTES;
use super::{Digest, EXTENSION_DEGREE, WrapConfig, WrapHasher};

type F = <WrapConfig as GenericConfig<EXTENSION_DEGREE>>::F;
type Extension = <WrapConfig as GenericConfig<EXTENSION_DEGREE>>::FE;

/// Bytes of a field element.
pub const ELEMENT_BYTES: usize = 8;

/// Bytes of an element of the extension.
pub const EXTENSION_BYTES: usize = ELEMENT_BYTES * EXTENSION_DEGREE;

/// Trees that every query opens: constants and sigmas, wires, Z and partial products, quotient.
pub const INITIAL_TREES: usize = 4;

/// Caps that precede the openings in a proof.
pub const INITIAL_CAPS: usize = INITIAL_TREES - 1;

/// Why a proof cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The library could not derive the proof's challenges.
    #[error("challenges of the proof: {0}")]
    Challenges(String),
    /// The proof has not the shape that the circuit demands.
    #[error("a proof of this circuit has {expected} bytes, this one {got}")]
    Length {
        /// Bytes by [`ProofLayout::total`].
        expected: usize,
        /// Bytes written.
        got: usize,
    },
}

/// Positions and sizes in the bytes of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofLayout {
    /// Digests in a cap.
    pub cap_digests: usize,
    /// Columns of the four trees, in order.
    pub columns: [usize; INITIAL_TREES],
    /// Columns opened at gζ too.
    pub next_columns: usize,
    /// Arities of the folds, in bits.
    pub fold_bits: Vec<usize>,
    /// Siblings in a path of the initial trees.
    pub initial_siblings: usize,
    /// Siblings in a path of each fold's tree.
    pub fold_siblings: Vec<usize>,
    /// Coefficients of the final polynomial.
    pub final_coefficients: usize,
    /// Queries.
    pub queries: usize,
}

impl ProofLayout {
    /// The layout of proofs of the circuit that `common` describes (without lookups).
    #[must_use]
    pub fn new(common: &CommonCircuitData<F, EXTENSION_DEGREE>) -> Self {
        let (config, fri) = (&common.config, &common.fri_params);
        let height = fri.config.cap_height;
        let mut codeword_bits = fri.lde_bits();
        let fold_siblings = fri
            .reduction_arity_bits
            .iter()
            .map(|arity_bits| {
                codeword_bits -= arity_bits;
                codeword_bits - height
            })
            .collect();
        Self {
            cap_digests: 1 << height,
            columns: [
                common.num_constants + config.num_routed_wires,
                config.num_wires,
                config.num_challenges * (1 + common.num_partial_products),
                config.num_challenges * common.quotient_degree_factor,
            ],
            next_columns: config.num_challenges,
            fold_bits: fri.reduction_arity_bits.clone(),
            initial_siblings: fri.lde_bits() - height,
            fold_siblings,
            final_coefficients: fri.final_poly_len(),
            queries: fri.config.num_query_rounds,
        }
    }

    /// Columns of the four trees together.
    #[must_use]
    pub fn all_columns(&self) -> usize {
        self.columns.iter().sum()
    }

    /// Bytes of a cap.
    #[must_use]
    pub const fn cap_bytes(&self) -> usize {
        self.cap_digests * DIGEST_BYTES
    }

    /// Start of the openings.
    #[must_use]
    pub const fn openings(&self) -> usize {
        INITIAL_CAPS * self.cap_bytes()
    }

    /// Start of the folds' caps.
    #[must_use]
    pub fn fold_caps(&self) -> usize {
        self.openings() + (self.all_columns() + self.next_columns) * EXTENSION_BYTES
    }

    /// Start of the final polynomial.
    #[must_use]
    pub fn final_polynomial(&self) -> usize {
        self.fold_caps() + self.fold_bits.len() * self.cap_bytes()
    }

    /// Start of the proof-of-work witness.
    #[must_use]
    pub fn grinding_witness(&self) -> usize {
        self.final_polynomial() + self.final_coefficients * EXTENSION_BYTES
    }

    /// Start of the first query.
    #[must_use]
    pub fn first_query(&self) -> usize {
        self.grinding_witness() + ELEMENT_BYTES
    }

    /// Start of the initial trees' siblings in a query.
    #[must_use]
    pub fn query_siblings(&self) -> usize {
        self.all_columns() * ELEMENT_BYTES
    }

    /// Start of fold `step` in a query (the query's end for `step` = number of folds).
    #[must_use]
    pub fn query_fold(&self, step: usize) -> usize {
        let initial = self.query_siblings() + INITIAL_TREES * self.initial_siblings * DIGEST_BYTES;
        let folds = self.fold_bits.iter().zip(&self.fold_siblings).take(step);
        initial
            + folds.map(|(bits, siblings)| ((1 << bits) - 1) * EXTENSION_BYTES + siblings * DIGEST_BYTES).sum::<usize>()
    }

    /// Bytes of a query.
    #[must_use]
    pub fn query_bytes(&self) -> usize {
        self.query_fold(self.fold_bits.len())
    }

    /// Bytes of a proof.
    #[must_use]
    pub fn total(&self) -> usize {
        self.first_query() + self.queries * self.query_bytes()
    }
}

/// Writes `proof`, of the circuit that `verifier` and `common` describe, in the bytes that the contract reads.
///
/// # Errors
/// If the proof is not of this circuit's shape.
pub fn encode_proof(
    proof: &ProofWithPublicInputs<F, WrapConfig, EXTENSION_DEGREE>,
    verifier: &VerifierOnlyCircuitData<WrapConfig, EXTENSION_DEGREE>,
    common: &CommonCircuitData<F, EXTENSION_DEGREE>,
) -> Result<Vec<u8>, EncodeError> {
    let challenges = proof
        .get_challenges(proof.get_public_inputs_hash(), &verifier.circuit_digest, common)
        .map_err(|error| EncodeError::Challenges(error.to_string()))?;
    let layout = ProofLayout::new(common);
    let mut out = Encoder(Vec::with_capacity(layout.total()));
    let body = &proof.proof;
    for cap in [&body.wires_cap, &body.plonk_zs_partial_products_cap, &body.quotient_polys_cap] {
        out.digests(&cap.0);
    }
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
        out.extensions(values);
    }
    let fri = &body.opening_proof;
    for cap in &fri.commit_phase_merkle_caps {
        out.digests(&cap.0);
    }
    out.extensions(&fri.final_poly.coeffs);
    out.element(fri.pow_witness);
    for (query, &index) in fri.query_round_proofs.iter().zip(&challenges.fri_challenges.fri_query_indices) {
        out.query(query, index, &layout.fold_bits);
    }
    if out.0.len() == layout.total() {
        Ok(out.0)
    } else {
        Err(EncodeError::Length { expected: layout.total(), got: out.0.len() })
    }
}

/// Bytes written so far.
struct Encoder(Vec<u8>);

impl Encoder {
    fn element(&mut self, element: F) {
        self.0.extend(element.to_canonical_u64().to_be_bytes());
    }

    fn extensions(&mut self, values: &[Extension]) {
        for value in values {
            value.0.iter().for_each(|&coefficient| self.element(coefficient));
        }
    }

    fn digests(&mut self, digests: &[Digest]) {
        digests.iter().for_each(|digest| self.0.extend(digest.0));
    }

    fn siblings(&mut self, path: &MerkleProof<F, WrapHasher>) {
        self.digests(&path.siblings);
    }

    fn query(&mut self, query: &FriQueryRound<F, WrapHasher, EXTENSION_DEGREE>, index: usize, fold_bits: &[usize]) {
        let trees = &query.initial_trees_proof.evals_proofs;
        for (row, _) in trees {
            row.iter().for_each(|&element| self.element(element));
        }
        for (_, path) in trees {
            self.siblings(path);
        }
        let mut index = index;
        for (step, bits) in query.steps.iter().zip(fold_bits) {
            let own = index & ((1 << bits) - 1);
            self.extensions(&step.evals[..own]);
            self.extensions(step.evals.get(own + 1..).unwrap_or_default());
            self.siblings(&step.merkle_proof);
            index >>= bits;
        }
    }
}
