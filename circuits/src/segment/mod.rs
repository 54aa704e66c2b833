//! Segment circuit: a run of slots from one running state to another (PROTOCOL.md §8, §9).
//!
//! One builder, two sizes. Public inputs: context ‖ S before ‖ S after. Slots are chained: each starts from the state in
//! which the previous one ended (SE-3, by construction: the wires are the same).

mod entries;
pub(crate) mod facts;
pub(crate) mod input;
mod object;
mod records;
mod slot;
#[cfg(test)]
mod tests;

use weft_protocol::crypto::{Digest, Tag};
use weft_protocol::{RunningState, SegmentStatement, SegmentWitness, Slot};

use crate::builder::{Builder, CircuitName, Mode, Target};
use crate::config::segment_config;
use crate::ledger::ClauseId;
use crate::recursion::key::VerifierData;
use crate::recursion::{Assembly, CircuitSummary, LayerCircuit, SegmentLayer, SegmentProof, VerifyError};
use crate::wired::{AssignError, Witness};
use input::{EnvironmentInput, EnvironmentWires, PathsInput, SlotInput, StateInput, StateWires};
use slot::SlotWires;

/// Ids of the clauses that the circuit constrains.
pub const CLAUSES: &[ClauseId] = &[
    "SL-1", "SL-2", "SL-3", "SL-4", "SL-5", "SL-6", "SL-7", "SL-8", "SL-9", "SL-10", "SL-11", "SL-12", "SL-13", "TX-1",
    "TX-2", "TX-3", "TX-4", "TX-5", "TX-6", "TX-7", "TX-8", "TX-9", "TX-10", "TX-11", "TR-1", "TR-2", "TR-3", "TR-4",
    "WD-1", "DE-1", "DO-1", "DO-2", "DO-3", "CF-1", "CF-2", "CF-3", "SE-1", "SE-2", "SE-3", "SG-1", "SG-2", "SG-3",
];

/// How a segment knows that leaves are those of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leaves {
    /// By their paths: the statement says S before and S after.
    ByPaths,
    /// By a table of openings that is joined later (PROTOCOL.md §13): the statement says S~ before and S~ after.
    ByAccesses,
}

/// A segment circuit of some number of slots.
#[derive(Debug)]
pub struct SegmentCircuit {
    /// The circuit as a layer.
    pub layer: LayerCircuit<SegmentLayer>,
    wires: SegmentWires,
}

/// The wires that are set from outside.
#[derive(Clone, Debug)]
struct SegmentWires {
    environment: EnvironmentWires,
    before: StateWires,
    slots: Vec<SlotWires>,
    /// The state after the last slot.
    #[cfg(test)]
    after: StateWires,
}

impl SegmentCircuit {
    /// The circuit for exactly `slots` slots with their paths, from the cache if it is there.
    #[must_use]
    pub fn build(name: CircuitName, slots: usize, assembly: Assembly<'_>) -> Self {
        Self::build_with(name, slots, Leaves::ByPaths, assembly)
    }

    /// The circuit for exactly `slots` slots, from the cache if it is there.
    #[must_use]
    pub fn build_with(name: CircuitName, slots: usize, leaves: Leaves, assembly: Assembly<'_>) -> Self {
        let mut b = Builder::new(name, segment_config(), assembly.mode);
        let wires = b.segment(slots, leaves);
        let rows = b.rows();
        Self { layer: LayerCircuit::build(name, rows, b, assembly.cache), wires }
    }

    /// Rows of constraints of the circuit for `slots` slots with their paths, without building it. The build adds a few
    /// for public inputs and constants and pads to a power of two.
    #[must_use]
    pub fn rows_for(slots: usize) -> usize {
        Self::rows_with(slots, Leaves::ByPaths)
    }

