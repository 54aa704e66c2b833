//! The library's prover, the oracle of the tests.

use weft_crypto::Digest;
use weft_protocol::SealStatement;

use crate::config::C;
use crate::recursion::key::Origin;
use crate::recursion::{
    AggregateLayer, AggregateProof, Layer, LayerCircuit, Lift, Proof, ProveError, RecursionCircuits, Rewrap, SealInput,
    SealProof, SegmentProof, WrappedProof,
};
use crate::wired::Witness;

impl<L: Layer> LayerCircuit<L> {
    pub(crate) fn prove(&self, witness: Witness) -> Result<Proof<L>, ProveError> {
        let proof = self.circuit().data.prove(witness.into_partial());
        let proof = proof.map_err(|error| ProveError::Unsatisfied { layer: L::NAME, reason: error.to_string() })?;
        Ok(Proof::new(proof)?)
    }
}

impl Lift {
    pub(super) fn prove(
        &self,
        segments: &[SegmentProof],
        key_set: &Digest,
    ) -> Result<Proof<AggregateLayer>, ProveError> {
        self.layer.prove(self.witness(segments, key_set)?)
    }
}

impl<I: Layer<Config = C, PublicInputs = Digest>, O: Layer<PublicInputs = Digest>> Rewrap<I, O> {
    pub(super) fn prove(&self, proof: &Proof<I>) -> Result<Proof<O>, ProveError> {
        self.layer.prove(self.witness(proof)?)
    }
}

impl RecursionCircuits {
    pub(super) fn prove_small(&self, segments: &[SegmentProof]) -> Result<AggregateProof, ProveError> {
        let proof = self.lift_small.prove(segments, &self.key_set().digest())?;
        Ok(AggregateProof { origin: Origin::LiftSmall, proof })
    }

    pub(super) fn prove_large(&self, segments: &[SegmentProof]) -> Result<AggregateProof, ProveError> {
        let proof = self.lift_large.prove(segments, &self.key_set().digest())?;
        Ok(AggregateProof { origin: Origin::LiftLarge, proof })
    }

    pub(super) fn prove_aggregate(&self, children: &[AggregateProof]) -> Result<AggregateProof, ProveError> {
        let proof = self.aggregate.layer.prove(self.aggregate.witness(children, self.keys())?)?;
        Ok(AggregateProof { origin: Origin::Aggregate, proof })
    }

    pub(super) fn prove_seal(&self, input: &SealInput<'_>) -> Result<(SealStatement, SealProof), ProveError> {
        Ok((input.statement(), self.seal.layer.prove(self.seal.witness(input, self.keys())?)?))
    }

    pub(super) fn prove_wrap(&self, seal: &SealProof) -> Result<WrappedProof, ProveError> {
        self.wrap.prove(&self.shrink.prove(seal)?)
    }
}
