//! Proofs of the table as bytes.
//!
//! A proof of a table has one shape, so that its bytes are its elements and nothing else: eight bytes each, the lowest first,
//! in the order in which [`elements`] visits them.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::GenericConfig;
use starky::proof::{StarkOpeningSet, StarkProof};

use super::columns::COLUMNS;
use super::constraints::PUBLIC_INPUTS;
use super::proof::{Auxiliary, Inner, OpeningsProof, OpeningsTable};
use crate::config::{C, D, F};
use crate::recursion::DecodeError;

type Hasher = <C as GenericConfig<D>>::Hasher;
type Extension = QuadraticExtension<F>;

/// Name of the layer in errors.
const LAYER: &str = "openings";
/// Bytes of an element.
const ELEMENT_BYTES: usize = 8;

impl OpeningsProof {
    /// The bytes of the proof with its public inputs.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut proof = self.inner().clone();
        elements(&mut proof).into_iter().flat_map(|element| element.to_canonical_u64().to_le_bytes()).collect()
    }

    /// The inverse of [`Self::to_bytes`] for this table. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are not exactly what [`Self::to_bytes`] writes for some proof of this table.
    pub fn from_bytes(bytes: &[u8], table: &OpeningsTable) -> Result<Self, DecodeError> {
        let (words, rest) = bytes.as_chunks::<ELEMENT_BYTES>();
        let mut proof = table.blank();
        let elements = elements(&mut proof);
        if !rest.is_empty() || words.len() != elements.len() {
            return Err(DecodeError::Malformed { layer: LAYER });
        }
        for (element, word) in elements.into_iter().zip(words) {
            let value = u64::from_le_bytes(*word);
            if value >= F::ORDER {
                return Err(DecodeError::NotCanonical { layer: LAYER });
            }
            *element = F::from_canonical_u64(value);
        }
        Ok(Self::new(proof))
    }
}

impl OpeningsTable {
    /// A proof of this table's shape, all 0.
    fn blank(&self) -> Inner {
        let fri = &self.config().fri_config;
        let Auxiliary { lookup, helpers, sums } = self.auxiliary();
        let auxiliary = lookup + helpers + sums;
        let quotients = self.quotient_parts();
        let extensions = |count| vec![Extension::ZERO; count];
        let cap = MerkleCap(vec![HashOut::ZERO; 1 << fri.cap_height]);
        let proof = StarkProof {
            trace_cap: cap.clone(),
            auxiliary_polys_cap: Some(cap.clone()),
            quotient_polys_cap: Some(cap),
            openings: StarkOpeningSet {
                local_values: extensions(COLUMNS),
                next_values: extensions(COLUMNS),
                auxiliary_polys: Some(extensions(auxiliary)),
                auxiliary_polys_next: Some(extensions(auxiliary)),
                ctl_zs_first: Some(vec![F::ZERO; sums]),
                quotient_polys: Some(extensions(quotients)),
            },
            opening_proof: self.blank_low_degree_test([COLUMNS, auxiliary, quotients]),
        };
        Inner { proof, public_inputs: vec![F::ZERO; PUBLIC_INPUTS] }
    }

    /// The part for the low-degree test of trees with leaves of these widths.
    fn blank_low_degree_test(&self, widths: [usize; 3]) -> FriProof<F, Hasher, D> {
        let fri = &self.config().fri_config;
        let arities = fri.fri_params(self.degree_bits(), false).reduction_arity_bits;
        let path = |height: usize| MerkleProof { siblings: vec![HashOut::ZERO; height - fri.cap_height] };
        let mut height = self.degree_bits() + fri.rate_bits;
        let evals_proofs = widths.map(|width| (vec![F::ZERO; width], path(height))).to_vec();
        let steps = arities.iter().map(|arity| {
            height -= arity;
            FriQueryStep { evals: vec![Extension::ZERO; 1 << arity], merkle_proof: path(height) }
        });
        let query = FriQueryRound { steps: steps.collect(), initial_trees_proof: FriInitialTreeProof { evals_proofs } };
        FriProof {
            commit_phase_merkle_caps: vec![MerkleCap(vec![HashOut::ZERO; 1 << fri.cap_height]); arities.len()],
            query_round_proofs: vec![query; fri.num_query_rounds],
            final_poly: PolynomialCoeffs::new(vec![Extension::ZERO; 1 << (height - fri.rate_bits)]),
            pow_witness: F::ZERO,
        }
    }
}

/// All elements of a proof in the order of the bytes.
fn elements(proof: &mut Inner) -> Vec<&mut F> {
    let mut visit = Visit(Vec::new());
    visit.0.extend(&mut proof.public_inputs);
    let StarkProof { trace_cap, auxiliary_polys_cap, quotient_polys_cap, openings, opening_proof } = &mut proof.proof;
    visit.hashes(&mut trace_cap.0);
    for cap in [auxiliary_polys_cap, quotient_polys_cap].into_iter().flatten() {
        visit.hashes(&mut cap.0);
    }
    visit.extensions(&mut openings.local_values);
    visit.extensions(&mut openings.next_values);
    let optional = [&mut openings.auxiliary_polys, &mut openings.auxiliary_polys_next, &mut openings.quotient_polys];
    optional.into_iter().flatten().for_each(|values| visit.extensions(values));
    visit.0.extend(openings.ctl_zs_first.iter_mut().flatten());
    for cap in &mut opening_proof.commit_phase_merkle_caps {
        visit.hashes(&mut cap.0);
    }
    for query in &mut opening_proof.query_round_proofs {
        for (leaf, path) in &mut query.initial_trees_proof.evals_proofs {
            visit.0.extend(leaf);
            visit.hashes(&mut path.siblings);
        }
        for step in &mut query.steps {
            visit.extensions(&mut step.evals);
            visit.hashes(&mut step.merkle_proof.siblings);
        }
    }
    visit.extensions(&mut opening_proof.final_poly.coeffs);
    visit.0.push(&mut opening_proof.pow_witness);
    visit.0
}

struct Visit<'a>(Vec<&'a mut F>);

impl<'a> Visit<'a> {
    fn hashes(&mut self, hashes: &'a mut [HashOut<F>]) {
        self.0.extend(hashes.iter_mut().flat_map(|hash| &mut hash.elements));
    }

    fn extensions(&mut self, values: &'a mut [Extension]) {
        self.0.extend(values.iter_mut().flat_map(|value| &mut value.0));
    }
}
