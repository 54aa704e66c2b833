//! `weft batch`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, value_parser};
use serde_json::json;
use weft_api::{BatchView, Finality};

use super::Context;
use super::exit::Exit;
use super::options::ApiOptions;
use super::output::{Output, row, table};
use super::wait::WaitOptions;
use crate::client::{Answer, Client};
use crate::watch::{Screen, watch_batch};

const EXAMPLES: &str = "\
Examples:
  weft batch
  weft batch latest --watch
  weft batch 12 --wait verified --proof batch-12.json
  weft batch --list 20 --json";

/// Arguments of `weft batch`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BatchArgs {
    /// Its number, or latest, proven, verified.
    #[arg(default_value = "latest")]
    batch: Which,
    /// Draw its proof as it grows, until the contract has verified it.
    #[arg(long, conflicts_with = "list")]
    watch: bool,
    /// List the last batches instead, so many.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), conflicts_with_all = ["wait", "proof"])]
    list: Option<u32>,
    /// Keep its proof in this file, for `weft verify`.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    wait: WaitOptions,
}

/// How somebody names a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Which(String);

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = ["latest", "proven", "verified"].contains(&text);
        if is_word || text.parse::<u32>().is_ok_and(|number| number > 0) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} names no batch: a number from 1 on, or latest, proven, verified"))
    }
}

pub(super) async fn run(args: &BatchArgs, context: &Context) -> Result<Exit> {
    let client = args.api.client(&context.profile)?;
    if let Some(limit) = args.list {
        let batches = client.batches(limit).await?;
        context.output.result(&batches, || listing(&batches));
        return Ok(Exit::Done);
    }
    let mut batch = client.batch(&args.batch.0).await?;
    let number = batch.number;
    if args.watch {
        let until = args.wait.milestone().map_or(Finality::Verified, super::wait::Milestone::step);
        let screen = if context.output == Output::Json { Screen::Nobody } else { Screen::stderr() };
        let watching = async { Ok(watch_batch(&client, number, until, &screen).await?) };
        args.wait.within(&format!("batch {number} is not {until}"), watching).await?;
    } else if let Some(milestone) = args.wait.milestone() {
        let what = format!("batch {number} is not {}", milestone.step());
        args.wait.within(&what, reach(&client, number, milestone.step())).await?;
    }
    if args.watch || args.wait.milestone().is_some() {
        batch = client.batch(number).await?;
    }
    if let Some(path) = &args.proof {
        let proof = client.proof(number).await?;
        std::fs::write(path, proof).with_context(|| format!("cannot write {}", path.display()))?;
    }
    context.output.result(&json!(batch), || text(&batch));
    Ok(Exit::Done)
}

/// Waits until a batch has reached a step; one that does not exist yet is waited for as well.
pub(super) async fn reach(client: &Client, number: u32, until: Finality) -> Result<()> {
    loop {
        if exists(client, number).await? {
            watch_batch(client, number, until, &Screen::Nobody).await?;
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

async fn exists(client: &Client, number: u32) -> Answer<bool> {
    match client.batch(number).await {
        Ok(_) => Ok(true),
        Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => Ok(false),
        Err(error) => Err(error),
    }
}

fn text(batch: &BatchView) -> String {
    let BatchView { number, status, slots, records, segments, withdrawals, root, .. } = batch;
    let mut rows = vec![row!["batch", number], row!["status", status]];
    rows.push(row![
        "content",
        format!("{slots} slots, {records} records, {segments} segments, {withdrawals} withdrawals")
    ]);
    rows.push(row!["root", root]);
    if let Some(progress) = batch.proving {
        rows.push(row!["segments", format!("{} of {} proved", progress.done, progress.total)]);
    }
    if let Some(seconds) = batch.cpu_seconds {
        rows.push(row!["CPU", format!("{seconds:.1} s")]);
    }
    for (name, transaction) in [("commit", batch.l1.commit), ("prove", batch.l1.prove)] {
        if let Some(transaction) = transaction {
            rows.push(row![
                name,
                format!("{} ({} gas, {} bytes)", transaction.hash, transaction.gas, transaction.data_bytes)
            ]);
        }
    }
    rows.extend(batch.steps.iter().map(|step| row![step.step, step.at]));
    table(&rows)
}

fn listing(batches: &[BatchView]) -> String {
    let mut rows = vec![row!["batch", "status", "slots", "segments", "withdrawals", "root"]];
    for batch in batches {
        rows.push(row![batch.number, batch.status, batch.slots, batch.segments, batch.withdrawals, batch.root]);
    }
    table(&rows)
}
