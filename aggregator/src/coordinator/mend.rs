//! What is missing: jobs or blobs of batches that are still needed.

use std::collections::BTreeMap;

use weft_storage::blobs::{BlobError, BlobId, BlobStore};
use weft_storage::jobs::{Aftermath, JobState, JobStore};

use super::batch::decode;
use super::{Coordinator, OrderError};
use crate::Job;

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Whether the proof of a batch is here or can be made out of what is: its end is known, and nothing is gone that its
    /// jobs still need. A batch that was sealed and is not verified, but not whole, is to be [dropped](Self::drop_batch)
    /// and ordered again from the log: its jobs or blobs were lost.
    ///
    /// # Errors
    /// A store failed or is damaged.
    pub async fn is_whole(&self, batch: u32) -> Result<bool, OrderError> {
        let records = self.store.batch(batch).await?;
        let mut is_finished = false;
        for record in &records {
            is_finished |= decode(&record.job)?.job == Job::Wrap;
        }
        Ok(is_finished && !self.is_broken(batch).await?)
    }

    /// Whether something is gone that the jobs of a batch still need, whether or not its end is known.
    ///
    /// # Errors
    /// A store failed or is damaged.
    pub async fn is_broken(&self, batch: u32) -> Result<bool, OrderError> {
        let mut proofs = BTreeMap::new();
        let mut needs = Vec::new();
        for record in self.store.batch(batch).await? {
            let order = decode(&record.job)?;
            match record.state {
                JobState::Done(done) if order.job == Job::Wrap => return Ok(!self.is_there(done.proof).await?),
                JobState::Done(done) => drop(proofs.insert(record.job.key, done.proof)),
                JobState::Cancelled => return Ok(true),
                JobState::Waiting(_) | JobState::Ready(_) | JobState::Leased(_) | JobState::Quarantined { .. } => {
                    needs.extend(order.inputs);
                    // Children come before their parents; those that are not done have no proof that could be gone.
                    needs.extend(order.children.iter().filter_map(|child| proofs.get(child)));
                }
            }
        }
        for blob in needs {
            if !self.is_there(blob).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps an input that was ordered again, if jobs of the batch still need it and it is gone. Those that were given up are
    /// then tried again.
    pub(super) async fn mend(&self, batch: u32, input: Vec<u8>) -> Result<(), OrderError> {
        let expected = BlobId::of(&input);
        let mut needing = Vec::new();
        for record in self.store.batch(batch).await? {
            let is_open = !matches!(record.state, JobState::Done(_) | JobState::Cancelled);
            if is_open && decode(&record.job)?.inputs.contains(&expected) {
                needing.push(record.job);
            }
        }
        if needing.is_empty() || self.is_there(expected).await? {
            return Ok(());
        }
        self.put_blob(input).await?;
        for job in needing {
            tracing::warn!(batch, job = job.name, "the input was gone and is kept again");
            if self.store.retry(self.now(), &job.key).await? {
                self.tell_aftermath(&job.key, Aftermath::Requeued, "its input is there again").await?;
            }
        }
        Ok(())
    }

    /// Whether a blob is there, and undamaged.
    async fn is_there(&self, blob: BlobId) -> Result<bool, OrderError> {
        match self.blobs.get(&blob).await {
            Ok(bytes) => Ok(bytes.is_some()),
            Err(BlobError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
