//! The whole road in one process: an embedded L1 with the real contracts, a node, users who know nothing but its REST API
//! and L1, and real proofs throughout.

mod console;
mod report;
mod scene;
mod users;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use weft_api::{BatchView, Finality};
use weft_prover::CircuitSet;

use crate::circuits;
use crate::client::{Client, ClientError};
use crate::devnet::OPERATOR;
use crate::receipt::Receipt;
use crate::verify;
use crate::watch::{Screen, watch_batch};

pub use console::Console;
pub use report::{Report, Seconds};
pub use scene::Scene;
pub use users::{Books, Payment, User};

/// Users of the demo.
pub const USERS: u32 = 8;
/// Transfers before the first batch is sealed, and again before the second.
pub const TRANSFERS_PER_BATCH: usize = 48;
/// How often it is looked whether the node has halted.
const STATUS_POLL: Duration = Duration::from_millis(500);

/// Runs the demo. Returns what there is to tell if the contract has verified every batch and the withdrawals were paid. The
/// files with the proofs and the receipt of a withdrawal go to `proofs`, if it is given.
///
/// # Errors
/// Anything did not happen as it must.
pub async fn run_demo(console: &Console, cache: Option<&Path>, proofs: Option<&Path>) -> Result<Report> {
    let begin = Instant::now();
    let cache = cache.map(Path::to_owned);
    let circuits = tokio::task::spawn_blocking(move || circuits::load(cache.as_deref()));
    let circuits = Arc::new(circuits.await.context("the circuits were not built")?);
    console.step("circuits ready", begin.elapsed());
    let mut scene = Scene::set(Arc::clone(&circuits)).await?;
    console.step("L1 with verifier, rollup and token; node and REST API", scene.since_last());
    let mut report = play(&mut scene, console, &circuits).await?;
    if let Some(folder) = proofs {
        save_proofs(&scene, folder).await?;
    }
    scene.stop().await?.close().context("the temporary folder cannot be deleted")?;
    report.seconds.total = begin.elapsed().as_secs_f64();
    Ok(report)
}

/// Plays everything from the first deposit on.
///
/// # Errors
/// Anything did not happen as it must.
pub async fn play(scene: &mut Scene, console: &Console, circuits: &CircuitSet) -> Result<Report> {
    let mut seconds = Seconds { start: scene.since_start(), ..Seconds::default() };
    let began = Instant::now();
    scene.deposit_all().await?;
    console.step(&format!("{USERS} users deposited ETH and the token on L1"), scene.since_last());
    seconds.deposits = began.elapsed().as_secs_f64();

    scene.transfer_many(TRANSFERS_PER_BATCH).await?;
    scene.node().seal().await?;
    console.step(&format!("{TRANSFERS_PER_BATCH} transfers executed, batch 1 sealed"), scene.since_last());

    scene.transfer_many(TRANSFERS_PER_BATCH).await?;
    scene.withdraw_two().await?;
    let first = scene.client().batch(1).await?;
    ensure!(first.status < Finality::Proven, "batch 1 was proven before batch 2 was executed: nothing ran beside it");
    scene.node().seal().await?;
    let what =
        format!("{TRANSFERS_PER_BATCH} transfers and 2 withdrawals executed while batch 1 is proved, batch 2 sealed");
    console.step(&what, scene.since_last());
    seconds.executed = began.elapsed().as_secs_f64();

    let mut batches = Vec::new();
    for number in [1, 2] {
        let batch = wait_until_verified(scene, number).await?;
        console.step(&format!("batch {number} proved, posted and verified by the contract"), scene.since_last());
        seconds.verified.push(began.elapsed().as_secs_f64());
        batches.push(batch);
    }
    scene.claim_all(2).await?;
    seconds.deposit_to_withdrawal = began.elapsed().as_secs_f64();
    console.step("withdrawals claimed by a stranger, paid to their owners", scene.since_last());
    scene.check_books(&batches[1]).await?;
    console.step("balances on L1 and in the rollup agree to the unit", scene.since_last());

    for batch in &batches {
        let bytes = scene.client().proof(batch.number).await?;
        let verified = verify::read(&bytes).and_then(|file| verify::verify(&file, circuits))?;
        ensure!(verified.root_after == batch.root.to_string(), "the proof is about another root");
    }
    console.step("both proofs downloaded and verified offline", scene.since_last());
    check_receipts(scene, circuits).await?;
    console.step("receipts of a transfer and of a withdrawal verified, offline and on L1", scene.since_last());
    Report::new(scene, batches, seconds).await
}

async fn save_proofs(scene: &Scene, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for number in [1, 2] {
        let path = folder.join(format!("batch-{number}.json"));
        let bytes = scene.client().proof(number).await?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let last = scene.sent().last().context("the demo has sent transactions")?;
    let path = folder.join("receipt.json");
    let bytes = scene.client().receipt(last).await?;
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// A transfer and a withdrawal, each with its receipt: checked offline, then against L1.
async fn check_receipts(scene: &Scene, circuits: &CircuitSet) -> Result<()> {
    for id in [scene.sent().first(), scene.sent().last()].into_iter().flatten() {
        let receipt = Receipt::from_bytes(&scene.client().receipt(id).await?)?;
        let verified = verify::verify_receipt(&receipt, circuits)?;
        ensure!(verified.id == id.to_string(), "the receipt of {id} is one of {}", verified.id);
        verify::verify_on_l1(&receipt.batch, Some(&receipt.l1), scene.net().provider(OPERATOR)).await?;
    }
    Ok(())
}

/// Waits for the contract, and shows what the provers do.
async fn wait_until_verified(scene: &Scene, number: u32) -> Result<BatchView> {
    let (client, screen) = (scene.client(), Screen::stderr());
    tokio::select! {
        watched = watch_batch(client, number, Finality::Verified, &screen) => {
            watched?;
        }
        halted = until_halted(client) => return Err(halted.into()),
    }
    Ok(client.batch(number).await?)
}

/// Returns when the node gives no status any more: it has halted.
async fn until_halted(client: &Client) -> ClientError {
    loop {
        if let Err(error) = client.status().await {
            return error;
        }
        tokio::time::sleep(STATUS_POLL).await;
    }
}
