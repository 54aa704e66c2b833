//! `weft replay`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use weft_prover::CircuitSizes;

use super::Context;
use super::exit::Exit;
use super::output::line;
use crate::circuits;
use crate::replay::{Hashing, Listener, Mode, News, Outcome, Replay};

const EXAMPLES: &str = "\
Examples:
  weft replay 12 --data-dir chain/node
  weft replay 12 --data-dir chain/node --no-proof
  weft replay 12 --data-dir chain/node --threads 2 --hashing packed --json
The node must not run. Nothing in its folder is changed.
Exit code 0: every run came out like the others and like what is stored; 1: something differs, which is named.";

/// Arguments of `weft replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArgs {
    /// Number of the batch.
    batch: u32,
    /// The node's data folder; of `weft dev`, the folder `node` in its own.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Execute, and prove nothing.
    #[arg(long)]
    no_proof: bool,
    /// Numbers of threads, one run for each.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values = ["1", "2"])]
    threads: Vec<NonZeroUsize>,
    /// Ways of hashing, one run for each.
    #[arg(long, value_name = "WAY,…", value_delimiter = ',', value_enum, default_values = ["packed", "scalar"])]
    hashing: Vec<Hashing>,
}

/// A run, what it came to and how long it took.
type Run = (Mode, Outcome, Duration);

pub(super) fn run(args: &ReplayArgs, context: &Context) -> Result<Exit> {
    let replay = Replay::open(&args.data_dir, args.batch, CircuitSizes::PRODUCTION)?;
    let stored = replay.stored()?;
    let circuits = (!args.no_proof).then(|| Arc::new(circuits::load(context.circuit_cache.as_deref())));
    let output = context.output;
    let news: Listener = Arc::new(move |news| match news {
        News::Executed(entries, total) => output.note(&format!("  {entries} of {total} entries of the log executed")),
        News::Proved(job) => output.note(&format!("  {job} proved")),
    });
    let modes =
        args.hashing.iter().flat_map(|&hashing| args.threads.iter().map(move |&threads| Mode { threads, hashing }));
    let mut runs: Vec<Run> = Vec::new();
    let mut difference = None;
    for mode in modes {
        output.note(&format!("batch {}, {}", args.batch, name(mode)));
        let started = Instant::now();
        let outcome = replay.run(mode, circuits.as_ref(), &news)?;
        difference = differs(&stored, &runs, (mode, &outcome));
        runs.push((mode, outcome, started.elapsed()));
        if difference.is_some() {
            break;
        }
    }
    if output.is_json() {
        line(&object(args.batch, &stored, &runs, difference.as_deref()).to_string());
    } else {
        line(text(args.batch, &stored, &runs, difference.as_deref()).trim_end());
    }
    Ok(if difference.is_none() { Exit::Done } else { Exit::Failed })
}

/// What is the first to differ from what is stored, or from the first run.
fn differs(stored: &Outcome, runs: &[Run], (mode, outcome): (Mode, &Outcome)) -> Option<String> {
    let from_stored = stored.difference(outcome).map(|part| format!("{part}: not as stored, {}", name(mode)));
    from_stored.or_else(|| {
        let (first, expected, _) = runs.first()?;
        let part = expected.difference(outcome)?;
        Some(format!("{part}: other {} than {}", name(mode), name(*first)))
    })
}

fn name(Mode { threads, hashing }: Mode) -> String {
    let threads = if threads == NonZeroUsize::MIN { "1 thread".to_owned() } else { format!("{threads} threads") };
    match hashing {
        Hashing::Packed => format!("on {threads}, packed"),
        Hashing::Scalar => format!("on {threads}, scalar"),
    }
}

fn object(batch: u32, stored: &Outcome, runs: &[Run], difference: Option<&str>) -> Value {
    let runs: Vec<_> = runs
        .iter()
        .map(|(mode, outcome, wall)| json!({ "mode": mode, "outcome": outcome, "seconds": wall.as_secs_f64() }))
        .collect();
    json!({ "batch": batch, "equal": difference.is_none(), "difference": difference, "stored": stored, "runs": runs })
}

fn text(batch: u32, stored: &Outcome, runs: &[Run], difference: Option<&str>) -> String {
    let mut text = String::new();
    for (mode, outcome, wall) in runs {
        text += &format!("{}: {:.1} s\n", name(*mode), wall.as_secs_f64());
        let Outcome { root, statement, witness, proofs, wrapped } = outcome;
        for (part, value, kept) in [
            ("state root", root, &stored.root),
            ("statement", statement, &stored.statement),
            ("witness", witness, &stored.witness),
            ("wrapped proof", wrapped, &stored.wrapped),
        ] {
            let Some(value) = value else { continue };
            let note = match kept {
                Some(kept) if kept == value => ", as stored",
                Some(_) => ", not as stored",
                None => "",
            };
            text += &format!("  {part:13} {value}{note}\n");
        }
        if !proofs.is_empty() {
            text += &format!("  {:13} {} jobs\n", "proofs of", proofs.len());
        }
    }
    match difference {
        None => text += &format!("batch {batch}: equal in {} runs\n", runs.len()),
        Some(difference) => text += &format!("batch {batch} differs: {difference}\n"),
    }
    text
}
