//! Verification of a table of openings.

use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::challenger::RecursiveChallenger;
use starky::cross_table_lookup::{CtlCheckVarsTarget, verify_cross_table_lookups_circuit};
use starky::lookup::get_grand_product_challenge_set_target;
use starky::proof::StarkProofWithPublicInputsTarget;
use starky::recursive_verifier::{add_virtual_stark_proof_with_pis, verify_stark_proof_with_challenges_circuit};

#[cfg(test)]
use super::mutation::Mutation;
use super::{Builder, Target};
use crate::config::{C, D, F};
use crate::ledger::Claim;
use crate::openings::{Air, Auxiliary, HELPERS, OpeningsProof, OpeningsStatement, OpeningsTable};
use crate::wired::{AssignError, Targets, Wired, Wires, Witness};

/// A verified table of openings.
#[derive(Clone, Debug)]
pub struct OpeningsChild {
    proof: StarkProofWithPublicInputsTarget<D>,
    zero: Target,
    degree_bits: usize,
}

impl OpeningsChild {
    /// The same, of which the prover says that it has another number of rows.
    #[cfg(test)]
    pub(crate) fn with_degree_bits(&self, degree_bits: usize) -> Self {
        Self { degree_bits, ..self.clone() }
    }

    /// What the table proves.
    ///
    /// # Panics
    /// Never: the statement has as many elements as the table has public inputs.
    #[must_use]
    pub fn statement(&self) -> Wires<OpeningsStatement> {
        OpeningsStatement::rebuild(&mut Targets::new(&self.proof.public_inputs))
    }

    /// Sets the proof.
    ///
    /// # Errors
    /// A wire has been set to another value.
    ///
    /// # Panics
    /// If the proof has another shape than the circuit expects. [`OpeningsTable::verify`] refuses it before.
    pub fn assign(&self, witness: &mut Witness, proof: &OpeningsProof) -> Result<(), AssignError> {
        witness.set_openings(&self.proof, proof, self.degree_bits, self.zero)
    }
}

impl Builder {
    /// Verifies a proof of this table; the same transcript as [`OpeningsTable::verify`].
    ///
    /// # Soundness
    /// The number of rows bounds the times in the table: it is a constant here, though the library takes it from the
    /// proof. The library adds to the sums what its caller passes, and a free wire where nothing is passed: zeros are.
    ///
    /// # Panics
    /// Outside of a clause.
    pub fn verify_openings(&mut self, table: &OpeningsTable) -> OpeningsChild {
        let start = self.inner.num_gates();
        let (config, degree_bits) = (table.config(), table.degree_bits());
        self.trace(("openings", format!("{config:?}"), degree_bits));
        let Auxiliary { lookup, helpers, sums } = table.auxiliary();
        let b = &mut self.inner;
        let proof = add_virtual_stark_proof_with_pis(b, &Air, config, degree_bits, helpers + sums, sums);
        let (zero, size) = (b.zero(), b.constant(F::from_canonical_usize(degree_bits)));
        #[cfg(test)]
        if self.sites.mutates(Mutation::Child) {
            return OpeningsChild { proof, zero, degree_bits };
        }
        #[cfg(test)]
        let size = if self.sites.mutates(Mutation::Child) { proof.proof.degree_bits } else { size };
        b.connect(proof.proof.degree_bits, size);

        let mut challenger = RecursiveChallenger::<F, PoseidonHash, D>::new(b);
        challenger.observe_elements(&b.constants(&table.seed()));
        challenger.observe_elements(&proof.public_inputs);
        challenger.observe_cap(&proof.proof.trace_cap);
        let challenges = get_grand_product_challenge_set_target(b, &mut challenger, config.num_challenges);
        let multiset = table.multiset();
        let checks =
            CtlCheckVarsTarget::from_proof(0, &proof.proof, multiset, &challenges, lookup, helpers, &[HELPERS]);
        let drawn = proof.proof.get_challenges::<F, C, Air>(
            b,
            &Air,
            &proof.public_inputs,
            &mut challenger,
            Some(&challenges),
            Some(&checks),
            degree_bits,
            true,
            config,
        );
        verify_stark_proof_with_challenges_circuit::<F, C, Air, D>(
            b,
            &Air,
            &proof.proof,
            &proof.public_inputs,
            drawn,
            Some(&checks),
            config,
            degree_bits,
            None,
        );
        let found = proof.proof.openings.ctl_zs_first.clone().expect("the table has a multiset");
        #[cfg(test)]
        let found = if self.sites.mutates(Mutation::Child) { vec![zero; found.len()] } else { found };
        let nothing = [(0, vec![zero; config.num_challenges])].into_iter().collect();
        verify_cross_table_lookups_circuit::<F, D, 1>(b, multiset.to_vec(), [found], &nothing, config);
        let end = self.inner.num_gates();
        self.record(Claim::Rows { start, end });
        OpeningsChild { proof, zero, degree_bits }
    }
}
