//! Where passphrases come from: a prompt, a file, the environment or standard input; never the arguments, which every
//! process of the machine can read.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use zeroize::Zeroizing;

use super::exit::Usage;
use crate::keystore::read_private;

/// Variable of the environment that may hold the passphrase.
const VARIABLE: &str = "WEFT_PASSPHRASE";
/// Most bytes of a passphrase.
const BYTES_MAX: u64 = 4096;
/// Least bytes of a new one.
const NEW_BYTES_MIN: usize = 8;

/// Where the passphrase is.
#[derive(Debug, Args)]
pub(super) struct PassphraseOptions {
    /// File with the passphrase; its mode must be 0600. Without this and the next option: the variable `WEFT_PASSPHRASE`,
    /// or a prompt.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_stdin")]
    passphrase_file: Option<PathBuf>,
    /// Read the passphrase from the first line of standard input.
    #[arg(long)]
    passphrase_stdin: bool,
}

/// What a passphrase is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// Opens this file.
    Open(&'a Path),
    /// Seals this new file.
    Create(&'a Path),
}

impl PassphraseOptions {
    /// The passphrase, without the end of its line.
    pub(super) fn read(&self, purpose: Purpose<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let passphrase = self.source(purpose)?;
        match purpose {
            Purpose::Create(_) if passphrase.len() < NEW_BYTES_MIN => {
                Err(Usage(format!("a passphrase has {NEW_BYTES_MIN} characters or more")).into())
            }
            Purpose::Create(_) | Purpose::Open(_) => Ok(passphrase),
        }
    }

    fn source(&self, purpose: Purpose<'_>) -> Result<Zeroizing<Vec<u8>>> {
        if let Some(path) = &self.passphrase_file {
            return Ok(line(Zeroizing::new(read_private(path)?)));
        }
        if self.passphrase_stdin {
            let mut text = Zeroizing::new(Vec::new());
            let mut input = std::io::stdin().lock().take(BYTES_MAX);
            input.read_until(b'\n', &mut text).context("cannot read the passphrase from standard input")?;
            return Ok(line(text));
        }
        if let Some(text) = std::env::var_os(VARIABLE) {
            return Ok(Zeroizing::new(text.into_encoded_bytes()));
        }
        if !std::io::stdin().is_terminal() {
            let ways = "give --passphrase-file or --passphrase-stdin, or set WEFT_PASSPHRASE";
            return Err(Usage(format!("a passphrase is needed and there is no terminal to ask: {ways}")).into());
        }
        prompt(purpose)
    }
}

fn prompt(purpose: Purpose<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let ask = |text: String| {
        let answer = rpassword::prompt_password(text).context("cannot ask for the passphrase")?;
        anyhow::Ok(Zeroizing::new(answer.into_bytes()))
    };
    match purpose {
        Purpose::Open(path) => ask(format!("passphrase of {}: ", path.display())),
        Purpose::Create(path) => {
            let first = ask(format!("new passphrase for {}: ", path.display()))?;
            let second = ask("the same again: ".to_owned())?;
            if first == second { Ok(first) } else { Err(Usage("the two passphrases differ".to_owned()).into()) }
        }
    }
}

/// The first line, without its end.
fn line(mut text: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn from_file(content: &str, mode: u32, purpose: Purpose<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        PassphraseOptions { passphrase_file: Some(path), passphrase_stdin: false }.read(purpose)
    }

    #[test]
    fn a_file_holds_the_passphrase_in_its_first_line() {
        let open = Purpose::Open(Path::new("k"));
        for content in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nmore\n"] {
            assert_eq!(from_file(content, 0o600, open).unwrap().as_slice(), b"correct horse");
        }
        assert!(from_file("correct horse", 0o644, open).is_err());
    }

    #[test]
    fn a_new_passphrase_must_not_be_short() {
        let create = Purpose::Create(Path::new("k"));
        assert!(from_file("12345678", 0o600, create).is_ok());
        assert!(from_file("1234567", 0o600, create).unwrap_err().is::<Usage>());
        assert!(from_file("", 0o600, Purpose::Open(Path::new("k"))).is_ok());
    }
}
