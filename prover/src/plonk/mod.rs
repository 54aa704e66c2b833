//! Proofs of plonky2 circuits, and of the table of openings, by a loop of our own.
//!
//! The unchanged library accepts them, natively and in circuits. What differs from its prover is how: tables stay in
//! columns and in bit-reversed order from the transform to the opened row, hashes are computed many at once, constraints
//! at several points at once, and nothing is random: the same witness gives the same bytes, whatever the threads. Circuits
//! with lookups or blinding are refused, ours have neither.
//!
//! * [`domain`]: values of polynomials on cosets; [`merkle`], [`commitment`]: trees over columns;
//! * [`permutation`], [`vanishing`], [`gates`]: the argument that copies are equal, the quotient of all constraints;
//! * [`coset`], [`tile`], [`combination`], [`poseidon`]: where quotients are computed, on which rows, sums of constraints, a
//!   linear layer;
//! * [`evaluation`], [`fri`]: values at challenges and the low-degree test; [`transcript`], [`hasher`]: what both rest on;
//! * [`openings`]: proofs of the table of openings.

mod combination;
mod commitment;
mod coset;
mod domain;
mod evaluation;
mod fri;
mod gates;
mod hasher;
mod keccak;
mod merkle;
pub mod openings;
mod permutation;
mod poseidon;
#[cfg(test)]
mod tests;
mod tile;
mod transcript;
mod vanishing;

use plonky2::field::extension::Extendable;
use plonky2::field::packable::Packable;
use plonky2::field::packed::PackedField;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::Field;
use plonky2::iop::generator::{WitnessGeneratorRef, generate_partial_witness};
use plonky2::iop::target::Target;
use plonky2::iop::wire::Wire;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness as _};
use plonky2::plonk::circuit_data::{CommonCircuitData, ProverOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, GenericHashOut, Hasher};
use plonky2::plonk::proof::{OpeningSet, Proof, ProofWithPublicInputs};
use plonky2::util::serialization::{Buffer, Read as _};
use rayon::prelude::*;
use weft_circuits::cache::ProverHalf;
use weft_circuits::config::{D, F};

pub use hasher::PackedHasher;

use commitment::Commitment;
use domain::Domain;
use evaluation::{Batch, evaluate, opening_quotient, powers};
use permutation::Permutation;
use transcript::Transcript;
use vanishing::{Tables, Vanishing, quotient_bits};

/// Elements side by side.
type Packed = <F as Packable>::Packing;
/// The extension that challenges come from.
type Extension = <F as Extendable<D>>::Extension;

/// No proof was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlonkError {
    /// The inputs of a witness contradict the circuit, or are not enough.
    #[error("the witness cannot be completed: {reason}")]
    Incomplete {
        /// What the library says.
        reason: String,
    },
    /// The witness violates a constraint.
    #[error("the witness violates a constraint")]
    Unsatisfied,
    /// The transcript led to a point of the subgroup, where nothing may be opened: an event of probability below 2^-100.
    #[error("the opening point is in the subgroup")]
    OpeningPoint,
}

/// Challenges of the arguments before the openings.
#[derive(Debug)]
struct Challenges {
    betas: Vec<F>,
    gammas: Vec<F>,
    alphas: Vec<F>,
}

/// What proofs of one circuit have in common.
#[derive(Debug)]
pub struct ProvingKey<K: GenericConfig<D, F = F, Hasher: PackedHasher>> {
    domain: Domain,
    /// What completes a witness.
    wiring: ProverOnlyCircuitData<F, K, D>,
    /// Constants and the permutation.
    fixed: Commitment<K::Hasher>,
    /// The permutation on the subgroup.
    sigmas: Vec<Vec<F>>,
    vanishing: Vanishing,
    /// Wires that nothing constrains.
    free: Vec<Wire>,
}

