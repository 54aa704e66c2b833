//! Real proofs.

use weft_circuits::recursion::key::Origin;
use weft_circuits::recursion::{AggregateProof, SegmentProof};
use weft_protocol::SegmentStatement;
use weft_prover::{CircuitSet, ProofError, SegmentClaim, SegmentInput, SegmentSize, StageLog};

use super::{CircuitId, CircuitInfo, Circuits, Refusal, TaskError};
use crate::prove::{prove_aggregate, prove_join, prove_lift, prove_seal, prove_wrap};
use crate::statement::SealBlob;
use crate::{JobStatement, Task};

/// Memory of a proof of 2^15 rows, from the peaks of docs/performance.md; half the rows take half of it.
const ROWS_15_MIB: u32 = 768;
/// The table of openings: twice as many rows as a large segment and twice the columns, at twice the rate.
const OPENINGS_MIB: u32 = 1152;
/// Shrink and wrap: few rows, but on larger domains.
const WRAP_MIB: u32 = 1024;

impl Circuits for CircuitSet {
    fn ids(&self) -> Vec<CircuitId> {
        self.summaries().iter().map(|summary| summary.digest.0).collect()
    }

    fn circuit(&self, statement: &JobStatement) -> CircuitInfo {
        let [lift_small, lift_large, openings, join, aggregate, seal, _, wrap] = self.family().summaries();
        let segment = |size| self.segment(size).summary();
        let (summary, memory_mib) = match statement {
            JobStatement::Segment(SegmentClaim::Small(_)) => (segment(SegmentSize::Small), ROWS_15_MIB / 4),
            JobStatement::Segment(SegmentClaim::Large(_)) => (segment(SegmentSize::Large), ROWS_15_MIB),
            JobStatement::Openings(_) => (openings, OPENINGS_MIB),
            JobStatement::Join(_) => (join, ROWS_15_MIB / 2),
            JobStatement::Lift { size: SegmentSize::Small, .. } => (lift_small, ROWS_15_MIB / 2),
            JobStatement::Lift { size: SegmentSize::Large, .. } => (lift_large, ROWS_15_MIB / 2),
            JobStatement::Aggregate { .. } => (aggregate, ROWS_15_MIB / 2),
            JobStatement::Seal { .. } => (seal, ROWS_15_MIB / 2),
            JobStatement::Wrap { .. } => (wrap, WRAP_MIB),
        };
        CircuitInfo { id: summary.digest.0, memory_mib }
    }

    fn prove(&self, task: &Task, log: &mut StageLog) -> Result<Vec<u8>, TaskError> {
        match task.statement {
            JobStatement::Segment(claim) => {
                let [input] = blobs(task)?;
                let input = SegmentInput::from_bytes(input)?;
                Ok(self.prove_input(&input, &claim, log)?.proof.to_bytes())
            }
            JobStatement::Lift { size, statement } => {
                let children = decode(&task.blobs, |bytes| self.decode_segment(size, bytes))?;
                check(children.iter().map(SegmentProof::public_inputs), &statement)?;
                Ok(prove_lift(self, size, &children, log)?.to_bytes())
            }
            JobStatement::Openings(statement) => {
                let inputs = task.blobs.iter().map(|input| SegmentInput::from_bytes(input));
                let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
                Ok(self.prove_openings(&inputs, &statement, log)?.to_bytes())
            }
            JobStatement::Join(opened) => {
                let [lift, openings] = blobs(task)?;
                let lift = self.family().decode_aggregate(lift)?;
                let openings = self.decode_openings(openings)?;
                Ok(prove_join(self, (&lift, &openings), &opened, log)?.to_bytes())
            }
            JobStatement::Aggregate { statement } => {
                let children = decode(&task.blobs, |bytes| self.family().decode_aggregate(bytes))?;
                check(children.iter().map(|child| child.public_inputs().statement), &statement)?;
                Ok(prove_aggregate(self, &children, log)?.to_bytes())
            }
            JobStatement::Seal { digest } => {
                let [end, child] = blobs(task)?;
                let SealBlob { context, end } = postcard::from_bytes(end)?;
                if end.statement(context).digest() != digest {
                    return Err(TaskError::OtherStatement);
                }
                let child = self.family().decode_aggregate(child)?;
                Ok(prove_seal(self, &child, &end, log)?.1.to_bytes())
            }
            JobStatement::Wrap { digest } => {
                let [seal] = blobs(task)?;
                let seal = self.family().decode_seal(seal)?;
                Ok(prove_wrap(self, &seal, digest, log)?.to_bytes())
            }
        }
    }

