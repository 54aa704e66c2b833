//! Proofs of the layers, each a type of its own, with their bytes and public inputs.

use std::fmt;

use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;
use weft_crypto::Digest;
use weft_protocol::{Context, SegmentStatement};

use super::key::Origin;
use super::statement::MergedStatement;
use crate::config::{C, D, F};
use crate::wired::from_field;
use crate::wrap_config::WrapConfig;

/// A kind of circuit whose proofs are a type of their own.
pub trait Layer {
    /// Hashes of its proofs.
    type Config: GenericConfig<D, F = F> + 'static;
    /// What its proofs prove.
    type PublicInputs: PublicInputs;
    /// Name for messages.
    const NAME: &'static str;
}

/// Public inputs of a proof as a native type.
pub trait PublicInputs: Sized {
    /// Number of digests that they consist of.
    const DIGESTS: usize;

    /// Reads them from exactly [`Self::DIGESTS`] digests.
    fn from_digests(digests: &[Digest]) -> Self;
}

impl PublicInputs for SegmentStatement {
    const DIGESTS: usize = 3;

    fn from_digests(digests: &[Digest]) -> Self {
        Self { context: Context(digests[0]), before: digests[1], after: digests[2] }
    }
}

impl PublicInputs for MergedStatement {
    const DIGESTS: usize = SegmentStatement::DIGESTS + 1;

    fn from_digests(digests: &[Digest]) -> Self {
        let (statement, key_set) = digests.split_at(SegmentStatement::DIGESTS);
        Self { statement: SegmentStatement::from_digests(statement), key_set: key_set[0] }
    }
}

impl PublicInputs for Digest {
    const DIGESTS: usize = 1;

    fn from_digests(digests: &[Digest]) -> Self {
        digests[0]
    }
}

/// Segments of a batch.
#[derive(Clone, Copy, Debug)]
pub enum SegmentLayer {}
/// Lift and aggregate.
#[derive(Clone, Copy, Debug)]
pub enum AggregateLayer {}
/// The seal of a batch.
#[derive(Clone, Copy, Debug)]
pub enum SealLayer {}
/// The layer that makes a seal small enough for the wrap.
#[derive(Clone, Copy, Debug)]
pub enum ShrinkLayer {}
/// The layer that L1 verifies.
#[derive(Clone, Copy, Debug)]
pub enum WrapLayer {}

impl Layer for SegmentLayer {
    type Config = C;
    type PublicInputs = SegmentStatement;
    const NAME: &'static str = "segment";
}

impl Layer for AggregateLayer {
    type Config = C;
    type PublicInputs = MergedStatement;
    const NAME: &'static str = "aggregate";
}

impl Layer for SealLayer {
    type Config = C;
    type PublicInputs = Digest;
    const NAME: &'static str = "seal";
}

impl Layer for ShrinkLayer {
    type Config = C;
    type PublicInputs = Digest;
    const NAME: &'static str = "shrink";
}

impl Layer for WrapLayer {
    type Config = WrapConfig;
    type PublicInputs = Digest;
    const NAME: &'static str = "wrap";
}

/// A proof of a circuit of layer `L`, not necessarily a valid one.
pub struct Proof<L: Layer>(ProofWithPublicInputs<F, L::Config, D>);

/// Proof of a segment.
pub type SegmentProof = Proof<SegmentLayer>;
/// Proof of a batch's public statement.
pub type SealProof = Proof<SealLayer>;
/// A seal's statement, proved again for the wrap.
pub type ShrunkProof = Proof<ShrinkLayer>;
/// The proof for L1.
pub type WrappedProof = Proof<WrapLayer>;

/// Proof of consecutive segments, by a lift or by an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateProof {
    /// The circuit that made it.
    pub origin: Origin,
    /// The proof.
    pub proof: Proof<AggregateLayer>,
}

/// Bytes are not a proof of the circuit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early or the library cannot read them.
    #[error("the bytes are no {layer} proof")]
    Malformed {
        /// Kind of the circuit.
        layer: &'static str,
    },
    /// The bytes are readable, but not what the proof that they give would be written as: an element that is not
    /// below the order, a wrong length, bytes after the end.
    #[error("the bytes of the {layer} proof are not canonical")]
    NotCanonical {
        /// Kind of the circuit.
        layer: &'static str,
    },
    /// The proof has another number of public inputs than its kind.
    #[error("a {layer} proof has {expected} public inputs, got {got}")]
    PublicInputs {
        /// Kind of the circuit.
        layer: &'static str,
        /// Number of the kind.
        expected: usize,
        /// Number found.
        got: usize,
    },
    /// The first byte names no circuit.
    #[error("an aggregate proof starts with the number of its circuit, got {got:?}")]
    Origin {
        /// The byte, if there is one.
        got: Option<u8>,
    },
}

impl<L: Layer> Proof<L> {
    /// Types a proof of the library.
    ///
    /// # Errors
    /// It has another number of public inputs than the layer.
    pub fn new(proof: ProofWithPublicInputs<F, L::Config, D>) -> Result<Self, DecodeError> {
        let (expected, got) = (L::PublicInputs::DIGESTS * 4, proof.public_inputs.len());
        if expected == got { Ok(Self(proof)) } else { Err(DecodeError::PublicInputs { layer: L::NAME, expected, got }) }
    }

    /// The library's form.
    #[must_use]
    pub const fn inner(&self) -> &ProofWithPublicInputs<F, L::Config, D> {
        &self.0
    }

    /// What the proof claims. True only if the proof is valid.
    #[must_use]
    pub fn public_inputs(&self) -> L::PublicInputs {
        let digests: Vec<_> =
            self.0.public_inputs.as_chunks::<4>().0.iter().map(|digest| Digest(digest.map(from_field))).collect();
        L::PublicInputs::from_digests(&digests)
    }

    /// The bytes of the proof with its public inputs.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// The inverse of [`Self::to_bytes`] for a circuit with this common data. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are not exactly what [`Self::to_bytes`] writes for some proof of this shape.
    pub fn from_bytes(bytes: &[u8], common: &CommonCircuitData<F, D>) -> Result<Self, DecodeError> {
        let layer = L::NAME;
        let proof =
            ProofWithPublicInputs::from_bytes(bytes.to_vec(), common).map_err(|_| DecodeError::Malformed { layer })?;
        let proof = Self::new(proof)?;
        if proof.to_bytes() == bytes { Ok(proof) } else { Err(DecodeError::NotCanonical { layer }) }
    }
}

impl AggregateProof {
    /// The number of the circuit and the bytes of the proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.origin.number()];
        bytes.extend(self.proof.to_bytes());
        bytes
    }

    /// The inverse of [`Self::to_bytes`] for circuits of this shape. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are not exactly what [`Self::to_bytes`] writes for some proof of this shape.
    pub fn from_bytes(bytes: &[u8], common: &CommonCircuitData<F, D>) -> Result<Self, DecodeError> {
        let got = bytes.first().copied();
        let origin = got.and_then(Origin::from_number).ok_or(DecodeError::Origin { got })?;
        Ok(Self { origin, proof: Proof::from_bytes(&bytes[1..], common)? })
    }

    /// What the proof claims. True only if the proof is valid.
    #[must_use]
    pub fn public_inputs(&self) -> MergedStatement {
        self.proof.public_inputs()
    }
}

impl<L: Layer> Clone for Proof<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L: Layer> PartialEq for Proof<L> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<L: Layer> fmt::Debug for Proof<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({}, {:?})", L::NAME, self.0.public_inputs)
    }
}
