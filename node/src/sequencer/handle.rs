//! The thread that owns a sequencer, and how others reach it.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use weft_api::BackendError;

use super::Sequencer;

/// Longest time between two calls of [`Sequencer::advance`].
const TICK: Duration = Duration::from_millis(20);

/// Something for the sequencer's thread to do.
type Job = Box<dyn FnOnce(&mut Sequencer) + Send>;

/// Reaches the sequencer from any thread. Its thread ends with the last handle.
#[derive(Clone)]
pub struct SequencerHandle {
    jobs: Sender<Job>,
}

impl fmt::Debug for SequencerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SequencerHandle")
    }
}

/// Jobs for a sequencer that is still to come: it needs others, which need its handle.
pub struct Inbox {
    jobs: Receiver<Job>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    /// Starts the sequencer's thread.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn serve(self, mut sequencer: Sequencer) -> Result<()> {
        let work = move || {
            loop {
                match self.jobs.recv_timeout(TICK) {
                    Ok(job) => job(&mut sequencer),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                sequencer.advance();
            }
        };
        thread::Builder::new().name("sequencer".to_owned()).spawn(work).context("cannot start the sequencer")?;
        Ok(())
    }
}

impl SequencerHandle {
    /// A handle, and the inbox that the sequencer will serve.
    #[must_use]
    pub fn new() -> (Self, Inbox) {
        let (sender, jobs) = channel();
        (Self { jobs: sender }, Inbox { jobs })
    }

    /// Runs `job` on the sequencer and returns what it says.
    ///
    /// # Errors
    /// The sequencer's thread has ended.
    pub async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Sequencer) -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, result) = oneshot::channel();
        self.post(move |sequencer| {
            // A request that was cut off needs no answer.
            let _ = reply.send(job(sequencer));
        });
        result.await.map_err(|_| BackendError::Internal { source: "the sequencer's thread has ended".into() })
    }

    /// Runs `job` on the sequencer some time.
    pub fn post(&self, job: impl FnOnce(&mut Sequencer) + Send + 'static) {
        // Without a sequencer, the process is about to end: whoever waits for an answer is told so by `call`.
        let _ = self.jobs.send(Box::new(job));
    }
}
