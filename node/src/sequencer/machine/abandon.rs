//! Batches that L1 will never verify are taken back: their transactions and queue entries wait again, in their old order.

use weft_api::{Finality, Step, Time};
use weft_executor::Undo;
use weft_protocol::{AccountIndex, Environment, Object};
use weft_storage::{Applied, Standing};

use super::super::batch::Batch;
use super::super::entry::UnixMs;
use super::super::ledger::{Fate, Return, TransactionRecord, id_of};
use super::{Fault, Last, Machine, Stage};
use crate::journal::{Order, RollBack};
use crate::l1::Lapse;

/// What the log says of batches that are taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sequencer) struct Abandonment {
    /// The first of them.
    pub(in crate::sequencer) from: u32,
    /// Why.
    pub(in crate::sequencer) reason: Lapse,
    /// When the first segments of the batches were proved, as far as that was told.
    pub(in crate::sequencer) proving: Vec<(u32, UnixMs)>,
    /// The last L1 block whose events are all in the log.
    pub(in crate::sequencer) l1_block: u64,
    /// When.
    pub(in crate::sequencer) at: UnixMs,
}

/// What the store has of a sealed batch that is taken back.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::sequencer) struct Taken {
    /// What stood before it where it wrote.
    pub(in crate::sequencer) objects: Vec<(AccountIndex, Option<Object>)>,
    /// The transactions that were decided with it, in order.
    pub(in crate::sequencer) transactions: Vec<TransactionRecord>,
}

impl Machine {
    /// Takes back a batch and all after it, given what the store has of those that are sealed, by rising number.
    ///
    /// # Errors
    /// There is no such batch, or what is given is not what it wrote.
    pub(in crate::sequencer) fn abandon(&mut self, order: &Abandonment, taken: Vec<Taken>) -> Result<(), Fault> {
        let mut batches: Vec<_> = self.batches.split_off(&order.from).into_values().collect();
        for batch in &mut batches {
            batch.proving_since = order.proving.iter().find(|(of, _)| *of == batch.number()).map(|(_, since)| *since);
        }
        let (Some(first), Some(newest)) = (batches.first(), batches.last()) else {
            return Err(Fault::Log { reason: format!("there is no batch {} to be taken back", order.from) });
        };
        let root = first.root_before;
        let timestamp = newest.environment().timestamp;
        self.undo(&batches, &taken)?;
        self.last = Some(Last { number: order.from - 1, timestamp, root });
        self.give_back_entries(&batches);
        let mut decided: Vec<_> = taken.into_iter().flat_map(|taken| taken.transactions).collect();
        decided.extend(self.transactions.take_decided());
        self.give_back_transactions(decided, &batches, order)?;
        // The entry that takes them back is counted after this.
        let applied = Applied { batch: order.from - 1, root, log_next: self.log_next + 1 };
        let standing = Standing { applied, checkpoint: self.checkpoint(order.l1_block, timestamp) };
        let batches: Vec<Environment> = batches.iter().rev().map(|batch| *batch.environment()).collect();
        tracing::warn!(from = order.from, batches = batches.len(), reason = %order.reason, "batches taken back");
        self.orders.push(Order::RollBack(Box::new(RollBack { batches, standing })));
        Ok(())
    }

    /// Goes back to the state before the first of these batches.
    fn undo(&mut self, batches: &[Batch], taken: &[Taken]) -> Result<(), Fault> {
        let mut state = match self.take_stage() {
            Stage::Between(state) => state,
            Stage::Building(building) => building.builder.abort(),
        };
        let sealed: Vec<_> = batches.iter().filter(|batch| batch.has_reached(Finality::Sealed)).collect();
        if sealed.len() != taken.len() {
            let reason = format!("{} batches are taken back, of {} it is known how", sealed.len(), taken.len());
            return Err(Fault::Log { reason });
        }
        for (batch, taken) in sealed.into_iter().zip(taken).rev() {
            let undo = Undo::of_stored([batch.root_before, batch.root], &taken.objects);
            self.compute.block_on(|| state.undo(&undo)).map_err(|error| {
                let reason = format!("batch {} cannot be taken back: {error}", batch.number());
                Fault::Log { reason }
            })?;
        }
        self.stage = Stage::Between(state);
        Ok(())
    }

    /// Queue entries wait again, before those that wait already.
    fn give_back_entries(&mut self, batches: &[Batch]) {
        if let Some(first) = batches.first() {
            self.queue.executed = first.queue_start();
        }
        for entry in batches.iter().rev().flat_map(|batch| batch.queue_entries.iter().rev()) {
            self.queue.waiting.push_front(*entry);
        }
    }

    /// Transactions that were executed wait again, before those that wait already; others stay refused.
    fn give_back_transactions(
        &mut self,
        decided: Vec<TransactionRecord>,
        batches: &[Batch],
        order: &Abandonment,
    ) -> Result<(), Fault> {
        let mut back = Vec::new();
        for mut record in decided {
            if let Fate::Executed { batch, at, .. } = record.fate {
                let of = batches.iter().find(|other| other.number() == batch);
                record.past.extend(steps_lost(at, of, order.at));
                record.returned = Some(Return { batch, reason: order.reason, at: order.at });
                record.fate = Fate::Waiting;
                back.push(record);
            } else {
                self.transactions.insert_decided(id_of(&record.signed, &self.rules.domain), record);
            }
        }
        let waited = self.pool.take();
        self.keep_all(back)?;
        waited.into_iter().for_each(|waiting| self.pool.push(waiting));
        Ok(())
    }
}

/// The steps of a transaction since it was accepted, and the one back.
fn steps_lost(executed_at: UnixMs, batch: Option<&Batch>, at: UnixMs) -> impl Iterator<Item = Step> {
    let step = |step, at| Step { step, at: Time::from_unix_ms(at) };
    let sealed = batch.map(Batch::steps).unwrap_or_default();
    let sealed = sealed.into_iter().filter(|step| step.step > Finality::Executed);
    [step(Finality::Executed, executed_at)].into_iter().chain(sealed).chain([step(Finality::Accepted, at)])
}
