//! Checks of proofs, on threads of their own: an async runtime never verifies.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::JobStatement;
use crate::circuits::{Circuits, Refusal};

/// See the [module](self).
pub(super) struct Verifier {
    pool: ThreadPool,
    /// As many checks as threads are begun; the others wait as tasks, of which there are no more than workers.
    permits: Semaphore,
}

impl Verifier {
    pub(super) fn start(threads: NonZeroUsize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|thread| format!("verify-{thread}"))
            .build()?;
        Ok(Self { pool, permits: Semaphore::new(threads.get()) })
    }

    /// Checks a proof, and gives its bytes back.
    pub(super) async fn verify(
        &self,
        circuits: &Arc<dyn Circuits>,
        statement: JobStatement,
        proof: Vec<u8>,
    ) -> (Vec<u8>, Result<(), Refusal>) {
        let permit = self.permits.acquire().await.expect("it is never closed");
        let (sender, receiver) = oneshot::channel();
        let circuits = Arc::clone(circuits);
        self.pool.spawn(move || {
            let check = || circuits.verify(&statement, &proof);
            let result = catch_unwind(AssertUnwindSafe(check))
                .unwrap_or_else(|_| Err(Refusal::Invalid { reason: "its check panicked".to_owned() }));
            // Who asked may have gone away.
            drop(sender.send((proof, result)));
        });
        let checked = receiver.await.expect("the check answers, even after a panic");
        drop(permit);
        checked
    }
}
