//! `weft workers`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use weft_aggregator::gateway::{HttpTransport, Readmitted, Retried};
use weft_api::{JobView, WorkerState, WorkerView, WorkersView};

use super::Context;
use super::exit::{Exit, Usage};
use super::options::ApiOptions;
use super::output::{row, table};

const EXAMPLES: &str = "\
Examples:
  weft workers
  weft workers --json | jq '.quarantined[].reason'
  weft workers retry 17 --operator-token-file operator-token
A job in quarantine has used up its tries; its reason stands beside it.";

const RETRY_EXAMPLES: &str = "\
Example:
  weft workers retry 17 --api http://10.0.0.1:7100 --operator-token-file operator-token
The node reads the same token from the file that its setting provers.operator_token_file names.";

const READMIT_EXAMPLES: &str = "\
Example:
  weft workers readmit attic --api http://10.0.0.1:7100 --operator-token-file operator-token
The node reads the same token from the file that its setting provers.operator_token_file names.";

/// Arguments of `weft workers`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct WorkersArgs {
    #[command(flatten)]
    api: ApiOptions,
    #[command(subcommand)]
    order: Option<Order>,
}

/// What an operator can do.
#[derive(Debug, Subcommand)]
enum Order {
    /// Has the jobs of a batch that are in quarantine tried again, with fresh budgets.
    #[command(after_help = RETRY_EXAMPLES)]
    Retry {
        /// Number of the batch.
        batch: u32,
        #[command(flatten)]
        operator: OperatorOptions,
    },
    /// Lets a worker have jobs again that is suspended or set aside, and forgets what it did.
    #[command(after_help = READMIT_EXAMPLES)]
    Readmit {
        /// Name of the worker.
        worker: String,
        #[command(flatten)]
        operator: OperatorOptions,
    },
}

/// Which node, and what lets one give it orders.
#[derive(Debug, Args)]
struct OperatorOptions {
    #[command(flatten)]
    api: ApiOptions,
    /// File with the token of operators; its mode must be 0600.
    #[arg(long, env = "WEFT_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    operator_token_file: PathBuf,
}

impl OperatorOptions {
    fn client(&self, context: &Context) -> Result<HttpTransport> {
        let url = self.api.required(&context.profile)?;
        let token = super::node::token(&self.operator_token_file)?;
        let token = token.ok_or_else(|| Usage("--operator-token-file names no file".to_owned()))?;
        Ok(HttpTransport::new(url.as_str(), token)?)
    }
}

pub(super) async fn run(args: &WorkersArgs, context: &Context) -> Result<Exit> {
    match &args.order {
        None => {
            let view = args.api.client(&context.profile)?.workers().await?;
            context.output.result(&json!(view), || text(&view));
        }
        Some(Order::Retry { batch, operator }) => {
            let retried = operator.client(context)?.retry_batch(*batch).await?;
            let Retried { batch, retried: count } = retried;
            context.output.result(&json!(retried), || format!("{count} jobs of batch {batch} are tried again"));
        }
        Some(Order::Readmit { worker, operator }) => {
            let readmitted = operator.client(context)?.readmit(worker).await?;
            context.output.result(&json!(readmitted), || readmitted_text(&readmitted));
        }
    }
    Ok(Exit::Done)
}

fn readmitted_text(Readmitted { worker, was_suspended }: &Readmitted) -> String {
    if *was_suspended {
        format!("worker {worker} may have jobs again: start it if it has ended")
    } else {
        format!("worker {worker} was neither suspended nor set aside")
    }
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
        WorkerState::SetAside => "set aside",
        WorkerState::Suspended => "suspended",
        WorkerState::Lost => "lost",
    }
}
