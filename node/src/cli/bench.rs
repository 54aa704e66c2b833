//! `weft bench`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::bench::{Figure, Name, run_bench};

/// Arguments of `weft bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// What to measure.
    name: Name,
    /// Print a JSON object a line, one for each figure.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &BenchArgs, cache: Option<&Path>) -> Result<ExitCode> {
    run_bench(args.name, cache, &mut |figure| print(figure, args.json))?;
    Ok(ExitCode::SUCCESS)
}

fn print(figure: &Figure, json: bool) {
    if json {
        println!("{}", figure.to_json());
    } else {
        println!("{figure}");
    }
}
