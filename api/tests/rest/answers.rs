//! What the API answers if nothing is wrong.

use serde_json::{Value, json};
use weft_api::{AccountView, BatchView, Finality, FixedBytes, Live, Page, StatusView, TransactionView, WithdrawalView};
use weft_protocol::{AssetId, Withdrawal, withdrawals_root};

use crate::client::{Client, body_of};
use crate::ledger::{BATCH_COUNT, PROOF, VERIFIED, amount, deployment, key, owner, signed, transfer, withdrawal};

#[tokio::test]
async fn a_transaction_is_accepted_found_and_known_when_sent_again() {
    let client = Client::new();
    let id = transfer().id(&deployment().domain);
    let accepted = client.submit(signed(transfer())).await;
    assert_eq!(accepted.status, 202);
    let location = format!("/v1/transactions/{id}");
    assert_eq!(accepted.header("location"), location);
    let view: TransactionView = accepted.json();
    assert_eq!((view.id, view.status), (id, Finality::Executed));
    let found: TransactionView = client.get(&location).await.json();
    assert_eq!(found, view);
    let state = client.ledger.state();
    let again = client.submit(signed(transfer())).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (200, location.as_str()));
    assert_eq!(again.json::<TransactionView>(), view);
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn a_withdrawal_is_accepted() {
    let answer = Client::new().submit(signed(withdrawal())).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn the_body_of_a_transaction_is_this() {
    let request = body_of(signed(transfer()));
    let signature = FixedBytes(signed(transfer()).signature.encode());
    let expected = json!({
        "kind": "transfer", "sender": 1, "to": 2, "asset": 2, "amount": "10", "fee_asset": 1, "fee": "3",
        "recipient": "0x0202020202020202020202020202020202020202", "nonce": 0, "expiry": 1_800_000_060,
        "chain_id": 31_337, "contract": "0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",
        "public_key": FixedBytes(key(1).public_key().encode()), "signature": signature,
    });
    assert_eq!(request, expected);
    let owner = &body_of(signed(withdrawal()))["owner"];
    assert_eq!(owner, "0x0101010101010101010101010101010101010101");
}

#[tokio::test]
async fn the_view_of_a_transaction_is_this() {
    let client = Client::new();
    let view: Value = client.submit(signed(transfer())).await.json();
    let at = "2027-01-15T08:00:00.000Z";
    let expected = json!({
        "id": transfer().id(&deployment().domain).to_string(), "status": "executed", "batch": 1, "slot": 0,
        "steps": [{"step": "accepted", "at": at}, {"step": "executed", "at": at}], "l1": {},
        "soft_receipt": {
            "transaction": transfer().id(&deployment().domain).to_string(), "sequence": 0, "accepted_at": at,
            "sequencer": owner(9).to_string(), "signature": FixedBytes([0x5a; 65]),
        },
        "transaction": {
            "kind": "transfer", "sender": 1, "to": 2, "asset": 2, "amount": "10", "fee_asset": 1, "fee": "3",
            "recipient": "0x0202020202020202020202020202020202020202", "nonce": 0, "expiry": 1_800_000_060,
        },
    });
    assert_eq!(view, expected);
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_point() {
    let client = Client::new();
    let body = body_of(signed(transfer())).to_string().replace("\"nonce\":0", "\"nonce\":0.0");
    assert!(body.contains("0.0"));
    assert_eq!(client.post(body).await.status, 202);
}

#[tokio::test]
async fn accounts_show_what_was_paid() {
    let client = Client::new();
    client.submit(signed(transfer())).await;
    let account: AccountView = client.get("/v1/accounts/1").await.json();
    assert_eq!((account.index, account.owner, account.nonce), (1, owner(1), 1));
    let balances: Vec<_> = account.balances.iter().map(|held| (held.asset, held.amount)).collect();
    assert_eq!(balances, [(1, amount(997)), (2, amount(990))]);
    let raw: Value = client.get("/v1/accounts/2").await.json();
    assert_eq!(raw["balances"][1], json!({"asset": 2, "amount": "1010"}));
}

#[tokio::test]
async fn accounts_are_found_by_owner_and_by_key() {
    let client = Client::new();
    let indices = async |query: String| {
        let page: Page<AccountView> = client.get(&format!("/v1/accounts?{query}")).await.json();
        page.items.iter().map(|account| account.index).collect::<Vec<_>>()
    };
    assert_eq!(indices(format!("owner={}", owner(1))).await, [1, 3]);
    assert_eq!(indices(format!("key={}", key(2).public_key().digest())).await, [2]);
    assert_eq!(indices(format!("owner={}", owner(9))).await, [0; 0]);
    assert_eq!(indices(format!("owner={}&key={}", owner(1), key(3).public_key().digest())).await, [3]);
    assert_eq!(indices(format!("owner={}&key={}", owner(2), key(3).public_key().digest())).await, [0; 0]);
    assert_eq!(indices(format!("key=0x{}", "ff".repeat(32))).await, [0; 0]);
    assert_eq!(indices("limit=2".to_owned()).await, [1, 2]);
}

#[tokio::test]
async fn pages_of_batches_follow_each_other() {
    let client = Client::new();
    for limit in 1..=8 {
        let mut numbers = Vec::new();
        let mut uri = format!("/v1/batches?limit={limit}");
        loop {
            let page: Page<BatchView> = client.get(&uri).await.json();
            assert!((1..=limit).contains(&page.items.len()));
            numbers.extend(page.items.iter().map(|batch| batch.number));
            let Some(next) = page.next else { break };
            uri = format!("/v1/batches?limit={limit}&cursor={next}");
        }
        assert_eq!(numbers, (1..=BATCH_COUNT).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn batches_have_numbers_and_names() {
    let client = Client::new();
    for (name, number) in [("3", 3), ("latest", BATCH_COUNT), ("proven", VERIFIED), ("verified", VERIFIED)] {
        let batch: BatchView = client.get(&format!("/v1/batches/{name}")).await.json();
        assert_eq!(batch.number, number);
    }
}

#[tokio::test]
async fn proofs_are_passed_on_as_they_are() {
    let answer = Client::new().get("/v1/batches/verified/proof").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, PROOF);
}

#[tokio::test]
async fn withdrawals_come_with_path_and_call() {
    let client = Client::new();
    let page: Page<WithdrawalView> = client.get("/v1/batches/4/withdrawals").await.json();
    let leaves: Vec<_> = page
        .items
        .iter()
        .map(|view| Withdrawal { owner: view.owner, asset: AssetId(view.asset), amount: view.amount })
        .collect();
    assert_eq!((leaves.len(), page.next), (5, None));
    assert_ne!(withdrawals_root(&leaves), [0; 32]);
    for (position, view) in page.items.iter().enumerate() {
        assert_eq!(view.status, Finality::Withdrawable);
        assert_eq!((view.claim.to, view.claim.data.to_string()), (deployment().contract, "0xdead".to_owned()));
        let path: Vec<_> = view.path.iter().map(|word| word.0).collect();
        assert_eq!(path, Withdrawal::path(&leaves, position));
    }
    let second: Page<WithdrawalView> =
        client.get("/v1/batches/4/withdrawals?cursor=0000000000000002&limit=2").await.json();
    let positions: Vec<_> = second.items.iter().map(|view| view.position).collect();
    assert_eq!((positions, second.next), (vec![3, 4], None));
}

#[tokio::test]
async fn the_status_says_that_proofs_are_real() {
    let client = Client::new();
    let raw: Value = client.get("/v1/status").await.json();
    assert_eq!(raw["proofs"], "real");
    assert_eq!(raw["deployment"]["domain"], deployment().domain.0.to_string());
    let status: StatusView = client.get("/v1/status").await.json();
    assert_eq!(status.deployment, deployment());
    assert!(client.get("/livez").await.json::<Live>().live);
}

#[tokio::test]
async fn the_trace_id_of_the_caller_comes_back() {
    let client = Client::new();
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut request = crate::client::submission("{");
    let traceparent = format!("00-{id}-00f067aa0ba902b7-01").parse().unwrap();
    request.headers_mut().insert("traceparent", traceparent);
    assert_eq!(client.send(request).await.problem().trace_id, id);
}
