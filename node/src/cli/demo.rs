//! `weft demo`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::Context;
use super::exit::Exit;
use crate::demo::{Console, run_demo};

const EXAMPLES: &str = "\
Examples:
  weft demo
  weft demo --proofs proofs && weft verify proofs/batch-1.json
  weft demo --json | jq .seconds.deposit_to_withdrawal";

/// Arguments of `weft demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DemoArgs {
    /// Keep the proofs as DIR/batch-1.json and so on, and a receipt as DIR/receipt.json, for `weft verify`.
    #[arg(long, value_name = "DIR")]
    proofs: Option<PathBuf>,
}

pub(super) fn run(args: &DemoArgs, context: &Context) -> Result<Exit> {
    let console = if context.output.is_json() { Console::stderr() } else { Console::stdout() };
    let cache = context.circuit_cache.as_deref();
    let report = super::block_on(run_demo(&console, cache, args.proofs.as_deref()))?;
    context.output.result(&report, || report.table());
    Ok(Exit::Done)
}
