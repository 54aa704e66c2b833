//! `weft bench`.

use std::num::NonZeroUsize;

use anyhow::Result;
use clap::Args;

use super::Context;
use super::exit::Exit;
use super::output::line;
use crate::bench::{Bench, FLEET_SEGMENTS, Figure, Name, run_bench};

const EXAMPLES: &str = "\
Examples:
  weft bench hash
  weft bench batch --json | jq 'select(.metric == \"cpu_ms_per_transfer\").value'";

/// Arguments of `weft bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchArgs {
    /// What to measure.
    name: Name,
    /// Segments of the batch of `fleet`.
    #[arg(long, default_value_t = FLEET_SEGMENTS)]
    segments: NonZeroUsize,
}

pub(super) fn run(args: &BenchArgs, context: &Context) -> Result<Exit> {
    let is_json = context.output.is_json();
    let print = |figure: &Figure| line(&if is_json { figure.to_json().to_string() } else { figure.to_string() });
    let cache = context.circuit_cache.as_deref();
    let bench = Bench { name: args.name, cache, fleet_segments: args.segments };
    run_bench(bench, &mut |figure| print(figure))?;
    Ok(Exit::Done)
}
