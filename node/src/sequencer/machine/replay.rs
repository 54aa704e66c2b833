//! Entries out of the log.

use weft_executor::CheckedTransaction;

use super::super::entry::LogEntry;
use super::{Abandonment, Fault, Machine, Taken};

/// An entry whose signature, if it has one, was checked again.
#[derive(Debug)]
pub(in crate::sequencer) enum Replayed {
    /// A transaction.
    Transaction {
        /// The transaction.
        checked: CheckedTransaction,
        /// When it was accepted.
        at: u64,
    },
    /// Batches are taken back.
    Abandonment {
        /// Which, and why.
        order: Abandonment,
        /// What the store has of those that are sealed.
        taken: Vec<Taken>,
    },
    /// Anything else.
    Other(LogEntry),
}

impl Machine {
    /// Does the next entry of the log once more.
    ///
    /// # Errors
    /// It cannot follow, or leads to where a node stops.
    pub(in crate::sequencer) fn replay(&mut self, entry: Replayed) -> Result<(), Fault> {
        match entry {
            Replayed::Transaction { checked, at } => {
                let accepted = self.accept(checked, self.log_next, at);
                accepted.map_err(|reject| self.misfit(&format!("an accepted transaction is refused: {reject}")))?;
            }
            Replayed::Abandonment { order, taken } => {
                self.abandonments.pop_front_if(|(position, _)| *position == self.log_next);
                self.abandon(&order, taken)?;
            }
            Replayed::Other(entry) => self.replay_other(&entry)?,
        }
        self.log_next += 1;
        Ok(())
    }

    fn replay_other(&mut self, entry: &LogEntry) -> Result<(), Fault> {
        match *entry {
            LogEntry::BatchBegan { environment, shape, at } => self.begin(environment, shape, at)?,
            LogEntry::BatchDropped => self.drop_empty(),
            LogEntry::Transaction { .. } => return Err(self.misfit("a transaction was not checked")),
            LogEntry::BatchesAbandoned { .. } => return Err(self.misfit("it is not known what is taken back")),
            LogEntry::QueueEntry(known) => {
                let expected = known.entry.extend(&self.queue.chain());
                if expected != known.chain {
                    return Err(self.misfit("an entry of the L1 queue is missing"));
                }
                self.enqueue(known)?;
            }
            LogEntry::Sealed { fee_account, l1_block, at } => self.seal(fee_account, l1_block, at)?,
            LogEntry::Proven { number, proving_since, ref costs, at } => self.proven(number, proving_since, costs, at),
            LogEntry::Posted { number, transaction, at } => self.posted(number, transaction, at),
            LogEntry::Verified { number, transaction, at } => self.verified(number, transaction, at),
        }
        Ok(())
    }

    fn misfit(&self, what: &str) -> Fault {
        Fault::Log { reason: format!("entry {}: {what}", self.log_next) }
    }
}
