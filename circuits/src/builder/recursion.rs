//! Verification of child proofs.

use plonky2::field::types::PrimeField64;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitTarget, VerifierOnlyCircuitData};
use plonky2::plonk::config::{AlgebraicHasher, GenericConfig};
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use weft_crypto::{Digest, Goldilocks, Tag, poseidon};

#[cfg(test)]
use super::mutation::Mutation;
use super::{Builder, Target};
use crate::config::{C, D, F};
use crate::ledger::Claim;
use crate::wired::{AssignError, Targets, Wired, Witness};

/// Where the key of a child comes from.
#[derive(Clone, Copy, Debug)]
pub enum ChildKey<'a> {
    /// It is a constant of the circuit: one child circuit only.
    Constant(&'a VerifierOnlyCircuitData<C, D>),
    /// It is part of the witness; the caller must restrict [`Child::key`] to a set.
    Witness,
}

/// The wires of a verifier key that a verification used.
#[derive(Clone, Debug)]
pub struct KeyWires(VerifierCircuitTarget);

/// A verified child proof.
#[derive(Clone, Debug)]
pub struct Child {
    public_inputs: Vec<Target>,
    proof: ProofWithPublicInputsTarget<D>,
    key: KeyWires,
}

impl Child {
    /// What the proof proves, in the child's order.
    #[must_use]
    pub fn public_inputs(&self) -> &[Target] {
        &self.public_inputs
    }

    /// The public inputs as the wires of `T`, which must be all of them.
    ///
    /// The child's constraints have made them well-formed, so they are not constrained again.
    ///
    /// # Panics
    /// If `T` has another number of elements than the child has public inputs.
    #[must_use]
    pub fn statement<T: Wired>(&self) -> T::Wires {
        let mut source = Targets::new(&self.public_inputs);
        let wires = T::rebuild(&mut source);
        assert!(source.is_empty(), "a statement takes all public inputs of the child");
        wires
    }

    /// The key that the proof was verified under.
    #[must_use]
    pub const fn key(&self) -> &KeyWires {
        &self.key
    }

    /// Sets the proof, and for [`ChildKey::Witness`] its key.
    ///
    /// # Errors
    /// If the proof has another shape than the circuit expects, or wires are set twice to different values.
    pub fn assign(
        &self,
        witness: &mut Witness,
        proof: &ProofWithPublicInputs<F, C, D>,
        key: Option<&VerifierOnlyCircuitData<C, D>>,
    ) -> Result<(), AssignError> {
        witness.set_proof(&self.proof, proof)?;
        match key {
            Some(key) => witness.set_key(&self.key.0, key),
            None => Ok(()),
        }
    }
}

impl Builder {
    /// Verifies a proof of a circuit with this common data and returns its public inputs and key.
    ///
    /// The only source of wires that come from a child. Holds under any condition: an absent child repeats another's
    /// proof.
    ///
    /// # Panics
    /// Outside of a clause.
    pub fn verify_child(&mut self, common: &CommonCircuitData<F, D>, key: ChildKey<'_>) -> Child {
        let start = self.inner.num_gates();
        self.trace(serde_json::to_string(common).expect("common data has string keys only"));
        if let ChildKey::Constant(key) = key {
            self.trace(key_digest(key).to_bytes());
        }
        let proof = self.inner.add_virtual_proof_with_pis(common);
        let key = match key {
            ChildKey::Constant(key) => self.inner.constant_verifier_data::<C>(key),
            ChildKey::Witness => self.inner.add_virtual_verifier_data(common.config.fri_config.cap_height),
        };
        #[cfg(test)]
        if self.sites.mutates(Mutation::Child) {
            return Child { public_inputs: proof.public_inputs.clone(), proof, key: KeyWires(key) };
        }
        self.inner.verify_proof::<C>(&proof, &key, common);
        let end = self.inner.num_gates();
        self.record(Claim::Rows { start, end });
        Child { public_inputs: proof.public_inputs.clone(), proof, key: KeyWires(key) }
    }

    /// `H(CHILD_KEY; cap ‖ digest)` of the very wires that the verification used (PROTOCOL.md §9).
    pub fn key_digest(&mut self, key: &KeyWires) -> [Target; 4] {
        let HashOutTarget { elements: digest } = key.0.circuit_digest;
        let mut inputs: Vec<_> = key.0.constants_sigmas_cap.0.iter().flat_map(|hash| hash.elements).collect();
        inputs.extend(digest);
        self.hash(Tag::CHILD_KEY, &inputs)
    }
}

/// `H(CHILD_KEY; cap ‖ digest)`: what names a circuit to its parents.
#[must_use]
pub fn key_digest<K>(key: &VerifierOnlyCircuitData<K, D>) -> Digest
where
    K: GenericConfig<D, F = F>,
    K::Hasher: AlgebraicHasher<F>,
{
    let elements: Vec<_> = key
        .constants_sigmas_cap
        .0
        .iter()
        .chain([&key.circuit_digest])
        .flat_map(|hash| hash.elements)
        .map(|element| Goldilocks::from_u64(element.to_canonical_u64()))
        .collect();
    poseidon::hash(Tag::CHILD_KEY, &elements)
}
