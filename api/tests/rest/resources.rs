//! What the further resources answer.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use weft_api::{
    AccountProofView, BatchDataView, Finality, FullConfigView, JobStateName, JobView, NonceView, Page, ProofTreeView,
    QueueEntryView, QueueState, ReadyView, StageName, StatusView, SubmittedView, TransactionView, WithdrawalView,
    WorkersView,
};
use weft_protocol::{AccountIndex, MerklePath, Transaction};

use crate::client::{Client, body_of, request, send};
use crate::ledger::{Fault, Ledger, PROOF, PROVING, VERIFIED, deployment, key, signed, transfer};

fn transfer_of(nonce: u32) -> Value {
    body_of(signed(Transaction { nonce, ..transfer() }))
}

async fn post(client: &Client, uri: &str, body: &Value) -> crate::client::Answer {
    let mut request = request(Method::POST, uri, Body::from(body.to_string()));
    request.headers_mut().insert("content-type", "application/json".parse().expect("a header"));
    client.send(request).await
}

#[tokio::test]
async fn many_transactions_have_a_result_each() {
    let client = Client::new();
    let mut unknown_field = transfer_of(1);
    unknown_field["memo"] = json!("x");
    let body = json!({"transactions": [transfer_of(0), unknown_field, transfer_of(7), transfer_of(1), transfer_of(0)]});
    let answer = post(&client, "/v1/transactions/batch", &body).await;
    assert_eq!(answer.status, 200);
    let results = answer.json::<SubmittedView>().results;
    assert_eq!(results.iter().map(|result| result.status).collect::<Vec<_>>(), [202, 400, 409, 202, 200]);
    let problem = results[1].problem.as_ref().unwrap();
    assert_eq!((problem.code.as_str(), problem.pointer.as_deref()), ("unknown_field", Some("/transactions/1/memo")));
    assert_eq!(problem.trace_id, answer.header("x-trace-id"));
    let conflict = results[2].problem.as_ref().unwrap();
    assert_eq!((conflict.expected, conflict.pointer.as_deref()), (Some(1), Some("/transactions/2")));
    assert_eq!(results[0].transaction.as_ref().unwrap().id, results[4].transaction.as_ref().unwrap().id);
}

#[tokio::test]
async fn many_transactions_have_bounds() {
    let client = Client::new();
    let state = client.ledger.state();
    for body in [json!({"transactions": []}), json!({"transactions": vec![transfer_of(0); 129]})] {
        let problem = post(&client, "/v1/transactions/batch", &body).await.assert_problem(400, "invalid_field");
        assert_eq!(problem.pointer.as_deref(), Some("/transactions"));
    }
    for body in [json!({}), json!([transfer_of(0)]), json!({"transactions": [7]}), json!({"transactions": [], "x": 1})]
    {
        post(&client, "/v1/transactions/batch", &body).await.assert_problem(400, "malformed_json");
    }
    let padding = " ".repeat(weft_api::Limits::default().body_bytes_max * 16 + 1);
    let padded = json!({"transactions": [padding]});
    post(&client, "/v1/transactions/batch", &padded).await.assert_problem(413, "body_too_large");
    assert_eq!(client.ledger.state(), state);
    let full = json!({"transactions": vec![transfer_of(9); 128]});
    let answer = post(&client, "/v1/transactions/batch", &full).await;
    assert!(answer.json::<SubmittedView>().results.iter().all(|result| result.status == 409));
}

#[tokio::test]
async fn an_account_fills_only_its_part_of_the_pool() {
    let client = Client::new();
    let of_account_2 = |nonce| {
        let to = weft_protocol::TransactionKind::Transfer { to: AccountIndex(1) };
        let named_address = crate::ledger::owner(1);
        let transaction = Transaction { kind: to, sender: AccountIndex(2), named_address, nonce, ..transfer() };
        transaction.sign(&deployment().domain, &key(2))
    };
    for nonce in 0..2 {
        assert_eq!(client.submit(of_account_2(nonce)).await.status, 202);
    }
    let problem = client.submit(of_account_2(2)).await.assert_problem(429, "too_many_pending");
    assert_eq!(problem.retry_after, Some(7));
}

#[tokio::test]
async fn fees_below_the_least_are_refused() {
    let client = Client::new();
    let free = Transaction { fee: weft_protocol::Fee::ZERO, ..transfer() };
    let problem = client.submit(signed(free)).await.assert_problem(422, "fee_too_low");
    assert_eq!(problem.pointer.as_deref(), Some("/fee"));
}

