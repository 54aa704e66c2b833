//! The commands of `weft`.
//!
//! Results go to stdout (with `--json`: one object, or one a line), everything else to stderr. How a command ended shows in
//! its exit code ([`exit::EXIT_CODES`]).

mod account;
mod assets;
mod batch;
mod bench;
mod claim;
mod completions;
mod config;
mod confirm;
mod demo;
mod deploy;
mod deposit;
mod dev;
mod doctor;
mod exit;
mod identity;
mod keygen;
mod known;
mod memory;
mod node;
mod options;
mod output;
mod passphrase;
mod pay;
mod profile;
mod replay;
mod settings;
mod signals;
mod status;
mod token;
mod tx;
mod verify;
mod wait;
mod worker;
mod workers;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use weft_api::TransactionView;

use crate::circuits;
use exit::{EXIT_CODES, Exit};
use output::{Output, row, table};
use profile::Profile;

const AFTER_HELP: &str = "\
Example:
  weft demo

Logs go to stderr; WEFT_LOG sets what is logged (for example WEFT_LOG=info,weft_node=debug).

";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "weft",
    version,
    about = "A zero-knowledge rollup: executes, proves, has its proofs verified on L1.",
    propagate_version = true,
    after_help = format!("{AFTER_HELP}{EXIT_CODES}")
)]
struct Cli {
    /// Folder of built circuits. They are built once, which takes minutes, and loaded afterwards.
    #[arg(long, global = true, env = "WEFT_CIRCUIT_CACHE", value_name = "DIR")]
    circuit_cache: Option<PathBuf>,
    /// File with defaults for --api, --l1, --contract, --key, --l1-key and --l1-key-file, and with the `chain_id` that is
    /// meant. Default: weft/profile.toml among the user's configurations.
    #[arg(long, global = true, env = "WEFT_PROFILE", value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Print JSON on stdout: one object, or one a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole road, with real proofs: deposits, transfers, batches verified by the contract, a withdrawal paid on L1.
    Demo(demo::DemoArgs),
    /// Serves the API with an embedded L1 until it is stopped.
    Dev(dev::DevArgs),
    /// Deploys the contracts on an L1.
    Deploy(deploy::DeployArgs),
    /// Runs a node for a rollup on an L1 until it is stopped.
    Node(Box<node::NodeArgs>),
    /// Proves for a node, from this machine.
    Worker(worker::WorkerArgs),
    /// Shows the settings of a node.
    Config(Box<config::ConfigArgs>),
    /// Makes a key and seals it in a file.
    Keygen(keygen::KeygenArgs),
    /// Pays into the rollup from L1: opens an account, or adds to one.
    Deposit(deposit::DepositArgs),
    /// Pays somebody in the rollup.
    Transfer(pay::TransferArgs),
    /// Pays out of the rollup to the owner of the account, on L1.
    Withdraw(pay::WithdrawArgs),
    /// Has L1 pay the withdrawals of a verified batch.
    Claim(claim::ClaimArgs),
    /// Shows an account: balances, history, Merkle path.
    Account(account::AccountArgs),
    /// Shows a transaction: how far it is, and its receipt.
    Tx(tx::TxArgs),
    /// Shows a batch, or draws its proof as it grows.
    Batch(batch::BatchArgs),
    /// Shows the provers, and the jobs that were given up.
    Workers(workers::WorkersArgs),
    /// Shows a node as a whole: what is done, what waits, what holds it up.
    Status(status::StatusArgs),
    /// Checks a proof or a receipt: offline, and against L1.
    Verify(verify::VerifyArgs),
    /// Makes a batch once more from the log, and compares: root, witness, proofs.
    Replay(replay::ReplayArgs),
    /// Checks this machine, L1 and a node, and says what to do.
    Doctor(doctor::DoctorArgs),
    /// Measures a part of the system.
    Bench(bench::BenchArgs),
    /// Prints the completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Proves what comes in on stdin: the process that a worker starts.
    #[command(hide = true)]
    ProveChild(worker::ProveChildArgs),
}

impl Command {
    /// Whether a secret of somebody may come into its memory.
    const fn holds_keys(&self) -> bool {
        match self {
            Self::Deploy(_)
            | Self::Node(_)
            | Self::Worker(_)
            | Self::Keygen(_)
            | Self::Deposit(_)
            | Self::Transfer(_)
            | Self::Withdraw(_)
            | Self::Claim(_)
            | Self::Workers(_) => true,
            // Keys of development are public; the rest has none.
            Self::Demo(_)
            | Self::Dev(_)
            | Self::Config(_)
            | Self::Account(_)
            | Self::Tx(_)
            | Self::Batch(_)
            | Self::Status(_)
            | Self::Verify(_)
            | Self::Replay(_)
            | Self::Doctor(_)
            | Self::Bench(_)
            | Self::Completions(_)
            | Self::ProveChild(_) => false,
        }
    }
}

/// What all commands work with.
#[derive(Debug)]
struct Context {
    circuit_cache: Option<PathBuf>,
    profile: Profile,
    output: Output,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    if cli.command.holds_keys() {
        memory::without_core_dumps();
    }
    let output = if cli.json { Output::Json } else { Output::Text };
    let result = Profile::load(cli.profile.as_deref()).and_then(|profile| {
        let circuit_cache = cli.circuit_cache.or_else(circuits::default_cache);
        run_command(&cli.command, &Context { circuit_cache, profile, output })
    });
    let exit = result.unwrap_or_else(|error| {
        if output.is_json() {
            output::line(&exit::object(&error).to_string());
        }
        eprintln!("weft: {error:#}");
        exit::class(&error)
    });
    exit.into()
}

fn run_command(command: &Command, context: &Context) -> Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(args, context),
        Command::Dev(args) => dev::run(args, context),
        Command::Deploy(args) => block_on(deploy::run(args, context)),
        Command::Node(args) => node::run(args, context),
        Command::Worker(args) => block_on(worker::run(args, context)),
        Command::ProveChild(args) => worker::prove_child(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Keygen(args) => keygen::run(args, context),
        Command::Deposit(args) => block_on(deposit::run(args, context)),
        Command::Transfer(args) => block_on(pay::transfer(args, context)),
        Command::Withdraw(args) => block_on(pay::withdraw(args, context)),
        Command::Claim(args) => block_on(claim::run(args, context)),
        Command::Account(args) => block_on(account::run(args, context)),
        Command::Tx(args) => block_on(tx::run(args, context)),
        Command::Batch(args) => block_on(batch::run(args, context)),
        Command::Workers(args) => block_on(workers::run(args, context)),
        Command::Status(args) => block_on(status::run(args, context)),
        Command::Verify(args) => verify::run(args, context),
        Command::Replay(args) => replay::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Bench(args) => bench::run(args, context),
        Command::Completions(args) => completions::run(args),
    }
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

/// How a transaction stands.
fn transaction_text(view: &TransactionView) -> String {
    let mut rows = vec![row!["transaction", view.id], row!["status", view.status]];
    if let (Some(batch), Some(slot)) = (view.batch, view.slot) {
        rows.push(row!["batch", format!("{batch}, slot {slot}")]);
    }
    for (name, transaction) in [("commit", view.l1.commit), ("prove", view.l1.prove)] {
        if let Some(transaction) = transaction {
            rows.push(row![name, transaction.hash]);
        }
    }
    rows.extend(view.steps.iter().map(|step| row![step.step, step.at]));
    table(&rows)
}

#[cfg(test)]
mod tests;
