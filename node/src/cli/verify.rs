//! `weft verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::circuits;
use crate::verify::{ASSUMPTIONS, FailedCheck, Verified, read, verify};

/// Largest file that is read: a batch of 4,096 records and its proof have half a megabyte.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Arguments of `weft verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// File from GET /v1/batches/{number}/proof.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &VerifyArgs, cache: Option<&Path>) -> Result<ExitCode> {
    let path = args.file.display();
    let length = std::fs::metadata(&args.file).with_context(|| format!("cannot read {path}"))?.len();
    anyhow::ensure!(
        length <= FILE_BYTES_MAX,
        "{path} has {length} bytes, a proof file has fewer than {FILE_BYTES_MAX}"
    );
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {path}"))?;
    let result = read(&bytes).and_then(|file| verify(&file, &circuits::load(cache)));
    match (&result, args.json) {
        (result, true) => println!("{}", object(result)),
        (Ok(verified), false) => print(verified),
        (Err(failed), false) => eprintln!("weft: {path}: {failed}"),
    }
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn object(result: &Result<Verified, FailedCheck>) -> serde_json::Value {
    match result {
        Ok(verified) => json!({ "ok": true, "proven": verified, "assumptions": ASSUMPTIONS }),
        Err(failed) => json!({ "ok": false, "check": failed.check.to_string(), "reason": failed.reason }),
    }
}

fn print(verified: &Verified) {
    let Verified { chain_id, contract, number, timestamp, records, root_before, root_after, circuit, .. } = verified;
    println!("valid proof: batch {number} of the rollup {contract} on chain {chain_id}, time {timestamp}");
    println!("  {records} records lead from the state root");
    println!("    {root_before}");
    println!("  to the state root");
    println!("    {root_after}");
    println!("  by the rules of circuit {circuit}");
    println!("assumptions:");
    for assumption in ASSUMPTIONS {
        println!("  - {assumption}");
    }
}