impl<K: GenericConfig<D, F = F, Hasher: PackedHasher>> ProvingKey<K> {
    /// The key of a circuit of this shape. Works on one thread.
    ///
    /// # Panics
    /// The circuit has lookups or blinding, constraints of a degree above its rate, or less rows than a pack has lanes.
    #[must_use]
    pub fn new(half: ProverHalf<K>, common: &CommonCircuitData<F, D>) -> Self {
        let ProverHalf { wiring, fixed } = half;
        let free = random_wires(&wiring, common);
        let rate_bits = common.config.fri_config.rate_bits;
        assert!(common.luts.is_empty(), "circuits have no lookups");
        assert!(!common.config.zero_knowledge && !common.fri_params.hiding, "proofs are not blinded");
        assert!(quotient_bits(common) <= rate_bits, "constraints have a degree that the rate allows");
        assert!(common.degree() >= Packed::WIDTH, "circuits have at least {} rows", Packed::WIDTH);
        let domain = Domain::new(common.degree_bits(), rate_bits, F::coset_shift());
        let on_subgroup = |polynomial: &Vec<F>| {
            PolynomialCoeffs::new(polynomial.clone()).fft_with_options(None, Some(domain.roots())).values
        };
        let sigmas = fixed.polynomials[common.sigmas_range()].iter().map(on_subgroup).collect();
        let vanishing = Vanishing::new(common, &domain);
        Self { domain, wiring, fixed: Commitment::of_circuit(fixed), sigmas, vanishing, free }
    }

    /// Completes a witness of the circuit of this key.
    ///
    /// # Errors
    /// The inputs contradict the circuit, or are not enough.
    pub fn complete<'a>(
        &'a self,
        inputs: PartialWitness<F>,
        common: &'a CommonCircuitData<F, D>,
    ) -> Result<PartitionWitness<'a, F>, PlonkError> {
        generate_partial_witness(inputs, &self.wiring, common)
            .map_err(|error| PlonkError::Incomplete { reason: error.to_string() })
    }

    /// Proves a finished witness of the circuit of this key.
    ///
    /// # Errors
    /// The witness violates a constraint.
    pub fn prove(
        &self,
        common: &CommonCircuitData<F, D>,
        witness: &PartitionWitness<'_, F>,
    ) -> Result<ProofWithPublicInputs<F, K, D>, PlonkError> {
        let public_inputs = witness.get_targets(&self.wiring.public_inputs);
        let public_inputs_hash = K::InnerHasher::hash_no_pad(&public_inputs);
        let cap_height = common.config.fri_config.cap_height;

        let mut transcript = Transcript::new(&common.fri_params);
        transcript.absorb(&GenericHashOut::<F>::to_vec(&self.wiring.circuit_digest));
        transcript.absorb(&public_inputs_hash.elements);

        let mut columns = wire_columns(witness, common);
        for wire in &self.free {
            columns[wire.column][wire.row] = F::ZERO;
        }
        let wires = Commitment::of_values(&self.domain, &columns, cap_height);
        transcript.absorb_cap(&wires.tree().cap());

        let (products, challenges) = self.commit_products(&columns, common, &mut transcript);
        drop(columns);
        let tables = Tables {
            fixed: self.fixed.tree().columns(),
            wires: wires.tree().columns(),
            products: products.tree().columns(),
            public_inputs_hash: &public_inputs_hash,
        };
        let quotients = self.quotient_chunks(common, tables, &challenges)?;
        let quotients = Commitment::of_polynomials(&self.domain, quotients, cap_height);
        transcript.absorb_cap(&quotients.tree().cap());

        let proof = self.open(common, &[wires, products, quotients], transcript)?;
        Ok(ProofWithPublicInputs { proof, public_inputs })
    }

    /// Commits to Z's and partial products; the challenges are those before and after it.
    fn commit_products(
        &self,
        wires: &[Vec<F>],
        common: &CommonCircuitData<F, D>,
        transcript: &mut Transcript<K::Hasher>,
    ) -> (Commitment<K::Hasher>, Challenges) {
        let count = common.config.num_challenges;
        let (betas, gammas) = (transcript.challenges(count), transcript.challenges(count));
        let permutation = Permutation {
            chunk: common.quotient_degree_factor,
            shifts: &common.k_is,
            points: &self.wiring.subgroup,
            sigmas: &self.sigmas,
            wires,
        };
        let products = betas.iter().zip(&gammas).map(|(&beta, &gamma)| permutation.products(beta, gamma));
        let (mut columns, partials): (Vec<_>, Vec<_>) = products.unzip();
        columns.extend(partials.into_iter().flatten());
        let products = Commitment::of_values(&self.domain, &columns, common.config.fri_config.cap_height);
        transcript.absorb_cap(&products.tree().cap());
        let alphas = transcript.challenges(count);
        (products, Challenges { betas, gammas, alphas })
    }

    /// The quotients, cut into polynomials of the circuit's degree.
    fn quotient_chunks(
        &self,
        common: &CommonCircuitData<F, D>,
        tables: Tables<'_>,
        challenges: &Challenges,
    ) -> Result<Vec<Vec<F>>, PlonkError> {
        let mut chunks = Vec::with_capacity(common.config.num_challenges * common.quotient_degree_factor);
        for quotient in self.vanishing.quotients(common, tables, challenges) {
            let (quotient, rest) = quotient.split_at(common.quotient_degree());
            // What does not vanish on the rows leaves a quotient of full degree.
            if rest.iter().any(|coefficient| coefficient.is_nonzero()) {
                return Err(PlonkError::Unsatisfied);
            }
            chunks.extend(quotient.chunks_exact(common.degree()).map(<[F]>::to_vec));
        }
        Ok(chunks)
    }

    /// Opens all commitments at a challenge, and the Z's in the next row too.
    fn open(
        &self,
        common: &CommonCircuitData<F, D>,
        commitments: &[Commitment<K::Hasher>; 3],
        mut transcript: Transcript<K::Hasher>,
    ) -> Result<Proof<F, K, D>, PlonkError> {
        let degree = common.degree();
        let zeta = transcript.extension_challenge();
        if zeta.exp_power_of_2(common.degree_bits()) == Extension::ONE {
            return Err(PlonkError::OpeningPoint);
        }
        let next = Extension::primitive_root_of_unity(common.degree_bits()) * zeta;
        let [wires, products, quotients] = commitments;
        let all = [&self.fixed, wires, products, quotients];
        let at_zeta = powers(zeta, degree);
        let mut values = all.map(|commitment| evaluate(commitment.polynomials(), &at_zeta));
        let zs = &products.polynomials()[common.zs_range()];
        let zs_next = evaluate(zs, &powers(next, degree));
        values.iter().for_each(|values| transcript.absorb_extensions(values));
        transcript.absorb_extensions(&zs_next);

        let alpha = transcript.extension_challenge();
        let polynomials = all.iter().flat_map(|commitment| commitment.polynomials());
        let batches = [
            Batch { point: zeta, polynomials: polynomials.collect() },
            Batch { point: next, polynomials: zs.iter().collect() },
        ];
        let low_degree = opening_quotient(&batches, alpha, degree);
        let oracles = all.map(Commitment::tree);
        let opening_proof = fri::prove_low_degree(low_degree, &oracles, &common.fri_params, &mut transcript);

        let plonk_sigmas = values[0].split_off(common.num_constants);
        let partial_products = values[2].split_off(zs.len());
        let [constants, wire_values, plonk_zs, quotient_polys] = values;
        let openings = OpeningSet {
            constants,
            plonk_sigmas,
            wires: wire_values,
            plonk_zs,
            plonk_zs_next: zs_next,
            partial_products,
            quotient_polys,
            lookup_zs: Vec::new(),
            lookup_zs_next: Vec::new(),
        };
        let [wires_cap, plonk_zs_partial_products_cap, quotient_polys_cap] =
            [wires, products, quotients].map(|commitment| commitment.tree().cap());
        Ok(Proof { wires_cap, plonk_zs_partial_products_cap, quotient_polys_cap, openings, opening_proof })
    }
}

