//! Bad input through REST: right status and code, the field named, the state unchanged.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use weft_protocol::{
    AccountIndex, Address, AssetId, Fee, FeeAsset, Timestamp, Transaction, TransactionKind,
};

use crate::client::{Client, body_of, request, submission};
use crate::ledger::{NOW, amount, key, owner, signed, transfer, withdrawal};

#[tokio::test]
async fn bodies_that_are_no_object_are_malformed() {
    let client = Client::new();
    let state = client.ledger.state();
    let deep = "[".repeat(10_000);
    let twice = r#"{"kind": "transfer", "kind": "transfer"}"#;
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"nul",
        b"[]",
        b"7",
        b"\"transfer\"",
        b"{} {}",
        b"\xff\xfe",
        deep.as_bytes(),
        twice.as_bytes(),
    ];
    for body in bodies {
        client
            .post(body.to_vec())
            .await
            .assert_problem(400, "malformed_json");
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
            let problem = client
                .post_json(&without)
                .await
                .assert_problem(400, "missing_field");
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
        let problem = client
            .post_json(&body)
            .await
            .assert_problem(400, "unknown_field");
        assert_eq!(problem.pointer.as_deref(), Some(pointer));
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn values_of_a_wrong_form_are_refused_at_their_field() {
    let client = Client::new();
    let state = client.ledger.state();
    let body = body_of(signed(transfer()));
    let too_long = |name: &str| format!("{}00", body[name].as_str().unwrap());
    let no_prefix = |name: &str| body[name].as_str().unwrap()[2..].to_owned();
    let bytes = |byte: &str, count: usize| format!("0x{}", byte.repeat(count));
    let key_bytes = |rest: String| json!(format!("{rest}{}", "00".repeat(32)));
    let unreduced = |name: &str| {
        json!(format!(
            "{}{}",
            &body[name].as_str().unwrap()[..82],
            "ff".repeat(40)
        ))
    };
    let cases: Vec<(&str, Vec<Value>)> = vec![
        ("kind", vec![json!(1), json!(null)]),
        (
            "sender",
            vec![
                json!(-1),
                json!(1.5),
                json!("1"),
                json!(1u64 << 32),
                json!(null),
                json!([1]),
            ],
        ),
        (
            "to",
            vec![json!(-1), json!(1u64 << 32), json!({"index": 2})],
        ),
        ("asset", vec![json!(65_536), json!("2")]),
        (
            "amount",
            vec![
                json!(10),
                json!("-1"),
                json!("0x0a"),
                json!("1e3"),
                json!("10.0"),
                json!(" 10"),
                json!("010"),
                json!(""),
                json!((1u64 << 62).to_string()),
                json!(u64::MAX.to_string()),
                json!("9".repeat(5000)),
            ],
        ),
        ("fee_asset", vec![json!(0), json!(5), json!(65_537)]),
        (
            "fee",
            vec![json!(3), json!((1u64 << 62).to_string()), json!("three")],
        ),
        (
            "recipient",
            vec![
                json!(no_prefix("recipient")),
                json!(too_long("recipient")),
                json!(bytes("0g", 20)),
                json!("0x"),
                json!("0x0"),
                json!(null),
                json!("0xé"),
            ],
        ),
        ("nonce", vec![json!(-1), json!(1u64 << 32), json!("0")]),
        (
            "expiry",
            vec![
                json!(-1),
                json!(1u64 << 40),
                json!("2027-01-15T08:00:00.000Z"),
            ],
        ),
        ("chain_id", vec![json!("31337"), json!(-1)]),
        (
            "contract",
            vec![json!(no_prefix("contract")), json!(too_long("contract"))],
        ),
        (
            "public_key",
            vec![
                json!(no_prefix("public_key")),
                json!(too_long("public_key")),
                json!(bytes("0g", 40)),
                // Not below the order of the field; the neutral point; not on the curve.
                json!(bytes("ff", 40)),
                json!(bytes("00", 40)),
                key_bytes("0x0000000000000001".to_owned()),
                key_bytes("0xffffffff00000001".to_owned()),
            ],
        ),
        (
            "signature",
            vec![
                json!(no_prefix("signature")),
                json!(too_long("signature")),
                json!(bytes("ff", 80)),
                unreduced("signature"),
            ],
        ),
    ];
    for (name, values) in cases {
        for value in values {
            let mut bad = body.clone();
            bad[name] = value;
            let problem = client
                .post_json(&bad)
                .await
                .assert_problem(400, "invalid_field");
            assert_eq!(problem.pointer, Some(format!("/{name}")), "{bad}");
        }
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn fees_that_cannot_be_written_are_told_their_neighbours() {
    let client = Client::new();
    let mut body = body_of(signed(transfer()));
    body["fee"] = json!("4095");
    let problem = client
        .post_json(&body)
        .await
        .assert_problem(400, "fee_not_representable");
    assert_eq!(problem.pointer.as_deref(), Some("/fee"));
    assert!(
        problem.detail.contains("4094 and 4096"),
        "{}",
        problem.detail
    );
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

/// Transactions, rightly signed, that some rule refuses.
fn refused_by_rule() -> Vec<(Transaction, &'static str)> {
    let to = |index| TransactionKind::Transfer {
        to: AccountIndex(index),
    };
    let t = transfer;
    let fee_asset = FeeAsset::new(3).unwrap();
    let big_fee = Fee::at_least(amount(1 << 20)).unwrap();
    let past = Timestamp::new(NOW - 1).unwrap();
    vec![
        (
            Transaction {
                amount: amount(0),
                ..t()
            },
            "zero_amount",
        ),
        (
            Transaction {
                amount: amount(0),
                ..withdrawal()
            },
            "zero_amount",
        ),
        (
            Transaction {
                asset: AssetId(0),
                ..t()
            },
            "unknown_asset",
        ),
        (
            Transaction {
                asset: AssetId(9),
                ..t()
            },
            "insufficient_balance",
        ),
        (
            Transaction {
                amount: amount(1001),
                ..t()
            },
            "insufficient_balance",
        ),
        (
            Transaction {
                amount: amount((1 << 62) - 1),
                ..t()
            },
            "insufficient_balance",
        ),
        (
            Transaction {
                amount: amount(1001),
                ..withdrawal()
            },
            "insufficient_balance",
        ),
        (Transaction { fee_asset, ..t() }, "insufficient_fee"),
        (
            Transaction {
                fee: big_fee,
                ..t()
            },
            "insufficient_fee",
        ),
        (Transaction { kind: to(1), ..t() }, "self_transfer"),
        (
            Transaction {
                kind: to(77),
                ..t()
            },
            "unknown_recipient",
        ),
        (
            Transaction {
                kind: to(1 << 28),
                ..t()
            },
            "index_out_of_range",
        ),
        (
            Transaction {
                sender: AccountIndex(77),
                ..t()
            },
            "unknown_account",
        ),
        (
            Transaction {
                sender: AccountIndex(u32::MAX),
                ..t()
            },
            "index_out_of_range",
        ),
        (
            Transaction {
                sender: AccountIndex(3),
                ..t()
            },
            "wrong_key",
        ),
        (
            Transaction {
                named_address: owner(3),
                ..t()
            },
            "wrong_recipient",
        ),
        (
            Transaction {
                named_address: Address::ZERO,
                ..withdrawal()
            },
            "wrong_recipient",
        ),
        (
            Transaction {
                expiry: past,
                ..t()
            },
            "expired",
        ),
        (
            Transaction {
                expiry: Timestamp::default(),
                ..t()
            },
            "expired",
        ),
    ]
}

#[tokio::test]
async fn rules_refuse_with_their_code() {
    let client = Client::new();
    let state = client.ledger.state();
    for (transaction, code) in refused_by_rule() {
        client
            .submit(signed(transaction))
            .await
            .assert_problem(422, code);
    }
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn a_signature_over_something_else_is_refused() {
    let client = Client::new();
    let state = client.ledger.state();
    let mut body = body_of(signed(transfer()));
    body["amount"] = json!("11");
    client
        .post_json(&body)
        .await
        .assert_problem(422, "bad_signature");
    let foreign = transfer().sign(&crate::ledger::deployment().domain, &key(2));
    client
        .submit(foreign)
        .await
        .assert_problem(422, "wrong_key");
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn nonces_used_or_too_high_are_conflicts_that_tell_the_right_one() {
    let client = Client::new();
    assert_eq!(client.submit(signed(transfer())).await.status, 202);
    let state = client.ledger.state();
    let other = || Transaction {
        amount: amount(11),
        ..transfer()
    };
    for nonce in [0, 2, u32::MAX] {
        let answer = client
            .submit(signed(Transaction { nonce, ..other() }))
            .await;
        assert_eq!(answer.assert_problem(409, "wrong_nonce").expected, Some(1));
    }
    assert_eq!(client.ledger.state(), state);
    let right = client
        .submit(signed(Transaction {
            nonce: 1,
            ..other()
        }))
        .await;
    assert_eq!(right.status, 202);
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let client = Client::new();
    let body = body_of(signed(transfer())).to_string();
    for media_type in [
        None,
        Some("text/plain"),
        Some("application/jsonp"),
        Some(""),
    ] {
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
        ("/v1/accounts/4294967295".to_owned(), "unknown_account"),
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
        (Method::GET, "/v1/transactions", "POST"),
        (Method::DELETE, "/v1/accounts/1", "GET,HEAD"),
        (Method::POST, "/livez", "GET,HEAD"),
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
        (format!("/v1/transactions/0x{}", "ff".repeat(32)), "id"),
        (format!("/v1/transactions/0x{}", "AB".repeat(32)), "id"),
        ("/v1/accounts/-1".to_owned(), "index"),
        ("/v1/accounts/4294967296".to_owned(), "index"),
        ("/v1/batches/newest".to_owned(), "batch"),
        ("/v1/batches/-1/proof".to_owned(), "batch"),
        ("/v1/batches?limit=0".to_owned(), "limit"),
        ("/v1/batches?limit=501".to_owned(), "limit"),
        ("/v1/batches?limit=ten".to_owned(), "limit"),
        ("/v1/batches?limit=1&limit=2".to_owned(), "limit"),
        ("/v1/batches?cursor=%00".to_owned(), "cursor"),
        ("/v1/batches?page=2".to_owned(), "page"),
        ("/v1/batches/4/withdrawals?owner=0x".to_owned(), "owner"),
        ("/v1/accounts".to_owned(), "owner"),
        ("/v1/accounts?owner=0x01".to_owned(), "owner"),
        ("/v1/accounts?key=1".to_owned(), "key"),
        (format!("{of_owner}&key=0x{}", "00".repeat(32)), "key"),
        (format!("{of_owner}&name=me"), "name"),
    ];
    for (uri, name) in cases {
        let problem = client
            .get(&uri)
            .await
            .assert_problem(400, "invalid_parameter");
        assert_eq!(problem.parameter.as_deref(), Some(name), "{uri}");
    }
    client
        .get("/v1/accounts/%ff")
        .await
        .assert_problem(400, "bad_request");
}
