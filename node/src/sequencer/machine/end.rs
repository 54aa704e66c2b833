//! A batch from its last slot on.

use std::collections::BTreeMap;

use weft_api::{Finality, L1Transaction};
use weft_executor::{ExecutedBatch, State};
use weft_protocol::{AccountIndex, Object};
use weft_prover::{SegmentClaim, SegmentSize, plan_segments};
use weft_storage::{Applied, Change, Standing, StateCommit};

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
        let Stage::Building(building) = &self.stage else { return };
        let size = building.streamed;
        let slots = self.rules.sizes.slots(size);
        while self.left() >= slots {
            self.order_next(size, slots);
        }
    }

    /// Hands out the slots that no full segment took.
    fn order_rest(&mut self) {
        let rest = self.left();
        if rest == 0 {
            return;
        }
        for size in plan_segments(rest, &self.rules.sizes) {
            let slots = self.left().min(self.rules.sizes.slots(size));
            self.order_next(size, slots);
        }
    }

    /// Slots of the batch in work that were not handed out.
    fn left(&self) -> usize {
        let Stage::Building(building) = &self.stage else { return 0 };
        building.builder.slots_left()
    }

    /// Hands out the next slots, as many as there are. Those of a large segment that open nothing, deposits that all bounce,
    /// go into small ones: a table of openings needs one.
    fn order_next(&mut self, size: SegmentSize, slots: usize) {
        let Stage::Building(building) = &mut self.stage else { return };
        let Building { builder, group, .. } = building.as_mut();
        if size == SegmentSize::Large && builder.opens_next(slots) {
            return self.order_segment(size, slots);
        }
        group.end();
        let small = self.rules.sizes.slots(SegmentSize::Small);
        for first in (0..slots).step_by(small) {
            self.order_segment(SegmentSize::Small, small.min(slots - first));
        }
    }

    fn order_segment(&mut self, size: SegmentSize, slots: usize) {
        let Stage::Building(building) = &mut self.stage else { return };
        let Building { builder, group, .. } = building.as_mut();
        let number = builder.environment().batch_number;
        let (claim, witness) = self.compute.block_on(|| {
            let segment = builder.next_segment(slots).expect("so many slots are left");
            let claim = match size {
                SegmentSize::Small => SegmentClaim::Small(segment.statement()),
                SegmentSize::Large => SegmentClaim::Large(segment.opened_statement(group.push(&segment.accesses()))),
            };
            (claim, segment.witness)
        });
        let is_to_be_proved = self.is_to_be_proved(number);
        let Some(batch) = self.batches.get_mut(&number) else { return };
        let position = batch.segments;
        batch.segments += 1;
        if is_to_be_proved {
            self.orders.push(Order::Segment(Box::new(SegmentOrder { position, claim, witness })));
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
