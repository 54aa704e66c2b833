//! Parts of a node that must not end by themselves: without one of them the node would stand still and say nothing.

use std::thread;

use crate::journal::Failure;

/// Halts the node if the thread or task that holds it panics.
#[derive(Debug)]
pub struct Watchdog {
    part: &'static str,
    failure: Failure,
}

impl Watchdog {
    /// A watchdog for the one who calls this; `part` says in an error what that is.
    #[must_use]
    pub const fn new(part: &'static str, failure: Failure) -> Self {
        Self { part, failure }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if thread::panicking() {
            self.failure.set(format!("{} panicked", self.part));
        }
    }
}

/// Runs what must go on until it is aborted: if it ends or panics, the node halts. The first reason stays, so that whoever
/// ends with a reason of its own sets it before.
pub async fn endless(part: &'static str, failure: Failure, work: impl Future<Output = ()>) {
    let watchdog = Watchdog::new(part, failure);
    work.await;
    watchdog.failure.set(format!("{part} has ended"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_ends_or_panics_halts_the_node_and_whoever_is_aborted_does_not() {
        let failure = Failure::default();
        let running = tokio::spawn(endless("it", failure.clone(), std::future::pending()));
        tokio::task::yield_now().await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        assert_eq!(failure.get(), None);

        tokio::spawn(endless("the first", failure.clone(), async {})).await.unwrap();
        assert_eq!(failure.get(), Some("the first has ended"));

        let failure = Failure::default();
        let panics = async { assert!(failure_is_unset(), "this panic is wanted") };
        assert!(tokio::spawn(endless("the second", failure.clone(), panics)).await.unwrap_err().is_panic());
        assert_eq!(failure.get(), Some("the second panicked"));

        let failure = Failure::default();
        let watched = Watchdog::new("the third", failure.clone());
        let thread = thread::spawn(move || {
            let _watchdog = watched;
            assert!(failure_is_unset(), "this panic is wanted");
        });
        assert!(thread.join().is_err());
        assert_eq!(failure.get(), Some("the third panicked"));
    }

    /// False, and the compiler does not know it.
    fn failure_is_unset() -> bool {
        std::hint::black_box(false)
    }
}
