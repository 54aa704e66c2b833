//! `weft tx`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use weft_protocol::crypto::Digest;

use super::exit::Exit;
use super::options::ApiOptions;
use super::wait::{self, WaitOptions};
use super::{Context, transaction_text};

const EXAMPLES: &str = "\
Examples:
  weft tx 0x5f0c…e1
  weft tx 0x5f0c…e1 --wait verified --receipt receipt.json
  weft verify receipt.json --l1 http://127.0.0.1:8545";

/// Arguments of `weft tx`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TxArgs {
    /// Id of the transaction.
    id: Digest,
    /// Keep its receipt in this file, for `weft verify`. There is one as soon as L1 has verified the batch.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    wait: WaitOptions,
}

pub(super) async fn run(args: &TxArgs, context: &Context) -> Result<Exit> {
    let client = args.api.client(&context.profile)?;
    let view = wait::transaction(&client, &args.id, &args.wait, context.output).await?;
    if let Some(path) = &args.receipt {
        let receipt = client.receipt(&args.id).await?;
        std::fs::write(path, receipt).with_context(|| format!("cannot write {}", path.display()))?;
    }
    context.output.result(&json!(view), || transaction_text(&view));
    Ok(Exit::Done)
}
