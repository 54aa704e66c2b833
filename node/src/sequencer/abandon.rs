//! Batches that L1 will never verify.

use alloy::primitives::B256;
use weft_api::Finality;
use weft_protocol::Environment;
use weft_storage::StoreError;

use super::machine::{Abandonment, Fault, Taken};
use super::{Batch, LogEntry, Sequencer};
use crate::l1::Lapse;
use crate::telemetry;

/// A batch that L1 may not take any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overdue {
    /// The batch.
    pub environment: Environment,
    /// What L1 knows its data by; a batch that is not sealed has none.
    pub commitment: Option<B256>,
}

/// Batches cannot be taken back.
#[derive(Debug, thiserror::Error)]
enum AbandonError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Sequencer {
    /// Batches whose data L1 does not take any more at its time `now` (UNIX seconds), if it has not got them; rising.
    #[must_use]
    pub fn overdue(&self, now: u64) -> Vec<Overdue> {
        let unverified = self.machine.batches.values().filter(|batch| !batch.has_reached(Finality::Verified));
        let overdue = unverified.filter(|batch| Lapse::Uncommitted.is_certain(batch.environment().timestamp, now));
        overdue.map(|batch| Overdue { environment: *batch.environment(), commitment: commitment(batch) }).collect()
    }

    /// Takes a batch back that L1 will never verify, and all after it: what they took waits again and goes into new batches.
    /// Without effect if the batch is verified or was taken back before, and while the store has not all that was sealed.
    pub fn abandon(&mut self, batch: &Environment, reason: Lapse) {
        if self.unverified_batch(batch).is_none() || !self.machine.transactions.is_settled() || self.is_halted() {
            return;
        }
        let from = batch.batch_number;
        if let Err(error) = self.take_back(from, reason) {
            return self.halt(error.to_string());
        }
        self.posts.split_off(&from);
        self.stuck.split_off(&from);
        self.posting = self.posting.min(from - 1);
        self.settle();
    }

    fn take_back(&mut self, from: u32, reason: Lapse) -> Result<(), AbandonError> {
        let taken = (from..=self.last_sealed()).map(|number| self.archive.taken(number));
        let taken: Vec<Taken> = taken.collect::<Result<_, _>>()?;
        let batches = self.machine.batches.range(from..);
        let proving: Vec<_> = batches.filter_map(|(number, batch)| Some((*number, batch.proving_since?))).collect();
        let (l1_block, at) = (self.l1_block, self.clock_ms());
        let order = Abandonment { from, reason, proving, l1_block, at };
        let count = self.machine.batches.range(from..).count();
        self.machine.abandon(&order, taken)?;
        let Abandonment { proving, .. } = order;
        self.log(LogEntry::BatchesAbandoned { from, reason, proving, l1_block, at });
        metrics::counter!(telemetry::ABANDONED).increment(u64::try_from(count).expect("a length fits 64 bits"));
        Ok(())
    }

    fn last_sealed(&self) -> u32 {
        self.machine.last.map_or(0, |last| last.number)
    }
}

fn commitment(batch: &Batch) -> Option<B256> {
    batch.has_reached(Finality::Sealed).then(|| batch.post_order(Vec::new()).commitment_hash())
}
