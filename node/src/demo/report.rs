//! What the demo tells at its end.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde::Serialize;
use weft_aggregator::JobKind;
use weft_api::{BatchView, Finality, Proofs, TransactionKindName, TransactionView};
use weft_prover::Cost;

use super::Scene;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether everything went well; a report exists only then.
    pub ok: bool,
    /// Times.
    pub seconds: Seconds,
    /// The batches.
    pub batches: Vec<BatchReport>,
    /// What became of each transaction.
    pub receipts: Vec<ReceiptReport>,
    /// Where the provers' time went.
    pub stages: Vec<StageReport>,
    /// What the proofs were.
    pub proofs: Proofs,
}

/// Times in seconds. Those after `start` count from the first deposit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Seconds {
    /// Deployment and start of the node.
    pub start: f64,
    /// Until all deposits were executed.
    pub deposits: f64,
    /// Until all transactions were executed.
    pub executed: f64,
    /// Until each batch was verified by the contract.
    pub verified: Vec<f64>,
    /// Until the withdrawals were paid.
    pub deposit_to_withdrawal: f64,
    /// The whole command.
    pub total: f64,
}

/// A batch.
#[derive(Clone, Debug, Serialize)]
pub struct BatchReport {
    /// Its number.
    pub number: u32,
    /// State root after it.
    pub root: String,
    /// Slots without padding.
    pub slots: u32,
    /// Segments.
    pub segments: u32,
    /// Processor time of its proofs.
    pub cpu_seconds: f64,
    /// What it cost on L1.
    pub l1: L1Report,
}

/// What a batch cost on L1.
#[derive(Clone, Debug, Serialize)]
pub struct L1Report {
    /// Gas of the data.
    pub commit_gas: u64,
    /// Gas of the proof.
    pub prove_gas: u64,
    /// Bytes of calldata of both transactions.
    pub data_bytes: u64,
}

/// A transaction.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptReport {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: TransactionKindName,
    /// Its last step.
    pub status: Finality,
    /// Its batch.
    pub batch: Option<u32>,
    /// Its slot.
    pub slot: Option<u32>,
}

/// A kind of job.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// What the jobs did.
    pub stage: &'static str,
    /// How many there were.
    pub jobs: u32,
    /// Their times from start to end, added up; jobs run beside each other.
    pub wall_seconds: f64,
    /// Their processor time.
    pub cpu_seconds: f64,
}

impl Report {
    /// Asks the node for what there is to tell.
    ///
    /// # Errors
    /// The node does not answer, or a transaction is not where it must be.
    pub async fn new(scene: &Scene, batches: Vec<BatchView>, seconds: Seconds) -> Result<Self> {
        let mut receipts = Vec::new();
        for id in scene.sent() {
            receipts.push(receipt(&scene.client().transaction(id).await?)?);
        }
        let mut stages: BTreeMap<JobKind, (u32, Cost)> = BTreeMap::new();
        for batch in &batches {
            for job in scene.node().costs(batch.number).await? {
                let (jobs, cost) = stages.entry(job.kind).or_default();
                *jobs += 1;
                *cost += job.cost();
            }
        }
        let stages = stages.into_iter().map(|(kind, (jobs, cost))| StageReport {
            stage: kind.name(),
            jobs,
            wall_seconds: cost.wall.as_secs_f64(),
            cpu_seconds: cost.cpu.as_secs_f64(),
        });
        Ok(Self {
            ok: true,
            seconds,
            batches: batches.iter().map(batch_report).collect::<Result<_>>()?,
            receipts,
            stages: stages.collect(),
            proofs: Proofs::Real,
        })
    }

    /// The report for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |args: std::fmt::Arguments<'_>| {
            writeln!(text, "{args}").expect("a text takes all that is written");
        };
        line(format_args!("\nbatch  slots  segments  CPU s  commit gas  prove gas  calldata bytes"));
        for BatchReport { number, slots, segments, cpu_seconds, l1, .. } in &self.batches {
            let L1Report { commit_gas, prove_gas, data_bytes } = l1;
            line(format_args!(
                "{number:>5}  {slots:>5}  {segments:>8}  {cpu_seconds:>5.1}  {commit_gas:>10}  {prove_gas:>9}  {data_bytes:>14}"
            ));
        }
        line(format_args!("\nstage      jobs   wall s    CPU s"));
        for StageReport { stage, jobs, wall_seconds, cpu_seconds } in &self.stages {
            line(format_args!("{stage:<9}  {jobs:>4}  {wall_seconds:>7.1}  {cpu_seconds:>7.1}"));
        }
        let Seconds { deposit_to_withdrawal, total, .. } = self.seconds;
        line(format_args!(
            "\nfirst deposit to paid withdrawal: {deposit_to_withdrawal:.1} s; everything: {total:.1} s"
        ));
        text
    }
}

fn receipt(view: &TransactionView) -> Result<ReceiptReport> {
    let expected = match view.transaction.kind {
        TransactionKindName::Transfer => Finality::Verified,
        TransactionKindName::Withdraw => Finality::Withdrawable,
    };
    anyhow::ensure!(view.status == expected, "transaction {} is {} instead of {expected}", view.id, view.status);
    Ok(ReceiptReport {
        id: view.id.to_string(),
        kind: view.transaction.kind,
        status: view.status,
        batch: view.batch,
        slot: view.slot,
    })
}

fn batch_report(batch: &BatchView) -> Result<BatchReport> {
    let commit = batch.l1.commit.context("a verified batch was posted")?;
    let prove = batch.l1.prove.context("a verified batch was proven on L1")?;
    Ok(BatchReport {
        number: batch.number,
        root: batch.root.to_string(),
        slots: batch.slots,
        segments: batch.segments,
        cpu_seconds: batch.cpu_seconds.context("a verified batch was proved")?,
        l1: L1Report { commit_gas: commit.gas, prove_gas: prove.gas, data_bytes: commit.data_bytes + prove.data_bytes },
    })
}
