//! Where a picture is drawn.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A terminal that is drawn on, or a stream that takes lines. Both are stderr: stdout is for results.
#[derive(Debug)]
pub enum Screen {
    /// Redrawn in place.
    Terminal(ProgressBar),
    /// Line by line.
    Lines,
    /// Nobody looks.
    Nobody,
}

impl Screen {
    /// A drawing if stderr is a terminal, else lines.
    #[must_use]
    pub fn stderr() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self::Terminal(bar)
    }

    /// Tells that something has happened, where nothing is drawn.
    pub fn tell(&self, line: &str) {
        if matches!(self, Self::Lines) {
            // A reader that has gone away need not be told.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Draws rows in place of those before.
    pub fn draw(&self, rows: &[String]) {
        if let Self::Terminal(bar) = self {
            bar.set_message(rows.join("\n"));
            bar.tick();
        }
    }

    /// Takes the drawing away.
    pub fn clear(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}
