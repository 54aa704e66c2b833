//! The end of a worker: first it takes no more jobs, then, after a grace, it gives up the one that it has.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// See the [module](self). All waits can be given up and begun again.
pub(super) struct Drain {
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    begun: Option<Instant>,
    grace: Duration,
}

impl Drain {
    pub(super) fn new(signal: impl Future<Output = ()> + Send + 'static, grace: Duration) -> Self {
        Self { signal: Box::pin(signal), begun: None, grace }
    }

    /// Returns once the worker is to stop.
    pub(super) async fn begun(&mut self) -> Instant {
        if let Some(begun) = self.begun {
            return begun;
        }
        self.signal.as_mut().await;
        *self.begun.insert(Instant::now())
    }

    /// Returns once the grace is over, too.
    pub(super) async fn over(&mut self) {
        let end = self.begun().await + self.grace;
        sleep_until(end).await;
    }

    /// What `work` gives, unless the worker is to stop before.
    pub(super) async fn unless<R>(&mut self, work: impl Future<Output = R>) -> Option<R> {
        tokio::select! {
            biased;
            _ = self.begun() => None,
            result = work => Some(result),
        }
    }

    /// What `work` gives, unless the grace is over before.
    pub(super) async fn unless_over<R>(&mut self, work: impl Future<Output = R>) -> Option<R> {
        tokio::select! {
            biased;
            result = work => Some(result),
            () = self.over() => None,
        }
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("begun", &self.begun).field("grace", &self.grace).finish_non_exhaustive()
    }
}