#[tokio::test]
async fn fees_are_estimated_to_what_can_be_written() {
    let client = Client::new();
    let estimate = async |body: Value| post(&client, "/v1/fees/estimate", &body).await;
    let answer: Value = estimate(json!({"kind": "transfer", "fee_asset": 2, "fee": "4095"})).await.json();
    assert_eq!(answer, json!({"fee": "4096", "fee_asset": 2, "encoded": (1024 << 5) | 2, "minimum": "1"}));
    let least: Value = estimate(json!({"kind": "withdraw", "fee_asset": 1})).await.json();
    assert_eq!(least["fee"], "1");
    let too_large = json!({"kind": "transfer", "fee_asset": 1, "fee": (1u64 << 42).to_string()});
    estimate(too_large).await.assert_problem(422, "fee_not_representable");
    estimate(json!({"kind": "deposit", "fee_asset": 1})).await.assert_problem(400, "invalid_field");
    estimate(json!({"kind": "transfer", "fee_asset": 1, "tip": 1})).await.assert_problem(400, "unknown_field");
    let rules: Value = client.get("/v1/fees").await.json();
    assert_eq!(rules["minimum"], json!([{"kind": "transfer", "fee": "1"}, {"kind": "withdraw", "fee": "1"}]));
    assert_eq!((&rules["assets"], &rules["maximum"]), (&json!([1, 2, 3, 4]), &json!("4395899027456")));
}

