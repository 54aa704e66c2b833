//! A segment's proof.

use std::borrow::Cow;

use weft_circuits::recursion::{DecodeError, Proof, SegmentProof};
use weft_protocol::{SegmentStatement, SegmentWitness, Slot, SlotWitness};

use crate::layer::prove;
use crate::{CircuitSet, ProofError, SegmentInput, SegmentSize, Stage, StageLog};

/// A segment proof that was verified against its statement.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenSegment {
    /// The circuit that made it.
    pub size: SegmentSize,
    /// What it proves.
    pub statement: SegmentStatement,
    /// The proof.
    pub proof: SegmentProof,
}

impl CircuitSet {
    /// Proves a segment, which is filled up with padding if it is short, and checks the proof.
    ///
    /// # Errors
    /// The segment has too many slots or proves no transition.
    pub fn prove_segment(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let statement = log.run(Stage::Statement, || segment.statement())?;
        self.prove_statement(size, segment, statement, log)
    }

    /// Proves a segment as it was sent. It is not proved at all unless it claims what is expected.
    ///
    /// # Errors
    /// The input is none of a segment, which has too many slots, proves no transition, or claims something else.
    pub fn prove_input(
        &self,
        size: SegmentSize,
        input: &SegmentInput,
        expected: &SegmentStatement,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let segment = log.run(Stage::Statement, || -> Result<_, ProofError> {
            let segment = input.expand()?;
            ProofError::check_statement(expected, &segment.statement()?)?;
            Ok(segment)
        })?;
        self.prove_statement(size, &segment, *expected, log)
    }

    /// Proves what the segment claims.
    fn prove_statement(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        statement: SegmentStatement,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        let segment = padded(segment, self.sizes().slots(size))?;
        let circuit = self.segment(size);
        let proof = prove(&circuit.layer, self.segment_key(size), || Ok(circuit.witness(&segment)?), log)?;
        log.run(Stage::Verifying, || self.verify_segment(size, &proof, &statement))?;
        Ok(ProvenSegment { size, statement, proof })
    }

    /// Checks a proof against the statement that it should prove.
    ///
    /// # Errors
    /// It is invalid, or proves something else.
    pub fn verify_segment(
        &self,
        size: SegmentSize,
        proof: &SegmentProof,
        expected: &SegmentStatement,
    ) -> Result<(), ProofError> {
        let got = self.segment(size).verify(proof)?;
        ProofError::check_statement(expected, &got)
    }

    /// Reads a proof. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no proof of this circuit's shape.
    pub fn decode_segment(&self, size: SegmentSize, bytes: &[u8]) -> Result<SegmentProof, DecodeError> {
        Proof::from_bytes(bytes, &self.segment(size).layer.circuit().data.common)
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
