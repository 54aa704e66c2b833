//! What there is between two batches beside the objects.

use tracing::Span;
use weft_protocol::Timestamp;
use weft_protocol::crypto::Digest;

use super::super::entry::Checkpoint;
use super::super::ledger::{TransactionRecord, id_of};
use super::super::pool::Waiting;
use super::{Fault, Machine, Queue};

impl Machine {
    /// Takes back what waited behind that batch; `executed` is where the entries of the L1 queue begin.
    ///
    /// # Errors
    /// A transaction is not signed rightly.
    pub(in crate::sequencer) fn restore(
        &mut self,
        checkpoint: Checkpoint,
        executed: (u64, [u8; 32]),
    ) -> Result<(), Fault> {
        self.queue = Queue { executed, waiting: checkpoint.queue.into() };
        for record in checkpoint.refused {
            self.transactions.insert_decided(id_of(&record.signed, &self.rules.domain), record);
        }
        self.keep_all(checkpoint.pool)
    }

    /// What there is beside the objects, between two batches.
    pub(super) fn checkpoint(&self, l1_block: u64, timestamp: Timestamp) -> Checkpoint {
        let record = |id: &Digest| self.transactions.get(id).cloned();
        Checkpoint {
            pool: self.pool.iter().filter_map(|waiting| record(&waiting.id)).collect(),
            refused: self.transactions.decided_since().cloned().collect(),
            queue: self.queue.waiting.iter().copied().collect(),
            l1_block,
            timestamp,
        }
    }

    /// Keeps transactions until there is a batch for them, in order.
    ///
    /// # Errors
    /// One is not signed rightly.
    pub(super) fn keep_all(&mut self, records: Vec<TransactionRecord>) -> Result<(), Fault> {
        let checked = self.check(records.iter().map(|record| record.signed.clone()).collect())?;
        for (checked, record) in checked.into_iter().zip(records) {
            let id = id_of(&record.signed, &self.rules.domain);
            self.keep(Waiting { id, checked, accepted_at: record.accepted_at, span: Span::none() }, record);
        }
        Ok(())
    }
}
