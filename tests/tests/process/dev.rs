//! `weft dev` with a folder goes on after it was killed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;
use weft_api::StatusView;
use weft_node::client::Client;
use weft_tests::Weft;

use crate::stage::PROGRAM;

/// Longest time until it serves.
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// Starts it, and waits until it says where it is.
async fn start(folder: &Path) -> (Weft, Value) {
    let endpoints = folder.join("endpoints.json");
    let _ = fs::remove_file(&endpoints);
    let arguments = ["dev", "--data-dir", folder.to_str().unwrap(), "--json"];
    let mut weft = Weft::start(Path::new(PROGRAM), &arguments, &folder.join("dev.log")).unwrap();
    let began = Instant::now();
    loop {
        if let Ok(text) = fs::read(&endpoints)
            && let Ok(endpoints) = serde_json::from_slice(&text)
        {
            return (weft, endpoints);
        }
        assert!(weft.is_running().unwrap() && began.elapsed() < START_TIME_MAX, "{}", weft.log_tail());
        sleep(Duration::from_millis(20)).await;
    }
}

/// The node as a whole, once the account of fees owns both assets in which fees are paid.
async fn settled(endpoints: &Value) -> StatusView {
    let client = Client::new(endpoints["api"].as_str().unwrap());
    let began = Instant::now();
    // The account may not be open yet.
    while client.account(0).await.map_or(0, |account| account.balances.len()) < 2 {
        assert!(began.elapsed() < START_TIME_MAX, "the deposits are not executed");
        sleep(Duration::from_millis(20)).await;
    }
    client.status().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_chain_in_a_folder_goes_on() {
    let folder = TempDir::new().unwrap();
    let (weft, first) = start(folder.path()).await;
    let before = settled(&first).await;
    weft.kill().unwrap();
    let (_weft, second) = start(folder.path()).await;
    for what in ["contract", "token", "domain", "chain_id"] {
        assert_eq!(first[what], second[what], "nothing is deployed twice");
    }
    let after = settled(&second).await;
    assert_eq!(after.deployment, before.deployment);
    assert_eq!(after.root, before.root, "nothing is paid in twice");
    assert!(after.l1_head >= before.l1_head);
}
