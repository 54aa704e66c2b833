//! Reads of the store, off the sequencer's thread and not too many at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use weft_api::{BackendError, Bytes};

use super::provers::internal;
use super::{NodeBackend, not_ready};
use crate::sequencer::{Archive, FetchError, Sequencer, Shelf};

/// Requests that read the store at the same time; others wait for their turn, as long as a request may take.
const READERS_MAX: usize = 4;

/// Turns to read.
#[derive(Debug)]
pub(super) struct Reads(Arc<Semaphore>);

impl Default for Reads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS_MAX)))
    }
}

impl NodeBackend {
    /// What a view says: looked at on the sequencer's thread, again and again until the shelf holds all that it needs of
    /// the store.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        view: impl Fn(&mut Sequencer, &mut Shelf) -> T + Send + Sync + 'static,
    ) -> Result<T, BackendError> {
        let (view, mut shelf) = (Arc::new(view), Shelf::default());
        loop {
            let view = Arc::clone(&view);
            let look = move |sequencer: &mut Sequencer| {
                let answer = view(sequencer, &mut shelf);
                (answer, shelf, sequencer.archive().clone())
            };
            let (answer, looked, archive) = self.sequencer.call(look).await?;
            if looked.is_complete() {
                return Ok(answer);
            }
            shelf = self.fetch(looked, archive).await?;
        }
    }

    /// The file with a batch's proof.
    pub(super) async fn proof_file(&self, number: u32) -> Result<Option<Bytes>, BackendError> {
        let batch = self.look(move |sequencer, shelf| Some(*sequencer.batch_of(number, shelf)?.environment())).await?;
        let Some(batch) = batch else { return Ok(None) };
        let archive = self.sequencer.call(|sequencer| sequencer.archive().clone()).await?;
        self.read(move || Ok(archive.proof(&batch)?)).await
    }

    async fn fetch(&self, mut shelf: Shelf, archive: Archive) -> Result<Shelf, BackendError> {
        self.read(move || {
            shelf.fetch(&archive)?;
            Ok(shelf)
        })
        .await
    }

    /// Runs a read in its turn. If the store cannot be read, the node halts.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let turn = Arc::clone(&self.reads.0).acquire_owned().await;
        let turn = turn.map_err(|_| not_ready("it is stopping"))?;
        let read = spawn_blocking(move || {
            // Held until the work ends, also if nobody waits for it any more.
            let _turn = turn;
            work()
        });
        let done = read.await.map_err(internal)?;
        done.map_err(|error| {
            if let FetchError::Store(error) = &error {
                self.sequencer.halt(error.to_string());
            }
            internal(error)
        })
    }
}
