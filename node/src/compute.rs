//! The bridge between async tasks and processor work: tokio's threads never compute, rayon's never wait.
//!
//! Checks of signatures and hashing of trees run on a pool of their own, so that a proof, which keeps the global pool
//! busy for seconds, does not delay an answer.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Context, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

/// Threads for short work.
#[derive(Clone, Debug)]
pub struct Compute {
    pool: Arc<ThreadPool>,
}

impl Compute {
    /// A pool with as many threads as the machine has cores.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn new() -> Result<Self> {
        Self::of(ThreadPoolBuilder::new())
    }

    /// A pool of so many threads.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn with_threads(threads: NonZeroUsize) -> Result<Self> {
        Self::of(ThreadPoolBuilder::new().num_threads(threads.get()))
    }

    fn of(builder: ThreadPoolBuilder) -> Result<Self> {
        let pool = builder
            .thread_name(|index| format!("compute-{index}"))
            .build()
            .context("cannot start the threads for short work")?;
        Ok(Self { pool: Arc::new(pool) })
    }

    /// Runs `work` in the pool and waits for it without holding a thread; `None` if it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (reply, result) = oneshot::channel();
        self.pool.spawn(move || {
            // Nobody waits any more if the request was cut off.
            let _ = reply.send(work());
        });
        result.await.ok()
    }

    /// Runs `work` in the pool and blocks the calling thread meanwhile: for threads outside of tokio only.
    pub fn block_on<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }
}
