//! `weft worker` and `weft prove-child`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use weft_aggregator::gateway::HttpTransport;
use weft_aggregator::worker::{ChildProcess, Worker, WorkerConfig, serve_child};

use super::Context;
use super::exit::{Exit, Usage};
use super::options::http_url;
use crate::circuits;
use crate::prove_child::child_command;

const EXAMPLES: &str = "\
Examples:
  weft worker --coordinator http://10.0.0.1:7101 --token-file token
  weft worker --coordinator http://10.0.0.1:7101 --token-file token --name attic --threads 2 --memory-mib 3000
Asked to stop (Ctrl-C, SIGTERM), it finishes its job if that is quick, else gives it back.";

/// Arguments of `weft worker`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct WorkerArgs {
    /// Address of the node whose jobs it does.
    #[arg(long, env = "WEFT_COORDINATOR", value_name = "URL")]
    coordinator: String,
    /// File with the token of the node; its mode must be 0600.
    #[arg(long, env = "WEFT_TOKEN_FILE", value_name = "FILE")]
    token_file: PathBuf,
    /// Its name among the workers. Default: host name and process.
    #[arg(long)]
    name: Option<String>,
    /// Threads that it proves with. Default: as many as the machine has cores.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Memory in MiB that its proofs may take.
    #[arg(long, value_name = "MIB", default_value_t = 8192)]
    memory_mib: u32,
}

/// Arguments of `weft prove-child`.
#[derive(Debug, Args)]
pub(super) struct ProveChildArgs {
    /// Threads that it proves with.
    #[arg(long, value_name = "N")]
    threads: NonZeroUsize,
}

pub(super) async fn run(args: &WorkerArgs, context: &Context) -> Result<Exit> {
    let url = http_url(&args.coordinator, "--coordinator")?;
    let token = super::node::token(&args.token_file)?;
    let token = token.ok_or_else(|| Usage("--token-file names no file".to_owned()))?;
    let threads = args.threads.unwrap_or_else(cores);
    let name = args.name.clone().unwrap_or_else(own_name);
    let transport = HttpTransport::new(url.as_str(), token)?;
    let executor = ChildProcess::new(child_command(threads, context.circuit_cache.as_deref())?);
    let cores = u32::try_from(threads.get()).context("so many threads are not possible")?;
    context.output.note(&format!("worker {name} with {threads} threads, for {url}"));
    let shutdown = async {
        if let Err(error) = super::signals::stop().await {
            tracing::error!(%error, "stops, since no signal could ask it to");
        }
    };
    Worker::new(transport, executor, WorkerConfig::new(name, cores, args.memory_mib)).run(shutdown).await?;
    Ok(Exit::Done)
}

pub(super) fn prove_child(args: &ProveChildArgs, context: &Context) -> Result<Exit> {
    let circuits = circuits::load(context.circuit_cache.as_deref());
    serve_child(&circuits, args.threads, std::io::stdin().lock(), std::io::stdout())?;
    Ok(Exit::Done)
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn own_name() -> String {
    let uname = rustix::system::uname();
    format!("{}-{}", uname.nodename().to_string_lossy(), std::process::id())
}
