//! `weft keygen`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::Exit;
use super::passphrase::{PassphraseOptions, Purpose};
use crate::keystore::{KdfCost, KeyBytes, KeyKind, Keystore, KeystoreError};

const EXAMPLES: &str = "\
Examples:
  weft keygen alice.json
  weft keygen operator.json --kind l1 --passphrase-file secret.txt
  printf %s \"$SECRET\" | weft keygen bot.json --passphrase-stdin --json";

/// Arguments of `weft keygen`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct KeygenArgs {
    /// The new file; one that exists is never overwritten.
    file: PathBuf,
    /// What the key is for.
    #[arg(long, value_enum, default_value_t = KeyKind::Rollup)]
    kind: KeyKind,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

pub(super) fn run(args: &KeygenArgs, context: &Context) -> Result<Exit> {
    let KeygenArgs { file, kind, passphrase } = args;
    // Told before the passphrase is asked for; the file is created only if it is still absent then.
    if file.exists() {
        return Err(KeystoreError::Exists { path: file.clone() }.into());
    }
    let passphrase = passphrase.read(Purpose::Create(file))?;
    let keystore = new_key(*kind, &passphrase)?;
    keystore.create(file)?;
    let public = keystore.public().to_string();
    let path = file.display().to_string();
    context.output.result(&json!({ "file": path, "kind": kind, "public": public }), || {
        let what = match kind {
            KeyKind::Rollup => "key digest",
            KeyKind::L1 => "L1 address",
        };
        format!("{what} {public}\nsealed in  {path}; without file and passphrase nobody can bring it back")
    });
    Ok(Exit::Done)
}

/// A key out of the randomness of the operating system. Nearly all 32 bytes are a key of either kind.
fn new_key(kind: KeyKind, passphrase: &[u8]) -> Result<Keystore, KeystoreError> {
    loop {
        let mut key = KeyBytes::default();
        getrandom::fill(key.as_mut_slice())?;
        match Keystore::seal(kind, &key, passphrase, KdfCost::DEFAULT) {
            Err(KeystoreError::NoKey { .. }) => {}
            sealed => return sealed,
        }
    }
}
