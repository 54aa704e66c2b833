//! From what is on the disk to a sequencer that goes on.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use weft_api::Finality;
use weft_executor::State;
use weft_protocol::RunningState;
use weft_protocol::crypto::Digest;
use weft_state_tree::IndexOutOfRange;
use weft_storage::{Applied, OpenError, Opened, RollupStore, StoreError};

use super::entry::{Checkpoint, LogEntry};
use super::l1_time::L1Time;
use super::machine::{Abandonment, Fault, Last, Machine, Replayed, Rules, Taken};
use super::{Archive, Batch, Sequencer, Settings};
use crate::compute::Compute;
use crate::dispatch::{Dispatcher, Outlets};
use crate::journal::{Journal, Parcel};
use crate::l1::L1Head;
use crate::telemetry;

/// Entries of the log that are read at once: their signatures are checked together.
pub(super) const REPLAY_ENTRIES: usize = 1024;

/// Why a node cannot go on with what is on the disk.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be begun anew.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An object stands outside of the tree.
    #[error("a stored object stands outside of the tree: {0}")]
    Index(#[from] IndexOutOfRange),
    /// The log leads to where a node stops.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A stored batch is missing.
    #[error("the state stands at batch {number}, of which there is no record")]
    NoBatch {
        /// The batch.
        number: u32,
    },
    /// An order could not be given again.
    #[error("an order of the log cannot be given again: {0:#}")]
    Order(anyhow::Error),
}

/// A verified batch, and the end of the L1 queue that it and those before it have taken.
type Verified = (u32, u64);

/// A sequencer on its way from the disk: [`begin`](Self::begin), [`replay`](Self::replay), [`serve`](Self::serve).
#[derive(Debug)]
pub struct Opening {
    settings: Settings,
    store: Arc<RollupStore>,
    machine: Machine,
    l1_block: u64,
}

