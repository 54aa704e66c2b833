//! What the sequencer learns of L1.

use std::time::Duration;

use weft_api::{AssetView, Finality, L1Transaction, Time};
use weft_protocol::Environment;

use super::{KnownEntry, LogEntry, Sequencer};
use crate::l1::{L1Head, QueueEvent};
use crate::telemetry;

/// Where the watcher goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueCursor {
    /// The last L1 block whose events are all in the log.
    pub block: u64,
    /// Position of the next entry of the queue.
    pub next: u64,
    /// Chain over the entries before it.
    pub chain: [u8; 32],
}

impl Sequencer {
    /// How far the L1 queue is known.
    #[must_use]
    pub fn queue_cursor(&self) -> QueueCursor {
        let queue = &self.machine.queue;
        QueueCursor { block: self.l1_block, next: queue.next(), chain: queue.chain() }
    }

    /// When L1 answered last.
    #[must_use]
    pub fn l1_answered_at(&self) -> Option<Time> {
        self.l1_answered_at
    }

    /// Takes assets that L1 has listed; those that are known stay as they are.
    pub fn list_assets(&mut self, listed: Vec<AssetView>) {
        for asset in listed {
            if self.assets.iter().all(|known| known.id != asset.id) {
                self.assets.push(asset);
            }
        }
    }

    /// L1 was read up to a block, and everything that it had was taken.
    pub fn observe_l1(&mut self, head: L1Head) {
        let now = self.settings.clock.now();
        self.l1_answered_at = Some(now);
        metrics::gauge!(telemetry::L1_ANSWERED_SECONDS).set(Duration::from_millis(now.unix_ms()).as_secs_f64());
        self.l1_time.read(&head, &self.l1);
        if head.number >= self.l1.number {
            self.l1 = head;
        }
        self.l1_block = self.l1_block.max(head.number);
    }

    /// Takes what is new on L1: entries of the queue in order, and assets.
    pub fn take_from_l1(&mut self, events: Vec<QueueEvent>, listed: Vec<AssetView>) {
        self.list_assets(listed);
        for event in events {
            if event.position < self.machine.queue.next() {
                continue;
            }
            let known = KnownEntry { entry: event.entry, chain: event.chain, read_at: self.clock_ms() };
            if let Err(fault) = self.machine.enqueue(known) {
                return self.halt(fault.to_string());
            }
            self.log(LogEntry::QueueEntry(known));
            // A batch that is full is sealed before it is offered the next entry.
            self.settle();
        }
    }

    /// The data of a batch are on L1.
    pub fn posted(&mut self, batch: &Environment, transaction: L1Transaction) {
        if self.unverified_batch(batch).is_none_or(|batch| batch.has_reached(Finality::Posted)) {
            return;
        }
        let (number, at) = (batch.batch_number, self.clock_ms());
        self.machine.posted(number, transaction, at);
        self.log(LogEntry::Posted { number, transaction, at });
        metrics::counter!(telemetry::L1_GAS, "call" => "commit").increment(transaction.gas);
    }

    /// The contract has verified a batch.
    pub fn verified(&mut self, batch: &Environment, transaction: L1Transaction) {
        let number = batch.batch_number;
        let Some(batch) = self.unverified_batch(batch) else { return };
        let (at, sealed_at, trace_id) = (self.clock_ms(), batch.reached_at(Finality::Sealed), batch.trace());
        self.machine.verified(number, transaction, at);
        self.log(LogEntry::Verified { number, transaction, at });
        tracing::info!(batch = number, %trace_id, transaction = ?transaction.hash, "batch verified on L1");
        metrics::counter!(telemetry::L1_GAS, "call" => "prove").increment(transaction.gas);
        metrics::counter!(telemetry::VERIFIED).increment(1);
        if let Some(sealed) = sealed_at {
            let waited = Duration::from_millis(at.saturating_sub(sealed.unix_ms()));
            metrics::histogram!(telemetry::SEAL_TO_VERIFIED_SECONDS).record(waited.as_secs_f64());
        }
        self.stuck.remove(&number);
        self.post_next();
    }
}
