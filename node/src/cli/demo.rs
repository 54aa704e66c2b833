//! `weft demo`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::demo::{Console, run_demo};

/// Arguments of `weft demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Print one JSON object at the end; the steps go to stderr.
    #[arg(long)]
    json: bool,
    /// Keep the proofs as DIR/batch-1.json and so on, for `weft verify`.
    #[arg(long, value_name = "DIR")]
    proofs: Option<PathBuf>,
}

pub(super) fn run(args: &DemoArgs, cache: Option<&Path>) -> Result<ExitCode> {
    let console = if args.json { Console::stderr() } else { Console::stdout() };
    let result = super::block_on(run_demo(&console, cache, args.proofs.as_deref()));
    match (&result, args.json) {
        (Ok(report), true) => println!("{}", serde_json::to_string(report)?),
        (Ok(report), false) => print!("{}", report.table()),
        (Err(error), true) => println!("{}", json!({ "ok": false, "error": format!("{error:#}") })),
        (Err(_), false) => {}
    }
    result.map(|_| ExitCode::SUCCESS)
}