/// The wires that the library fills at random so that another try is another witness: the rest of the row of public
/// inputs, where nothing reads them.
fn random_wires<K: GenericConfig<D, F = F>>(
    wiring: &ProverOnlyCircuitData<F, K, D>,
    common: &CommonCircuitData<F, D>,
) -> Vec<Wire> {
    let filler = |generator: &&WitnessGeneratorRef<F, D>| generator.0.id() == "RandomValueGenerator";
    let generators = wiring.generators.iter().filter(filler);
    generators
        .map(|generator| {
            let mut bytes = Vec::new();
            let written = generator.0.serialize(&mut bytes, common);
            match written.and_then(|()| Buffer::new(&bytes).read_target()) {
                Ok(Target::Wire(wire)) => wire,
                _ => unreachable!("the library's generator of a random value is its wire"),
            }
        })
        .collect()
}

/// The wires of a finished witness, column by column; a wire that nothing sets is zero.
fn wire_columns(witness: &PartitionWitness<'_, F>, common: &CommonCircuitData<F, D>) -> Vec<Vec<F>> {
    /// Columns whose representatives lie in one line of the cache.
    const TASK: usize = 8;
    let (wires, rows) = (common.config.num_wires, common.degree());
    let mut columns = vec![Vec::with_capacity(rows); wires];
    columns.par_chunks_mut(TASK).enumerate().for_each(|(task, columns)| {
        for representatives in witness.representative_map.chunks_exact(wires).take(rows) {
            for (column, &representative) in columns.iter_mut().zip(&representatives[task * TASK..]) {
                column.push(witness.values[representative].unwrap_or_default());
            }
        }
    });
    columns
}
