//! Whatever is sent: an answer below 500, in our shape, and no change of the state without a transaction.

use axum::body::Body;
use axum::http::{Method, Uri};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::client::{Answer, Client, body_of, request, submission};
use crate::ledger::{signed, transfer, withdrawal};

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime of one thread")
}

fn assert_refused(answer: &Answer) {
    let problem = answer.problem();
    assert!((400..500).contains(&problem.status), "{problem:?}");
}

/// JSON with the words that mean something here.
fn arb_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "0x[0-9a-fA-F]{0,170}".prop_map(Value::from),
        "[0-9]{0,25}".prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 32, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((arb_name(), inner), 0..20).prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn arb_name() -> impl Strategy<Value = String> {
    let names = body_of(signed(transfer()));
    let names: Vec<String> = names.as_object().expect("an object").keys().cloned().collect();
    prop_oneof![4 => proptest::sample::select(names), 1 => "\\PC{0,8}"]
}

/// A right body with one field set, new or old.
fn arb_spoiled_body() -> impl Strategy<Value = (Value, Value)> {
    let bodies = [body_of(signed(transfer())), body_of(signed(withdrawal()))];
    let body = proptest::sample::select(bodies.to_vec());
    let value = prop_oneof![arb_json(), Just(json!("withdraw")), (0..4u32).prop_map(Value::from)];
    (body, arb_name(), value).prop_map(|(body, name, value)| {
        let mut spoiled = body.clone();
        spoiled[name] = value;
        (body, spoiled)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_refused(body in vec(any::<u8>(), 0..300)) {
        let client = Client::new();
        let state = client.ledger.state();
        assert_refused(&runtime().block_on(client.post(body)));
        prop_assert_eq!(client.ledger.state(), state);
    }

    #[test]
    fn any_json_is_refused(body in arb_json()) {
        let client = Client::new();
        let state = client.ledger.state();
        assert_refused(&runtime().block_on(client.post_json(&body)));
        prop_assert_eq!(client.ledger.state(), state);
    }

    #[test]
    fn a_body_with_another_field_is_refused((body, spoiled) in arb_spoiled_body()) {
        prop_assume!(body != spoiled);
        let client = Client::new();
        let state = client.ledger.state();
        assert_refused(&runtime().block_on(client.post_json(&spoiled)));
        prop_assert_eq!(client.ledger.state(), state);
    }

    #[test]
    fn a_body_with_another_byte_is_refused_or_means_the_same(
        position in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let right = body_of(signed(transfer()));
        let mut bytes = right.to_string().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        let client = Client::new();
        let answer = runtime().block_on(client.post(bytes.clone()));
        if answer.status == 202 {
            // Letters of hexadecimal digits may be of either case.
            let lower = bytes.to_ascii_lowercase();
            prop_assert_eq!(serde_json::from_slice::<Value>(&lower).unwrap(), right);
        } else {
            assert_refused(&answer);
        }
    }

    #[test]
    fn any_address_has_an_answer(
        method in proptest::sample::select(vec![Method::GET, Method::POST, Method::PUT, Method::OPTIONS, Method::HEAD]),
        resource in proptest::sample::select(vec!["transactions", "accounts", "batches", "status", "other"]),
        rest in "(/[0-9a-z%.~-]{0,20}){0,3}",
        query in "(\\?[a-z]{1,6}=[0-9a-z%&=+]{0,20})?",
    ) {
        let uri = format!("/v1/{resource}{rest}{query}");
        prop_assume!(uri.parse::<Uri>().is_ok());
        let client = Client::new();
        let is_head = method == Method::HEAD;
        let answer = runtime().block_on(client.send(request(method, &uri, Body::empty())));
        prop_assert!(answer.headers.contains_key("x-trace-id"));
        if is_head {
            prop_assert!(answer.status.as_u16() < 500 && answer.body.is_empty());
        } else if !answer.status.is_success() {
            assert_refused(&answer);
        }
    }

    #[test]
    fn any_headers_have_an_answer(
        content_type in "[ -~]{0,30}",
        traceparent in "[ -~]{0,60}",
        content_length in "[0-9]{1,20}",
    ) {
        let mut request = submission("{}");
        let headers = request.headers_mut();
        headers.insert("content-type", content_type.parse().expect("printable"));
        headers.insert("traceparent", traceparent.parse().expect("printable"));
        headers.insert("content-length", content_length.parse().expect("digits"));
        assert_refused(&runtime().block_on(Client::new().send(request)));
    }
}
