//! `weft bench`.

use anyhow::Result;
use clap::Args;

use super::Context;
use super::exit::Exit;
use super::output::line;
use crate::bench::{Figure, Name, run_bench};

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
}

pub(super) fn run(args: &BenchArgs, context: &Context) -> Result<Exit> {
    let is_json = context.output.is_json();
    let print = |figure: &Figure| line(&if is_json { figure.to_json().to_string() } else { figure.to_string() });
    run_bench(args.name, context.circuit_cache.as_deref(), &mut |figure| print(figure))?;
    Ok(Exit::Done)
}
