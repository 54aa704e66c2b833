//! A transport that does not give up.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use weft_storage::jobs::BlobId;

use super::heart::Identity;
use super::transport::Transport;
use crate::coordinator::CLAIM_WAIT_MAX;
use crate::message::{Assignment, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello};
use crate::pass::WorkerPass;

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
        let mut pauses = Pauses::new(self.retry);
        loop {
            match self.transport.register(self.identity.hello.clone()).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "cannot register");
                    sleep(pauses.next(&error)).await;
                }
                Ok(welcome) => {
                    self.identity.set_pass(welcome.pass.clone());
                    return Ok(welcome);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn claim(&self) -> Result<Option<Assignment>, FleetError> {
        self.say(|pass| async move { self.transport.claim(&pass, CLAIM_WAIT_MAX).await }).await
    }

    pub(super) async fn blob(&self, id: BlobId) -> Result<Vec<u8>, FleetError> {
        self.say(|pass| async move { self.transport.blob(&pass, id).await }).await
    }

    pub(super) async fn submit(&self, submission: Submission) -> Result<ProofOutcome, FleetError> {
        let submission = &submission;
        self.say(|pass| async move { self.transport.submit(&pass, submission.clone()).await }).await
    }

    pub(super) async fn fail(&self, report: FailureReport) -> Result<(), FleetError> {
        let report = &report;
        self.say(|pass| async move { self.transport.fail(&pass, report.clone()).await }).await
    }

    pub(super) async fn release(&self, held: Held) -> Result<(), FleetError> {
        self.say(|pass| async move { self.transport.release(&pass, held).await }).await
    }

    /// Takes leave, once: leases end by themselves, too.
    pub(super) async fn goodbye(&self) {
        let Some(pass) = self.identity.pass() else { return };
        match timeout(GOODBYE_TIMEOUT, self.transport.goodbye(&pass)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the goodbye was not heard"),
            Err(_) => tracing::warn!("the goodbye was not heard in time"),
        }
    }

    async fn say<R, F: Future<Output = Result<R, FleetError>>>(
        &self,
        call: impl Fn(WorkerPass) -> F,
    ) -> Result<R, FleetError> {
        let mut pauses = Pauses::new(self.retry);
        loop {
            let Some(pass) = self.identity.pass() else {
                self.register().await?;
                continue;
            };
            match call(pass.clone()).await {
                // The thread of the beats may have registered meanwhile.
                Err(FleetError::UnknownWorker) if self.identity.pass().as_ref() != Some(&pass) => {}
                Err(FleetError::UnknownWorker) => {
                    self.register().await?;
                }
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the coordinator is asked again");
                    sleep(pauses.next(&error)).await;
                }
                answer => return answer,
            }
        }
    }
}

/// Times between tries: each twice as long as the one before, up to a bound, and by chance up to a half shorter, so that a
/// fleet does not come back all at once; but never before the other side has said.
#[derive(Debug)]
struct Pauses {
    pause: Duration,
    max: Duration,
}

impl Pauses {
    const fn new((pause, max): (Duration, Duration)) -> Self {
        Self { pause, max }
    }

    fn next(&mut self, error: &FleetError) -> Duration {
        const STEPS: u32 = 1024;
        let half = self.pause / 2;
        // Without randomness all wait as long as they may.
        let step = getrandom::u32().map_or(STEPS, |random| random % STEPS);
        self.pause = (self.pause * 2).min(self.max);
        let by_chance = half * step / STEPS;
        (half + by_chance).max(error.wait().map_or(Duration::ZERO, |wait| wait + by_chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_not_shorter_than_was_asked_for() {
        let mut pauses = Pauses::new((Duration::from_millis(200), Duration::from_secs(1)));
        for most in [200, 400, 800, 1_000, 1_000] {
            let (pause, most) = (pauses.next(&FleetError::Busy), Duration::from_millis(most));
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
        }
        let wait = Duration::from_secs(30);
        let pause = pauses.next(&FleetError::TooMany { wait });
        assert!(pause >= wait && pause <= wait + Duration::from_secs(1), "{pause:?}");
    }
}
