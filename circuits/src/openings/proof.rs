//! Proofs of the table, made and checked by the library.
//!
//! The library's driver is for systems of tables; what it does for one that looks into itself is here, and as a circuit in
//! [`crate::builder`]. Transcript: what the table is, public inputs, commitment of the trace, challenges of the
//! multiset, and then what the library observes itself.

use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::polynomial::PolynomialValues;
use plonky2::field::types::PrimeField64;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::iop::challenger::Challenger;
use plonky2::plonk::config::GenericConfig;
use plonky2::util::timing::TimingTree;
use starky::config::StarkConfig;
use starky::cross_table_lookup::{CrossTableLookup, CtlCheckVars, get_ctl_data, verify_cross_table_lookups};
use starky::lookup::get_grand_product_challenge_set;
use starky::proof::{StarkProof, StarkProofWithPublicInputs};
use starky::prover::prove_with_commitment;
use starky::stark::Stark as _;
use starky::verifier::verify_stark_proof_with_challenges;

use super::air::{Air, DEGREE, multiset};
use super::columns::COLUMNS;
use super::constraints::{Constraint, Frame, PUBLIC_INPUTS, constraints};
use super::trace::{Trace, columns};
use super::{Openings, OpeningsError, OpeningsStatement};
use crate::builder::{Builder, CircuitName, Mode};
use crate::config::{C, D, F, LayerParameters, recursion_config};
use crate::digest::{CircuitDigest, FINGERPRINT_POINTS, PointElements, Transcript};
use crate::gates::algebra::Lanes;
use crate::recursion::CircuitSummary;
use crate::security::{CircuitSecurity, TraceSize};
use crate::wired::elements_of;

type Extension = <F as Extendable<D>>::Extension;
type Hasher = <C as GenericConfig<D>>::Hasher;

const NAME: CircuitName = CircuitName { name: "openings", version: 1 };
/// Sums of the multiset per challenge: of the parts, and of the nodes' own tuples.
const SUMS: usize = 2;
/// Helper columns of the multiset per challenge: two parts fit one of degree 3.
pub(crate) const HELPERS: usize = 1;

/// The library's form of a proof.
pub(crate) type Inner = StarkProofWithPublicInputs<F, C, D>;

/// A proof of a table, not necessarily a valid one.
#[derive(Clone, Debug)]
pub struct OpeningsProof(Inner);

/// A filled table and what it claims.
#[derive(Clone, Debug)]
pub struct FilledTable {
    /// The columns.
    pub columns: Vec<Vec<F>>,
    /// What it claims.
    pub statement: OpeningsStatement,
}

impl OpeningsProof {
    /// A proof in the library's form, whoever made it. It may be of any shape and need not be valid.
    #[must_use]
    pub const fn new(proof: StarkProofWithPublicInputs<F, C, D>) -> Self {
        Self(proof)
    }

    /// The library's form.
    #[must_use]
    pub const fn inner(&self) -> &StarkProofWithPublicInputs<F, C, D> {
        &self.0
    }

    /// What the proof claims. True only if it is valid.
    #[must_use]
    pub fn statement(&self) -> OpeningsStatement {
        OpeningsStatement::from_elements(&self.0.public_inputs)
    }

    #[cfg(test)]
    pub(crate) const fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0
    }
}

/// The table of a fixed number of rows under fixed parameters.
#[derive(Clone, Debug)]
pub struct OpeningsTable {
    parameters: LayerParameters,
    degree_bits: usize,
    config: StarkConfig,
    multiset: [CrossTableLookup<F>; 1],
    digest: CircuitDigest,
}

/// Numbers of auxiliary columns, as the library counts them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Auxiliary {
    /// Of the lookup.
    pub(crate) lookup: usize,
    /// Helpers of the multiset.
    pub(crate) helpers: usize,
    /// Sums of the multiset.
    pub(crate) sums: usize,
}

impl OpeningsTable {
    /// The table of `2^degree_bits` rows.
    #[must_use]
    pub fn new(parameters: LayerParameters, degree_bits: usize) -> Self {
        let (config, multiset) = (parameters.stark_config(), [multiset()]);
        let mut table = Self { parameters, degree_bits, config, multiset, digest: CircuitDigest([0; 32]) };
        table.digest = table.fingerprint();
        table
    }

    /// log2 of the rows.
    #[must_use]
    pub const fn degree_bits(&self) -> usize {
        self.degree_bits
    }

