//! A proof in a process that makes no other, as a worker's: its memory, and the time from its start to the proof.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;
use weft_aggregator::Task;
use weft_aggregator::worker::{ChildProcess, Executor as _, Progress};

use super::memory::peak_bytes_of;
use super::{Run, ms};
use crate::prove_child::child_command;

/// What a job takes in a process of its own.
pub(super) struct Alone {
    /// From the start of the process to the proof.
    first_proof: Duration,
    /// From the start of the process to the begin of the job.
    start: Duration,
    /// Greatest memory, in bytes, if the system tells.
    peak: Option<f64>,
    cpu: Duration,
}

/// Proves a job in a process of its own.
pub(super) fn prove_alone(run: &Run<'_>, cache: Option<&Path>, task: Task) -> Result<Alone> {
    let threads = NonZeroUsize::new(run.threads).context("no thread")?;
    let mut child = ChildProcess::new(child_command(threads, cache)?);
    let runtime = Runtime::new().context("cannot start threads")?;
    let started = Instant::now();
    let (start, made) = runtime.block_on(async {
        child.ready().await?;
        let start = started.elapsed();
        match child.execute(task, &Progress::new("")).await {
            Ok(made) => Ok((start, made)),
            Err(failure) => bail!("the job is not proved in a process of its own: {failure:?}"),
        }
    })?;
    let first_proof = started.elapsed();
    Ok(Alone { first_proof, start, peak: child.id().and_then(peak_bytes_of), cpu: made.cost.cpu })
}

impl Alone {
    /// Prints all of it.
    pub(super) fn print(&self, run: &mut Run<'_>) {
        run.figure("start_ms", ms(self.start), "ms", self.cpu);
        run.figure("first_proof_ms", ms(self.first_proof), "ms", self.cpu);
        self.print_peak(run, "peak_bytes");
    }

    /// Prints the greatest memory.
    pub(super) fn print_peak(&self, run: &mut Run<'_>, metric: &'static str) {
        if let Some(peak) = self.peak {
            run.figure(metric, peak, "bytes", self.cpu);
        }
    }
}
