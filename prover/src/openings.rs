//! The table of openings of adjacent large segments, and its join with their proof.

use weft_circuits::openings::{Openings, OpeningsProof, OpeningsStatement};
use weft_circuits::recursion::key::Origin;
use weft_circuits::recursion::{AggregateProof, Assembly, DecodeError, Join, JoinInput, ProveError};
use weft_protocol::crypto::Digest;
use weft_protocol::{ACCESS_CHAIN_START, OpenedStatement, chain_accesses};
use weft_state_tree::Multiproof;

use crate::layer::prove;
use crate::{CircuitSet, InputError, ProofError, SegmentInput, Stage, StageLog, plonk};

impl CircuitSet {
    /// Proves the openings of adjacent segments as they were sent. They are not proved at all unless they claim what is
    /// expected.
    ///
    /// # Errors
    /// An input is none of a segment; together they have no openings, too many, or others than expected.
    pub fn prove_openings(
        &self,
        segments: &[SegmentInput],
        expected: &OpeningsStatement,
        log: &mut StageLog,
    ) -> Result<OpeningsProof, ProofError> {
        let (accesses, siblings) = log.run(Stage::Statement, || -> Result<_, ProofError> {
            let opened = segments.iter().map(SegmentInput::accesses).collect::<Result<Vec<_>, InputError>>()?.concat();
            let root_before = segments.first().map_or(Digest::ZERO, |segment| segment.before().root);
            let accesses: Vec<_> = opened.iter().map(|(access, _)| *access).collect();
            // The root after them shows when the proof is checked.
            let chain = chain_accesses(ACCESS_CHAIN_START, &accesses);
            ProofError::check_openings(expected, &OpeningsStatement { root_before, accesses: chain, ..*expected })?;
            let paths = opened.iter().map(|(access, path)| (access.index, path));
            let multiproof = Multiproof::of_accesses(root_before, paths).expect("the inputs were opened");
            Ok((accesses, multiproof.siblings))
        })?;
        let openings = Openings { accesses: &accesses, siblings: &siblings };
        let proof = log.run(Stage::Proving, || plonk::openings::prove(&self.family().openings, &openings))?;
        log.run(Stage::Verifying, || self.verify_openings(&proof, expected))?;
        Ok(proof)
    }

    /// Checks a proof against the statement that it should prove.
    ///
    /// # Errors
    /// It is invalid, or proves something else.
    pub fn verify_openings(&self, proof: &OpeningsProof, expected: &OpeningsStatement) -> Result<(), ProofError> {
        ProofError::check_openings(expected, &self.family().openings.verify(proof)?)
    }

    /// Reads a proof of openings. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no proof of this table's shape.
    pub fn decode_openings(&self, bytes: &[u8]) -> Result<OpeningsProof, DecodeError> {
        OpeningsProof::from_bytes(bytes, &self.family().openings)
    }

    /// Joins the proof of adjacent large segments with their table.
    ///
    /// # Errors
    /// One of the two is invalid, or they do not belong together.
    pub fn join(
        &self,
        child: &AggregateProof,
        openings: &OpeningsProof,
        opened: &OpenedStatement,
        log: &mut StageLog,
    ) -> Result<AggregateProof, ProofError> {
        // Another shape would not fit the wires.
        log.run(Stage::Statement, || self.family().openings.verify(openings))?;
        let (family, circuit) = (self.family(), &self.family().join);
        let [before, after] = opened.states;
        let input = JoinInput { child, openings, before, after };
        let witness = || -> Result<_, ProveError> { circuit.witness(&input, family.keys()) };
        let rebuild = || Join::build(family.common_shape(), &family.openings, Assembly::FRESH).layer;
        let key = || self.keys().get(&self.keys().join, &circuit.layer, rebuild);
        let proof = prove(&circuit.layer, key, witness, log)?;
        Ok(AggregateProof { origin: Origin::Join, proof })
    }
}
