//! A segment's proof.

use std::borrow::Cow;

use weft_circuits::recursion::{DecodeError, SegmentProof};
use weft_protocol::{ACCESS_CHAIN_START, SegmentWitness, Slot, SlotWitness, WitnessError};

use crate::{CircuitSet, ProofError, SegmentClaim, SegmentInput, SegmentSize, Stage, StageLog};

/// A segment proof that was verified against its claim.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenSegment {
    /// What it proves, and by which circuit.
    pub claim: SegmentClaim,
    /// The proof.
    pub proof: SegmentProof,
}

impl SegmentClaim {
    /// What a segment claims if it is proved by this circuit and is the first one of its table.
    ///
    /// # Errors
    /// The segment proves no transition.
    pub fn of(size: SegmentSize, segment: &SegmentWitness) -> Result<Self, WitnessError> {
        match size {
            SegmentSize::Small => segment.statement().map(Self::Small),
            SegmentSize::Large => segment.opened_statement(ACCESS_CHAIN_START).map(Self::Large),
        }
    }

    /// Refuses a segment that claims something else, given the same access chain before it.
    fn check(&self, segment: &SegmentWitness) -> Result<(), ProofError> {
        let got = match self {
            Self::Small(_) => segment.statement()?,
            Self::Large(opened) => segment.opened_statement(opened.chains[0])?.claimed(),
        };
        ProofError::check_statement(&self.claimed(), &got)
    }
}

impl CircuitSet {
    /// Proves a segment, which is filled up with padding if it is short, and checks the proof. A large one is the first one
    /// of its table.
    ///
    /// # Errors
    /// The segment has too many slots or proves no transition.
    pub fn prove_segment(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let claim = log.run(Stage::Statement, || SegmentClaim::of(size, segment))?;
        self.prove_claim(segment, claim, log)
    }

    /// Proves a segment as it was sent. It is not proved at all unless it claims what is expected.
    ///
    /// # Errors
    /// The input is none of a segment, which has too many slots, proves no transition, or claims something else.
    pub fn prove_input(
        &self,
        input: &SegmentInput,
        expected: &SegmentClaim,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let segment = log.run(Stage::Statement, || -> Result<_, ProofError> {
            let segment = input.expand()?;
            expected.check(&segment)?;
            Ok(segment)
        })?;
        self.prove_claim(&segment, *expected, log)
    }

    /// Proves what the segment claims.
    fn prove_claim(
        &self,
        segment: &SegmentWitness,
        claim: SegmentClaim,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let size = claim.size();
        let segment = padded(segment, self.sizes().slots(size))?;
        let start = match &claim {
            SegmentClaim::Small(_) => segment.before.root,
            SegmentClaim::Large(opened) => opened.chains[0],
        };
        let proof = self.prove_slots(size, &segment, start, log)?;
        log.run(Stage::Verifying, || self.verify_segment(&proof, &claim))?;
        Ok(ProvenSegment { claim, proof })
    }

    /// Checks a proof against what it should claim.
    ///
    /// # Errors
    /// It is invalid, or claims something else.
    pub fn verify_segment(&self, proof: &SegmentProof, expected: &SegmentClaim) -> Result<(), ProofError> {
        let got = self.segment(expected.size()).verify(proof)?;
        ProofError::check_statement(&expected.claimed(), &got)
    }

    /// Reads a proof. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no proof of this circuit's shape.
    pub fn decode_segment(&self, size: SegmentSize, bytes: &[u8]) -> Result<SegmentProof, DecodeError> {
        self.segment(size).layer.decode(bytes)
    }
}

/// The segment with as many slots as its circuit: padding changes nothing and emits nothing.
fn padded(segment: &SegmentWitness, slots: usize) -> Result<Cow<'_, SegmentWitness>, ProofError> {
    let got = segment.slots.len();
    if got > slots {
        return Err(ProofError::TooManySlots { got, limit: slots });
    }
    if got == slots {
        return Ok(Cow::Borrowed(segment));
    }
    let mut segment = segment.clone();
    segment.slots.resize(slots, SlotWitness { slot: Slot::Padding, a: None, b: None });
    Ok(Cow::Owned(segment))
}
