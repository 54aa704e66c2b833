//! Proofs of the layers, by the loop of [`crate::plonk`]. Nobody has checked them yet.

use std::sync::Arc;

use plonky2::plonk::config::GenericConfig;
use weft_circuits::config::{C, D, F, shrink_config};
use weft_circuits::recursion::key::Origin;
use weft_circuits::recursion::{
    Aggregate, AggregateProof, Assembly, Layer, LayerCircuit, Lift, Proof, ProveError, RecursionCircuits, Seal,
    SealInput, SealProof, SegmentProof, Shrink, Wrap, WrappedProof,
};
use weft_circuits::wired::Witness;
use weft_circuits::wrap_config::wrap_circuit_config;
use weft_protocol::crypto::Digest;
use weft_protocol::{SealStatement, SegmentWitness};

use crate::circuits::build_segment;
use crate::plonk::{PackedHasher, PlonkError, ProvingKey};
use crate::{CircuitSet, SegmentSize, Stage, StageLog};

/// Completes a witness and proves it.
pub(crate) fn prove<L, K>(
    layer: &LayerCircuit<L>,
    key: impl FnOnce() -> Arc<ProvingKey<K>> + Send,
    witness: impl FnOnce() -> Result<Witness, ProveError> + Send,
    log: &mut StageLog,
) -> Result<Proof<L>, ProveError>
where
    L: Layer<Config = K>,
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    let common = &layer.verifier().common;
    let unsatisfied = |error: PlonkError| ProveError::Unsatisfied { layer: L::NAME, reason: error.to_string() };
    let key = log.run(Stage::Loading, key);
    let witness = log.run(Stage::Witness, || key.complete(witness()?.into_partial(), common).map_err(unsatisfied))?;
    let proof = log.run(Stage::Proving, || key.prove(common, &witness));
    Ok(Proof::new(proof.map_err(unsatisfied)?)?)
}

impl CircuitSet {
    /// Proves a segment of as many slots as the circuit has, whose leaves are those of this root, or follow from this chain.
    pub(crate) fn prove_slots(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        start: Digest,
        log: &mut StageLog,
    ) -> Result<SegmentProof, ProveError> {
        let (circuit, keys) = (self.segment(size), self.keys());
        let slot = match size {
            SegmentSize::Small => &keys.small,
            SegmentSize::Large => &keys.large,
        };
        let rebuild = || build_segment(self.sizes(), size, Assembly::FRESH).layer;
        let key = || keys.get(slot, &circuit.layer, rebuild);
        prove(&circuit.layer, key, || Ok(circuit.witness_from(segment, start)?), log)
    }

    /// Proving key of the aggregate.
    pub(crate) fn aggregate_key(&self) -> Arc<ProvingKey<C>> {
        let (shape, layer) = (self.family().common_shape(), &self.family().aggregate.layer);
        self.keys().get(&self.keys().aggregate, layer, || Aggregate::build(shape, Assembly::FRESH).layer)
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
        let (family, keys) = (self.family(), self.keys());
        let (lift, slot, origin) = match size {
            SegmentSize::Small => (&family.lift_small, &keys.lift_small, Origin::LiftSmall),
            SegmentSize::Large => (&family.lift_large, &keys.lift_large, Origin::LiftLarge),
        };
        let inner = self.segment(size).verifier_data();
        let rebuild = || Lift::build(lift.summary().name, inner, Assembly::FRESH).layer;
        let key = || keys.get(slot, &lift.layer, rebuild);
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
        let proof = prove(&circuit.layer, || self.aggregate_key(), || circuit.witness(children, keys), log)?;
        Ok(AggregateProof { origin: Origin::Aggregate, proof })
    }

    /// Seals a batch: its public statement and the proof.
    ///
    /// # Errors
    /// The child does not cover exactly this batch, there are too many records, or the child is invalid; an invalid one
    /// may also lead to a proof that is invalid.
    pub fn seal(&self, input: &SealInput<'_>, log: &mut StageLog) -> Result<(SealStatement, SealProof), ProveError> {
        let (family, circuit) = (self.family(), &self.family().seal);
        let rebuild =
            || Seal::build(family.common_shape(), family.key_set(), self.sizes().records, Assembly::FRESH).layer;
        let key = || self.keys().get(&self.keys().seal, &circuit.layer, rebuild);
        let proof = prove(&circuit.layer, key, || circuit.witness(input, family.keys()), log)?;
        Ok((input.statement(), proof))
    }

    /// Shrinks and wraps a seal.
    ///
    /// # Errors
    /// The seal is invalid; that may also lead to a proof that is invalid.
    pub fn wrap_seal(&self, seal: &SealProof, log: &mut StageLog) -> Result<WrappedProof, ProveError> {
        let (RecursionCircuits { seal: inner, shrink, wrap, .. }, keys) = (self.family(), self.keys());
        let rebuild = || Shrink::build(inner.verifier_data(), shrink_config(), Assembly::FRESH).layer;
        let key = || keys.get(&keys.shrink, &shrink.layer, rebuild);
        let shrunk = prove(&shrink.layer, key, || Ok(shrink.witness(seal)?), log)?;
        let rebuild = || Wrap::build(shrink.layer.verifier(), wrap_circuit_config(), Assembly::FRESH).layer;
        let key = || keys.get(&keys.wrap, &wrap.layer, rebuild);
        prove(&wrap.layer, key, || Ok(wrap.witness(&shrunk)?), log)
    }
}
