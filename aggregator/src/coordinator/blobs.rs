//! Blobs, counted.

use weft_storage::blobs::{BlobError, BlobId, BlobStore};
use weft_storage::jobs::JobStore;

use super::{Coordinator, OrderError};

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Keeps bytes; durable when it returns.
    pub(super) async fn put_blob(&self, bytes: Vec<u8>) -> Result<BlobId, OrderError> {
        metrics::counter!("fleet_blob_bytes_total", "direction" => "in").increment(bytes.len() as u64);
        Ok(self.blobs.put(bytes).await?)
    }

    /// Bytes that were kept; `None` if they are gone or damaged, which is the same to whoever needs them.
    pub(super) async fn get_blob(&self, id: BlobId) -> Result<Option<Vec<u8>>, OrderError> {
        let bytes = match self.blobs.get(&id).await {
            Err(error @ BlobError::Corrupt { .. }) => {
                tracing::error!(%error, "a blob is damaged");
                None
            }
            read => read?,
        };
        if let Some(bytes) = &bytes {
            metrics::counter!("fleet_blob_bytes_total", "direction" => "out").increment(bytes.len() as u64);
        }
        Ok(bytes)
    }

    /// Forgets bytes, if they are there.
    pub(super) async fn delete_blob(&self, id: BlobId) -> Result<(), OrderError> {
        Ok(self.blobs.delete(&id).await?)
    }
}
