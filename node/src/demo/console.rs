//! What the demo says while it runs.

use std::io::Write;
use std::time::Duration;

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
}
