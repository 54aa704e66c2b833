//! Developer tasks: `cargo xtask tidy`, `codegen`, `contracts`, `mutate`.

mod codegen;
mod contracts;
mod mutate;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::codegen::Action;

/// Developer tasks of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Checks what the compiler does not: crate graph, sizes, clause ids, links, words.
    Tidy,
    /// Writes the generated sources of the contracts.
    Codegen(Check),
    /// Compiles the contracts into the committed artifacts.
    Contracts(Check),
    /// Leaves one constraint of the circuits out at a time and sees whether a test notices. Takes hours.
    Mutate(mutate::Options),
}

#[derive(Debug, Args)]
struct Check {
    /// Write nothing; fail if a committed file differs.
    #[arg(long)]
    check: bool,
}

impl Check {
    const fn action(&self) -> Action {
        if self.check { Action::Check } else { Action::Write }
    }
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Tidy => tidy::run(),
        Task::Codegen(check) => codegen::run(&root(), check.action()),
        Task::Contracts(check) => contracts::run(&root(), check.action()),
        Task::Mutate(options) => mutate::run(&root(), &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Root of the repository: the parent of this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}
