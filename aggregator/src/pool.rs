//! Worker threads that prove batches.
//!
//! Each worker is a thread with a rayon pool of its own: the witness of one job, which is made on one thread, is made
//! beside the proving of another, and CPU time can be told apart. News and results are delivered in order, one at a time,
//! from the thread that happens to have caused one of them, never under a lock.

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use weft_protocol::{Environment, SegmentWitness};
use weft_prover::{CircuitSet, Cost, ProofError, SegmentSize, StageLog, measure};

use crate::batch::Output;
use crate::scheduler::{Assignment, BatchId, Message, OnResult, Scheduler};
use crate::{Backend, BatchEnd, BatchError, JobEvent, PoolError, ProvenBatch, SubmitError};

/// Size of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolConfig {
    /// Jobs at a time. Each takes the memory of its proof.
    pub workers: NonZeroUsize,
    /// Threads inside a job.
    pub threads_per_worker: NonZeroUsize,
}

impl Default for PoolConfig {
    /// Two workers, so that one fills the gaps of the other, each with as many threads as there are cores.
    fn default() -> Self {
        const WORKERS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");
        Self { workers: WORKERS, threads_per_worker: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

/// A pool of workers.
///
/// Dropping it gives up all batches that are not proved and waits until the running jobs have ended.
pub struct ProvingPool<B: Backend = CircuitSet> {
    shared: Arc<Shared<B>>,
    workers: Vec<JoinHandle<()>>,
}

/// A batch that is being filled. See [`ProvingPool::begin_batch`].
///
/// Dropping it gives the batch up, unless it was finished.
pub struct BatchProver<B: Backend = CircuitSet> {
    shared: Arc<Shared<B>>,
    id: BatchId,
    batch: u32,
    is_finished: bool,
}

struct Shared<B: Backend> {
    backend: Arc<B>,
    observer: Box<dyn Fn(JobEvent) + Send + Sync>,
    state: Mutex<State<B>>,
    /// There may be a job to do, or the end has come.
    wake: Condvar,
}

struct State<B: Backend> {
    scheduler: Scheduler<B>,
    is_delivering: bool,
    is_stopping: bool,
}

impl<B: Backend> ProvingPool<B> {
    /// Starts the workers.
    ///
    /// `observer` hears of every job. It must be quick, such as a send on a channel: a worker waits for it. It may call
    /// the pool.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn start(
        backend: Arc<B>,
        config: PoolConfig,
        observer: impl Fn(JobEvent) + Send + Sync + 'static,
    ) -> Result<Self, PoolError> {
        let state = State { scheduler: Scheduler::new(), is_delivering: false, is_stopping: false };
        let observer = Box::new(observer);
        let shared = Arc::new(Shared { backend, observer, state: Mutex::new(state), wake: Condvar::new() });
        let mut pool = Self { shared, workers: Vec::new() };
        for number in 0..config.workers.get() {
            let threads = ThreadPoolBuilder::new()
                .num_threads(config.threads_per_worker.get())
                .thread_name(move |thread| format!("prove-{number}-{thread}"))
                .build()?;
            let shared = Arc::clone(&pool.shared);
            let worker =
                thread::Builder::new().name(format!("prover-{number}")).spawn(move || shared.work(&threads))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Begins a batch. Batches are served in the order in which they begin.
    ///
    /// `on_result` is called exactly once, after all news of the batch's jobs; it must be as quick as the observer.
    pub fn begin_batch(
        &self,
        environment: &Environment,
        on_result: impl FnOnce(Result<ProvenBatch<B>, BatchError>) + Send + 'static,
    ) -> BatchProver<B> {
        let on_result: OnResult<B> = Box::new(on_result);
        let id = self.shared.lock().scheduler.begin(*environment, on_result);
        BatchProver { shared: Arc::clone(&self.shared), id, batch: environment.batch_number, is_finished: false }
    }
}

impl<B: Backend> BatchProver<B> {
    /// Number of the batch.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.batch
    }

    /// Takes the batch's next segment. A short one is filled up with padding.
    ///
    /// # Errors
    /// The segment is of another batch, or the batch has failed before.
    pub fn submit_segment(&self, size: SegmentSize, witness: SegmentWitness) -> Result<(), SubmitError> {
        self.submit(|scheduler| scheduler.push_segment(self.id, size, witness))
    }

    /// Takes the end of the batch; the result comes when it is proved.
    ///
    /// # Errors
    /// There is no segment, or the batch has failed before. Its result comes all the same.
    pub fn finish(mut self, end: BatchEnd) -> Result<(), SubmitError> {
        self.submit(|scheduler| scheduler.finish(self.id, end))?;
        self.is_finished = true;
        Ok(())
    }

    fn submit(
        &self,
        submit: impl FnOnce(&mut Scheduler<B>) -> Option<Result<(), SubmitError>>,
    ) -> Result<(), SubmitError> {
        let result = submit(&mut self.shared.lock().scheduler);
        self.shared.wake.notify_all();
        self.shared.deliver();
        result.unwrap_or(Err(SubmitError::Closed { batch: self.batch }))
    }
}

impl<B: Backend> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        // Nothing of others runs under the lock; were it poisoned by a bug of ours, the pool could still be dropped.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker: does jobs until the pool stops.
    fn work(&self, threads: &ThreadPool) {
        while let Some(assignment) = self.next_assignment() {
            self.deliver();
            let (cost, result) = self.run(&assignment, threads);
            self.lock().scheduler.complete(assignment, cost, result);
            self.wake.notify_all();
            self.deliver();
        }
    }

    /// Waits for a job; `None` when the pool stops.
    fn next_assignment(&self) -> Option<Assignment<B>> {
        let mut state = self.lock();
        loop {
            if state.is_stopping {
                return None;
            }
            if let Some(assignment) = state.scheduler.next_assignment() {
                return Some(assignment);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does a job on the threads of the worker. A panic is a failure of the job, not the end of the worker.
    fn run(
        &self,
        assignment: &Assignment<B>,
        threads: &ThreadPool,
    ) -> (Cost, Result<(Output<B>, StageLog), ProofError>) {
        let start = Instant::now();
        let work = || {
            let mut log = StageLog::new();
            assignment.task.run(&self.backend, &mut log).map(|output| (output, log))
        };
        // The job's own values are dropped with it, and circuits do not change.
        match catch_unwind(AssertUnwindSafe(|| threads.install(|| measure(work)))) {
            Ok((result, cost)) => (cost, result),
            Err(panic) => {
                let cost = Cost { wall: start.elapsed(), ..Cost::default() };
                (cost, Err(ProofError::Panicked { message: panic_message(panic.as_ref()) }))
            }
        }
    }

    /// Delivers what there is to tell, unless another thread, or a caller of this one, does it already.
    fn deliver(&self) {
        let mut state = self.lock();
        if state.is_delivering {
            return;
        }
        state.is_delivering = true;
        while let Some(message) = state.scheduler.next_message() {
            drop(state);
            let tell = || match message {
                Message::Event(event) => (self.observer)(event),
                Message::Result(on_result, result) => on_result(*result),
            };
            if catch_unwind(AssertUnwindSafe(tell)).is_err() {
                tracing::error!("an observer of the proving pool panicked");
            }
            state = self.lock();
        }
        state.is_delivering = false;
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

impl<B: Backend> Drop for BatchProver<B> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.shared.lock().scheduler.cancel(self.id);
            self.shared.deliver();
        }
    }
}

impl<B: Backend> Drop for ProvingPool<B> {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.is_stopping = true;
            state.scheduler.stop();
        }
        self.shared.wake.notify_all();
        self.shared.deliver();
        for worker in self.workers.drain(..) {
            // A pool that an observer drops is dropped by one of its own workers, which cannot wait for itself.
            if worker.thread().id() != thread::current().id() && worker.join().is_err() {
                tracing::error!("a worker of the proving pool panicked");
            }
        }
    }
}

impl<B: Backend> fmt::Debug for ProvingPool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvingPool").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

impl<B: Backend> fmt::Debug for BatchProver<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchProver").field("batch", &self.batch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
