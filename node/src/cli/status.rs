//! `weft status`.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use weft_api::{ReadyView, StatusView};

use super::Context;
use super::exit::Exit;
use super::options::ApiOptions;
use super::output::{row, table};

const EXAMPLES: &str = "\
Examples:
  weft status
  weft status --json | jq .status.bottleneck
Exit code 1 if the node answers but is not ready.";

/// Arguments of `weft status`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    api: ApiOptions,
}

pub(super) async fn run(args: &StatusArgs, context: &Context) -> Result<Exit> {
    let client = args.api.client(&context.profile)?;
    let ready = client.ready().await?;
    let status = client.status().await?;
    context.output.result(&json!({ "status": status, "ready": ready }), || text(&status, &ready));
    Ok(if ready.ready { Exit::Done } else { Exit::Failed })
}

fn text(status: &StatusView, ready: &ReadyView) -> String {
    let deployment = &status.deployment;
    let mut rows = vec![row!["rollup", format!("{} on chain {}", deployment.contract, deployment.chain_id)]];
    rows.push(row!["ready", if ready.ready { "yes" } else { "no" }]);
    for check in ready.checks.iter().filter(|check| !check.ok) {
        rows.push(row!["", format!("{}: {}", check.name, check.detail)]);
    }
    let StatusView { last_sealed, last_proven, last_verified, .. } = status;
    rows.push(row!["batches", format!("{last_sealed} sealed, {last_proven} proven, {last_verified} verified")]);
    rows.push(row!["root", status.root]);
    rows.push(row!["pool", format!("{} transactions wait", status.pending_transactions)]);
    let queue = &status.queue;
    let words = format!("{} entries, {} executed, {} verified", queue.next, queue.executed, queue.head);
    rows.push(row!["L1 queue", words]);
    rows.push(row!["L1 head", format!("block {}", status.l1_head)]);
    let jobs = &status.jobs;
    let words = format!(
        "{} leased, {} queued, {} wait for others, {} in quarantine",
        jobs.leased, jobs.ready, jobs.waiting, jobs.quarantined
    );
    rows.push(row!["jobs", words]);
    rows.push(row!["workers", status.workers]);
    rows.push(row!["bottleneck", status.bottleneck.reason]);
    table(&rows)
}
