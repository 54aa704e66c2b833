//! Proofs of the layers, by the loop of [`crate::plonk`]. Nobody has checked them yet.

use plonky2::iop::generator::generate_partial_witness;
use plonky2::plonk::config::GenericConfig;
use weft_circuits::config::{C, D, F};
use weft_circuits::recursion::key::Origin;
use weft_circuits::recursion::{
    AggregateProof, Layer, LayerCircuit, Proof, ProveError, RecursionCircuits, SealInput, SealProof, SegmentProof,
    WrappedProof,
};
use weft_circuits::wired::Witness;
use weft_circuits::wrap_config::WrapConfig;
use weft_protocol::SealStatement;

use crate::plonk::{PackedHasher, ProvingKey};
use crate::{CircuitSet, SegmentSize, Stage, StageLog};

/// Proving keys of the circuits above the segments.
#[derive(Debug)]
pub(crate) struct FamilyProvingKeys {
    lift_small: ProvingKey<C>,
    lift_large: ProvingKey<C>,
    pub(crate) join: ProvingKey<C>,
    aggregate: ProvingKey<C>,
    seal: ProvingKey<C>,
    shrink: ProvingKey<C>,
    wrap: ProvingKey<WrapConfig>,
}

impl FamilyProvingKeys {
    /// Takes the keys out of the circuits.
    pub(crate) fn take(family: &mut RecursionCircuits) -> Self {
        Self {
            lift_small: take_key(&mut family.lift_small.layer),
            lift_large: take_key(&mut family.lift_large.layer),
            join: take_key(&mut family.join.layer),
            aggregate: take_key(&mut family.aggregate.layer),
            seal: take_key(&mut family.seal.layer),
            shrink: take_key(&mut family.shrink.layer),
            wrap: take_key(&mut family.wrap.layer),
        }
    }
}

/// Takes the key out of a circuit.
pub(crate) fn take_key<L, K>(layer: &mut LayerCircuit<L>) -> ProvingKey<K>
where
    L: Layer<Config = K>,
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    ProvingKey::take(&mut layer.circuit_mut().data)
}

/// Completes a witness and proves it.
pub(crate) fn prove<L, K>(
    layer: &LayerCircuit<L>,
    key: &ProvingKey<K>,
    witness: impl FnOnce() -> Result<Witness, ProveError> + Send,
    log: &mut StageLog,
) -> Result<Proof<L>, ProveError>
where
    L: Layer<Config = K>,
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    let data = &layer.circuit().data;
    let unsatisfied = |reason: String| ProveError::Unsatisfied { layer: L::NAME, reason };
    let witness = log.run(Stage::Witness, || {
        generate_partial_witness(witness()?.into_partial(), &data.prover_only, &data.common)
            .map_err(|error| unsatisfied(error.to_string()))
    })?;
    let proof = log.run(Stage::Proving, || key.prove(data, &witness));
    Ok(Proof::new(proof.map_err(|error| unsatisfied(error.to_string()))?)?)
}

impl CircuitSet {
    /// Proving key of the aggregate.
    pub(crate) const fn aggregate_key(&self) -> &ProvingKey<C> {
        &self.family_keys().aggregate
    }

    /// Proves the merged statement of adjacent segments of one size.
    ///
    /// # Errors
    /// There are none or too many, they do not merge, or one of them is invalid; an invalid one may also lead to a proof
    /// that is invalid.
    pub fn lift(
        &self,
        size: SegmentSize,
        segments: &[SegmentProof],
        log: &mut StageLog,
    ) -> Result<AggregateProof, ProveError> {
        let (family, keys) = (self.family(), self.family_keys());
        let (lift, key, origin) = match size {
            SegmentSize::Small => (&family.lift_small, &keys.lift_small, Origin::LiftSmall),
            SegmentSize::Large => (&family.lift_large, &keys.lift_large, Origin::LiftLarge),
        };
        let witness = || lift.witness(segments, &family.key_set().digest());
        Ok(AggregateProof { origin, proof: prove(&lift.layer, key, witness, log)? })
    }

    /// Proves the merged statement of adjacent lifts and aggregates, mixed as they come.
    ///
    /// # Errors
    /// There are none or too many, they do not merge, one of them belongs to another family or is invalid; an invalid one
    /// may also lead to a proof that is invalid.
    pub fn aggregate(&self, children: &[AggregateProof], log: &mut StageLog) -> Result<AggregateProof, ProveError> {
        let (circuit, keys) = (&self.family().aggregate, self.family().keys());
        let proof = prove(&circuit.layer, &self.family_keys().aggregate, || circuit.witness(children, keys), log)?;
        Ok(AggregateProof { origin: Origin::Aggregate, proof })
    }

    /// Seals a batch: its public statement and the proof.
    ///
    /// # Errors
    /// The child does not cover exactly this batch, there are too many records, or the child is invalid; an invalid one
    /// may also lead to a proof that is invalid.
    pub fn seal(&self, input: &SealInput<'_>, log: &mut StageLog) -> Result<(SealStatement, SealProof), ProveError> {
        let (circuit, keys) = (&self.family().seal, self.family().keys());
        let proof = prove(&circuit.layer, &self.family_keys().seal, || circuit.witness(input, keys), log)?;
        Ok((input.statement(), proof))
    }

    /// Shrinks and wraps a seal.
    ///
    /// # Errors
    /// The seal is invalid; that may also lead to a proof that is invalid.
    pub fn wrap_seal(&self, seal: &SealProof, log: &mut StageLog) -> Result<WrappedProof, ProveError> {
        let (family, keys) = (self.family(), self.family_keys());
        let shrunk = prove(&family.shrink.layer, &keys.shrink, || Ok(family.shrink.witness(seal)?), log)?;
        prove(&family.wrap.layer, &keys.wrap, || Ok(family.wrap.witness(&shrunk)?), log)
    }
}
