//! The whole road with real parts: one node, one set of circuits, one L1 for all that is asked of them. Once on the
//! embedded L1, once on anvil.
//!
//! Few tests, because each process loads the circuits, and each batch costs a minute of proving.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends with what it does not expect")]

mod bad_input;
mod l1;
mod offline;
mod receipts;
mod replay;
mod rules;

use std::sync::Arc;

use weft_node::circuits;
use weft_node::demo::{Console, Scene, play};
use weft_node::devnet::{Devnet, OPERATOR};
use weft_prover::CircuitSet;
use weft_tests::Anvil;

fn load_circuits() -> Arc<CircuitSet> {
    let cache = std::env::var_os("WEFT_CIRCUIT_CACHE").map(Into::into).or_else(circuits::default_cache);
    Arc::new(circuits::load(cache.as_deref()))
}

/// Size and identity of the circuits are those in the committed file, which `cargo xtask codegen` writes.
fn circuits_are_the_recorded_ones(circuits: &CircuitSet) {
    let recorded = include_str!("../../../circuits/digests.txt").lines().filter(|line| !line.starts_with('#'));
    assert!(recorded.eq(circuits.summaries().iter().map(ToString::to_string)), "{:#?}", circuits.summaries());
}

async fn the_road(net: Devnet) {
    rules::are_those_of_the_fork(&net.provider(OPERATOR)).await;
    let circuits = tokio::task::spawn_blocking(load_circuits).await.unwrap();
    circuits_are_the_recorded_ones(&circuits);
    let mut scene = Scene::on(net, Arc::clone(&circuits)).await.unwrap();

    bad_input::is_refused_and_changes_nothing_before_there_are_accounts(&scene).await;
    let report = play(&mut scene, &Console::stderr(), &circuits).await.unwrap();
    assert!(report.ok);
    assert_eq!(report.batches.len(), 2);
    assert!(report.batches.iter().all(|batch| batch.segments >= 2), "several segments in each batch");
    assert!(report.batches.iter().all(|batch| batch.l1.prove_gas <= l1::prove_gas_max()), "{:?}", report.batches);

    bad_input::is_refused_and_changes_nothing(&mut scene).await;
    offline::every_class_of_field_is_checked(&scene, &circuits).await;
    receipts::every_field_is_checked(&scene, &circuits).await;
    l1::refuses_proofs_that_are_not_the_batch_s(&scene, &circuits).await;
    l1::refuses_second_claims_strangers_and_repetitions(&scene).await;
    let data = scene.stop().await.unwrap();
    tokio::task::spawn_blocking(move || replay::comes_out_as_stored(data.path(), &circuits)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_road_from_a_deposit_to_a_paid_withdrawal_and_everything_that_is_refused_on_it() {
    the_road(Devnet::start().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_road_on_anvil() {
    let anvil = Anvil::start().await.unwrap();
    the_road(Devnet::remote(anvil.url(), None).await.unwrap()).await;
}
