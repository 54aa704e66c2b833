//! Jobs on the disk, in a RocksDB database of their own. Each operation is one transaction.
//!
//! What [`insert`](JobStore::insert) and [`settle`](JobStore::settle) have changed is on the disk when they return; other
//! changes outlive the process, and the machine if it has time. What the machine forgets are claims, beats and failures: the
//! jobs are ready again, and their workers are told that the lease is lost. Nothing is ever forgotten that came before
//! something that is remembered.

mod operations;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use operations::Operations;
use tables::Tables;

use super::{
    Aftermath, BeatReply, Budgets, Claimant, DoneJob, Failure, Holder, JobKey, JobRecord, JobStore, Millis, NewJob,
    Settled, StoreError, WorkerId,
};
use crate::blocking;

/// Ids that one opening of a store can give.
const IDS_BITS: u32 = 32;

/// A [`JobStore`] on the disk; needs a tokio runtime, whose threads for blocking work it uses. See the [module](self).
#[derive(Clone, Debug)]
pub struct RocksJobStore {
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    tables: Tables,
    budgets: Budgets,
    /// Held by the operation that reads and writes. What it guards is the state of one writer.
    writer: Mutex<Writer>,
}

/// What changes from one transaction to the next without being in the tables.
#[derive(Debug)]
struct Writer {
    /// The last id that was given: the number of this opening of the store and a number within it, so that no id is ever
    /// given twice, whatever a crash has made forgotten.
    last_id: u64,
    /// A write to the disk has failed: only a new opening tells what is there.
    failed: bool,
}

impl Writer {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl RocksJobStore {
    /// Opens the store in this folder, or makes it. Leases go on as they were.
    ///
    /// # Errors
    /// If another process has it open, another version has written it, or the disk fails.
    pub fn open(dir: &Path, budgets: Budgets) -> Result<Self, StoreError> {
        let (tables, epoch) = Tables::open(dir)?;
        let writer = Writer { last_id: epoch << IDS_BITS, failed: false };
        Ok(Self { store: Arc::new(Store { tables, budgets, writer: Mutex::new(writer) }) })
    }

    /// Runs a transaction.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Operations<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        blocking::run(move || store.transact(work)).await
    }

    /// Runs a transaction; it is on the disk when it returns.
    async fn run_synced<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Operations<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        blocking::run(move || {
            let result = store.transact(work)?;
            // Others go on meanwhile: what they write now is synced with this or after it. Nothing is synced before this.
            store.sync()?;
            Ok(result)
        })
        .await
    }
}

impl Store {
    fn transact<T>(&self, work: impl FnOnce(&mut Operations<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // A panic leaves at worst an id unused: a transaction is written at its end.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(StoreError::Halted);
        }
        work(&mut Operations { tables: &self.tables, budgets: &self.budgets, writer: &mut writer })
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = self.tables.sync();
        if synced.is_err() {
            self.writer.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
        }
        synced
    }
}

impl JobStore for RocksJobStore {
    async fn new_worker(&self) -> Result<WorkerId, StoreError> {
        self.run(|on| Ok(WorkerId(on.writer.next_id()))).await
    }

    async fn keep_worker(&self, worker: WorkerId, registration: Vec<u8>) -> Result<(), StoreError> {
        self.run(move |on| on.keep_worker(worker, registration)).await
    }

    async fn kept_worker(&self, worker: WorkerId) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(move |on| on.tables.bytes(tables::WORKERS, &worker.0.to_be_bytes())).await
    }

    async fn forget_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.run(move |on| on.forget_worker(worker)).await
    }

    async fn insert(&self, now: Millis, jobs: Vec<NewJob>) -> Result<Vec<JobKey>, StoreError> {
        self.run_synced(move |on| on.insert(now, jobs)).await
    }

    async fn claim(&self, now: Millis, claimant: &Claimant) -> Result<Option<JobRecord>, StoreError> {
        let claimant = claimant.clone();
        self.run(move |on| on.claim(now, &claimant)).await
    }

    async fn beat(&self, now: Millis, holder: Holder, stage: &str) -> Result<BeatReply, StoreError> {
        let stage = stage.to_owned();
        self.run(move |on| on.beat(now, holder, &stage)).await
    }

    async fn settle(&self, key: &JobKey, done: DoneJob) -> Result<Settled, StoreError> {
        let key = *key;
        self.run_synced(move |on| on.settle(&key, done)).await
    }

    async fn fail(&self, now: Millis, holder: Holder, failure: Failure) -> Result<Aftermath, StoreError> {
        self.run(move |on| on.fail(now, holder, &failure)).await
    }

    async fn release(&self, now: Millis, holder: Holder) -> Result<bool, StoreError> {
        self.run(move |on| on.release(now, holder)).await
    }

    async fn expire(&self, now: Millis) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        self.run(move |on| on.expire(now)).await
    }

    async fn lose_worker(&self, now: Millis, worker: WorkerId) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        self.run(move |on| on.lose_worker(now, worker)).await
    }

    async fn cancel(&self, batch: u32) -> Result<(), StoreError> {
        self.run(move |on| on.cancel(batch)).await
    }

    async fn retry(&self, now: Millis, key: &JobKey) -> Result<bool, StoreError> {
        let key = *key;
        self.run(move |on| on.retry(now, &key)).await
    }

    async fn job(&self, key: &JobKey) -> Result<Option<JobRecord>, StoreError> {
        let key = *key;
        self.run(move |on| on.job(&key)).await
    }

    async fn batch(&self, batch: u32) -> Result<Vec<JobRecord>, StoreError> {
        self.run(move |on| on.batch(batch)).await
    }

    async fn batches(&self) -> Result<Vec<u32>, StoreError> {
        self.run(|on| on.batches()).await
    }

    async fn forget(&self, batch: u32) -> Result<(), StoreError> {
        self.run(move |on| on.forget(batch)).await
    }
}
