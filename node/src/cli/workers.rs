//! `weft workers`.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use weft_api::{JobView, WorkerState, WorkerView, WorkersView};

use super::Context;
use super::exit::Exit;
use super::options::ApiOptions;
use super::output::{row, table};

const EXAMPLES: &str = "\
Examples:
  weft workers
  weft workers --json | jq '.quarantined[].reason'
A job in quarantine has used up its tries; its reason stands beside it.";

/// Arguments of `weft workers`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct WorkersArgs {
    #[command(flatten)]
    api: ApiOptions,
}

pub(super) async fn run(args: &WorkersArgs, context: &Context) -> Result<Exit> {
    let view = args.api.client(&context.profile)?.workers().await?;
    context.output.result(&json!(view), || text(&view));
    Ok(Exit::Done)
}

fn text(view: &WorkersView) -> String {
    let mut rows =
        vec![row!["worker", "state", "job", "stage", "threads", "memory MiB", "done", "failed", "last failure"]];
    for worker in &view.workers {
        let WorkerView { name, cores, memory_mib, done, failed, job, stage, last_failure, .. } = worker;
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let state = state_name(worker.state);
        let (job, stage, failure) = (or_empty(job), or_empty(stage), or_empty(last_failure));
        rows.push(row![name, state, job, stage, cores, memory_mib, done, failed, failure]);
    }
    let mut text = if view.workers.is_empty() { "no workers are registered".to_owned() } else { table(&rows) };
    for JobView { batch, name, reason, .. } in &view.quarantined {
        let reason = reason.as_deref().unwrap_or("no reason is known");
        text += &format!("\nin quarantine: {name} of batch {batch}: {reason}");
    }
    text
}

const fn state_name(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Idle => "idle",
        WorkerState::Working => "working",
        WorkerState::Draining => "draining",
        WorkerState::Stuck => "stuck",
        WorkerState::Suspended => "suspended",
        WorkerState::Lost => "lost",
    }
}
