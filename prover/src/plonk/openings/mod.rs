//! Proofs of the table of openings by the same loop as those of circuits.
//!
//! The library's verifier accepts them; they are its prover's byte by byte, but for the nonce that its threads happen to
//! find first.
//!
//! * [`arguments`]: the lookup and the multiset, their columns and what must vanish of them;
//! * [`quotient`]: all constraints at a point, and their quotient on a coset.

mod arguments;
mod quotient;
#[cfg(test)]
mod tests;

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use starky::config::StarkConfig;
use starky::proof::{StarkOpeningSet, StarkProof, StarkProofWithPublicInputs};
use weft_circuits::config::{C, D, F};
use weft_circuits::openings::relation::{COLUMNS, DEGREE};
use weft_circuits::openings::{FilledTable, Openings, OpeningsError, OpeningsProof, OpeningsTable};
use weft_circuits::wired::elements_of;

use super::commitment::Commitment;
use super::domain::Domain;
use super::evaluation::{Batch, evaluate, opening_quotient, powers};
use super::transcript::Transcript;
use super::{Extension, Packed, PlonkError, fri};
use arguments::{Arguments, Challenge};
use quotient::{Selectors, System, binding};

/// Proves openings.
///
/// # Errors
/// They do not make a list of accesses in one tree, or need more rows than the table has.
///
/// # Panics
/// The table has less rows than a pack has lanes.
pub fn prove(table: &OpeningsTable, openings: &Openings<'_>) -> Result<OpeningsProof, OpeningsError> {
    let FilledTable { columns, statement } = table.fill(openings)?;
    assert!(columns[0].len() >= 2 * Packed::WIDTH, "tables have at least {} rows", 2 * Packed::WIDTH);
    Prover::new(table)
        .prove(&columns, elements_of(&statement))
        .map_err(|error| OpeningsError::Unproved { reason: error.to_string() })
}

/// What the steps of a proof have in common.
struct Prover<'a> {
    table: &'a OpeningsTable,
    domain: Domain,
    transcript: Transcript<PoseidonHash>,
}

impl<'a> Prover<'a> {
    fn new(table: &'a OpeningsTable) -> Self {
        let domain = Domain::new(table.degree_bits(), table.config().fri_config.rate_bits, F::coset_shift());
        let mut transcript = Transcript::empty();
        transcript.absorb(&table.seed());
        Self { table, domain, transcript }
    }

    fn prove(mut self, columns: &[Vec<F>], public_inputs: Vec<F>) -> Result<OpeningsProof, PlonkError> {
        let StarkConfig { security_bits, num_challenges, fri_config } = self.table.config();
        self.transcript.absorb(&public_inputs);
        let trace = self.commit(columns);
        let drawn = self.transcript.challenges(2 * num_challenges);
        let challenges: Vec<_> = drawn.as_chunks().0.iter().map(|&[beta, gamma]| Challenge { beta, gamma }).collect();
        self.transcript.absorb(&[*security_bits, *num_challenges].map(F::from_canonical_usize));
        self.transcript.absorb_config(fri_config);

        let arguments = Arguments::new(&challenges);
        let auxiliary = arguments.columns(columns);
        let sums: Vec<F> = auxiliary[3 * num_challenges..].iter().map(|column| column[0]).collect();
        let auxiliary = self.commit(&auxiliary);
        self.bind(&challenges, &public_inputs);
        let alphas = self.transcript.challenges(*num_challenges);
        let system = System::new(&self.domain, self.table.degree_bits(), arguments, &public_inputs);
        let quotients = system.quotients(&alphas, trace.tree().columns(), auxiliary.tree().columns());
        let degree = 1 << self.table.degree_bits();
        let chunks = quotients.iter().flat_map(|quotient| quotient.chunks_exact(degree).map(<[F]>::to_vec));
        let quotients = Commitment::of_polynomials(&self.domain, chunks.collect(), fri_config.cap_height);
        self.transcript.absorb_cap(&quotients.tree().cap());

        let proof = self.open(&[trace, auxiliary, quotients], sums)?;
        Ok(OpeningsProof::new(StarkProofWithPublicInputs { proof, public_inputs }))
    }

    /// Commits to columns.
    fn commit(&mut self, columns: &[Vec<F>]) -> Commitment<PoseidonHash> {
        let commitment = Commitment::of_values(&self.domain, columns, self.table.config().fri_config.cap_height);
        self.transcript.absorb_cap(&commitment.tree().cap());
        commitment
    }

