//! Processes that are killed in whatever they do. After it, everything that was acknowledged is verified once.

use std::fs;
use std::time::Duration;

use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use anyhow::Result;
use weft_api::{Finality, TransactionView};
use weft_contract::bindings::IRollup::{BatchCommitted, BatchProven};
use weft_node::clock;
use weft_node::demo::Payment;
use weft_node::devnet::OPERATOR;
use weft_protocol::{AssetId, TransactionKind};

use crate::audit;
use crate::load::{Acknowledged, Load};
use crate::stage::{Provers, Stage, USERS};

/// Transfers of each user: with the deposits one small segment.
const EACH: u32 = 5;
/// Time in which all transfers of a test come: they make one batch.
const ONE_BATCH: Duration = Duration::from_secs(6);

/// Sends all transfers; they are executed and not yet sealed.
async fn send_all(stage: &Stage) -> Vec<Acknowledged> {
    let acknowledged = Load::begin(stage, EACH).await.unwrap().end().await.unwrap();
    for Acknowledged { id, .. } in &acknowledged {
        assert_eq!(stage.client.transaction(id).await.unwrap().status, Finality::Executed);
    }
    acknowledged
}

/// Events of the contract so far.
async fn logs(stage: &Stage, event: B256) -> Result<usize> {
    let filter = Filter::new().address(stage.net.rollup).event_signature(event).from_block(0);
    Ok(stage.net.provider(OPERATOR).get_logs(&filter).await?.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_accepts_goes_on() {
    let mut stage = Stage::set(ONE_BATCH, Provers::InTheNode).await.unwrap();
    let load = Load::begin(&stage, EACH).await.unwrap();
    load.until_acknowledged(USERS * EACH / 2).await;
    stage.kill_node().unwrap();
    stage.start_node().await.unwrap();
    let acknowledged = load.end().await.unwrap();
    assert_eq!(acknowledged.len(), usize::try_from(USERS * EACH).unwrap());
    audit::check(&mut stage, &acknowledged).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_executes_goes_on() {
    let mut stage = Stage::set(ONE_BATCH, Provers::InTheNode).await.unwrap();
    let acknowledged = send_all(&stage).await;
    assert_eq!(stage.client.status().await.unwrap().last_sealed, 0, "the batch is open");
    stage.kill_node().unwrap();
    stage.start_node().await.unwrap();
    audit::check(&mut stage, &acknowledged).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_proves_goes_on_and_keeps_what_is_proved() {
    let mut stage = Stage::set(ONE_BATCH, Provers::InTheNode).await.unwrap();
    let acknowledged = send_all(&stage).await;
    let proving = stage.until("some jobs are done and one is under way", async |stage| {
        let (done, leased) = (stage.jobs("done").await?, stage.jobs("leased").await?);
        Ok((!done.is_empty() && !leased.is_empty()).then_some(done))
    });
    let done = proving.await.unwrap();
    stage.kill_node().unwrap();
    stage.start_node().await.unwrap();
    let after = stage.jobs("done").await.unwrap();
    for job in done {
        let kept = after.iter().find(|other| other["id"] == job["id"]).expect("what is proved stays proved");
        assert_eq!(kept["done_at"], job["done_at"]);
    }
    audit::check(&mut stage, &acknowledged).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_posts_goes_on() {
    let mut stage = Stage::set(ONE_BATCH, Provers::InTheNode).await.unwrap();
    let acknowledged = send_all(&stage).await;
    let committed = stage.until("the data are on L1", async |stage| {
        Ok((logs(stage, BatchCommitted::SIGNATURE_HASH).await? > 0).then_some(()))
    });
    committed.await.unwrap();
    stage.kill_node().unwrap();
    assert_eq!(logs(&stage, BatchProven::SIGNATURE_HASH).await.unwrap(), 0, "the data are on L1, the proof is not");
    stage.start_node().await.unwrap();
    audit::check(&mut stage, &acknowledged).await.unwrap();
    assert_eq!(logs(&stage, BatchCommitted::SIGNATURE_HASH).await.unwrap(), 1, "what is on L1 is not posted again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_the_only_worker_that_is_killed_is_done_by_the_next() {
    let mut stage = Stage::set(ONE_BATCH, Provers::External).await.unwrap();
    let acknowledged = send_all(&stage).await;
    let first = stage.start_worker("first").unwrap();
    let leased = stage.until("the worker has a job", async |stage| Ok(stage.jobs("leased").await?.pop()));
    let job = leased.await.unwrap();
    assert_eq!(job["worker"], "first");
    first.kill().unwrap();
    let _second = stage.start_worker("second").unwrap();
    audit::check(&mut stage, &acknowledged).await.unwrap();
}

/// Waits until the batch is sealed; nobody proves it.
async fn until_sealed(stage: &mut Stage) {
    let sealed = stage
        .until("the batch is sealed", async |stage| Ok((stage.client.status().await?.last_sealed > 0).then_some(())));
    sealed.await.unwrap();
}

/// The next transfer of the first user, valid for an hour.
async fn send_short_lived(stage: &Stage) -> TransactionView {
    let deployment = stage.client.status().await.unwrap().deployment;
    let (mut user, recipient) = (stage.users[0].clone(), &stage.users[1]);
    user.nonce = EACH;
    let payment = Payment {
        kind: TransactionKind::Transfer { to: recipient.index },
        named_address: recipient.owner,
        asset: AssetId::ETH,
        amount: 77,
        fee: 0,
    };
    let signed = user.sign(&payment, &deployment.domain, clock::now_seconds()).unwrap();
    stage.client.submit(signed, &deployment).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_could_not_post_for_a_day_goes_into_a_new_batch() {
    let mut stage = Stage::set(ONE_BATCH, Provers::External).await.unwrap();
    let acknowledged = send_all(&stage).await;
    let short = send_short_lived(&stage).await;
    assert_eq!(short.status, Finality::Executed);
    until_sealed(&mut stage).await;
    let old = stage.client.batch(1).await.unwrap();
    stage.kill_node().unwrap();
    stage.chain.advance_time(25 * 3_600).unwrap();
    stage.start_node().await.unwrap();
    let expired = stage.until("the short-lived transfer has ended", async |stage| {
        Ok(Some(stage.client.transaction(&short.id).await?).filter(|view| view.status.is_void()))
    });
    let expired = expired.await.unwrap();
    assert_eq!(expired.status, Finality::Expired);
    assert_eq!(expired.returned.expect("it says why").reason, "its data were not on L1 within 24 hours");
    let steps: Vec<_> = expired.steps.iter().map(|step| step.step).collect();
    let back = [Finality::Accepted, Finality::Executed, Finality::Sealed, Finality::Accepted, Finality::Expired];
    assert_eq!(steps, back);
    let _worker = stage.start_worker("late").unwrap();
    audit::check(&mut stage, &acknowledged).await.unwrap();
    let new = stage.client.batch(1).await.unwrap();
    assert!(new.timestamp.unix_ms() >= old.timestamp.unix_ms() + 24 * 3_600_000, "{old:?} {new:?}");
    for Acknowledged { id, .. } in &acknowledged {
        let returned = stage.client.transaction(id).await.unwrap().returned.expect("its first batch was taken back");
        assert_eq!(returned.batch, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_blobs_that_were_lost_are_made_again() {
    let mut stage = Stage::set(ONE_BATCH, Provers::External).await.unwrap();
    let acknowledged = send_all(&stage).await;
    until_sealed(&mut stage).await;
    for folder in ["jobs", "blobs"] {
        stage.kill_node().unwrap();
        fs::remove_dir_all(stage.kept(folder)).unwrap();
        stage.start_node().await.unwrap();
        assert!(!stage.jobs("ready").await.unwrap().is_empty(), "there is work again after {folder} were lost");
    }
    let _worker = stage.start_worker("late").unwrap();
    audit::check(&mut stage, &acknowledged).await.unwrap();
}
