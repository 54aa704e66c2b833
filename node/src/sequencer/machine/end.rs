//! A batch from its last slot on.

use std::collections::BTreeMap;

use weft_api::{Finality, L1Transaction};
use weft_executor::{ExecutedBatch, ExecutedSegment, State};
use weft_protocol::{AccountIndex, Object};
use weft_prover::{SegmentSize, plan_segments};
use weft_storage::{Applied, Change, Standing, StateCommit};

use super::super::batch::count;
use super::super::entry::UnixMs;
use super::{Building, Fault, Last, Machine, Stage};
use crate::dispatch::Done;
use crate::journal::Order;
use crate::proving::{JobCost, SegmentOrder};

impl Machine {
    /// Ends the batch in work: collects the fees, hands out the rest of it.
    pub(in crate::sequencer) fn seal(
        &mut self,
        fee_account: Option<AccountIndex>,
        l1_block: u64,
        at: UnixMs,
    ) -> Result<(), Fault> {
        self.collect_fees(fee_account)?;
        self.order_rest();
        let Stage::Building(building) = self.take_stage() else {
            return Err(Fault::Log { reason: "no batch is in work that could be sealed".to_owned() });
        };
        let batch = building.builder.environment().batch_number;
        let compute = self.compute.clone();
        let finished = compute.block_on(|| building.builder.finish());
        let (state, executed) = finished.map_err(|left| Fault::Fees { batch, reason: left.to_string() })?;
        self.record_sealed(&executed, &state, l1_block, at);
        self.stage = Stage::Between(state);
        Ok(())
    }

    fn collect_fees(&mut self, account: Option<AccountIndex>) -> Result<(), Fault> {
        let Stage::Building(building) = &mut self.stage else { return Ok(()) };
        let builder = &mut building.builder;
        if builder.fee_sums().is_empty() {
            return Ok(());
        }
        let batch = builder.environment().batch_number;
        let account =
            account.ok_or_else(|| Fault::Fees { batch, reason: "nobody has the account for them".to_owned() })?;
        builder.collect_fees(account).map_err(|refusal| Fault::Fees { batch, reason: refusal.to_string() })?;
        Ok(())
    }

    /// Hands out the segments that are full.
    pub(super) fn order_full(&mut self) {
        let Stage::Building(building) = &mut self.stage else { return };
        let Building { builder, streamed, .. } = building.as_mut();
        let size = *streamed;
        let slots = self.rules.sizes.slots(size);
        let mut full = Vec::new();
        while let Some(segment) = self.compute.block_on(|| builder.next_segment(slots)) {
            full.push(segment);
        }
        for segment in full {
            self.order_segment(size, segment);
        }
    }

    /// Hands out the slots that no full segment took.
    fn order_rest(&mut self) {
        let Stage::Building(building) = &mut self.stage else { return };
        let builder = &mut building.builder;
        let batch = self.batches.get(&builder.environment().batch_number);
        let handed_out = batch.map_or(0, |batch| batch.handed_out);
        let mut rest = builder.slot_count() - usize::try_from(handed_out).expect("32 bits");
        if rest == 0 {
            return;
        }
        let mut segments = Vec::new();
        for size in plan_segments(rest, &self.rules.sizes) {
            let slots = rest.min(self.rules.sizes.slots(size));
            let segment = self.compute.block_on(|| builder.next_segment(slots));
            segments.push((size, segment.expect("so many slots are left")));
            rest -= slots;
        }
        for (size, segment) in segments {
            self.order_segment(size, segment);
        }
    }

    fn order_segment(&mut self, size: SegmentSize, segment: ExecutedSegment) {
        let number = segment.witness.environment.batch_number;
        let is_to_be_proved = self.is_to_be_proved(number);
        let Some(batch) = self.batches.get_mut(&number) else { return };
        let position = batch.segments;
        batch.segments += 1;
        batch.handed_out += count(segment.witness.slots.len());
        if is_to_be_proved {
            self.orders.push(Order::Segment(Box::new(SegmentOrder { position, size, segment })));
        }
    }

    fn record_sealed(&mut self, executed: &ExecutedBatch, state: &State, l1_block: u64, at: UnixMs) {
        let number = executed.number();
        let timestamp = executed.environment().timestamp;
        let transactions = self.transactions.seal(number);
        let checkpoint = self.checkpoint(l1_block, timestamp);
        let is_to_be_proved = self.is_to_be_proved(number);
        let Some(batch) = self.batches.get_mut(&number) else { return };
        batch.seal(executed, l1_block, at);
        let (slots, segments, trace_id) = (batch.slots, batch.segments, batch.trace());
        tracing::info!(batch = number, %trace_id, slots, segments, "batch sealed");
        if is_to_be_proved {
            self.orders.push(Order::Finish(Box::new(batch.claim())));
        }
        let root = batch.root();
        // The entry that seals the batch is counted after this.
        let applied = Applied { batch: number, root, log_next: self.log_next + 1 };
        let commit = StateCommit {
            standing: Standing { applied, checkpoint },
            changes: changes(executed, state),
            record: batch.clone(),
            transactions,
        };
        self.orders.push(Order::Apply(Box::new(commit)));
        self.last = Some(Last { number, timestamp, root });
    }

    /// The wrapped proof of a batch exists and was checked.
    pub(in crate::sequencer) fn proven(
        &mut self,
        number: u32,
        proving_since: Option<UnixMs>,
        costs: &[JobCost],
        at: UnixMs,
    ) {
        if let Some(batch) = self.batches.get_mut(&number) {
            batch.prove(proving_since, costs, at);
            self.orders.push(Order::Keep(Box::new(batch.clone())));
        }
    }

    /// The data of a batch are on L1.
    pub(in crate::sequencer) fn posted(&mut self, number: u32, transaction: L1Transaction, at: UnixMs) {
        if let Some(batch) = self.batches.get_mut(&number) {
            batch.post(transaction, at);
            self.orders.push(Order::Keep(Box::new(batch.clone())));
        }
    }

    /// The contract has verified a batch: once the store has that, memory need not.
    pub(in crate::sequencer) fn verified(&mut self, number: u32, transaction: L1Transaction, at: UnixMs) {
        if let Some(batch) = self.batches.get_mut(&number) {
            batch.verify(transaction, at);
            self.verified = (number, batch.queue().end);
            // In this order: a batch whose record says that it is verified is not looked after any more.
            self.orders.push(Order::Release(number));
            self.orders.push(Order::Keep(Box::new(batch.clone())));
        }
    }

    /// The store has something: memory need not.
    pub(in crate::sequencer) fn done(&mut self, done: Done) {
        match done {
            Done::Applied(number) => self.transactions.forget(number),
            Done::Kept(number, status) if status >= Finality::Verified => {
                self.batches.remove(&number);
            }
            Done::Kept(..) => {}
        }
    }
}

/// The objects that a batch wrote, with what was there before, given the state after it.
fn changes(executed: &ExecutedBatch, state: &State) -> Vec<Change> {
    let mut before: BTreeMap<AccountIndex, Option<Object>> = BTreeMap::new();
    for witness in executed.trace.witnesses() {
        for (index, opening) in [(witness.slot.a(), &witness.a), (witness.slot.b(), &witness.b)] {
            if let (Some(index), Some(opening)) = (index, opening) {
                before.entry(index).or_insert(opening.object);
            }
        }
    }
    let changes = before.into_iter().map(|(index, before)| {
        let after = state.objects().get(index).copied();
        Change { index, before, after }
    });
    changes.filter(|change| change.before != change.after).collect()
}
