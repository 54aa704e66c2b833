//! A transport that does not give up.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use weft_storage::jobs::{BlobId, WorkerId};

use super::heart::Identity;
use super::transport::Transport;
use crate::coordinator::CLAIM_WAIT_MAX;
use crate::message::{Assignment, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello};

/// How long a worker that leaves waits for an answer.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Says everything until it is heard, and registers again with a coordinator that has forgotten the worker. Only answers
/// that will not change are errors.
#[derive(Debug)]
pub(super) struct Link<T> {
    transport: T,
    identity: Identity,
    retry: (Duration, Duration),
}

impl<T: Transport> Link<T> {
    pub(super) fn new(transport: T, hello: WorkerHello, retry: (Duration, Duration)) -> Self {
        Self { transport, identity: Identity::new(hello), retry }
    }

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) async fn register(&self) -> Result<Welcome, FleetError> {
        let (mut pause, max) = self.retry;
        loop {
            match self.transport.register(self.identity.hello.clone()).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "cannot register");
                    sleep(pause).await;
                    pause = (pause * 2).min(max);
                }
                Ok(welcome) => {
                    self.identity.set_worker(welcome.worker);
                    return Ok(welcome);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn claim(&self) -> Result<Option<Assignment>, FleetError> {
        self.say(|worker| self.transport.claim(worker, CLAIM_WAIT_MAX)).await
    }

    pub(super) async fn blob(&self, id: BlobId) -> Result<Vec<u8>, FleetError> {
        self.say(|_| self.transport.blob(id)).await
    }

    pub(super) async fn submit(&self, submission: impl Fn(WorkerId) -> Submission) -> Result<ProofOutcome, FleetError> {
        self.say(|worker| self.transport.submit(submission(worker))).await
    }

    pub(super) async fn fail(&self, report: impl Fn(WorkerId) -> FailureReport) -> Result<(), FleetError> {
        self.say(|worker| self.transport.fail(report(worker))).await
    }

    pub(super) async fn release(&self, held: impl Fn(WorkerId) -> Held) -> Result<(), FleetError> {
        self.say(|worker| self.transport.release(held(worker))).await
    }

    /// Takes leave, once: leases end by themselves, too.
    pub(super) async fn goodbye(&self) {
        match timeout(GOODBYE_TIMEOUT, self.transport.goodbye(self.identity.worker())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the goodbye was not heard"),
            Err(_) => tracing::warn!("the goodbye was not heard in time"),
        }
    }

    async fn say<R, F: Future<Output = Result<R, FleetError>>>(
        &self,
        call: impl Fn(WorkerId) -> F,
    ) -> Result<R, FleetError> {
        let (mut pause, max) = self.retry;
        loop {
            let worker = self.identity.worker();
            match call(worker).await {
                // The thread of the beats may have registered meanwhile.
                Err(FleetError::UnknownWorker) if worker != self.identity.worker() => {}
                Err(FleetError::UnknownWorker) => drop(self.register().await?),
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the coordinator is asked again");
                    sleep(pause).await;
                    pause = (pause * 2).min(max);
                }
                answer => return answer,
            }
        }
    }
}
