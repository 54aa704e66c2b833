//! The process that makes proofs for a worker: this program again, so that a crash takes only the proof with it.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// How the process is started, to prove with so many threads and with the circuits out of `cache`.
///
/// # Errors
/// The system does not tell where this program is.
pub fn child_command(threads: NonZeroUsize, cache: Option<&Path>) -> Result<impl Fn() -> Command + Send + 'static> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let cache = cache.map(Path::to_owned);
    Ok(move || {
        let mut command = Command::new(&program);
        if let Some(cache) = &cache {
            command.arg("--circuit-cache").arg(cache);
        }
        command.arg("prove-child").arg("--threads").arg(threads.to_string());
        command
    })
}
