//! What is begun for a worker is done to its end, whether or not the worker waits for it: a connection that is lost must not
//! leave a job settled and nobody told.

use std::future::Future;

use tracing::Instrument as _;

use crate::message::FleetError;

/// Does the work in a task of its own. The permit, which bounds how many there are, goes with the work.
pub(crate) async fn whole<T: Send + 'static>(
    permit: impl Send + 'static,
    work: impl Future<Output = Result<T, FleetError>> + Send + 'static,
) -> Result<T, FleetError> {
    let task = async move {
        let result = work.await;
        drop(permit);
        result
    };
    let done = tokio::spawn(task.in_current_span()).await;
    done.unwrap_or_else(|error| Err(FleetError::Store { reason: format!("it was not done to its end: {error}") }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::{Semaphore, oneshot};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_without_who_asked_for_it_and_keeps_its_permit() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).try_acquire_owned().expect("it is free");
        let (go, gone) = oneshot::channel::<()>();
        let (say, said) = oneshot::channel();
        let work = whole(permit, async move {
            gone.await.expect("it is told to go on");
            say.send(7).expect("the test listens");
            Ok(())
        });
        timeout(Duration::from_millis(10), work).await.expect_err("it waits");
        assert_eq!(permits.available_permits(), 0, "it is still counted");
        go.send(()).expect("it is there");
        assert_eq!(said.await, Ok(7));
        let permit = timeout(Duration::from_secs(10), permits.acquire()).await.expect("in time");
        drop(permit.expect("it is never closed"));
    }
}