    /// Fills the table for a prover.
    ///
    /// # Errors
    /// The openings do not make a list of accesses in one tree, or need more rows than the table has.
    pub fn fill(&self, openings: &Openings<'_>) -> Result<FilledTable, OpeningsError> {
        let Trace { rows, statement } = Trace::new(openings, self.degree_bits)?;
        Ok(FilledTable { columns: columns(&rows), statement })
    }

    /// Proves openings by the library's prover, which any other is measured against.
    ///
    /// # Errors
    /// They do not make a list of accesses in one tree, or need more rows than the table has.
    pub fn prove(&self, openings: &Openings<'_>) -> Result<OpeningsProof, OpeningsError> {
        self.prove_trace(&Trace::new(openings, self.degree_bits)?)
    }

    /// Proves a table, good or bad: the verifier decides.
    pub(super) fn prove_trace(&self, trace: &Trace) -> Result<OpeningsProof, OpeningsError> {
        let public_inputs = elements_of(&trace.statement);
        let columns = [columns(&trace.rows).into_iter().map(PolynomialValues::new).collect::<Vec<_>>()];
        let mut timing = TimingTree::default();
        let commitment = PolynomialBatch::<F, C, D>::from_values(
            columns[0].clone(),
            self.config.fri_config.rate_bits,
            false,
            self.config.fri_config.cap_height,
            &mut timing,
            None,
        );
        let mut challenger = Challenger::<F, Hasher>::new();
        challenger.observe_elements(&self.seed());
        challenger.observe_elements(&public_inputs);
        challenger.observe_cap(&commitment.merkle_tree.cap);
        let (challenges, [sums]) =
            get_ctl_data::<F, C, D, 1>(&self.config, &columns, &self.multiset, &mut challenger, DEGREE);
        self.config.observe(&mut challenger);
        prove_with_commitment(
            &Air,
            &self.config,
            &columns[0],
            &commitment,
            Some(&sums),
            Some(&challenges),
            &mut challenger,
            &public_inputs,
            None,
            None,
            &mut timing,
        )
        .map(OpeningsProof)
        .map_err(|error| OpeningsError::Unproved { reason: error.to_string() })
    }

    /// Checks a proof of this table and returns what it proves.
    ///
    /// # Errors
    /// The proof has another shape or is invalid.
    pub fn verify(&self, proof: &OpeningsProof) -> Result<OpeningsStatement, OpeningsError> {
        let StarkProofWithPublicInputs { proof, public_inputs } = &proof.0;
        let sums = self.sums(proof).filter(|_| public_inputs.len() == PUBLIC_INPUTS).ok_or(OpeningsError::Shape)?;
        let mut challenger = Challenger::<F, Hasher>::new();
        challenger.observe_elements(&self.seed());
        challenger.observe_elements(public_inputs);
        challenger.observe_cap(&proof.trace_cap);
        let challenges = get_grand_product_challenge_set(&mut challenger, self.config.num_challenges);
        let Auxiliary { lookup, helpers, .. } = self.auxiliary();
        // The library counts one helper too many for a table that looks into itself, hence the numbers.
        let checks = CtlCheckVars::from_proof(0, proof, &self.multiset, &challenges, lookup, helpers, &[HELPERS]);
        let drawn = proof.get_challenges(
            &Air,
            public_inputs,
            &mut challenger,
            Some(&challenges),
            Some(&checks),
            true,
            &self.config,
            None,
        );
        verify_stark_proof_with_challenges(&Air, proof, &drawn, Some(&checks), public_inputs, &self.config)
            .and_then(|()| {
                verify_cross_table_lookups::<F, D, 1>(&self.multiset, [sums.clone()], &Default::default(), &self.config)
            })
            .map_err(|error| OpeningsError::Invalid { reason: error.to_string() })?;
        Ok(OpeningsStatement::from_elements(public_inputs))
    }

    /// Rows of a circuit that verifies a proof of this table, without those of constants.
    #[must_use]
    pub fn verification_rows(&self) -> usize {
        let mut b = Builder::new(NAME, recursion_config(), Mode::Proving);
        b.clause("JN-2", |b| b.verify_openings(self));
        b.rows()
    }

