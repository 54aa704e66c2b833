//! The thread that owns a sequencer, and how others reach it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tracing::Span;
use weft_api::BackendError;

use super::{RETRY_AFTER, Sequencer};
use crate::journal::Failure;
use crate::supervise::Watchdog;

/// Longest time between two calls of [`Sequencer::advance`].
const TICK: Duration = Duration::from_millis(20);
/// Requests that may wait for the sequencer; others are refused.
const REQUESTS_MAX: usize = 16_384;

/// Something for the sequencer's thread to do.
enum Message {
    Job(Box<dyn FnOnce(&mut Sequencer) + Send>),
    Stop,
}

/// How far a node is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It is not serving yet; what it does.
    Starting(&'static str),
    /// It takes requests.
    Serving,
    /// It takes no more requests.
    Stopping,
}

/// Reaches the sequencer from any thread.
#[derive(Clone)]
pub struct SequencerHandle {
    messages: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    phase: Arc<RwLock<Phase>>,
    failure: Failure,
}

impl fmt::Debug for SequencerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SequencerHandle")
    }
}

/// Jobs for a sequencer that is still to come: it needs others, which need its handle.
pub struct Inbox {
    messages: Receiver<Message>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    /// Starts the sequencer's thread. It ends when it is [stopped](SequencerHandle::stop), or with the last handle.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn serve(self, mut sequencer: Sequencer) -> Result<JoinHandle<()>> {
        let failure = sequencer.journal.failure().clone();
        let work = move || {
            let _watchdog = Watchdog::new("the sequencer", failure);
            loop {
                match self.messages.recv_timeout(TICK) {
                    Ok(Message::Job(job)) => job(&mut sequencer),
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                }
                sequencer.advance();
            }
        };
        thread::Builder::new().name("sequencer".to_owned()).spawn(work).context("cannot start the sequencer")
    }
}

impl SequencerHandle {
    /// A handle, and the inbox that the sequencer will serve. `failure` is where the node leaves why it has halted.
    #[must_use]
    pub fn new(failure: Failure) -> (Self, Inbox) {
        let (sender, messages) = channel();
        let phase = Arc::new(RwLock::new(Phase::Starting("it has begun")));
        (Self { messages: sender, waiting: Arc::default(), phase, failure }, Inbox { messages })
    }

    /// Runs `job` on the sequencer and returns what it says, once everything that it may tell of is on the disk.
    ///
    /// # Errors
    /// The node is starting, stopping or has halted, or too many requests wait.
    pub async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Sequencer) -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        match self.phase() {
            Phase::Serving => {}
            Phase::Starting(what) => return Err(not_ready(format!("it is starting: {what}"))),
            Phase::Stopping => return Err(not_ready("it is stopping".to_owned())),
        }
        let _turn = self.turn()?;
        self.ask(job).await
    }

    /// The same for parts of the node itself: not refused because of the phase or of other requests.
    ///
    /// # Errors
    /// The sequencer has ended, or what it says cannot leave because the disk failed.
    pub async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Sequencer) -> T + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, result) = oneshot::channel();
        let span = Span::current();
        self.post(move |sequencer| {
            // What happens belongs to the request.
            let answer = span.in_scope(|| job(sequencer));
            // A request that was cut off needs no answer.
            sequencer.reply(move || drop(reply.send(answer)));
        });
        result.await.map_err(|_| match self.failure.get() {
            Some(reason) => not_ready(format!("it has halted: {reason}")),
            None => not_ready("it is stopping".to_owned()),
        })
    }

    /// Runs `job` on the sequencer some time.
    pub fn post(&self, job: impl FnOnce(&mut Sequencer) + Send + 'static) {
        // Without a sequencer, the process is about to end: whoever waits for an answer is told so by `call`.
        let _ = self.messages.send(Message::Job(Box::new(job)));
    }

    /// Ends the sequencer's thread after the jobs that it has.
    pub fn stop(&self) {
        self.enter(Phase::Stopping);
        // It may have ended by itself.
        let _ = self.messages.send(Message::Stop);
    }

    /// How far the node is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The node is so far.
    pub fn enter(&self, phase: Phase) {
        *self.phase.write().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Why the node has halted, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get()
    }

    /// Halts the node.
    pub fn halt(&self, reason: impl Into<String>) {
        self.failure.set(reason);
    }

    /// A place among the requests that wait.
    fn turn(&self) -> Result<Turn, BackendError> {
        let turn = Turn(Arc::clone(&self.waiting));
        if turn.0.fetch_add(1, Ordering::Relaxed) >= REQUESTS_MAX {
            return Err(not_ready("too many requests wait".to_owned()));
        }
        Ok(turn)
    }
}

/// Held while a request waits.
struct Turn(Arc<AtomicUsize>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn not_ready(reason: String) -> BackendError {
    BackendError::NotReady { reason, retry_after: RETRY_AFTER }
}
