//! The way out of the sequencer: everything that others can see leaves through the journal, after what it follows from is
//! on the disk.
//!
//! ```text
//! sequencer ── parcels (entries, effects) ──► journal ── one synced append for many parcels ──► replies
//!                                               └── orders, in order ──► dispatcher: job store, state, proof files, L1
//! ```
//! The sequencer never waits for the disk: it goes on with the next request while the journal writes. Effects of a parcel,
//! also those of a parcel without entries, run after all entries that were handed in before them are on the disk. So no
//! answer tells of something that a crash can take back.
//!
//! If the disk fails, the journal ends: it runs no effect of the failed append nor any later one, and leaves the reason in
//! [`Failure`].

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result};
use weft_protocol::{Environment, Timestamp};
use weft_storage::rollup::APPEND_ENTRIES_MAX;
use weft_storage::{RollupStore, Standing, StateCommit, StoreError};

use crate::l1::{PostOrder, without_urls};
use crate::proving::{BatchClaim, SegmentOrder};
use crate::sequencer::{Batch, Checkpoint, LogEntry, TransactionRecord};
use crate::supervise::Watchdog;
use crate::telemetry;

/// Entries of one append; a parcel with more is an append of its own.
const GROUP_ENTRIES_MAX: usize = 4096;
/// Parcels that may wait for the disk before requests are refused.
const BACKLOG_MAX: usize = 16_384;

/// What a batch writes into the state.
pub type Commit = StateCommit<Batch, TransactionRecord, Checkpoint>;

/// Batches that are taken back.
#[derive(Clone, PartialEq, Debug)]
pub struct RollBack {
    /// The batches, the newest first.
    pub batches: Vec<Environment>,
    /// Where the state stands then.
    pub standing: Standing<Checkpoint>,
}

/// Something to be done outside of the sequencer. Each may be done twice: a restart orders again what it cannot know.
#[derive(Clone, Debug)]
pub enum Order {
    /// Have a segment proved.
    Segment(Box<SegmentOrder>),
    /// Have a batch sealed and wrapped: it has no more segments.
    Finish(Box<BatchClaim>),
    /// Take a batch into the state. All its orders to provers are durable before.
    Apply(Box<Commit>),
    /// Replace the record of an applied batch.
    Keep(Box<Batch>),
    /// Keep a batch's proof file.
    Proof {
        /// The batch.
        number: u32,
        /// Its time.
        time: Timestamp,
        /// The file.
        file: Vec<u8>,
    },
    /// Post a batch on L1.
    Post(Box<PostOrder>),
    /// Take batches back: out of provers, poster and state.
    RollBack(Box<RollBack>),
    /// The provers need nothing of a batch any more.
    Release(u32),
}

/// What happens once a parcel's entries are on the disk.
pub enum Effect {
    /// An answer goes out. Must not block.
    Reply(Box<dyn FnOnce() + Send>),
    /// An order goes to the dispatcher.
    Order(Order),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(_) => f.write_str("Reply"),
            Self::Order(order) => order.fmt(f),
        }
    }
}

/// What the sequencer hands in at once.
#[derive(Debug, Default)]
pub struct Parcel {
    /// Entries for the log.
    pub entries: Vec<LogEntry>,
    /// What follows from them and from all before.
    pub effects: Vec<Effect>,
}

/// The log as the journal needs it.
pub trait Log: Send + 'static {
    /// Puts entries at the end of the log and returns their positions; they are on the disk when it returns.
    ///
    /// # Errors
    /// The disk refuses; nobody knows how much of the entries it has.
    fn append(&self, entries: &[LogEntry]) -> Result<Range<u64>, StoreError>;
}

impl Log for Arc<RollupStore> {
    fn append(&self, entries: &[LogEntry]) -> Result<Range<u64>, StoreError> {
        RollupStore::append(self, entries)
    }
}