    /// The sums of the multiset over all rows, if what is read before the library checks it has the shape of a proof of
    /// this table.
    fn sums<'a>(&self, proof: &'a StarkProof<F, C, D>) -> Option<&'a Vec<F>> {
        let fri = &self.config.fri_config;
        let Auxiliary { lookup, helpers, sums } = self.auxiliary();
        let caps = [&proof.auxiliary_polys_cap, &proof.quotient_polys_cap].into_iter().map(Option::as_ref);
        let caps = caps.chain([Some(&proof.trace_cap)]);
        let folds = &proof.opening_proof.commit_phase_merkle_caps;
        let has_folds = folds.len() == fri.fri_params(self.degree_bits, false).reduction_arity_bits.len();
        let caps = caps.chain(folds.iter().map(Some));
        let is_cut = caps.into_iter().all(|cap| cap.is_some_and(|cap| cap.0.len() == 1 << fri.cap_height));
        let query = proof.opening_proof.query_round_proofs.first()?;
        let (_, path) = query.initial_trees_proof.evals_proofs.first()?;
        let has_size = path.siblings.len() + fri.cap_height == self.degree_bits + fri.rate_bits;
        let openings = [&proof.openings.auxiliary_polys, &proof.openings.auxiliary_polys_next];
        let width = Some(lookup + helpers + sums);
        let has_width = openings.into_iter().all(|values| values.as_ref().map(Vec::len) == width);
        let found = proof.openings.ctl_zs_first.as_ref().filter(|found| found.len() == sums);
        found.filter(|_| is_cut && has_folds && has_size && has_width)
    }

    /// The library's form of the parameters.
    #[must_use]
    pub const fn config(&self) -> &StarkConfig {
        &self.config
    }

    /// How the table looks into itself.
    pub(crate) const fn multiset(&self) -> &[CrossTableLookup<F>] {
        &self.multiset
    }

    /// Polynomials that the quotients are cut into.
    pub(super) fn quotient_parts(&self) -> usize {
        Air.quotient_degree_factor() * self.config.num_challenges
    }

    /// Numbers of auxiliary columns.
    pub(crate) fn auxiliary(&self) -> Auxiliary {
        let challenges = self.config.num_challenges;
        Auxiliary {
            lookup: Air.num_lookup_helper_columns(&self.config),
            helpers: HELPERS * challenges,
            sums: SUMS * challenges,
        }
    }

    /// Size and identity. There are constraints on all rows.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        let Self { degree_bits, digest, .. } = *self;
        CircuitSummary { name: NAME, rows: 1 << degree_bits, degree_bits, digest }
    }

    /// Bits of security.
    #[must_use]
    pub fn security(&self) -> CircuitSecurity {
        let Auxiliary { lookup, helpers, sums } = self.auxiliary();
        let polynomials = COLUMNS + lookup + helpers + sums + self.quotient_parts();
        CircuitSecurity::new(NAME.name, &self.parameters, TraceSize::new(self.degree_bits, polynomials))
    }

    /// Our digest of the table: parameters, size, values of the constraints at fixed points, multiset and lookup.
    fn fingerprint(&self) -> CircuitDigest {
        let mut transcript = Transcript::new("weft openings digest v1");
        for element in self.seed() {
            transcript.absorb(&element.to_canonical_u64().to_be_bytes());
        }
        // What these types say of themselves is all that they are.
        transcript.absorb(format!("{:?}", (self.parameters, &self.multiset, Air.lookups())).as_bytes());
        for point in 0..FINGERPRINT_POINTS {
            absorb_constraints(&mut transcript, point);
        }
        CircuitDigest(transcript.finish())
    }

    /// What seeds Fiat–Shamir: name, version and size of the table. Its parameters are observed by the library.
    #[must_use]
    pub fn seed(&self) -> Vec<F> {
        let mut transcript = Transcript::new("weft openings v1");
        for count in [self.degree_bits, COLUMNS, self.parameters.rate_bits] {
            transcript.absorb_integer(count);
        }
        transcript.into_elements()
    }
}

/// The values of all constraints where the cells are fixed and look random.
fn absorb_constraints(transcript: &mut Transcript, point: u64) {
    let mut elements = PointElements::new(point);
    let [row, next, public_inputs] =
        [COLUMNS, COLUMNS, PUBLIC_INPUTS].map(|count| (0..count).map(|_| elements.extension()).collect::<Vec<_>>());
    let frame = Frame { row: &row, next: &next, public_inputs: &public_inputs };
    for Constraint { rows, value, .. } in constraints(&mut Lanes::<Extension>::new(), &frame) {
        transcript.absorb(format!("{rows:?}").as_bytes());
        for coordinate in <Extension as FieldExtension<D>>::to_basefield_array(&value) {
            transcript.absorb(&coordinate.to_canonical_u64().to_be_bytes());
        }
    }
}
