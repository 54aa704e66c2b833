//! The sequencer: the one owner of the state.
//!
//! A thread of its own holds the [`Sequencer`]; everything else asks it through a [`SequencerHandle`]. It decides what
//! comes next (a transaction, a queue entry, a batch's begin or end), has its state machine do it, and hands
//! [entries](LogEntry) and effects to the [journal](crate::journal), through which everything that others can see leaves.
//!
//! Invariants: batch times strictly rise and are not above L1's time when the batch begins; queue entries are executed in
//! order and before transactions that wait; a transaction that was answered with *executed* is in a batch; the state
//! follows from the log alone. Memory holds what waits, the batches that L1 has not verified, and the objects: all else is
//! read from the [archive](Archive).

mod abandon;
mod archive;
mod batch;
mod entry;
mod handle;
mod l1_news;
mod l1_time;
mod ledger;
mod machine;
mod open;
mod pool;
mod progress;
mod rerun;
mod settings;
mod shelf;
mod views;

use std::collections::BTreeMap;
use std::time::Duration;

use weft_api::{AssetView, BackendError, Finality, Submission, SubmitError, Time};
use weft_executor::CheckedTransaction;
use weft_protocol::{AccountIndex, Environment, Object, Reject, Timestamp};

use crate::dispatch::Done;
use crate::journal::{Effect, Journal, Parcel};
use crate::l1::{L1Head, PostOrder};
use crate::telemetry;
use entry::UnixMs;
use l1_time::{AHEAD_MAX, L1Time};
use machine::Machine;

pub use abandon::Overdue;
pub use archive::Archive;
pub use batch::Batch;
pub use entry::{BatchShape, Checkpoint, KnownEntry, LogEntry};
pub use handle::{Inbox, Phase, SequencerHandle};
pub use l1_news::QueueCursor;
pub use ledger::{Fate, TransactionRecord};
pub use open::{Opening, OpeningError};
pub use rerun::{LoggedBatch, Rerun, RerunError};
pub use settings::{FeeCollector, Settings};
pub use shelf::{BatchAt, FetchError, Shelf};
pub use views::BatchWithdrawals;

/// When a client may ask again if the node cannot answer now.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// State, pool, batches and what became of everything. See the [module](self).
#[derive(Debug)]
pub struct Sequencer {
    settings: Settings,
    machine: Machine,
    archive: Archive,
    journal: Journal,
    /// What leaves with the present request.
    parcel: Parcel,
    /// The begin of a batch that has no slot: it is logged with the first one, or never.
    unlogged: Option<LogEntry>,
    l1: L1Head,
    l1_time: L1Time,
    /// The last L1 block whose events are all in the log.
    l1_block: u64,
    l1_answered_at: Option<Time>,
    assets: Vec<AssetView>,
    /// Proven batches that wait until those before them are verified.
    posts: BTreeMap<u32, PostOrder>,
    /// The last batch that was given to the poster.
    posting: u32,
    /// Batches whose proof does not go on, with the reason.
    stuck: BTreeMap<u32, String>,
}

impl Sequencer {
    /// Takes a transaction whose signature is valid: executes it, or keeps it until there is a batch for it.
    ///
    /// # Errors
    /// A rule refuses it, the pool is full, or the node has halted. Nothing has changed.
    pub fn submit(&mut self, checked: CheckedTransaction) -> Result<Submission, SubmitError> {
        self.check_running()?;
        self.check_backlog()?;
        let id = ledger::id_of(checked.get(), &self.settings.deployment.domain);
        // What is old was found before, off this thread: here it is nearly always in memory or nowhere.
        if let Some(view) = self.now(|sequencer, shelf| sequencer.transaction(&id, shelf)) {
            return Ok(Submission::Known(view));
        }
        self.admit(checked).inspect_err(|error| {
            if let SubmitError::Rejected(reject) = error {
                metrics::counter!(telemetry::REJECTED, "code" => reject.code()).increment(1);
            }
        })?;
        metrics::counter!(telemetry::ACCEPTED).increment(1);
        let view = self.now(|sequencer, shelf| sequencer.transaction(&id, shelf));
        Ok(Submission::Accepted(view.expect("it was just recorded")))
    }

