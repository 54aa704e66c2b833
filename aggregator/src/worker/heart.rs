//! Beats, from a thread of their own with a runtime of its own: proving takes all processors, and a beat that waits for one
//! costs the lease.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use weft_storage::jobs::{BeatReply, JobKey, LeaseId};

use super::executor::Progress;
use super::transport::Transport;
use crate::message::{Beat, FleetError, Held, WorkerHello};
use crate::pass::WorkerPass;

/// Who the worker is for its coordinator: another one after the coordinator has forgotten it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) hello: WorkerHello,
    pass: Arc<Mutex<Option<WorkerPass>>>,
    is_draining: Arc<AtomicBool>,
}

impl Identity {
    pub(super) fn new(hello: WorkerHello) -> Self {
        Self { hello, pass: Arc::default(), is_draining: Arc::default() }
    }

    /// What shows who it is; `None` before it has registered.
    pub(super) fn pass(&self) -> Option<WorkerPass> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_pass(&self, pass: WorkerPass) {
        *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass);
    }

    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }
}

/// What is beaten for.
#[derive(Debug)]
struct Pulse {
    lease: LeaseId,
    key: JobKey,
    progress: Progress,
}

/// See the [module](self). It stops when it is dropped.
#[derive(Debug)]
pub(super) struct Heart {
    pulses: mpsc::Sender<Option<Pulse>>,
    replies: watch::Receiver<Option<(LeaseId, BeatReply)>>,
}

impl Heart {
    /// Starts the thread.
    pub(super) fn start(transport: impl Transport, identity: Identity, interval: Duration) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (pulses, receiver) = mpsc::channel();
        let (sender, replies) = watch::channel(None);
        let beat = move |pulse: &Pulse| runtime.block_on(beat(&transport, &identity, pulse));
        let work = move || {
            let mut current = None;
            loop {
                match receiver.recv_timeout(interval) {
                    Ok(pulse) => current = pulse,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        if let Some(pulse) = &current
                            && let Some(reply) = beat(pulse)
                        {
                            sender.send_replace(Some((pulse.lease, reply)));
                        }
                    }
                }
            }
        };
        thread::Builder::new().name("beats".to_owned()).spawn(work)?;
        Ok(Self { pulses, replies })
    }

    /// Beats for a lease from now on.
    pub(super) fn begin(&self, lease: LeaseId, key: JobKey, progress: Progress) {
        self.pulse(Some(Pulse { lease, key, progress }));
    }

    /// Beats for nothing any more.
    pub(super) fn end(&self) {
        self.pulse(None);
    }

    fn pulse(&self, pulse: Option<Pulse>) {
        if self.pulses.send(pulse).is_err() {
            tracing::error!("the thread of the beats has ended");
        }
    }

    /// Returns when nobody needs the job of this lease any more.
    pub(super) async fn cancelled(&self, lease: LeaseId) {
        let mut replies = self.replies.clone();
        let is_cancelled = |reply: &Option<_>| *reply == Some((lease, BeatReply::Cancelled));
        if replies.wait_for(is_cancelled).await.is_err() {
            // Without a thread nothing is heard.
            std::future::pending::<()>().await;
        }
    }
}

/// One beat, bounded by the transport. What fails is tried again with the next one.
async fn beat(transport: &impl Transport, identity: &Identity, pulse: &Pulse) -> Option<BeatReply> {
    let pass = identity.pass()?;
    let held = Held { lease: pulse.lease, key: pulse.key };
    let (stage, _) = pulse.progress.get();
    let is_draining = identity.is_draining.load(Ordering::Acquire);
    match transport.beat(&pass, Beat { held, stage, is_draining }).await {
        Ok(reply) => {
            if reply == BeatReply::Lost {
                tracing::warn!("the lease has ended; the proof will be sent all the same");
            }
            Some(reply)
        }
        Err(FleetError::UnknownWorker) => {
            // The coordinator has forgotten the worker. The lease is another's for it, a proof is still welcome.
            match transport.register(identity.hello.clone()).await {
                Ok(welcome) => identity.set_pass(welcome.pass),
                Err(error) => tracing::warn!(%error, "cannot register again"),
            }
            None
        }
        Err(error) => {
            tracing::warn!(%error, "a beat was not heard");
            None
        }
    }
}
