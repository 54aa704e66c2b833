//! A segment's proof.

use std::borrow::Cow;

use plonky2::iop::generator::generate_partial_witness;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use weft_circuits::recursion::{DecodeError, Layer as _, Proof, ProveError, SegmentLayer, SegmentProof};
use weft_circuits::segment::SegmentCircuit;
use weft_protocol::{SegmentStatement, SegmentWitness, Slot, SlotWitness};

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
        let proof = prove(self.segment(size), &segment, log)?;
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
        Proof::from_bytes(bytes, &self.segment(size).circuit().data.common)
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

/// Makes a proof that nobody has checked yet.
fn prove(circuit: &SegmentCircuit, segment: &SegmentWitness, log: &mut StageLog) -> Result<SegmentProof, ProofError> {
    let data = &circuit.circuit().data;
    let unsatisfied = |reason: String| ProofError::Prove(ProveError::Unsatisfied { layer: SegmentLayer::NAME, reason });
    let witness = log.run(Stage::Witness, || {
        let inputs = circuit.witness(segment)?.into_partial();
        generate_partial_witness(inputs, &data.prover_only, &data.common)
            .map_err(|error| unsatisfied(error.to_string()))
    })?;
    let proof = log.run(Stage::Proving, || {
        let mut timing = TimingTree::default();
        prove_with_partition_witness(&data.prover_only, &data.common, witness, &mut timing)
            .map_err(|error| unsatisfied(error.to_string()))
    })?;
    Ok(Proof::new(proof)?)
}
