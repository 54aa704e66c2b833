//! What the store knows and memory need not: batches, transactions, proof files.

use std::sync::Arc;

use weft_api::Bytes;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Environment};
use weft_storage::{Position, RollupStore, StoreError};

use super::machine::Taken;
use super::{Batch, TransactionRecord};

/// Reads from the store, on any thread. What the sequencer still has in memory is newer than what is here.
#[derive(Clone, Debug)]
pub struct Archive(Arc<RollupStore>);

impl Archive {
    /// What this store holds.
    #[must_use]
    pub fn new(store: Arc<RollupStore>) -> Self {
        Self(store)
    }

    /// A sealed batch.
    ///
    /// # Errors
    /// The store cannot be read, as with all that follow.
    pub fn batch(&self, number: u32) -> Result<Option<Batch>, StoreError> {
        self.0.batch(number)
    }

    /// A transaction that was executed or refused.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn transaction(&self, id: &Digest) -> Result<Option<TransactionRecord>, StoreError> {
        self.0.transaction(&id.to_bytes())
    }

    /// Transactions of an account, the newest first, those before a position or the last ones.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn history(
        &self,
        account: AccountIndex,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<(Position, [u8; 32])>, StoreError> {
        self.0.history(account, before, limit)
    }

    /// The file with a batch's proof.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn proof(&self, batch: &Environment) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.proof(batch.batch_number, batch.timestamp)?.map(Bytes::from))
    }

    /// What takes an applied batch back.
    ///
    /// # Errors
    /// The store cannot be read, or has not all of it any more.
    pub(super) fn taken(&self, number: u32) -> Result<Taken, StoreError> {
        let changed = self.0.changed(number)?.ok_or(StoreError::UnknownBatch { number })?;
        let record = |id: &[u8; 32]| self.0.transaction(id)?.ok_or(StoreError::UnknownBatch { number });
        let transactions = changed.transactions.iter().map(record).collect::<Result<_, _>>()?;
        Ok(Taken { objects: changed.objects, transactions })
    }
}
