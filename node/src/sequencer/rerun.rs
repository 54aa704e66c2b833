//! One batch once more, from the log alone.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use weft_api::Finality;
use weft_protocol::{Domain, Environment};
use weft_prover::CircuitSizes;
use weft_storage::{OpenError, RollupStore, StoreError};

use super::entry::LogEntry;
use super::machine::{Machine, Rules};
use super::open::{REPLAY_ENTRIES, replay_entries};
use super::{Batch, OpeningError};
use crate::compute::Compute;
use crate::dispatch::{Dispatcher, Outlets};
use crate::l1::PostOrder;
use crate::proving::{BatchClaim, SegmentOrder};

/// A sealed batch, as the log tells of it.
#[derive(Clone, PartialEq, Debug)]
pub struct LoggedBatch {
    /// What the batch is.
    pub environment: Environment,
    /// Position of the entry behind its last one.
    pub end: u64,
    /// Entries that take batches back, with the first batch of each.
    abandonments: VecDeque<(u64, u32)>,
}

/// What a batch is when it is executed once more.
#[derive(Clone, Debug)]
pub struct Rerun {
    /// The batch.
    pub batch: Batch,
    /// The orders of its segments.
    pub segments: Vec<SegmentOrder>,
    /// What its wrapped proof must claim.
    pub claim: BatchClaim,
}

/// A batch cannot be executed once more.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// There is no such batch.
    #[error("the log has no sealed batch {number}: its last one is {last}")]
    NoBatch {
        /// The batch.
        number: u32,
        /// The last sealed batch, 0 if there is none.
        last: u32,
    },
    /// The log does not replay.
    #[error(transparent)]
    Replay(#[from] OpeningError),
    /// The store of the rerun cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoggedBatch {
    /// Looks for a batch that was sealed and not taken back.
    ///
    /// # Errors
    /// There is none, or the log cannot be read.
    pub fn find(log: &RollupStore, number: u32) -> Result<Self, RerunError> {
        let (mut open, mut last, mut found) = (None, 0, None);
        let mut abandonments = VecDeque::new();
        for entry in log.replay::<LogEntry>(0) {
            match entry? {
                (_, LogEntry::BatchBegan { environment, .. }) => open = Some(environment),
                (position, LogEntry::Sealed { .. }) => {
                    let Some(environment) = open.take() else { continue };
                    last = environment.batch_number;
                    if last == number {
                        found = Some((environment, position + 1));
                    }
                }
                (position, LogEntry::BatchesAbandoned { from, .. }) => {
                    abandonments.push_back((position, from));
                    open = None;
                    last = from.saturating_sub(1).min(last);
                    found = found.filter(|_| number < from);
                }
                _ => {}
            }
        }
        let (environment, end) = found.ok_or(RerunError::NoBatch { number, last })?;
        abandonments.retain(|(position, _)| *position < end);
        Ok(Self { environment, end, abandonments })
    }

    /// Executes the log up to the end of the batch, with a state in the empty folder `scratch`. `progress` hears how many
    /// entries are done.
    ///
    /// # Errors
    /// The log does not replay, or the disk fails.
    pub fn rerun(
        &self,
        log: &RollupStore,
        sizes: CircuitSizes,
        (compute, scratch): (&Compute, &Path),
        progress: &dyn Fn(u64),
    ) -> Result<Rerun, RerunError> {
        let Environment { domain: Domain(domain), batch_number: number, .. } = self.environment;
        let (store, _) = RollupStore::open(scratch, &domain.to_bytes())?;
        // Provers need to know of this batch only.
        let rules = Rules { domain: Domain(domain), sizes, proven_on_l1: number - 1 };
        let mut machine = Machine::new(rules, compute.clone());
        machine.abandonments.clone_from(&self.abandonments);
        let mut dispatcher = Dispatcher::new(Arc::new(store), Notes { number, ..Notes::default() });
        let mut entries = log.replay::<LogEntry>(0).take(usize::try_from(self.end).expect("64 bits"));
        loop {
            let chunk = entries.by_ref().take(REPLAY_ENTRIES).map(|entry| entry.map(|(_, entry)| entry));
            let chunk = chunk.collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                break;
            }
            // A state may stand at no more than the log beside it has.
            dispatcher.store().append(&chunk)?;
            replay_entries(&mut machine, chunk, &mut dispatcher)?;
            progress(machine.log_next);
        }
        let batch = machine.batches.remove(&number).filter(|batch| batch.has_reached(Finality::Sealed));
        let last = machine.last.map_or(0, |last| last.number);
        let (batch, Notes { segments, claim, .. }) =
            (batch.ok_or(RerunError::NoBatch { number, last })?, dispatcher.into_outlets());
        let claim = claim.ok_or(RerunError::NoBatch { number, last })?;
        Ok(Rerun { batch, segments, claim })
    }
}

/// The orders of one batch.
#[derive(Default)]
struct Notes {
    number: u32,
    segments: Vec<SegmentOrder>,
    claim: Option<BatchClaim>,
}

impl Outlets for Notes {
    fn segment(&mut self, order: SegmentOrder) -> anyhow::Result<()> {
        // Positions begin anew with a batch that follows one which had no slots after all.
        self.segments.truncate(usize::try_from(order.position)?);
        self.segments.push(order);
        Ok(())
    }

    fn finish(&mut self, claim: BatchClaim) -> anyhow::Result<()> {
        if claim.environment.batch_number == self.number {
            self.claim = Some(claim);
        }
        Ok(())
    }

    fn post(&mut self, _: PostOrder) {}

    fn abandon(&mut self, _: &Environment) -> anyhow::Result<()> {
        Ok(())
    }

    fn release(&mut self, _: u32) -> anyhow::Result<()> {
        Ok(())
    }
}