    fn admit(&mut self, checked: CheckedTransaction) -> Result<(), SubmitError> {
        self.check_nonce(&checked)?;
        self.begin_for_one();
        self.check_pool(checked.get().transaction.sender)?;
        let (signed, at) = (checked.get().clone(), self.clock_ms());
        let sequence = self.machine.log_next + u64::from(self.unlogged.is_some());
        if let Err(reject) = self.machine.accept(checked, sequence, at) {
            if self.unlogged.take().is_some() {
                self.machine.drop_empty();
            }
            return Err(reject.into());
        }
        self.log(LogEntry::Transaction { signed, at });
        self.settle();
        Ok(())
    }

    /// Executes what waits and seals the batch if it is time. Called after everything else that happens, and often.
    pub fn advance(&mut self) {
        self.settle();
        self.flush();
    }

    /// Ends the batch in work, if it has slots: collects the fees, hands out the rest of it, begins to wait for its proof.
    pub fn seal(&mut self) {
        let has_slots = self.machine.building().is_some() && !self.machine.is_empty();
        if !has_slots || self.is_halted() {
            return;
        }
        let (fee_account, l1_block, at) = (self.fee_account(), self.l1_block, self.clock_ms());
        // What the machine cannot do is not logged: after a restart with the cause removed it may be able to.
        match self.machine.seal(fee_account, l1_block, at) {
            Ok(()) => self.log(LogEntry::Sealed { fee_account, l1_block, at }),
            Err(fault) => self.halt(fault.to_string()),
        }
    }

    /// Stops taking and executing: something happened that must not.
    pub fn halt(&self, reason: impl Into<String>) {
        self.journal.failure().set(reason);
    }

    /// The account that collects fees, once its deposit was executed.
    #[must_use]
    pub fn fee_account(&self) -> Option<AccountIndex> {
        let FeeCollector { owner, key } = self.settings.fee_collector;
        self.objects().of(owner, key, AccountIndex(0)).next()
    }

    /// Now.
    fn clock_ms(&self) -> UnixMs {
        self.settings.clock.now().unix_ms()
    }

    /// An answer that goes out when everything that it may tell of is on the disk.
    fn reply(&mut self, answer: impl FnOnce() + Send + 'static) {
        self.parcel.effects.push(Effect::Reply(Box::new(answer)));
    }

    /// Adds an entry that the machine has just done.
    fn log(&mut self, entry: LogEntry) {
        let began = self.unlogged.take();
        for entry in began.into_iter().chain([entry]) {
            self.parcel.entries.push(entry);
            self.machine.log_next += 1;
        }
    }

    /// Hands in what has come together.
    fn flush(&mut self) {
        self.parcel.effects.extend(self.machine.orders.drain(..).map(Effect::Order));
        if !self.parcel.entries.is_empty() || !self.parcel.effects.is_empty() {
            self.journal.submit(std::mem::take(&mut self.parcel));
        }
    }

    /// Takes news of the dispatcher.
    pub(crate) fn done(&mut self, done: Done) {
        self.machine.done(done);
    }

    /// Seals the batch in work if it is full or old, and begins another for what waits, as often as needed.
    fn settle(&mut self) {
        while !self.is_halted() {
            if self.machine.is_full() || self.is_old() {
                self.seal();
            } else if self.machine.building().is_none() && self.machine.has_waiting() {
                let Some(began) = self.begin() else { break };
                self.log(began);
                if self.machine.is_empty() {
                    self.machine.drop_empty();
                    self.log(LogEntry::BatchDropped);
                }
            } else {
                break;
            }
        }
        self.measure();
    }

    /// Whether the batch in work has waited for more slots as long as it may.
    fn is_old(&self) -> bool {
        let limit = u64::try_from(self.settings.batch.seal_after.as_millis()).unwrap_or(u64::MAX);
        let age = |began: UnixMs| self.clock_ms().saturating_sub(began);
        self.machine.building().is_some_and(|building| !self.machine.is_empty() && age(building.began_at) >= limit)
    }

    /// Begins a batch for a transaction that need not wait, if it can be executed at once. Nothing is logged yet.
    fn begin_for_one(&mut self) {
        if self.machine.building().is_none() && !self.machine.has_waiting() {
            self.unlogged = self.begin();
        }
    }

    /// Begins the next batch, if one may begin; returns the entry that says so.
    fn begin(&mut self) -> Option<LogEntry> {
        let environment = self.next_environment()?;
        let limits = self.settings.batch;
        let shape = BatchShape {
            slots_max: u32::try_from(limits.slots_max).unwrap_or(u32::MAX),
            streamed_slots: batch::count(self.settings.sizes.slots(self.settings.streamed)),
        };
        let at = self.clock_ms();
        match self.machine.begin(environment, shape, at) {
            Ok(()) => Some(LogEntry::BatchBegan { environment, shape, at }),
            Err(fault) => {
                self.halt(fault.to_string());
                None
            }
        }
    }