    /// As [`Self::rows_for`], for leaves that are known in this way.
    #[must_use]
    pub fn rows_with(slots: usize, leaves: Leaves) -> usize {
        let name = CircuitName { name: "segment", version: 1 };
        let mut b = Builder::new(name, segment_config(), Mode::Proving);
        b.segment(slots, leaves);
        b.rows()
    }

    /// Slots of a segment.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.wires.slots.len()
    }

    /// The witness of a segment, good or bad: the circuit decides.
    ///
    /// # Errors
    /// The segment has another number of slots than the circuit.
    pub fn witness(&self, segment: &SegmentWitness) -> Result<Witness, AssignError> {
        self.witness_from(segment, segment.before.root)
    }

    /// The witness of a segment for [`Leaves::ByAccesses`], whose slots' accesses follow those of this chain.
    ///
    /// # Errors
    /// The segment has another number of slots than the circuit.
    pub fn witness_from(&self, segment: &SegmentWitness, chain: Digest) -> Result<Witness, AssignError> {
        let (wires, values) = (self.wires.slots.len(), segment.slots.len());
        if wires != values {
            return Err(AssignError::Length { wires, values });
        }
        let mut witness = Witness::new();
        witness.assign(&self.wires.environment, &EnvironmentInput::from(&segment.environment))?;
        witness.assign(&self.wires.before, &StateInput::from(&RunningState { root: chain, ..segment.before }))?;
        let mut fee_sums = segment.before.fee_sums;
        for (wires, slot) in self.wires.slots.iter().zip(&segment.slots) {
            witness.assign(&wires.input, &SlotInput::new(slot, &fee_sums))?;
            if let Some(paths) = &wires.paths {
                witness.assign(paths, &PathsInput::from(slot))?;
            }
            match &slot.slot {
                Slot::Signed(signed) => wires.signature.assign(&mut witness, &signed.key, &signed.signature)?,
                _ => wires.signature.assign_unsigned(&mut witness)?,
            }
            fee_sums = slot.fee_sums_after(&fee_sums);
        }
        Ok(witness)
    }

    /// Checks a proof of this circuit.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &SegmentProof) -> Result<SegmentStatement, VerifyError> {
        self.layer.verify(proof)
    }

    /// Key and shape: what the lift is built for.
    #[must_use]
    pub const fn verifier_data(&self) -> &VerifierData {
        self.layer.verifier()
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        self.layer.summary()
    }
}

impl Builder {
    fn segment(&mut self, slots: usize, leaves: Leaves) -> SegmentWires {
        let environment = self.clause("SE-1", |b| b.alloc::<EnvironmentInput>());
        let before = self.clause("SE-2", |b| b.alloc::<StateInput>());
        let number_and_time = [environment.batch_number.target(), environment.timestamp.target()];
        let context = [&environment.domain[..], &number_and_time].concat();
        let context = self.claim_rows("SE-1", |b| b.hash(Tag::CONTEXT, &context));
        let mut state = before.clone();
        let mut wires = Vec::with_capacity(slots);
        for _ in 0..slots {
            let (slot, after) = self.slot(&environment, &state, leaves);
            wires.push(slot);
            state = after;
        }
        let tag = match leaves {
            Leaves::ByPaths => Tag::STATE,
            Leaves::ByAccesses => Tag::ACCESS_STATE,
        };
        let [s_before, s_after] =
            self.claim_rows("SE-2", |b| [&before, &state].map(|state| b.running_state(tag, state)));
        self.expose(&[context, s_before, s_after].concat());
        SegmentWires {
            environment,
            before,
            slots: wires,
            #[cfg(test)]
            after: state,
        }
    }

    /// S, or S~, of a state whose group part is 0.
    pub(crate) fn running_state(&mut self, tag: Tag, state: &StateWires) -> [Target; 4] {
        let mut elements = [&state.root[..], &state.chain, &state.fee_sums].concat();
        elements.resize(RunningState::ELEMENTS, self.zero());
        self.hash(tag, &elements)
    }
}
