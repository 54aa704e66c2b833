//! The embedded L1 as its clients see it: rules, errors, blocks, logs, clock, both transports.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, U64, U256, bytes};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{BlockNumberOrTag, Filter, TransactionRequest};
use alloy::transports::{RpcError as TransportError, TransportErrorKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use weft_contract::deploy::deploy;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, RpcError, TRANSACTION_GAS_CAP, dev_signer};

/// Init code that deploys what follows it. PUSH1 length, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN.
fn deploying(runtime: &[u8]) -> Bytes {
    let mut code = vec![0x60, u8::try_from(runtime.len()).unwrap(), 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend(runtime);
    code.into()
}

/// MSTORE8(0, 0xab), REVERT(0, 1)
const REVERTS: [u8; 9] = [0x60, 0xab, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xfd, 0x00];
/// LOG1(0, 0, topic = CALLVALUE), SSTORE(0, TIMESTAMP)
const LOGS: [u8; 8] = [0x34, 0x5f, 0x5f, 0xa1, 0x42, 0x5f, 0x55, 0x00];
const INVALID: [u8; 1] = [0xfe];

fn chain() -> (EmbeddedChain, DynProvider) {
    let chain = EmbeddedChain::new(&EmbeddedConfig::default());
    let provider = chain.provider(dev_signer(0));
    (chain, provider)
}

fn transfer(value: u64) -> TransactionRequest {
    TransactionRequest::default().with_to(Address::repeat_byte(0x77)).with_value(U256::from(value))
}

/// Message and code of a JSON-RPC error.
fn refusal<T: std::fmt::Debug>(result: Result<T, TransportError<TransportErrorKind>>) -> (i64, String) {
    let error = result.expect_err("refused");
    let payload = error.as_error_resp().expect("the node answers").clone();
    (payload.code, payload.message.into_owned())
}

/// A signed transaction with all fields given.
async fn raw(request: TransactionRequest) -> Bytes {
    let filled = TransactionRequest {
        chain_id: request.chain_id.or(Some(31_337)),
        gas: request.gas.or(Some(21_000)),
        nonce: request.nonce.or(Some(0)),
        max_fee_per_gas: Some(2_000_000_000),
        max_priority_fee_per_gas: Some(1),
        ..request
    };
    let wallet = EthereumWallet::from(dev_signer(0));
    let envelope = filled.build(&wallet).await.unwrap();
    alloy::eips::Encodable2718::encoded_2718(&envelope).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_a_block() {
    let (_chain, provider) = chain();
    let before = provider.get_balance(dev_signer(0).address()).await.unwrap();
    let receipt = provider.send_transaction(transfer(5)).await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!((receipt.gas_used, receipt.block_number), (21_000, Some(1)));
    assert_eq!(provider.get_block_number().await.unwrap(), 1);
    assert_eq!(provider.get_balance(Address::repeat_byte(0x77)).await.unwrap(), U256::from(5));
    let paid = U256::from(5) + U256::from(21_000) * U256::from(receipt.effective_gas_price);
    assert_eq!(provider.get_balance(dev_signer(0).address()).await.unwrap(), before - paid);
    assert_eq!(provider.get_transaction_count(dev_signer(0).address()).await.unwrap(), 1);

    let transaction = provider.get_transaction_by_hash(receipt.transaction_hash).await.unwrap().unwrap();
    assert_eq!(transaction.inner.signer(), dev_signer(0).address());
    assert_eq!(transaction.block_hash, receipt.block_hash);
    assert!(provider.get_transaction_receipt(B256::ZERO).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_linked_and_time_strictly_rises() {
    let (chain, provider) = chain();
    for _ in 0..3 {
        provider.send_transaction(transfer(1)).await.unwrap().get_receipt().await.unwrap();
    }
    chain.advance_time(86_400).unwrap();
    let mut blocks = Vec::new();
    for number in 0..=4 {
        blocks.push(provider.get_block_by_number(number.into()).await.unwrap().unwrap());
    }
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].header.parent_hash, pair[0].header.hash);
        assert!(pair[1].header.timestamp > pair[0].header.timestamp);
        assert_eq!(pair[1].header.hash, pair[1].header.inner.hash_slow());
    }
    assert!(blocks[4].header.timestamp >= blocks[3].header.timestamp + 86_400);
    assert_eq!((blocks[3].transactions.len(), blocks[4].transactions.len()), (1, 0));
    for tag in [BlockNumberOrTag::Latest, BlockNumberOrTag::Finalized, BlockNumberOrTag::Safe] {
        assert_eq!(provider.get_block_by_number(tag).await.unwrap().unwrap(), blocks[4]);
    }
    let by_hash = provider.get_block_by_hash(blocks[2].header.hash).full().await.unwrap().unwrap();
    assert_eq!(by_hash.header, blocks[2].header);
    assert!(by_hash.transactions.is_full());
    assert!(provider.get_block_by_number(5.into()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_see_the_clock_and_logs_are_found() {
    let (chain, provider) = chain();
    let contract = deploy(&provider, deploying(&LOGS)).await.unwrap();
    assert_eq!(provider.get_code_at(contract).await.unwrap(), Bytes::from(LOGS));
    let mut times = Vec::new();
    for value in [3, 4] {
        let request = transfer(value).with_to(contract);
        let receipt = provider.send_transaction(request).await.unwrap().get_receipt().await.unwrap();
        let block = provider.get_block_by_hash(receipt.block_hash.unwrap()).await.unwrap().unwrap();
        assert_eq!(provider.get_storage_at(contract, U256::ZERO).await.unwrap(), U256::from(block.header.timestamp));
        times.push(block.header.timestamp);
        chain.advance_time(100).unwrap();
    }
    assert!(times[1] >= times[0] + 100);

    let all = provider.get_logs(&Filter::new().address(contract).from_block(0)).await.unwrap();
    assert_eq!(all.len(), 2);
    let topic = B256::from(U256::from(4));
    let one = provider.get_logs(&Filter::new().event_signature(topic).from_block(0)).await.unwrap();
    assert_eq!(one, all[1..]);
    let block_hash = all[0].block_hash.unwrap();
    assert_eq!(provider.get_logs(&Filter::new().at_block_hash(block_hash)).await.unwrap(), all[..1]);
    assert!(provider.get_logs(&Filter::new().address(contract)).await.unwrap().is_empty(), "latest is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn reverts_carry_their_data() {
    let (_chain, provider) = chain();
    let reverts = deploy(&provider, deploying(&REVERTS)).await.unwrap();
    let request = TransactionRequest::default().with_to(reverts);
    for error in [
        provider.call(request.clone()).await.expect_err("reverts"),
        provider.estimate_gas(request.clone()).await.map(|_| Bytes::new()).expect_err("reverts"),
    ] {
        let payload = error.as_error_resp().unwrap();
        assert_eq!((payload.code, payload.message.as_ref()), (3, "execution reverted"));
        assert_eq!(payload.as_revert_data(), Some(bytes!("ab")));
    }
    // With gas given the transaction is taken, and fails.
    let sent = provider.send_transaction(request.with_gas_limit(50_000)).await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(!receipt.status());

    let halts = deploy(&provider, deploying(&INVALID)).await.unwrap();
    let (code, message) = refusal(provider.call(TransactionRequest::default().with_to(halts)).await);
    assert_eq!(code, -32000);
    assert!(message.contains("halted"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calldata_has_its_floor_price() {
    let (_chain, provider) = chain();
    let request = transfer(0).with_input(vec![1; 1_000]);
    let receipt = provider.send_transaction(request).await.unwrap().get_receipt().await.unwrap();
    assert_eq!(receipt.gas_used, 21_000 + 40 * 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_suffice_and_are_close() {
    let (_chain, provider) = chain();
    let contract = deploy(&provider, deploying(&LOGS)).await.unwrap();
    for request in [transfer(1), transfer(1).with_to(contract), transfer(0).with_input(vec![1; 1_000])] {
        let estimate = provider.estimate_gas(request.clone()).await.unwrap();
        let sent = provider.send_transaction(request.with_gas_limit(estimate)).await.unwrap();
        let receipt = sent.get_receipt().await.unwrap();
        assert!(receipt.status());
        assert!(estimate <= receipt.gas_used + receipt.gas_used / 8, "{estimate} for {}", receipt.gas_used);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_break_a_rule_are_not_taken() {
    let (_chain, provider) = chain();
    let over_cap = transfer(1).with_gas_limit(TRANSACTION_GAS_CAP + 1);
    let rich = transfer(1).with_value(U256::from(10u64).pow(U256::from(30)));
    let cases = [
        (transfer(1).with_nonce(1), "nonce"),
        (over_cap, "gas limit"),
        (rich, "fund"),
        (transfer(1).with_gas_limit(20_999), "gas"),
        (transfer(1).with_chain_id(1), "chain"),
        (transfer(1).with_input(vec![1; 1_000]).with_gas_limit(60_999), "gas"),
    ];
    for (request, reason) in cases {
        let (code, message) = refusal(provider.send_raw_transaction(&raw(request).await).await.map(|_| ()));
        assert_eq!(code, -32000);
        assert!(message.contains(reason), "{message}");
    }
    assert_eq!(provider.get_block_number().await.unwrap(), 0);

    let good = raw(transfer(1)).await;
    provider.send_raw_transaction(&good).await.unwrap().get_receipt().await.unwrap();
    assert_eq!(refusal(provider.send_raw_transaction(&good).await.map(|_| ())).1, "already known");
    let stale = refusal(provider.send_raw_transaction(&raw(transfer(2)).await).await.map(|_| ()));
    assert!(stale.1.contains("nonce"), "{stale:?}");
    let garbage = refusal(provider.send_raw_transaction(&[1, 2, 3]).await.map(|_| ()));
    assert_eq!(garbage.0, -32602);
}

#[test]
fn unknown_methods_and_parameters_are_named() {
    let chain = EmbeddedChain::new(&EmbeddedConfig::default());
    let unknown = chain.call("eth_mining", Value::Null).unwrap_err();
    assert_eq!(unknown, RpcError::UnknownMethod { method: "eth_mining".to_owned() });
    assert_eq!(unknown.code(), -32601);
    for (method, params) in [
        ("eth_getBalance", json!([])),
        ("eth_getBalance", json!(["0x12"])),
        ("eth_getBalance", json!({ "address": "0x" })),
        ("eth_sendRawTransaction", json!(["0x"])),
    ] {
        assert_eq!(chain.call(method, params).unwrap_err().code(), -32602, "{method}");
    }
    let address = Address::ZERO;
    assert_eq!(
        chain.call("eth_getBalance", json!([address, "0x1"])).unwrap_err(),
        RpcError::HistoricalState { asked: 1, latest: 0 }
    );
    assert_eq!(chain.call("eth_getBalance", json!([address])).unwrap(), json!("0x0"));
    assert_eq!(chain.call("net_version", Value::Null).unwrap(), json!("31337"));
    assert!(chain.call("web3_clientVersion", json!([])).unwrap().as_str().unwrap().starts_with("weft-embedded/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_constant() {
    let (_chain, provider) = chain();
    provider.send_transaction(transfer(1)).await.unwrap().get_receipt().await.unwrap();
    assert_eq!(provider.get_gas_price().await.unwrap(), 1_000_000_001);
    let history = provider.get_fee_history(10, BlockNumberOrTag::Latest, &[50.0]).await.unwrap();
    assert_eq!(history.base_fee_per_gas, [1_000_000_000; 3]);
    assert_eq!((history.oldest_block, history.gas_used_ratio.len()), (0, 2));
    assert_eq!(history.reward.unwrap(), [[1], [1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_is_served_over_http() {
    let (chain, local) = chain();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move { chain.serve(listener, async { drop(stopped.await) }).await });

    let wallet = EthereumWallet::from(dev_signer(1));
    let remote = ProviderBuilder::new().wallet(wallet).connect_http(url.parse().unwrap());
    let receipt = remote.send_transaction(transfer(7)).await.unwrap().get_receipt().await.unwrap();
    assert_eq!(local.get_transaction_receipt(receipt.transaction_hash).await.unwrap().unwrap(), receipt);
    assert_eq!(refusal(remote.raw_request::<_, U64>("eth_mining".into(), ()).await).0, -32601);

    let post = async |body: String| {
        let request = alloy::transports::http::reqwest::Client::new().post(&url);
        let request = request.header("content-type", "application/json").body(body);
        let text = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" },
        { "jsonrpc": "2.0", "id": "two", "method": "eth_nothing", "params": [] },
        { "id": 3 },
    ]);
    let answers = post(batch.to_string()).await;
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 1, "result": "0x7a69" }));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!("two"), &json!(-32601)));
    assert_eq!(answers[2]["error"]["code"], json!(-32600));
    for body in ["[]", "{", "3"] {
        assert_eq!(post(body.to_owned()).await["error"]["code"], json!(-32600), "{body}");
    }
    drop(remote);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