    /// Absorbs the value of all constraints for a row of challenges: the library binds the constraints by it.
    fn bind(&mut self, challenges: &[Challenge], public_inputs: &[F]) {
        let alphas = self.transcript.challenges(challenges.len());
        let auxiliary = Arguments::<F>::new(challenges).column_count();
        // The library draws one challenge for so many cells; the others are its powers.
        const POWERS: usize = 25;
        let cells = 2 * (COLUMNS + auxiliary);
        let drawn = (0..cells.div_ceil(POWERS - 1)).map(|_| self.transcript.extension_challenge());
        let drawn: Vec<_> = drawn.collect();
        let raise = |&value: &Extension| Some(value.exp_u64(DEGREE as u64 + 1));
        let cells: Vec<_> =
            drawn.iter().flat_map(|&first| std::iter::successors(Some(first), raise).take(POWERS)).collect();
        let zeta = self.transcript.extension_challenge();
        let selectors = Selectors::at(zeta, self.table.degree_bits());
        let values = binding(&cells, &Arguments::new(challenges), &selectors, public_inputs);
        let sum = |alpha: F| values.iter().fold(Extension::ZERO, |sum, &value| sum * Extension::from(alpha) + value);
        let sums: Vec<_> = alphas.into_iter().map(sum).collect();
        self.transcript.absorb_extensions(&sums);
    }

    /// Opens the commitments at a challenge, those of the trace and of the auxiliary columns in the next row too, and the
    /// sums of the multiset in the first row.
    fn open(
        mut self,
        commitments: &[Commitment<PoseidonHash>; 3],
        sums: Vec<F>,
    ) -> Result<StarkProof<F, C, D>, PlonkError> {
        let degree_bits = self.table.degree_bits();
        let degree = 1 << degree_bits;
        let zeta = self.transcript.extension_challenge();
        if zeta.exp_power_of_2(degree_bits) == Extension::ONE {
            return Err(PlonkError::OpeningPoint);
        }
        let next = Extension::primitive_root_of_unity(degree_bits) * zeta;
        let [trace, auxiliary, quotients] = commitments.each_ref().map(Commitment::polynomials);
        let (at_zeta, at_next) = (powers(zeta, degree), powers(next, degree));
        let openings = StarkOpeningSet {
            local_values: evaluate(trace, &at_zeta),
            next_values: evaluate(trace, &at_next),
            auxiliary_polys: Some(evaluate(auxiliary, &at_zeta)),
            auxiliary_polys_next: Some(evaluate(auxiliary, &at_next)),
            ctl_zs_first: Some(sums),
            quotient_polys: Some(evaluate(quotients, &at_zeta)),
        };
        self.absorb_openings(&openings);

        let first_sum = auxiliary.len() - openings.ctl_zs_first.as_ref().map_or(0, Vec::len);
        let batches = [
            Batch { point: zeta, polynomials: trace.iter().chain(auxiliary).chain(quotients).collect() },
            Batch { point: next, polynomials: trace.iter().chain(auxiliary).collect() },
            Batch { point: Extension::ONE, polynomials: auxiliary[first_sum..].iter().collect() },
        ];
        let low_degree = opening_quotient(&batches, self.transcript.extension_challenge(), degree);
        let oracles = commitments.each_ref().map(Commitment::tree);
        let parameters = self.table.config().fri_params(degree_bits);
        let opening_proof = fri::prove_low_degree(low_degree, &oracles, &parameters, &mut self.transcript);
        let [trace_cap, auxiliary_cap, quotients_cap] = oracles.map(super::merkle::Tree::cap);
        Ok(StarkProof {
            trace_cap,
            auxiliary_polys_cap: Some(auxiliary_cap),
            quotient_polys_cap: Some(quotients_cap),
            openings,
            opening_proof,
        })
    }

    /// Absorbs openings by the points at which they are.
    fn absorb_openings(&mut self, openings: &StarkOpeningSet<F, D>) {
        let StarkOpeningSet {
            local_values,
            next_values,
            auxiliary_polys,
            auxiliary_polys_next,
            ctl_zs_first,
            quotient_polys,
        } = openings;
        self.transcript.absorb_extensions(local_values);
        for values in [auxiliary_polys, quotient_polys].into_iter().flatten() {
            self.transcript.absorb_extensions(values);
        }
        self.transcript.absorb_extensions(next_values);
        self.transcript.absorb_extensions(auxiliary_polys_next.as_deref().unwrap_or_default());
        let sums = ctl_zs_first.iter().flatten().copied().map(Extension::from);
        self.transcript.absorb_extensions(&sums.collect::<Vec<_>>());
    }
}
