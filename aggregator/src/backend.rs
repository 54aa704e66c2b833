//! What the jobs do.

use std::fmt::Debug;
use std::sync::Arc;

use weft_circuits::recursion::merge::{Merge, MergeInput};
use weft_circuits::recursion::{AggregateProof, ProveError, SealInput, SealProof, WrappedProof};
use weft_circuits::statement::Statement as _;
use weft_protocol::{SealStatement, SegmentStatement, SegmentWitness};
use weft_prover::{CircuitSet, ProofError, ProvenSegment, SegmentSize, Stage, StageLog};

use crate::BatchEnd;

/// Makes the proofs that a pool schedules.
///
/// Every method returns a proof only if it was verified against the statement that follows from its arguments. It may be
/// called again with the same arguments after a failure.
pub trait Backend: Debug + Send + Sync + 'static {
    /// Proof of a segment.
    type Segment: Debug + Send + Sync;
    /// Proof of a lift or aggregate.
    type Merged: Debug + Send + Sync;
    /// Proof of a batch's public statement.
    type Sealed: Debug + Send + Sync;
    /// Proof for L1.
    type Wrapped: Debug + Send + Sync;

    /// Proves a segment.
    ///
    /// # Errors
    /// It proves no transition, or the proof does not hold.
    fn segment(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        log: &mut StageLog,
    ) -> Result<Self::Segment, ProofError>;

    /// Merges adjacent segments of one size, in order.
    ///
    /// # Errors
    /// They do not merge, or the proof does not hold.
    fn lift(
        &self,
        size: SegmentSize,
        segments: &[Arc<Self::Segment>],
        log: &mut StageLog,
    ) -> Result<Self::Merged, ProofError>;

    /// Merges adjacent lifts and aggregates, in order.
    ///
    /// # Errors
    /// They do not merge, or the proof does not hold.
    fn aggregate(&self, children: &[Arc<Self::Merged>], log: &mut StageLog) -> Result<Self::Merged, ProofError>;

    /// Binds the merge of all segments to the batch's public data.
    ///
    /// # Errors
    /// The merge does not lead from the root before to the root after with these records, or the proof does not hold.
    fn seal(&self, root: &Self::Merged, end: &BatchEnd, log: &mut StageLog) -> Result<Self::Sealed, ProofError>;

    /// Proves a seal again for L1.
    ///
    /// # Errors
    /// The proof does not hold.
    fn wrap(&self, sealed: &Self::Sealed, log: &mut StageLog) -> Result<Self::Wrapped, ProofError>;
}

/// A lift or aggregate that was verified against its statement.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenMerge {
    /// What it proves.
    pub statement: SegmentStatement,
    /// The proof.
    pub proof: AggregateProof,
}

/// A seal that was verified against its statement.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedBatch {
    /// What it proves, and L1 computes for itself.
    pub statement: SealStatement,
    /// The proof.
    pub proof: SealProof,
}

impl Backend for CircuitSet {
    type Segment = ProvenSegment;
    type Merged = ProvenMerge;
    type Sealed = SealedBatch;
    type Wrapped = WrappedProof;

    fn segment(
        &self,
        size: SegmentSize,
        segment: &SegmentWitness,
        log: &mut StageLog,
    ) -> Result<ProvenSegment, ProofError> {
        self.prove_segment(size, segment, log)
    }

    fn lift(
        &self,
        size: SegmentSize,
        segments: &[Arc<ProvenSegment>],
        log: &mut StageLog,
    ) -> Result<ProvenMerge, ProofError> {
        let statement = merged(segments.iter().map(|segment| segment.statement))?;
        let proofs: Vec<_> = segments.iter().map(|segment| segment.proof.clone()).collect();
        let prove = || match size {
            SegmentSize::Small => self.family().lift_small(&proofs),
            SegmentSize::Large => self.family().lift_large(&proofs),
        };
        checked_merge(self, statement, prove, log)
    }

    fn aggregate(&self, children: &[Arc<ProvenMerge>], log: &mut StageLog) -> Result<ProvenMerge, ProofError> {
        let statement = merged(children.iter().map(|child| child.statement))?;
        let proofs: Vec<_> = children.iter().map(|child| child.proof.clone()).collect();
        checked_merge(self, statement, || self.family().aggregate(&proofs), log)
    }

    fn seal(&self, root: &ProvenMerge, end: &BatchEnd, log: &mut StageLog) -> Result<SealedBatch, ProofError> {
        let BatchEnd { root_before, root_after, ref records } = *end;
        let input = SealInput { child: &root.proof, root_before, root_after, records };
        let (statement, proof) = log.run(Stage::Proving, || self.family().seal(&input))?;
        let got = log.run(Stage::Verifying, || self.family().verify_seal(&proof))?;
        ProofError::check_batch(statement.digest(), got)?;
        Ok(SealedBatch { statement, proof })
    }

    fn wrap(&self, sealed: &SealedBatch, log: &mut StageLog) -> Result<WrappedProof, ProofError> {
        let proof = log.run(Stage::Proving, || self.family().wrap_seal(&sealed.proof))?;
        let got = log.run(Stage::Verifying, || self.family().verify_wrapped(&proof))?;
        ProofError::check_batch(sealed.statement.digest(), got)?;
        Ok(proof)
    }
}

/// The statement of adjacent statements together.
fn merged(statements: impl Iterator<Item = SegmentStatement>) -> Result<SegmentStatement, ProofError> {
    let statements: Vec<_> = statements.collect();
    Ok(Merge::evaluate(&MergeInput::new(&statements)?)?)
}

/// Makes a lift or aggregate and checks it against its statement.
fn checked_merge(
    circuits: &CircuitSet,
    statement: SegmentStatement,
    prove: impl FnOnce() -> Result<AggregateProof, ProveError> + Send,
    log: &mut StageLog,
) -> Result<ProvenMerge, ProofError> {
    let proof = log.run(Stage::Proving, prove)?;
    let got = log.run(Stage::Verifying, || circuits.family().verify_aggregate(&proof))?;
    ProofError::check_statement(&statement, &got.statement)?;
    Ok(ProvenMerge { statement, proof })
}
