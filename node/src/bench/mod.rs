//! Measurements: one figure a line, with fixed names, so that runs can be compared.

#![expect(clippy::float_arithmetic, reason = "figures are real numbers, and nothing depends on them")]

mod alone;
mod fleet;
mod group;
mod memory;
mod native;
mod openings;
mod proofs;
mod workload;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rayon::ThreadPoolBuilder;
use serde_json::{Value, json};
use weft_prover::{Cost, measure};

pub use fleet::SEGMENTS as FLEET_SEGMENTS;

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Name {
    /// Poseidon.
    Hash,
    /// Signatures: making and checking.
    Sign,
    /// Updates of the state tree.
    Tree,
    /// Execution of transfers, signatures apart.
    Execute,
    /// The proof of a large segment.
    Segment,
    /// The table of openings of many transfers, at two rates.
    Openings,
    /// An aggregation step.
    Aggregate,
    /// Seal and wrap.
    Wrap,
    /// The native check of a wrapped proof.
    Verify,
    /// A transfer's share of all proofs below the seal, and a small batch from first slot to wrapped proof.
    Batch,
    /// A batch of small segments with two workers against one, and what the stores add to a job.
    Fleet,
}

/// What is measured, and how.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// What.
    pub name: Name,
    /// Where built circuits are.
    pub cache: Option<&'a Path>,
    /// Segments of the batch of [`Name::Fleet`].
    pub fleet_segments: NonZeroUsize,
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    bench: &'static str,
    metric: &'static str,
    value: f64,
    unit: &'static str,
    threads: usize,
    cpu: Duration,
    params: Value,
}

impl Figure {
    /// The line of `--json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "bench": self.bench,
            "metric": self.metric,
            "value": self.value,
            "unit": self.unit,
            "threads": self.threads,
            "cpu_seconds": self.cpu.as_secs_f64(),
            "params": self.params,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bench, metric, value, unit, threads, params, .. } = self;
        write!(f, "{bench} {metric}: {value:.3} {unit} ({threads} threads, {params})")
    }
}

/// Takes figures as they come.
type Sink<'a> = dyn FnMut(&Figure) + 'a;

/// What the figures of a run have in common.
struct Run<'a> {
    bench: &'static str,
    threads: usize,
    params: Value,
    sink: &'a mut Sink<'a>,
}

impl Run<'_> {
    fn figure(&mut self, metric: &'static str, value: f64, unit: &'static str, cpu: Duration) {
        let Self { bench, threads, ref params, .. } = *self;
        let figure = Figure { bench, metric, value, unit, threads, cpu, params: params.clone() };
        (self.sink)(&figure);
    }
}

/// Measures.
///
/// # Errors
/// What is measured does not work.
pub fn run_bench<'a>(bench: Bench<'_>, sink: &'a mut Sink<'a>) -> Result<()> {
    let Bench { name, cache, fleet_segments } = bench;
    let bench = match name {
        Name::Hash => "hash",
        Name::Sign => "sign",
        Name::Tree => "tree",
        Name::Execute => "execute",
        Name::Segment => "segment",
        Name::Openings => "openings",
        Name::Aggregate => "aggregate",
        Name::Wrap => "wrap",
        Name::Verify => "verify",
        Name::Batch => "batch",
        Name::Fleet => "fleet",
    };
    let mut run = Run { bench, threads: rayon::current_num_threads(), params: json!({}), sink };
    match name {
        Name::Hash => native::hash(&mut run),
        Name::Sign => native::sign(&mut run),
        Name::Tree => native::tree(&mut run),
        Name::Execute => native::execute(&mut run),
        Name::Segment => proofs::segment(&mut run, cache),
        Name::Openings => openings::openings(&mut run),
        Name::Aggregate => proofs::aggregate(&mut run, cache),
        Name::Wrap => proofs::wrap(&mut run, cache),
        Name::Verify => proofs::verify(&mut run, cache),
        Name::Batch => proofs::batch(&mut run, cache),
        Name::Fleet => fleet::fleet(&mut run, cache, fleet_segments),
    }
}

/// Does `work` on so many threads and measures it.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<(T, Cost)> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    Ok(pool.install(|| measure(work)))
}

/// A count as a real number.
fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("counts of a benchmark are small"))
}

/// Milliseconds.
fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
