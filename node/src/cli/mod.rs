//! The commands of `weft`.
//!
//! Results go to stdout (with `--json`: one object, or one a line), everything else to stderr. Exit codes: 0 done, 1 the
//! command failed or a check did, 2 the arguments are wrong.

mod bench;
mod demo;
mod dev;
mod verify;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::circuits;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "weft",
    version,
    about = "A zero-knowledge rollup: executes, proves, has its proofs verified on L1.",
    propagate_version = true
)]
#[command(after_help = "Logs go to stderr; WEFT_LOG sets what is logged (for example WEFT_LOG=info,weft_node=debug).")]
struct Cli {
    /// Folder of built circuits. They are built once, which takes minutes, and loaded afterwards.
    #[arg(long, global = true, env = "WEFT_CIRCUIT_CACHE", value_name = "DIR")]
    circuit_cache: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole road, with real proofs: deposits, transfers, batches verified by the contract, a withdrawal paid on L1.
    Demo(demo::DemoArgs),
    /// Serves the API with an embedded L1 until it is stopped.
    Dev(dev::DevArgs),
    /// Checks the proof of a batch offline.
    Verify(verify::VerifyArgs),
    /// Measures a part of the system.
    Bench(bench::BenchArgs),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    let cache = cli.circuit_cache.or_else(circuits::default_cache);
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args, cache.as_deref()),
        Command::Dev(args) => dev::run(&args, cache.as_deref()),
        Command::Verify(args) => verify::run(&args, cache.as_deref()),
        Command::Bench(args) => bench::run(&args, cache.as_deref()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("weft: {error:#}");
        ExitCode::FAILURE
    })
}

fn start_logging() {
    let filter = EnvFilter::try_from_env("WEFT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // Fails only if a program that embeds this one has its own.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// Runs a future to its end on threads of its own.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the async threads")?.block_on(future)
}