    fn verify(&self, statement: &JobStatement, proof: &[u8]) -> Result<(), Refusal> {
        let family = self.family();
        match statement {
            JobStatement::Segment(claim) => {
                let proof = self.decode_segment(claim.size(), proof).map_err(invalid)?;
                Ok(self.verify_segment(&proof, claim)?)
            }
            JobStatement::Openings(statement) => {
                Ok(self.verify_openings(&self.decode_openings(proof).map_err(invalid)?, statement)?)
            }
            JobStatement::Join(opened) => verify_merge(self, Origin::Join, &opened.joined(), proof),
            JobStatement::Lift { size: SegmentSize::Small, statement } => {
                verify_merge(self, Origin::LiftSmall, statement, proof)
            }
            JobStatement::Lift { size: SegmentSize::Large, statement } => {
                verify_merge(self, Origin::LiftLarge, statement, proof)
            }
            JobStatement::Aggregate { statement } => verify_merge(self, Origin::Aggregate, statement, proof),
            JobStatement::Seal { digest } => {
                let got = family.verify_seal(&family.decode_seal(proof).map_err(invalid)?).map_err(invalid)?;
                Ok(ProofError::check_batch(*digest, got)?)
            }
            JobStatement::Wrap { digest } => {
                let got = family.verify_wrapped(&family.decode_wrapped(proof).map_err(invalid)?).map_err(invalid)?;
                Ok(ProofError::check_batch(*digest, got)?)
            }
        }
    }
}

/// The blobs of a task, if it has as many as it should.
fn blobs<const N: usize>(task: &Task) -> Result<[&[u8]; N], TaskError> {
    let blobs: Vec<_> = task.blobs.iter().map(Vec::as_slice).collect();
    blobs.try_into().map_err(|blobs: Vec<_>| TaskError::Blobs { expected: N, got: blobs.len() })
}

fn decode<P>(
    blobs: &[Vec<u8>],
    decode: impl Fn(&[u8]) -> Result<P, weft_circuits::recursion::DecodeError>,
) -> Result<Vec<P>, TaskError> {
    blobs.iter().map(|bytes| decode(bytes).map_err(TaskError::Child)).collect()
}

/// Refuses children that lead elsewhere before their merge is proved in vain.
fn check(children: impl Iterator<Item = SegmentStatement>, expected: &SegmentStatement) -> Result<(), TaskError> {
    let children: Vec<_> = children.collect();
    let ends = children.first().zip(children.last());
    let leads = ends.is_some_and(|(first, last)| (first.before, last.after) == (expected.before, expected.after));
    if leads { Ok(()) } else { Err(TaskError::OtherStatement) }
}

/// Checks a proof of a circuit of common shape.
fn verify_merge(
    circuits: &CircuitSet,
    expected: Origin,
    statement: &SegmentStatement,
    proof: &[u8],
) -> Result<(), Refusal> {
    let proof: AggregateProof = circuits.family().decode_aggregate(proof).map_err(invalid)?;
    if proof.origin != expected {
        return Err(Refusal::Invalid { reason: format!("it is of {:?} instead of {expected:?}", proof.origin) });
    }
    let got = circuits.family().verify_aggregate(&proof).map_err(invalid)?;
    Ok(ProofError::check_statement(statement, &got.statement)?)
}

fn invalid(error: impl std::fmt::Display) -> Refusal {
    Refusal::Invalid { reason: error.to_string() }
}

impl From<ProofError> for Refusal {
    fn from(error: ProofError) -> Self {
        let reason = error.to_string();
        match error {
            ProofError::OtherStatement { .. } | ProofError::OtherOpenings { .. } | ProofError::OtherBatch { .. } => {
                Self::OtherStatement { reason }
            }
            ProofError::TooManySlots { .. }
            | ProofError::Input(_)
            | ProofError::Witness(_)
            | ProofError::Assign(_)
            | ProofError::Prove(_)
            | ProofError::Verify(_)
            | ProofError::Openings(_)
            | ProofError::Panicked { .. } => Self::Invalid { reason },
        }
    }
}
