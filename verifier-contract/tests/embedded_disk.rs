//! The embedded L1 that is kept on disk: what is there after its process has ended, in whatever way.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use serde_json::{Value, json};
use tempfile::TempDir;
use weft_contract::artifacts::Artifact;
use weft_contract::bindings::ITestToken::ITestTokenInstance;
use weft_contract::deploy::deploy;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, OpenError, dev_signer};

const RECIPIENT: Address = Address::repeat_byte(0x77);

fn open(folder: &Path) -> Result<EmbeddedChain, OpenError> {
    EmbeddedChain::open(&EmbeddedConfig::default(), folder)
}

fn file(folder: &Path) -> PathBuf {
    folder.join("chain.jsonl")
}

/// Sends a wei; returns when its block is answered for.
async fn send(chain: &EmbeddedChain) {
    let request = TransactionRequest::default().with_to(RECIPIENT).with_value(U256::ONE);
    let sent = chain.provider(dev_signer(0)).send_transaction(request).await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
}

fn height(chain: &EmbeddedChain) -> u64 {
    let height = chain.call("eth_blockNumber", Value::Null).unwrap();
    u64::from_str_radix(height.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// All blocks with their transactions, all logs, and the state that is looked at.
fn seen(chain: &EmbeddedChain, token: Address) -> Vec<Value> {
    let mut seen: Vec<_> = (0..=height(chain))
        .map(|number| chain.call("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).unwrap())
        .collect();
    seen.push(chain.call("eth_getLogs", json!([{ "fromBlock": "0x0" }])).unwrap());
    for address in [dev_signer(0).address(), dev_signer(1).address(), RECIPIENT, token] {
        for method in ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"] {
            seen.push(chain.call(method, json!([address])).unwrap());
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_opened_again_stands_where_it_stood() {
    let folder = TempDir::new().unwrap();
    let chain = open(folder.path()).unwrap();
    let provider = chain.provider(dev_signer(1));
    let address = deploy(&provider, Artifact::TEST_TOKEN.creation_code()).await.unwrap();
    let token = ITestTokenInstance::new(address, provider);
    token.mint(RECIPIENT, U256::from(3)).send().await.unwrap().get_receipt().await.unwrap();
    chain.advance_time(86_400).unwrap();
    // A transaction that fails is a block too: the token has no such function.
    let request = TransactionRequest::default().with_to(address).with_input([1; 4]).with_gas_limit(100_000);
    let fails = token.provider().send_transaction(request).await.unwrap();
    assert!(!fails.get_receipt().await.unwrap().status());
    send(&chain).await;
    let before = seen(&chain, address);
    drop((token, chain));

    let chain = open(folder.path()).unwrap();
    assert_eq!(seen(&chain, address), before);
    let token = ITestTokenInstance::new(address, chain.provider(dev_signer(1)));
    assert_eq!(token.balanceOf(RECIPIENT).call().await.unwrap(), U256::from(3));

    // It goes on: linked blocks, and the clock is as far ahead as it was.
    send(&chain).await;
    let blocks = seen(&chain, address);
    let last = usize::try_from(height(&chain)).unwrap();
    let (last, new) = (&before[last - 1], &blocks[last]);
    assert_eq!(new["parentHash"], last["hash"]);
    let time = |block: &Value| u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap();
    assert!(time(new) > time(last));
    assert!(time(new) >= time(&before[0]) + 86_400);
    drop((token, chain));
    assert_eq!(seen(&open(folder.path()).unwrap(), address), blocks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_half_written_is_dropped() {
    let folder = TempDir::new().unwrap();
    let chain = open(folder.path()).unwrap();
    send(&chain).await;
    send(&chain).await;
    drop(chain);
    let bytes = fs::read(file(folder.path())).unwrap();
    let ends: Vec<_> = (1..=bytes.len()).filter(|&end| bytes[end - 1] == b'\n').collect();
    assert_eq!(ends.len(), 3, "genesis and two blocks");
    for length in 0..bytes.len() {
        fs::write(file(folder.path()), &bytes[..length]).unwrap();
        let chain = open(folder.path()).unwrap();
        let blocks = ends.iter().filter(|&&end| end <= length).count().saturating_sub(1);
        assert_eq!(height(&chain), blocks as u64, "{length} bytes are left");
        if length % 100 == 0 {
            send(&chain).await;
            drop(chain);
            assert_eq!(height(&open(folder.path()).unwrap()), blocks as u64 + 1, "what comes next is kept");
        }
    }
    // Bytes that were allotted and not written.
    let mut torn = bytes.clone();
    torn.extend([0; 100]);
    fs::write(file(folder.path()), torn).unwrap();
    assert_eq!(height(&open(folder.path()).unwrap()), 2);
    assert_eq!(fs::read(file(folder.path())).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_changed_is_named() {
    let folder = TempDir::new().unwrap();
    let chain = open(folder.path()).unwrap();
    send(&chain).await;
    send(&chain).await;
    drop(chain);
    let bytes = fs::read(file(folder.path())).unwrap();
    let mut line = 1;
    for position in 0..bytes.len() {
        if bytes[position] == b'\n' {
            line += 1;
            continue;
        }
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        fs::write(file(folder.path()), &changed).unwrap();
        match open(folder.path()) {
            Err(OpenError::Damaged { line: named, .. }) => assert!(named == line && line < 3, "byte {position}"),
            Err(error) => panic!("byte {position}: {error}"),
            Ok(chain) => assert!(line == 3 && height(&chain) == 1, "byte {position}: the last line is taken for torn"),
        }
    }
}

#[test]
fn a_folder_has_one_owner_and_one_configuration() {
    let folder = TempDir::new().unwrap();
    let chain = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::InUse { .. })));
    drop(chain);
    let other = EmbeddedConfig { base_fee: 1, ..EmbeddedConfig::default() };
    assert!(matches!(EmbeddedChain::open(&other, folder.path()), Err(OpenError::OtherConfig { .. })));
    assert!(open(folder.path()).is_ok());
    let no_folder = file(folder.path());
    assert!(matches!(open(&no_folder), Err(OpenError::Io { .. })));
}

/// What the end of the process leaves in the file is what any other process sees in it at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_any_moment_the_disk_has_all_that_was_answered_for() {
    const COPIES: u32 = 40;
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let chain = open(folder.path()).unwrap();
    let (answered, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let sending = async {
        while !done.load(Ordering::SeqCst) {
            send(&chain).await;
            answered.fetch_add(1, Ordering::SeqCst);
        }
    };
    let copying = async {
        for _ in 0..COPIES {
            let (from, to) = (file(folder.path()), file(copy.path()));
            let least = answered.load(Ordering::SeqCst);
            let opened = tokio::task::spawn_blocking(move || fs::copy(from, to)).await.unwrap();
            opened.unwrap();
            assert!(height(&open(copy.path()).unwrap()) >= least);
            tokio::task::yield_now().await;
        }
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(sending, copying);
    assert!(answered.load(Ordering::SeqCst) > 0);
    assert_eq!(height(&chain), answered.load(Ordering::SeqCst));
}
