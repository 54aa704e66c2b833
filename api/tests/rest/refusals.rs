//! Bad input through REST: right status and code, the field named, the state unchanged.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use weft_protocol::{AccountIndex, Address, AssetId, Fee, FeeAsset, Timestamp, Transaction, TransactionKind};

use crate::client::{Client, body_of, request, submission};
use crate::ledger::{NOW, amount, key, owner, signed, transfer, withdrawal};

#[tokio::test]
async fn bodies_that_are_no_object_are_malformed() {
    let client = Client::new();
    let state = client.ledger.state();
    let deep = "[".repeat(10_000);
    let twice = r#"{"kind": "transfer", "kind": "transfer"}"#;
    let bodies: [&[u8]; 10] =
        [b"", b"{", b"nul", b"[]", b"7", b"\"transfer\"", b"{} {}", b"\xff\xfe", deep.as_bytes(), twice.as_bytes()];
    for body in bodies {
        client.post(body.to_vec()).await.assert_problem(400, "malformed_json");
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn every_field_must_be_there() {
    let client = Client::new();
    for body in [body_of(signed(transfer())), body_of(signed(withdrawal()))] {
        for name in body.as_object().unwrap().keys() {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(name);
            let problem = client.post_json(&without).await.assert_problem(400, "missing_field");
            assert_eq!(problem.pointer, Some(format!("/{name}")));
        }
    }
}

#[tokio::test]
async fn fields_that_are_not_used_are_unknown() {
    let client = Client::new();
    let state = client.ledger.state();
    let cases = [
        (transfer(), "memo", "/memo"),
        (transfer(), "owner", "/owner"),
        (transfer(), "group", "/group"),
        (transfer(), "lane", "/lane"),
        (transfer(), "a/b~", "/a~1b~0"),
        (withdrawal(), "to", "/to"),
        (withdrawal(), "recipient", "/recipient"),
    ];
    for (transaction, name, pointer) in cases {
        let mut body = body_of(signed(transaction));
        body[name] = json!(0);
        let problem = client.post_json(&body).await.assert_problem(400, "unknown_field");
        assert_eq!(problem.pointer.as_deref(), Some(pointer));
    }
    assert_eq!(client.ledger.state(), state);
}

/// Puts each of the values into the field; all are refused there, because they have no such form.
async fn assert_invalid(name: &str, values: impl IntoIterator<Item = Value>) {
    assert_refused(name, values, (400, "invalid_field")).await;
}

/// The same for values that have the form and stand for nothing.
async fn assert_not_canonical(name: &str, values: impl IntoIterator<Item = Value>) {
    assert_refused(name, values, (422, "not_canonical")).await;
}

async fn assert_refused(name: &str, values: impl IntoIterator<Item = Value>, (status, code): (u16, &str)) {
    let client = Client::new();
    let state = client.ledger.state();
    for value in values {
        let mut body = body_of(signed(transfer()));
        body[name] = value;
        let problem = client.post_json(&body).await.assert_problem(status, code);
        assert_eq!(problem.pointer, Some(format!("/{name}")), "{body}");
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn numbers_of_a_wrong_form_are_refused() {
    let wrong_types = [json!(null), json!([1]), json!({"index": 2}), json!("1"), json!(-1), json!(1.5)];
    let widths = [("sender", 32), ("to", 32), ("asset", 16), ("nonce", 32), ("expiry", 40)];
    for (name, bits) in widths {
        assert_invalid(name, [json!(1u64 << bits), json!(u64::MAX)]).await;
        assert_invalid(name, wrong_types.clone()).await;
    }
    assert_invalid("fee_asset", [json!(0), json!(5), json!(65_537)]).await;
    assert_invalid("fee_asset", wrong_types.clone()).await;
    assert_invalid("chain_id", wrong_types).await;
    assert_invalid("kind", [json!(1), json!(null)]).await;
}

#[tokio::test]
async fn amounts_of_a_wrong_form_are_refused() {
    let texts = ["-1", "0x0a", "1e3", "10.0", " 10", "010", "", "ten"];
    let too_large = [(1u64 << 62).to_string(), u64::MAX.to_string(), "9".repeat(5000)];
    for name in ["amount", "fee"] {
        assert_invalid(name, texts.map(Value::from)).await;
        assert_invalid(name, too_large.clone().map(Value::from)).await;
        assert_invalid(name, [json!(10), json!(null)]).await;
    }
}

#[tokio::test]
async fn bytes_of_a_wrong_form_are_refused() {
    let body = body_of(signed(transfer()));
    for name in ["recipient", "contract", "public_key", "signature"] {
        let right = body[name].as_str().unwrap();
        let no_digit = format!("{}g", &right[..right.len() - 1]);
        let texts = [&right[2..], &right[..right.len() - 1], &right[..right.len() - 2], &no_digit];
        assert_invalid(name, texts.map(Value::from)).await;
        assert_invalid(name, [json!(format!("{right}00")), json!("0x"), json!("0xé"), json!(null)]).await;
    }
}

#[tokio::test]
async fn keys_and_signatures_that_are_not_canonical_are_refused() {
    let order = "ffffffff00000001";
    let zeros = |elements: usize| "0".repeat(16 * elements);
    let body = body_of(signed(transfer()));
    let signature = body["signature"].as_str().unwrap();
    let (point, scalar) = signature.split_at(2 + 80);
    // An element that is not below the order of the field, the neutral point, and no point.
    let points = [
        format!("0x{order}{}", zeros(4)),
        format!("0x{}{order}", zeros(4)),
        format!("0x{}", zeros(5)),
        format!("0x{:016x}{}", 1, zeros(4)),
    ];
    assert_not_canonical("public_key", points.clone().map(Value::from)).await;
    assert_not_canonical("signature", points.map(|point| json!(format!("{point}{scalar}")))).await;
    let unreduced = json!(format!("{point}{}", "f".repeat(80)));
    assert_not_canonical("signature", [unreduced]).await;
}

#[tokio::test]
async fn fees_that_cannot_be_written_are_told_their_neighbours() {
    let client = Client::new();
    let mut body = body_of(signed(transfer()));
    body["fee"] = json!("4095");
    let problem = client.post_json(&body).await.assert_problem(422, "fee_not_representable");
    assert_eq!(problem.pointer.as_deref(), Some("/fee"));
    assert!(problem.detail.contains("4094 and 4096"), "{}", problem.detail);
}

#[tokio::test]
async fn transactions_of_other_kinds_chains_and_contracts_are_refused() {
    let client = Client::new();
    let state = client.ledger.state();
    let cases = [
        ("kind", json!("swap"), "unsupported_kind"),
        ("kind", json!("deposit"), "unsupported_kind"),
        ("kind", json!("Transfer"), "unsupported_kind"),
        ("chain_id", json!(1), "wrong_domain"),
        ("chain_id", json!(u64::MAX), "wrong_domain"),
        ("contract", json!(owner(1).to_string()), "wrong_domain"),
    ];
    for (name, value, code) in cases {
        let mut body = body_of(signed(transfer()));
        body[name] = value;
        let problem = client.post_json(&body).await.assert_problem(422, code);
        assert_eq!(problem.pointer, Some(format!("/{name}")));
    }
    assert_eq!(client.ledger.state(), state);
}

type Change = fn(&mut Transaction);

/// Changes of a right transfer that some rule refuses.
const REFUSED_TRANSFERS: [(Change, &str); 15] = [
    (|t| t.amount = amount(0), "zero_amount"),
    (|t| t.asset = AssetId(0), "unknown_asset"),
    (|t| t.asset = AssetId(9), "insufficient_balance"),
    (|t| t.amount = amount(1001), "insufficient_balance"),
    (|t| t.amount = amount((1 << 62) - 1), "insufficient_balance"),
    (|t| t.fee_asset = FeeAsset::new(3).expect("below 4"), "insufficient_fee"),
    (|t| t.fee = Fee(u16::MAX), "insufficient_fee"),
    (|t| t.kind = to(1), "self_transfer"),
    (|t| t.kind = to(77), "unknown_recipient"),
    (|t| t.kind = to(1 << 28), "index_out_of_range"),
    (|t| t.sender = AccountIndex(77), "unknown_account"),
    (|t| t.sender = AccountIndex(u32::MAX), "index_out_of_range"),
    (|t| t.sender = AccountIndex(3), "wrong_key"),
    (|t| t.named_address = owner(3), "wrong_recipient"),
    (|t| t.expiry = Timestamp::new(NOW - 1).expect("below 2^40"), "expired"),
];

/// The same of a withdrawal.
const REFUSED_WITHDRAWALS: [(Change, &str); 4] = [
    (|t| t.amount = amount(0), "zero_amount"),
    (|t| t.amount = amount(1001), "insufficient_balance"),
    (|t| t.named_address = Address::ZERO, "wrong_recipient"),
    (|t| t.expiry = Timestamp::default(), "expired"),
];

fn to(index: u32) -> TransactionKind {
    let to = AccountIndex(index);
    TransactionKind::Transfer { to }
}

#[tokio::test]
async fn rules_refuse_with_their_code() {
    let client = Client::new();
    let state = client.ledger.state();
    let transfers = REFUSED_TRANSFERS.map(|case| (transfer(), case));
    let withdrawals = REFUSED_WITHDRAWALS.map(|case| (withdrawal(), case));
    for (mut transaction, (change, code)) in transfers.into_iter().chain(withdrawals) {
        change(&mut transaction);
        client.submit(signed(transaction)).await.assert_problem(422, code);
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn a_signature_over_something_else_is_refused() {
    let client = Client::new();
    let state = client.ledger.state();
    let mut body = body_of(signed(transfer()));
    body["amount"] = json!("11");
    client.post_json(&body).await.assert_problem(422, "bad_signature");
    let foreign = transfer().sign(&crate::ledger::deployment().domain, &key(2));
    client.submit(foreign).await.assert_problem(422, "wrong_key");
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn nonces_used_or_too_high_are_conflicts_that_tell_the_right_one() {
    let client = Client::new();
    assert_eq!(client.submit(signed(transfer())).await.status, 202);
    let state = client.ledger.state();
    let other = || Transaction { amount: amount(11), ..transfer() };
    for nonce in [0, 2, u32::MAX] {
        let answer = client.submit(signed(Transaction { nonce, ..other() })).await;
        assert_eq!(answer.assert_problem(409, "wrong_nonce").expected, Some(1));
    }
    assert_eq!(client.ledger.state(), state);
    let right = client.submit(signed(Transaction { nonce: 1, ..other() })).await;
    assert_eq!(right.status, 202);
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let client = Client::new();
    let body = body_of(signed(transfer())).to_string();
    for media_type in [None, Some("text/plain"), Some("application/jsonp"), Some("")] {
        let mut request = request(Method::POST, "/v1/transactions", Body::from(body.clone()));
        if let Some(media_type) = media_type {
            let value = media_type.parse().unwrap();
            request.headers_mut().insert("content-type", value);
        }
        let answer = client.send(request).await;
        answer.assert_problem(415, "unsupported_media_type");
    }
    let mut request = submission(body);
    let value = "Application/JSON; charset=utf-8".parse().unwrap();
    request.headers_mut().insert("content-type", value);
    assert_eq!(client.send(request).await.status, 202);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let client = Client::new();
    let id = format!("0x{}", "00".repeat(32));
    let cases = [
        (format!("/v1/transactions/{id}"), "unknown_transaction"),
        ("/v1/accounts/77".to_owned(), "unknown_account"),
        (format!("/v1/transactions/0x{}", "ff".repeat(32)), "unknown_transaction"),
        (format!("/v1/transactions/0x{}", "AB".repeat(32)), "unknown_transaction"),
        (format!("/v1/transactions/{id}/receipt"), "unknown_transaction"),
        (format!("/v1/transactions/{id}/events"), "unknown_transaction"),
        ("/v1/accounts/4294967295".to_owned(), "unknown_account"),
        ("/v1/accounts/4294967296".to_owned(), "unknown_account"),
        ("/v1/accounts/268435456/proof".to_owned(), "unknown_account"),
        ("/v1/accounts/77/nonce".to_owned(), "unknown_account"),
        ("/v1/accounts/77/transactions".to_owned(), "unknown_account"),
        ("/v1/accounts/1/proof?at=99".to_owned(), "not_sealed"),
        ("/v1/accounts/1/proof?at=99999999999".to_owned(), "not_sealed"),
        ("/v1/batches/99999999999".to_owned(), "unknown_batch"),
        ("/v1/batches/8/data".to_owned(), "unknown_batch"),
        ("/v1/batches/8/events".to_owned(), "unknown_batch"),
        ("/v1/batches/8/proof-tree".to_owned(), "unknown_batch"),
        ("/v1/batches/8/transactions".to_owned(), "unknown_batch"),
        ("/v1/batches/latest/data".to_owned(), "not_sealed"),
        ("/v1/withdrawals/8/0".to_owned(), "unknown_batch"),
        ("/v1/withdrawals/4/5".to_owned(), "unknown_withdrawal"),
        ("/v1/withdrawals/4/99999999999".to_owned(), "unknown_withdrawal"),
        ("/v1/batches/0".to_owned(), "unknown_batch"),
        ("/v1/batches/8/proof".to_owned(), "unknown_batch"),
        ("/v1/batches/8/withdrawals".to_owned(), "unknown_batch"),
        ("/v1/batches/5/proof".to_owned(), "not_proven"),
        ("/".to_owned(), "not_found"),
        ("/v1".to_owned(), "not_found"),
        ("/v2/status".to_owned(), "not_found"),
        ("/v1/transactions/".to_owned(), "not_found"),
        ("/v1/accounts/1/2".to_owned(), "not_found"),
    ];
    for (uri, code) in cases {
        client.get(&uri).await.assert_problem(404, code);
    }
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let client = Client::new();
    let cases = [
        (Method::GET, "/v1/transactions", "POST,OPTIONS"),
        (Method::DELETE, "/v1/accounts/1", "GET,HEAD,OPTIONS"),
        (Method::POST, "/livez", "GET,HEAD,OPTIONS"),
    ];
    for (method, uri, allowed) in cases {
        let answer = client.send(request(method, uri, Body::empty())).await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
}

#[tokio::test]
async fn parameters_are_strict() {
    let client = Client::new();
    let of_owner = format!("/v1/accounts?owner={}", owner(1));
    let cases = [
        ("/v1/transactions/7".to_owned(), "id"),
        (format!("/v1/transactions/0x{}", "ff".repeat(31)), "id"),
        (format!("/v1/transactions/{}", "ff".repeat(32)), "id"),
        ("/v1/accounts/-1".to_owned(), "index"),
        ("/v1/accounts/+1".to_owned(), "index"),
        ("/v1/accounts/000000000000000000001".to_owned(), "index"),
        ("/v1/accounts/1/proof?at=x".to_owned(), "at"),
        ("/v1/accounts/1/nonce?at=1".to_owned(), "at"),
        ("/v1/withdrawals/4/first".to_owned(), "position"),
        ("/v1/prover/jobs?state=broken".to_owned(), "state"),
        ("/v1/status?verbose=1".to_owned(), "verbose"),
        ("/v1/batches/newest".to_owned(), "batch"),
        ("/v1/batches/-1/proof".to_owned(), "batch"),
        ("/v1/batches?limit=0".to_owned(), "limit"),
        ("/v1/batches?limit=501".to_owned(), "limit"),
        ("/v1/batches?limit=ten".to_owned(), "limit"),
        ("/v1/batches?limit=1&limit=2".to_owned(), "limit"),
        ("/v1/batches?cursor=%00".to_owned(), "cursor"),
        ("/v1/batches?cursor=7".to_owned(), "cursor"),
        ("/v1/batches?page=2".to_owned(), "page"),
        ("/v1/batches/4/withdrawals?owner=0x".to_owned(), "owner"),
        ("/v1/accounts?owner=0x01".to_owned(), "owner"),
        ("/v1/accounts?key=1".to_owned(), "key"),
        (format!("{of_owner}&name=me"), "name"),
    ];
    for (uri, name) in cases {
        let problem = client.get(&uri).await.assert_problem(400, "invalid_parameter");
        assert_eq!(problem.parameter.as_deref(), Some(name), "{uri}");
    }
    client.get("/v1/accounts/%ff").await.assert_problem(400, "bad_request");
}
