//! What the demo says while it runs.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use weft_api::BatchView;

/// Where steps are printed.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    to_stdout: bool,
}

impl Console {
    /// Steps are the output.
    #[must_use]
    pub const fn stdout() -> Self {
        Self { to_stdout: true }
    }

    /// Something else is the output.
    #[must_use]
    pub const fn stderr() -> Self {
        Self { to_stdout: false }
    }

    /// A step is done, and took so long.
    pub fn step(&self, what: &str, took: Duration) {
        let line = format!("{:>7.1} s  {what}", took.as_secs_f64());
        // A reader that has gone away need not be told.
        let _ =
            if self.to_stdout { writeln!(std::io::stdout(), "{line}") } else { writeln!(std::io::stderr(), "{line}") };
    }

    /// A line that shows how far a batch is, on a terminal.
    #[must_use]
    pub fn progress(&self, batch: u32) -> Progress {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, batch }
    }
}

/// How far a batch is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    batch: u32,
}

impl Progress {
    /// Shows the batch.
    pub fn show(&self, view: &BatchView) {
        let proved = view.proving.map_or_else(String::new, |p| format!(" ({}/{} segments proved)", p.done, p.total));
        self.bar.set_message(format!("batch {}: {}{proved}", self.batch, view.status));
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
