//! Where proofs are made.

use std::any::Any;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;
use weft_prover::{Cost, StageLog, measure};
use weft_storage::jobs::Failure;

use crate::Task;
use crate::circuits::{CircuitId, Circuits};

/// Makes proofs, one at a time.
pub trait Executor: Send {
    /// Waits until a task can be begun: circuits are loaded, nothing is left of the task before.
    ///
    /// # Errors
    /// The prover does not start.
    fn ready(&mut self) -> impl Future<Output = Result<(), ExecutorError>> + Send;

    /// Circuits that it has, once it is ready.
    fn circuits(&self) -> Vec<CircuitId>;

    /// Proves a task. Who drops the future gives the task up.
    fn execute(&mut self, task: Task, progress: &Progress) -> impl Future<Output = Result<MadeProof, Failure>> + Send;
}

/// A prover does not start.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// Its process does not start.
    #[error("the prover's process does not start: {0}")]
    Spawn(#[source] std::io::Error),
    /// Its process ended before it was ready, or said something else.
    #[error("the prover's process is of no use: {reason}")]
    Child {
        /// What happened.
        reason: String,
    },
}

/// A proof, and what it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MadeProof {
    /// The bytes.
    pub proof: Vec<u8>,
    /// What it took.
    pub cost: Cost,
}

/// The stage that a task is at; all clones are of one task.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Mutex<(String, Instant)>>);

impl Progress {
    /// A task that begins with this stage.
    #[must_use]
    pub fn new(stage: &str) -> Self {
        Self(Arc::new(Mutex::new((stage.to_owned(), Instant::now()))))
    }

    /// The next stage has begun.
    pub fn set(&self, stage: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (stage.to_owned(), Instant::now());
    }

    /// The stage, and when it began.
    #[must_use]
    pub fn get(&self) -> (String, Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Proves on threads of this process. A task that is given up goes on to its end, and the next one waits for it.
#[derive(Debug)]
pub struct InProcess {
    circuits: Arc<dyn Circuits>,
    threads: Arc<ThreadPool>,
    running: Option<oneshot::Receiver<Result<MadeProof, Failure>>>,
}

impl InProcess {
    /// A prover with threads of its own: processor time can be told apart from that of others.
    ///
    /// # Errors
    /// The system starts no threads.
    pub fn new(circuits: Arc<dyn Circuits>, threads: NonZeroUsize) -> Result<Self, rayon::ThreadPoolBuildError> {
        Ok(Self { circuits, threads: Arc::new(proving_threads(threads)?), running: None })
    }
}

impl Executor for InProcess {
    async fn ready(&mut self) -> Result<(), ExecutorError> {
        if let Some(running) = &mut self.running {
            // What became of it does not matter: it was given up.
            drop(running.await);
            self.running = None;
        }
        Ok(())
    }

    fn circuits(&self) -> Vec<CircuitId> {
        self.circuits.ids()
    }

    async fn execute(&mut self, task: Task, progress: &Progress) -> Result<MadeProof, Failure> {
        let (sender, receiver) = oneshot::channel();
        let (circuits, threads, progress) = (Arc::clone(&self.circuits), Arc::clone(&self.threads), progress.clone());
        let work = move || {
            let made = threads.install(|| run(&*circuits, &task, move |stage| progress.set(stage)));
            // Who asked may have given the task up.
            drop(sender.send(made));
        };
        thread::Builder::new()
            .name("prover".to_owned())
            .spawn(work)
            .map_err(|error| Failure::Error(format!("no thread: {error}")))?;
        let made = self.running.insert(receiver).await;
        self.running = None;
        made.unwrap_or_else(|_| Err(Failure::Crashed("the prover's thread ended".to_owned())))
    }
}

/// The rayon pool of a prover.
pub(super) fn proving_threads(threads: NonZeroUsize) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(threads.get()).thread_name(|thread| format!("prove-{thread}")).build()
}

/// Proves a task on the current rayon pool. A panic is a failure of the task.
pub(super) fn run(
    circuits: &dyn Circuits,
    task: &Task,
    on_stage: impl Fn(&'static str) + Send + Sync + 'static,
) -> Result<MadeProof, Failure> {
    let mut log = StageLog::watched(move |stage| on_stage(stage.name()));
    let work = || measure(|| circuits.prove(task, &mut log));
    // The task's own values are dropped with it, and circuits do not change.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok((Ok(proof), cost)) => Ok(MadeProof { proof, cost }),
        Ok((Err(error), _)) => Err(Failure::Error(error.to_string())),
        Err(panic) => Err(Failure::Error(format!("the job panicked: {}", panic_message(&*panic)))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
