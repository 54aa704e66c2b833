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
    /// As many checks as threads are begun; the others wait as tasks, whose number is bounded.
    permits: Arc<Semaphore>,
}

impl Verifier {
    pub(super) fn start(threads: NonZeroUsize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .thread_name(|thread| format!("verify-{thread}"))
            .build()?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(threads.get())) })
    }

    /// Checks a proof, and gives its bytes back. A check that has begun goes on, and counts, if nobody waits for it any more.
    pub(super) async fn verify(
        &self,
        circuits: &Arc<dyn Circuits>,
        statement: JobStatement,
        proof: Vec<u8>,
    ) -> (Vec<u8>, Result<(), Refusal>) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("it is never closed");
        let (sender, receiver) = oneshot::channel();
        let circuits = Arc::clone(circuits);
        self.pool.spawn(move || {
            let check = || circuits.verify(&statement, &proof);
            let result = catch_unwind(AssertUnwindSafe(check))
                .unwrap_or_else(|_| Err(Refusal::Invalid { reason: "its check panicked".to_owned() }));
            drop(permit);
            // Who asked may have gone away.
            drop(sender.send((proof, result)));
        });
        receiver.await.expect("the check answers, even after a panic")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use tokio::time::timeout;
    use weft_protocol::crypto::Digest;
    use weft_prover::StageLog;

    use super::*;
    use crate::Task;
    use crate::circuits::{CircuitId, CircuitInfo, TaskError};

    /// Checks take until the test says so.
    #[derive(Debug)]
    struct Slow(Mutex<Receiver<()>>);

    impl Circuits for Slow {
        fn ids(&self) -> Vec<CircuitId> {
            Vec::new()
        }

        fn circuit(&self, _: &JobStatement) -> CircuitInfo {
            CircuitInfo { id: [0; 32], memory_mib: 1 }
        }

        fn prove(&self, _: &Task, _: &mut StageLog) -> Result<Vec<u8>, TaskError> {
            Err(TaskError::OtherStatement)
        }

        fn verify(&self, _: &JobStatement, _: &[u8]) -> Result<(), Refusal> {
            self.0.lock().expect("not poisoned").recv().expect("the test says so");
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_check_counts_until_it_has_ended() {
        let verifier = Verifier::start(NonZeroUsize::MIN).expect("threads");
        let (go, gone) = channel();
        let circuits: Arc<dyn Circuits> = Arc::new(Slow(Mutex::new(gone)));
        let statement = JobStatement::Seal { digest: Digest::ZERO };
        let given_up = verifier.verify(&circuits, statement, vec![1]);
        timeout(Duration::from_millis(20), given_up).await.expect_err("it is not told to end");
        assert_eq!(verifier.permits.available_permits(), 0, "who asked is gone, the check is not");
        go.send(()).expect("it listens");
        go.send(()).expect("it listens");
        let checked = timeout(Duration::from_secs(10), verifier.verify(&circuits, statement, vec![2])).await;
        assert_eq!(checked.expect("its turn comes"), (vec![2], Ok(())));
    }
}