    /// The next batch, if L1's time has passed that of the last one and there are not too many in work.
    fn next_environment(&self) -> Option<Environment> {
        if self.is_held_back() {
            return None;
        }
        let time = self.next_time()?;
        let last = self.machine.last;
        if last.is_some_and(|last| last.timestamp.get() >= time) {
            return None;
        }
        Some(Environment {
            domain: self.settings.deployment.domain,
            batch_number: last.map_or(1, |last| last.number + 1),
            timestamp: Timestamp::new(time).ok()?,
        })
    }

    /// The time for a batch that begins now; `None` before L1 was heard. L1 takes it soon, whatever the node's clock says.
    fn next_time(&self) -> Option<u64> {
        self.l1_answered_at?;
        let own = self.clock_ms() / 1000;
        let excess = self.clock_ahead().unwrap_or(0).saturating_sub(AHEAD_MAX);
        Some(self.l1.timestamp.max(own - excess))
    }

    /// Seconds by which the node's clock is ahead of L1's; `None` if that is not known.
    fn clock_ahead(&self) -> Option<u64> {
        self.l1_time.ahead(self.clock_ms() / 1000)
    }

    /// Whether as many batches as allowed are not verified.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        let sealed = self.machine.last.map_or(0, |last| last.number);
        let unverified = sealed - self.machine.verified.0.min(sealed);
        usize::try_from(unverified).expect("32 bits") >= self.settings.batch.unverified_max
    }

    fn is_halted(&self) -> bool {
        self.journal.failure().get().is_some()
    }

    fn check_running(&self) -> Result<(), BackendError> {
        match self.journal.failure().get() {
            None => Ok(()),
            Some(reason) => {
                let reason = format!("it has halted: {reason}");
                Err(BackendError::NotReady { reason, retry_after: RETRY_AFTER })
            }
        }
    }

    fn check_backlog(&self) -> Result<(), BackendError> {
        if self.journal.is_behind() {
            let reason = "the disk is behind".to_owned();
            return Err(BackendError::NotReady { reason, retry_after: RETRY_AFTER });
        }
        Ok(())
    }

    /// A transaction that will have to wait finds room.
    fn check_pool(&self, sender: AccountIndex) -> Result<(), SubmitError> {
        if self.machine.building().is_some() && !self.machine.has_waiting() {
            return Ok(());
        }
        let pending = self.machine.pool.count_of(sender);
        if pending >= self.settings.pool_per_account_max {
            return Err(SubmitError::AccountFull { pending, retry_after: RETRY_AFTER });
        }
        if self.machine.pool.len() >= self.settings.pool_max {
            return Err(SubmitError::PoolFull { retry_after: RETRY_AFTER });
        }
        Ok(())
    }

    /// The sender exists and this is its next nonce, counting what waits in the pool.
    fn check_nonce(&self, checked: &CheckedTransaction) -> Result<(), Reject> {
        let transaction = &checked.get().transaction;
        let sender = transaction.sender;
        let object = self.objects().get(sender).filter(|object| object.is_account());
        let object = object.ok_or(Reject::UnknownAccount { index: sender.0 })?;
        if checked.get().key.digest() != object.main_key {
            return Err(Reject::WrongKey);
        }
        let (expected, got) = (self.pending_nonce(sender, object), transaction.nonce);
        if expected == got { Ok(()) } else { Err(Reject::WrongNonce { expected, got }) }
    }

    fn pending_nonce(&self, index: AccountIndex, object: &Object) -> u32 {
        object.nonce.saturating_add(self.machine.pool.count_of(index))
    }

    /// Tells the gauges.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers, and these are small")]
    fn measure(&self) {
        metrics::gauge!(telemetry::POOL).set(self.machine.pool.len() as f64);
        let stages = [("building", None), ("sealed", Some(Finality::Sealed)), ("proven", Some(Finality::Proven))];
        for (stage, step) in stages {
            let next = match step {
                None => Finality::Sealed,
                Some(Finality::Sealed) => Finality::Proven,
                Some(_) => Finality::Verified,
            };
            let is_there = |batch: &&Batch| step.is_none_or(|step| batch.has_reached(step)) && !batch.has_reached(next);
            let count = self.machine.batches.values().filter(is_there).count();
            metrics::gauge!(telemetry::BATCHES, "stage" => stage).set(count as f64);
        }
    }
}

#[cfg(test)]
mod tests;