impl Opening {
    /// Builds the state out of the stored objects. If its root is not the stored one, the state is thrown away and will
    /// be computed from the whole log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn begin(
        settings: Settings,
        compute: &Compute,
        store: RollupStore,
        opened: Opened,
    ) -> Result<Self, OpeningError> {
        let rules =
            Rules { domain: settings.deployment.domain, sizes: settings.sizes, proven_on_l1: settings.proven_on_l1 };
        let machine = Machine::new(rules, compute.clone());
        let Opened { objects, applied, .. } = opened;
        let state = compute.block_on(|| State::from_objects(objects))?;
        let expected = applied.map_or_else(|| RunningState::genesis().root, |applied| applied.root);
        if state.root() != expected {
            let got = state.root();
            tracing::warn!(%expected, %got, "the stored objects have another root: they are computed again from the log");
            metrics::counter!(telemetry::ROOT_CHECK_FAILURES).increment(1);
            let store = Arc::new(store.reset_state()?);
            return Ok(Self { settings, store, machine, l1_block: 0 });
        }
        let mut opening = Self { settings, store: Arc::new(store), machine, l1_block: 0 };
        if let Some(applied) = applied {
            opening.go_behind(state, applied)?;
        }
        Ok(opening)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<RollupStore> {
        &self.store
    }

    /// Goes behind the batch at which the state stands.
    fn go_behind(&mut self, state: State, applied: Applied) -> Result<(), OpeningError> {
        let Applied { batch: number, log_next, root } = applied;
        let checkpoint = self.store.checkpoint::<Checkpoint>()?.ok_or(OpeningError::NoBatch { number })?;
        let queue_end = match number {
            0 => (0, [0; 32]),
            number => self.stored(number)?.queue_end(),
        };
        self.l1_block = checkpoint.l1_block;
        let (batches, verified) = self.read_unverified(number)?;
        let last = Last { number, timestamp: checkpoint.timestamp, root };
        self.machine.go_behind(state.after_batch(number), last, log_next);
        self.machine.restore(checkpoint, queue_end)?;
        self.machine.batches = batches;
        self.machine.verified = verified;
        Ok(())
    }

    fn stored(&self, number: u32) -> Result<Batch, OpeningError> {
        self.store.batch(number)?.ok_or(OpeningError::NoBatch { number })
    }

    /// The stored batches that are not verified, and the last one that is with the end of its queue entries.
    fn read_unverified(&self, last: u32) -> Result<(BTreeMap<u32, Batch>, Verified), OpeningError> {
        let mut batches = BTreeMap::new();
        for number in (1..=last).rev() {
            let batch = self.stored(number)?;
            if batch.has_reached(Finality::Verified) {
                return Ok((batches, (number, batch.queue().end)));
            }
            batches.insert(number, batch);
        }
        Ok((batches, (0, 0)))
    }

    /// Does the rest of the log once more, and its orders with it.
    ///
    /// # Errors
    /// The log cannot be read, does not fit, or an order cannot be given.
    pub fn replay<O: Outlets>(&mut self, dispatcher: &mut Dispatcher<O>) -> Result<(), OpeningError> {
        let from = self.machine.log_next;
        let store = Arc::clone(&self.store);
        self.look_ahead()?;
        let mut entries = store.replay::<LogEntry>(from);
        loop {
            let chunk: Vec<_> = entries.by_ref().take(REPLAY_ENTRIES).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                break;
            }
            let chunk: Vec<_> = chunk.into_iter().map(|(_, entry)| entry).collect();
            for entry in &chunk {
                if let LogEntry::Sealed { l1_block, .. } | LogEntry::BatchesAbandoned { l1_block, .. } = *entry {
                    self.l1_block = self.l1_block.max(l1_block);
                }
            }
            replay_entries(&mut self.machine, chunk, dispatcher)?;
        }
        tracing::info!(from, to = self.machine.log_next, "log replayed");
        Ok(())
    }

    /// Learns which batches will be taken back: nothing is proved of them, and provers may know others of their numbers.
    fn look_ahead(&mut self) -> Result<(), OpeningError> {
        for entry in self.store.replay::<LogEntry>(self.machine.log_next) {
            if let (position, LogEntry::BatchesAbandoned { from, .. }) = entry? {
                self.machine.abandonments.push_back((position, from));
            }
        }
        Ok(())
    }

    /// The state root after a batch, 0 for the state before the first; `None` if there is no such sealed batch.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn root_after(&self, number: u32) -> Result<Option<Digest>, StoreError> {
        if number == 0 {
            return Ok(Some(RunningState::genesis().root));
        }
        let batch: Option<Batch> = match self.machine.batches.get(&number) {
            Some(batch) => Some(batch.clone()),
            None => self.store.batch(number)?,
        };
        Ok(batch.filter(|batch| batch.has_reached(Finality::Sealed)).map(|batch| batch.root()))
    }

    /// Batches that L1 has not verified, rising, and whether they are sealed.
    #[must_use]
    pub fn unverified(&self) -> Vec<(u32, bool)> {
        let batches = self.machine.batches.values().filter(|batch| batch.number() > self.settings.proven_on_l1);
        let open = batches.filter(|batch| !batch.has_reached(Finality::Verified));
        open.map(|batch| (batch.number(), batch.has_reached(Finality::Sealed))).collect()
    }

    /// The store, if nobody else has it.
    #[must_use]
    pub fn into_store(self) -> Option<RollupStore> {
        Arc::into_inner(self.store)
    }

    /// The last sealed batch, 0 before the first.
    #[must_use]
    pub fn last_sealed(&self) -> u32 {
        self.machine.last.map_or(0, |last| last.number)
    }

    /// The last batch that L1 had verified, as far as the data know; 0 before the first.
    #[must_use]
    pub fn last_verified(&self) -> u32 {
        self.machine.verified.0
    }

    /// Entries of the L1 queue that are known, and the chain over them.
    #[must_use]
    pub fn queue(&self) -> (u64, [u8; 32]) {
        (self.machine.queue.next(), self.machine.queue.chain())
    }

    /// Position of the entry that the log will get next.
    #[must_use]
    pub fn log_next(&self) -> u64 {
        self.machine.log_next
    }

    /// A sequencer that goes on.
    #[must_use]
    pub fn serve(self, journal: Journal) -> Sequencer {
        Sequencer {
            archive: Archive::new(self.store),
            posting: self.machine.verified.0,
            settings: self.settings,
            machine: self.machine,
            journal,
            parcel: Parcel::default(),
            unlogged: None,
            l1: L1Head::default(),
            l1_time: L1Time::default(),
            l1_block: self.l1_block,
            l1_answered_at: None,
            assets: Vec::new(),
            posts: BTreeMap::new(),
            stuck: BTreeMap::new(),
        }
    }
}

/// Does entries of the log once more, and their orders with them.
pub(super) fn replay_entries<O: Outlets>(
    machine: &mut Machine,
    entries: Vec<LogEntry>,
    dispatcher: &mut Dispatcher<O>,
) -> Result<(), OpeningError> {
    let signed = entries.iter().filter_map(LogEntry::signed).cloned().collect();
    let mut checked = machine.check(signed)?.into_iter();
    for entry in entries {
        let entry = match entry {
            LogEntry::Transaction { at, .. } => {
                let checked = checked.next().expect("each transaction was checked");
                Replayed::Transaction { checked, at }
            }
            LogEntry::BatchesAbandoned { from, reason, proving, l1_block, at } => {
                let order = Abandonment { from, reason, proving, l1_block, at };
                let last = machine.last.map_or(0, |last| last.number);
                Replayed::Abandonment { order, taken: taken(dispatcher.store(), from..=last)? }
            }
            other => Replayed::Other(other),
        };
        machine.replay(entry)?;
        for order in std::mem::take(&mut machine.orders) {
            if let Some(done) = dispatcher.perform(order).map_err(OpeningError::Order)? {
                machine.done(done);
            }
        }
    }
    Ok(())
}

/// What the store has of these batches: all that were sealed, because each order is done before the next entry.
fn taken(store: &Arc<RollupStore>, batches: RangeInclusive<u32>) -> Result<Vec<Taken>, OpeningError> {
    let archive = Archive::new(Arc::clone(store));
    let taken = batches.map(|number| archive.taken(number));
    Ok(taken.collect::<Result<_, _>>()?)
}