/// Why the journal or whoever works behind it has stopped; empty while all is well.
#[derive(Clone, Debug, Default)]
pub struct Failure(Arc<OnceLock<String>>);

impl Failure {
    /// The reason, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Sets the reason; the first one stays.
    pub fn set(&self, reason: impl Into<String>) {
        let reason = without_urls(&reason.into());
        if self.0.set(reason.clone()).is_ok() {
            tracing::error!(reason, "the node has halted");
            metrics::gauge!(telemetry::HALTED).set(1.0);
        }
    }
}

/// The sequencer's end of the journal.
#[derive(Clone, Debug)]
pub struct Journal {
    parcels: Sender<Parcel>,
    backlog: Arc<AtomicUsize>,
    failure: Failure,
}

impl Journal {
    /// Starts the journal's thread behind entry `next` of the log. Orders go to `orders`. The thread ends with the last
    /// handle, after everything was written.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(log: impl Log, next: u64, orders: Sender<Order>, failure: Failure) -> Result<(Self, JoinHandle<()>)> {
        let (parcels, arrivals) = channel();
        let backlog = Arc::new(AtomicUsize::new(0));
        let writer = Writer { log, next, arrivals, orders, backlog: Arc::clone(&backlog), failure: failure.clone() };
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run());
        Ok((Self { parcels, backlog, failure }, thread.context("cannot start the journal")?))
    }

    /// Hands a parcel in; returns at once. After a failure it is dropped, with the answers in it.
    pub fn submit(&self, parcel: Parcel) {
        self.backlog.fetch_add(1, Ordering::Relaxed);
        // Without its thread the journal has failed, and whoever waits for an answer learns so.
        let _ = self.parcels.send(parcel);
    }

    /// Whether so much waits for the disk that nothing should be added.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.backlog.load(Ordering::Relaxed) >= BACKLOG_MAX
    }

    /// Why nothing goes out any more, if so.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

/// The journal's thread.
struct Writer<L> {
    log: L,
    /// Position that the next entry must get.
    next: u64,
    arrivals: Receiver<Parcel>,
    orders: Sender<Order>,
    backlog: Arc<AtomicUsize>,
    failure: Failure,
}

impl<L: Log> Writer<L> {
    fn run(mut self) {
        let _watchdog = Watchdog::new("the journal", self.failure.clone());
        while let Ok(first) = self.arrivals.recv() {
            let (entries, effects) = self.gather(first);
            if let Err(reason) = self.append(&entries) {
                return self.failure.set(reason);
            }
            for effect in effects {
                match effect {
                    Effect::Reply(reply) => reply(),
                    // The dispatcher is gone only after it has left its reason in `failure`.
                    Effect::Order(order) => drop(self.orders.send(order)),
                }
            }
        }
    }

    /// The first parcel and those that came meanwhile.
    fn gather(&self, first: Parcel) -> (Vec<LogEntry>, Vec<Effect>) {
        let Parcel { mut entries, mut effects } = first;
        let mut parcels = 1;
        while entries.len() < GROUP_ENTRIES_MAX {
            let Ok(mut parcel) = self.arrivals.try_recv() else { break };
            entries.append(&mut parcel.entries);
            effects.append(&mut parcel.effects);
            parcels += 1;
        }
        self.backlog.fetch_sub(parcels, Ordering::Relaxed);
        (entries, effects)
    }

    fn append(&mut self, entries: &[LogEntry]) -> Result<(), String> {
        for entries in entries.chunks(APPEND_ENTRIES_MAX) {
            let began = Instant::now();
            let got = self.log.append(entries).map_err(|error| format!("the log cannot be written: {error}"))?;
            metrics::histogram!(telemetry::JOURNAL_SYNC_SECONDS).record(began.elapsed().as_secs_f64());
            if got.start != self.next {
                return Err(format!("entry {} of the log was written as entry {}", self.next, got.start));
            }
            self.next = got.end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
