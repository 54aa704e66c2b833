//! Proofs above the segments. Each is checked against the statement that follows from its children before it is returned.

use weft_circuits::openings::OpeningsProof;
use weft_circuits::recursion::merge::{Merge, MergeInput};
use weft_circuits::recursion::{AggregateProof, SealInput, SealProof, SegmentProof, WrappedProof};
use weft_circuits::statement::Statement as _;
use weft_protocol::crypto::Digest;
use weft_protocol::{OpenedStatement, SealStatement, SegmentStatement};
use weft_prover::{CircuitSet, ProofError, SegmentSize, Stage, StageLog, table_statement};

use crate::BatchEnd;

/// Merges adjacent segments of one size, in order.
///
/// # Errors
/// They do not merge, or one of them is invalid.
pub fn prove_lift(
    circuits: &CircuitSet,
    size: SegmentSize,
    segments: &[SegmentProof],
    log: &mut StageLog,
) -> Result<AggregateProof, ProofError> {
    let statement = merged(segments.iter().map(SegmentProof::public_inputs))?;
    let proof = circuits.lift(size, segments, log)?;
    check_merge(circuits, &statement, &proof, log)?;
    Ok(proof)
}

/// Joins the lift of adjacent large segments with the proof of their openings.
///
/// # Errors
/// They do not belong together, or one of them is invalid.
pub fn prove_join(
    circuits: &CircuitSet,
    (lift, openings): (&AggregateProof, &OpeningsProof),
    opened: &OpenedStatement,
    log: &mut StageLog,
) -> Result<AggregateProof, ProofError> {
    ProofError::check_statement(&opened.claimed(), &lift.public_inputs().statement)?;
    ProofError::check_openings(&table_statement(opened), &openings.statement())?;
    let proof = circuits.join(lift, openings, opened, log)?;
    check_merge(circuits, &opened.joined(), &proof, log)?;
    Ok(proof)
}

/// Merges adjacent lifts of small segments, joins and aggregates, in order.
///
/// # Errors
/// They do not merge, or one of them is invalid.
pub fn prove_aggregate(
    circuits: &CircuitSet,
    children: &[AggregateProof],
    log: &mut StageLog,
) -> Result<AggregateProof, ProofError> {
    let statement = merged(children.iter().map(|child| child.public_inputs().statement))?;
    let proof = circuits.aggregate(children, log)?;
    check_merge(circuits, &statement, &proof, log)?;
    Ok(proof)
}

/// Binds the merge of all segments to the batch's public data.
///
/// # Errors
/// The merge does not lead from the root before to the root after with these records, or it is invalid.
pub fn prove_seal(
    circuits: &CircuitSet,
    root: &AggregateProof,
    end: &BatchEnd,
    log: &mut StageLog,
) -> Result<(SealStatement, SealProof), ProofError> {
    let BatchEnd { root_before, root_after, ref records } = *end;
    let input = SealInput { child: root, root_before, root_after, records };
    let (statement, proof) = circuits.seal(&input, log)?;
    let got = log.run(Stage::Verifying, || circuits.family().verify_seal(&proof))?;
    ProofError::check_batch(statement.digest(), got)?;
    Ok((statement, proof))
}

/// Proves a seal again for L1. `expected` is the digest of its public statement.
///
/// # Errors
/// The seal is invalid or of another batch.
pub fn prove_wrap(
    circuits: &CircuitSet,
    seal: &SealProof,
    expected: Digest,
    log: &mut StageLog,
) -> Result<WrappedProof, ProofError> {
    ProofError::check_batch(expected, seal.public_inputs())?;
    let proof = circuits.wrap_seal(seal, log)?;
    let got = log.run(Stage::Verifying, || circuits.family().verify_wrapped(&proof))?;
    ProofError::check_batch(expected, got)?;
    Ok(proof)
}

/// The statement of adjacent statements together.
fn merged(statements: impl Iterator<Item = SegmentStatement>) -> Result<SegmentStatement, ProofError> {
    let statements: Vec<_> = statements.collect();
    Ok(Merge::evaluate(&MergeInput::new(&statements)?)?)
}

/// Checks a lift or aggregate against its statement.
fn check_merge(
    circuits: &CircuitSet,
    statement: &SegmentStatement,
    proof: &AggregateProof,
    log: &mut StageLog,
) -> Result<(), ProofError> {
    let got = log.run(Stage::Verifying, || circuits.family().verify_aggregate(proof))?;
    ProofError::check_statement(statement, &got.statement)
}
