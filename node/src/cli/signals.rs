//! When a process that serves is to stop.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Returns when somebody asks the process to stop: Ctrl-C, or SIGTERM of a service manager.
pub(super) async fn stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for the signal to stop")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for the signal to stop"),
        _ = terminate.recv() => Ok(()),
    }
}
