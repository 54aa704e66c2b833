//! Nothing is signed that nobody has seen.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context as _, Result};
use clap::Args;

use super::exit::{Refused, Usage};
use super::output::Output;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64;

/// Whether somebody is asked before something is signed.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ConfirmOptions {
    /// Sign without asking; what is signed is shown all the same. Needed where there is no terminal, as in scripts.
    #[arg(long, short)]
    yes: bool,
}

impl ConfirmOptions {
    /// Refuses at once what would have to be refused later: without a terminal nobody can be asked.
    pub(super) fn can_ask(self) -> Result<()> {
        let there_is_a_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if self.yes || there_is_a_terminal {
            return Ok(());
        }
        Err(Usage("there is no terminal to ask whether this is to be signed: give --yes".to_owned()).into())
    }

    /// Shows what is about to be signed, and asks.
    pub(super) fn agree(self, what: &str, output: Output) -> Result<()> {
        if self.yes {
            output.note(what);
            return Ok(());
        }
        let mut stderr = std::io::stderr();
        write!(stderr, "{what}\nsign and send this? [y/N] ").context("cannot ask")?;
        stderr.flush().context("cannot ask")?;
        agreed(std::io::stdin().lock())
    }
}

/// Whether the answer is yes.
fn agreed(input: impl BufRead) -> Result<()> {
    let mut answer = String::new();
    input.take(ANSWER_BYTES_MAX).read_line(&mut answer).context("cannot read the answer")?;
    if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(Refused("nothing was signed: the answer was not yes".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for answer in ["y\n", "Y\n", "yes\n", " Yes \r\n", "y"] {
            assert!(agreed(answer.as_bytes()).is_ok(), "{answer:?}");
        }
        for answer in ["", "\n", "n\n", "no\n", "yy\n", "yes please\n", "1\n"] {
            assert!(agreed(answer.as_bytes()).unwrap_err().is::<Refused>(), "{answer:?}");
        }
    }
}
