//! `weft doctor`: is this machine, and what it is to speak to, fit for a node or a worker?

mod machine;
mod peers;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Context;
use super::exit::Exit;
use super::options::{ApiOptions, L1Options};
use super::output::{row, table};

const EXAMPLES: &str = "\
Examples:
  weft doctor
  weft doctor --data-dir /var/lib/weft --l1 http://127.0.0.1:8545
  weft doctor --api http://127.0.0.1:8080 --json
Exit code 1 if something fails; warnings are no failures.";

/// Arguments of `weft doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// Folder for the data of a node, whose disk is looked at.
    #[arg(long, value_name = "DIR", default_value = ".")]
    data_dir: PathBuf,
    /// Chain id that L1 must have.
    #[arg(long, value_name = "N")]
    chain_id: Option<u64>,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    l1: L1Options,
}

/// What was found of one thing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Finding {
    /// What was looked at.
    check: &'static str,
    /// How it is.
    level: Level,
    /// What was found.
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

/// How something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// As it should be.
    Ok,
    /// It works, but not well.
    Warn,
    /// It does not work.
    Fail,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), advice: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, advice: &'static str) -> Self {
        Self { check, level: Level::Warn, found: found.into(), advice: Some(advice) }
    }

    fn fail(check: &'static str, found: impl Into<String>, advice: &'static str) -> Self {
        Self { check, level: Level::Fail, found: found.into(), advice: Some(advice) }
    }
}

pub(super) fn run(args: &DoctorArgs, context: &Context) -> Result<Exit> {
    let mut findings = vec![
        machine::build(),
        machine::processor(),
        machine::memory(),
        machine::disk_space(&args.data_dir),
        machine::disk_sync(&args.data_dir),
        machine::circuits(context.circuit_cache.as_deref()),
    ];
    let l1 = args.l1.reader(&context.profile)?;
    let client = args.api.named_client(&context.profile)?;
    findings.extend(super::block_on(async {
        let mut findings = peers::l1(l1.as_ref(), args.chain_id).await;
        findings.extend(peers::node(client.as_ref(), l1.as_ref()).await);
        Ok(findings)
    })?);
    context.output.result(&findings, || text(&findings));
    let worst = findings.iter().map(|finding| finding.level).max();
    Ok(if worst == Some(Level::Fail) { Exit::Failed } else { Exit::Done })
}

fn text(findings: &[Finding]) -> String {
    let mut rows = Vec::new();
    for Finding { check, level, found, advice } in findings {
        let word = match level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        rows.push(row![word, check, found]);
        if let Some(advice) = advice {
            rows.push(row!["", "", format!("→ {advice}")]);
        }
    }
    table(&rows)
}