#[tokio::test]
async fn nonces_and_histories_of_accounts() {
    let client = Client::new();
    for nonce in 0..3 {
        client.submit(signed(Transaction { nonce, ..transfer() })).await;
    }
    let nonce: NonceView = client.get("/v1/accounts/1/nonce").await.json();
    assert_eq!(nonce, NonceView { index: 1, executed: 3, next: 3 });
    for account in [1, 2] {
        let mut nonces = Vec::new();
        let mut uri = format!("/v1/accounts/{account}/transactions?limit=2");
        loop {
            let page: Page<TransactionView> = client.get(&uri).await.json();
            nonces.extend(page.items.iter().map(|view| view.transaction.nonce));
            let Some(next) = page.next else { break };
            uri = format!("/v1/accounts/{account}/transactions?limit=2&cursor={next}");
        }
        assert_eq!(nonces, [2, 1, 0]);
    }
    let none: Page<TransactionView> = client.get("/v1/accounts/3/transactions").await.json();
    assert_eq!(none.items, []);
    let slots: Page<TransactionView> = client.get("/v1/batches/1/transactions").await.json();
    assert_eq!(slots.items.iter().map(|view| view.slot).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
}

#[tokio::test]
async fn proofs_of_accounts_lead_to_the_root() {
    let client = Client::new();
    for index in [0, 1, 3, 77, (1 << 28) - 1] {
        let proof: AccountProofView = client.get(&format!("/v1/accounts/{index}/proof?at=5")).await.json();
        let siblings = proof.siblings.iter().map(|word| weft_protocol::crypto::Digest::from_bytes(&word.0).unwrap());
        let path = MerklePath { siblings: siblings.collect::<Vec<_>>().try_into().unwrap() };
        assert_eq!(path.root(AccountIndex(index), proof.leaf), proof.root);
        assert_eq!(proof.object.is_some(), [1, 3].contains(&index));
        assert_eq!(proof.batch, 5);
    }
    let newest: AccountProofView = client.get("/v1/accounts/1/proof").await.json();
    assert_eq!(newest.object.unwrap().key, key(1).public_key().digest());
    client.get("/v1/accounts/1/proof?at=1").await.assert_problem(410, "state_not_kept");
}

#[tokio::test]
async fn data_are_bytes_and_records() {
    let data: BatchDataView = Client::new().get("/v1/batches/4/data").await.json();
    assert_eq!((data.batch, data.bytes.0.len(), data.records.len()), (4, 42, 2));
    let raw: Value = Client::new().get("/v1/batches/4/data").await.json();
    let expected = json!({
        "position": 0, "bytes": format!("0x{}", hex::encode(&data.bytes.0[..21])), "kind": "transfer", "account": 1,
        "to": 0, "asset": 2, "amount": "4", "fee_asset": 1, "fee": "0",
    });
    assert_eq!(raw["records"][0], expected);
}

#[tokio::test]
async fn proof_trees_jobs_and_workers() {
    let client = Client::new();
    let tree: ProofTreeView = client.get("/v1/batches/5/proof-tree").await.json();
    assert_eq!((tree.batch, tree.jobs.len(), tree.progress.done), (PROVING, 4, 1));
    let page: Page<JobView> = client.get("/v1/prover/jobs?limit=3").await.json();
    let rest = client.get(&format!("/v1/prover/jobs?cursor={}", page.next.unwrap())).await;
    assert_eq!((page.items.len(), rest.json::<Page<JobView>>().items.len()), (3, 1));
    let leased: Page<JobView> = client.get("/v1/prover/jobs?state=leased").await.json();
    assert_eq!(leased.items.len(), 1);
    assert_eq!(leased.items[0].worker.as_deref(), Some("loom"));
    let workers: WorkersView = client.get("/v1/prover/workers").await.json();
    assert_eq!(workers.workers[0].last_failure.as_deref(), Some("killed for want of memory"));
    assert_eq!(workers.quarantined[0].state, JobStateName::Quarantined);
    assert_eq!(workers.quarantined[0].reason.as_deref(), Some("four proofs did not hold"));
}

#[tokio::test]
async fn withdrawals_are_found_by_position() {
    let client = Client::new();
    for position in 0..5 {
        let found: WithdrawalView = client.get(&format!("/v1/withdrawals/4/{position}")).await.json();
        assert_eq!((found.batch, found.position, found.status), (4, position, Finality::Withdrawable));
    }
    let raw: Value = client.get("/v1/withdrawals/verified/0").await.json();
    assert_eq!(raw["claim"], json!({"to": deployment().contract.to_string(), "data": "0xdead", "value": "0"}));
}

#[tokio::test]
async fn the_queue_is_paged() {
    let client = Client::new();
    let first: Page<QueueEntryView> = client.get("/v1/queue?limit=2").await.json();
    for entry in &first.items {
        let one: QueueEntryView = client.get(&format!("/v1/queue/{}", entry.position)).await.json();
        assert_eq!(one, *entry);
    }
    for unknown in ["99", "4294967296"] {
        client.get(&format!("/v1/queue/{unknown}")).await.assert_problem(404, "unknown_entry");
    }
    client.get("/v1/queue/x").await.assert_problem(400, "invalid_parameter");
    let second: Page<QueueEntryView> = client.get(&format!("/v1/queue?cursor={}", first.next.unwrap())).await.json();
    assert_eq!(second.items.len(), 1);
    assert_eq!((second.items[0].position, second.items[0].state), (2, QueueState::Waiting));
    assert_eq!(first.items[0].batch, Some(1));
}

#[tokio::test]
async fn config_status_and_health() {
    let client = Client::new();
    let config: FullConfigView = client.get("/v1/config").await.json();
    assert_eq!((config.node.deployment, config.api.page_items), (deployment(), 500));
    let status: StatusView = client.get("/v1/status").await.json();
    assert_eq!(status.bottleneck.stage, StageName::Proving);
    assert!(client.get("/readyz").await.json::<ReadyView>().ready);
    let metrics = client.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let ledger = std::sync::Arc::new(Ledger::with_fault(Fault::NotReady));
    let router = weft_api::Server::new(ledger).router();
    let answer = send(&router, request(Method::GET, "/readyz", Body::empty())).await;
    let problem = answer.assert_problem(503, "not_ready");
    assert_eq!(problem.reasons, ["l1: no answer for 70 s"]);
}

#[tokio::test]
async fn receipts_come_with_the_last_step() {
    let client = Client::new();
    let id = transfer().id(&deployment().domain);
    client.submit(signed(transfer())).await;
    let uri = format!("/v1/transactions/{id}/receipt");
    client.get(&uri).await.assert_problem(404, "not_proven");
    client.ledger.advance(&id, Finality::Verified);
    assert_eq!(client.get(&uri).await.body, PROOF);
}

#[tokio::test]
async fn what_cannot_change_may_be_kept_for_ever() {
    let client = Client::new();
    let forever = "public, max-age=31536000, immutable";
    let cases = [
        (format!("/v1/batches/{VERIFIED}"), forever),
        (format!("/v1/batches/{PROVING}"), "no-cache"),
        ("/v1/batches/verified".to_owned(), "no-cache"),
        ("/v1/batches/4/proof".to_owned(), forever),
        ("/v1/batches/verified/proof".to_owned(), "no-cache"),
        (format!("/v1/batches/{VERIFIED}/data"), forever),
        (format!("/v1/batches/{PROVING}/data"), "no-cache"),
        (format!("/v1/accounts/1/proof?at={VERIFIED}"), forever),
        (format!("/v1/accounts/1/proof?at={PROVING}"), "no-cache"),
        ("/v1/accounts/1/proof".to_owned(), "no-cache"),
        ("/openapi.json".to_owned(), "no-cache"),
    ];
    for (uri, expected) in cases {
        let answer = client.get(&uri).await;
        assert_eq!(answer.header("cache-control"), expected, "{uri}");
        let mut again = request(Method::GET, &uri, Body::empty());
        again.headers_mut().insert("if-none-match", answer.header("etag").parse().unwrap());
        let unchanged = client.send(again).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), answer.header("etag"));
        let mut other = request(Method::GET, &uri, Body::empty());
        other.headers_mut().insert("if-none-match", "\"0\"".parse().unwrap());
        assert_eq!(client.send(other).await.body, answer.body);
    }
    assert_eq!(client.get("/v1/status").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn head_and_options_are_answered() {
    let client = Client::new();
    let head = client.send(request(Method::HEAD, "/v1/batches/4", Body::empty())).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert!(head.headers.contains_key("etag"));
    for (uri, allowed) in [("/v1/batches/4", "GET,HEAD,OPTIONS"), ("/v1/transactions", "POST,OPTIONS")] {
        let answer = client.send(request(Method::OPTIONS, uri, Body::empty())).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, allowed));
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let nothing = client.send(request(Method::OPTIONS, "/v1/nothing", Body::empty())).await;
    nothing.assert_problem(404, "not_found");
}

#[tokio::test]
async fn the_page_runs_nothing_from_elsewhere() {
    let client = Client::new();
    let page = client.get("/docs").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    let script = client.get("/docs/docs.js").await;
    for text in [&page.body, &script.body].map(|body| String::from_utf8_lossy(body)) {
        assert!(!text.contains("http://") && !text.contains("https://"));
    }
}
