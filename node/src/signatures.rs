//! Checks signatures in groups: what arrives while a group is being checked is the next one.

use tokio::sync::{mpsc, oneshot};
use weft_executor::{CheckedTransaction, check_signatures};
use weft_protocol::{Domain, Reject, SignedTransaction};

use crate::compute::Compute;
use crate::journal::Failure;
use crate::supervise::Watchdog;

/// Most signatures of a group.
const GROUP_MAX: usize = 256;
/// Transactions that may wait for their check; more wait in their requests.
const WAITING_MAX: usize = 1024;

type Reply = oneshot::Sender<Result<CheckedTransaction, Reject>>;

/// Gives transactions to the task that checks them.
#[derive(Clone, Debug)]
pub struct SignatureChecker {
    waiting: mpsc::Sender<(SignedTransaction, Reply)>,
}

impl SignatureChecker {
    /// Starts the task. It ends when the last handle is dropped; a panic is left in `failure`.
    #[must_use]
    pub fn start(domain: Domain, compute: Compute, failure: Failure) -> Self {
        let (waiting, arrivals) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            let _watchdog = Watchdog::new("the check of signatures", failure);
            check_all(domain, compute, arrivals).await;
        });
        Self { waiting }
    }

    /// The transaction, if its signature is valid; `None` if the node is stopping.
    pub async fn check(&self, signed: SignedTransaction) -> Option<Result<CheckedTransaction, Reject>> {
        let (reply, result) = oneshot::channel();
        self.waiting.send((signed, reply)).await.ok()?;
        result.await.ok()
    }
}

async fn check_all(domain: Domain, compute: Compute, mut arrivals: mpsc::Receiver<(SignedTransaction, Reply)>) {
    let mut group = Vec::new();
    while arrivals.recv_many(&mut group, GROUP_MAX).await > 0 {
        let (transactions, replies): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let Some(results) = compute.run(move || check_signatures(&domain, transactions)).await else {
            // The requests of this group end without an answer: their replies are dropped.
            tracing::error!("a check of signatures panicked");
            continue;
        };
        for (reply, result) in replies.into_iter().zip(results) {
            // A request that was cut off needs no answer.
            let _ = reply.send(result);
        }
    }
}
