//! Work that waits for the disk, off the threads of the async runtime.

use std::{future, panic};

use tokio::task;

/// Runs the work on one of the runtime's threads for blocking work. It is done to its end, even if nobody waits for it any more.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            // The runtime was shut down before the work began: what waits for it ends with the runtime.
            Err(_) => future::pending().await,
        },
    }
}
