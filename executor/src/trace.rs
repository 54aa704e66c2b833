//! The trace of a batch: what was executed, with all that a proof of it needs.

use core::ops::Range;

use weft_protocol::crypto::Digest;
use weft_protocol::{
    Access, Effects, Environment, OpenedStatement, Opening, Record, RunningState, SegmentStatement, SegmentWitness,
    Slot, SlotWitness, chain_records,
};
use weft_state_tree::{Replaced, StateTree};

use crate::Executed;
use crate::state::leaves;

/// An executed slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceEntry {
    /// The slot with its openings.
    pub witness: SlotWitness,
    /// What it did.
    pub effects: Effects,
    /// The running state that it left.
    pub after: RunningState,
}

/// A segment, and what became of it.
///
/// Invariant: effects and state are those of the witness. They are read off the trace, which spares a second execution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecutedSegment {
    /// The slots with their openings.
    pub witness: SegmentWitness,
    /// What each slot did.
    effects: Vec<Effects>,
    /// The running state after the last slot.
    after: RunningState,
}

impl ExecutedSegment {
    /// What a proof of the segment claims.
    #[must_use]
    pub fn statement(&self) -> SegmentStatement {
        let SegmentWitness { environment, before, .. } = &self.witness;
        SegmentStatement { context: environment.context(), before: before.digest(), after: self.after.digest() }
    }

    /// The accesses of all slots in order. Leaves are hashed on rayon's threads.
    #[must_use]
    pub fn accesses(&self) -> Vec<Access> {
        let opened = self.witness.slots.iter().zip(&self.effects).flat_map(|(witness, effects)| {
            let SlotWitness { slot, a, b } = witness;
            [(slot.a(), a, &effects.a_after), (slot.b(), b, &effects.b_after)]
        });
        let opened = opened.filter_map(|(index, opening, written)| {
            let before = opening.as_ref()?.object.as_ref();
            Some((index?, before, written.as_ref().or(before)))
        });
        let opened: Vec<_> = opened.collect();
        let before = leaves(opened.iter().map(|(index, before, _)| (*index, *before)));
        let after = leaves(opened.iter().map(|(index, _, after)| (*index, *after)));
        before.into_iter().zip(after).map(|((index, before), (_, after))| Access { index, before, after }).collect()
    }

    /// What a proof of the segment claims that leaves its openings to a table, given the access chain before and after.
    #[must_use]
    pub fn opened_statement(&self, chains: [Digest; 2]) -> OpenedStatement {
        let SegmentWitness { environment, before, .. } = &self.witness;
        OpenedStatement { context: environment.context(), states: [*before, self.after], chains }
    }
}

/// The executed slots of a batch, in order.
///
/// Invariant: each entry's witness leads from the running state before it (that of the entry before, or the batch's) to its
/// own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    environment: Environment,
    before: RunningState,
    entries: Vec<TraceEntry>,
}

impl Trace {
    /// A batch without slots.
    #[must_use]
    pub fn new(environment: Environment, before: RunningState) -> Self {
        let entries = Vec::new();
        Self { environment, before, entries }
    }

    /// The batch.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The running state before the first slot.
    #[must_use]
    pub fn before(&self) -> RunningState {
        self.before
    }

    /// The running state after the last slot.
    #[must_use]
    pub fn after(&self) -> RunningState {
        self.state_before(self.entries.len())
    }

    /// The slots.
    #[must_use]
    pub fn entries(&self) -> &[TraceEntry] {
        &self.entries
    }

    /// The slots as circuits take them.
    pub fn witnesses(&self) -> impl Iterator<Item = &SlotWitness> {
        self.entries.iter().map(|entry| &entry.witness)
    }

    /// The records of all slots: the public data of the batch.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.entries.iter().flat_map(|entry| &entry.effects.records)
    }

    /// Adds slots that were executed after those in the trace, and writes their objects into `tree`, which stands where the
    /// trace ends; what that replaces is noted.
    ///
    /// Leaf digests and all levels of the openings are hashed on rayon's threads.
    pub(crate) fn extend(&mut self, tree: &mut StateTree, replaced: &mut Replaced, executed: Vec<Executed>) {
        let accesses: Vec<_> = executed.iter().flat_map(Executed::accesses).collect();
        let leaves = leaves(accesses.iter().map(|(index, _, after)| (*index, after.as_ref())));
        let openings = tree.sequential_openings_noted(&leaves, replaced);
        let openings = openings.expect("the rules refuse indices outside of the tree");
        let mut openings = accesses.iter().zip(openings).map(|((_, before, _), timed)| {
            let opening = Opening { object: *before, path: timed.path };
            (opening, timed.root_after)
        });
        let mut state = self.after();
        for Executed { slot, effects, .. } in executed {
            let [a, b] = [slot.a(), slot.b()].map(|index| {
                index.map(|_| {
                    let (opening, root) = openings.next().expect("one opening for each index");
                    state.root = root;
                    opening
                })
            });
            state.chain = chain_records(state.chain, &effects.records);
            state.fee_sums = effects.fee_sums;
            self.entries.push(TraceEntry { witness: SlotWitness { slot, a, b }, effects, after: state });
        }
    }

    /// The whole batch in segments of equal length, the last one filled up with padding. At least one, so that a batch
    /// without slots has something to prove, too.
    ///
    /// # Panics
    /// If `slots_per_segment` is 0.
    #[must_use]
    pub fn segments(&self, slots_per_segment: usize) -> Vec<SegmentWitness> {
        assert!(slots_per_segment > 0, "a segment has slots");
        let count = self.entries.len().div_ceil(slots_per_segment).max(1);
        let segment = |number| {
            let first = number * slots_per_segment;
            let end = self.entries.len().min(first + slots_per_segment);
            let mut segment = self.segment(first..end);
            segment.slots.resize(slots_per_segment, padding());
            segment
        };
        (0..count).map(segment).collect()
    }

    /// The slots in `range` as a segment of their own.
    pub(crate) fn executed_segment(&self, range: Range<usize>) -> ExecutedSegment {
        let effects = self.entries[range.clone()].iter().map(|entry| entry.effects.clone()).collect();
        let after = self.state_before(range.end);
        ExecutedSegment { witness: self.segment(range), effects, after }
    }

    fn segment(&self, range: Range<usize>) -> SegmentWitness {
        let before = self.state_before(range.start);
        let entries = &self.entries[range];
        SegmentWitness {
            environment: self.environment,
            before,
            slots: entries.iter().map(|entry| entry.witness.clone()).collect(),
        }
    }

    /// The running state before the slot at `position`.
    fn state_before(&self, position: usize) -> RunningState {
        let last = position.checked_sub(1);
        last.map_or(self.before, |last| self.entries[last].after)
    }
}

/// A slot that does nothing.
fn padding() -> SlotWitness {
    SlotWitness { slot: Slot::Padding, a: None, b: None }
}
