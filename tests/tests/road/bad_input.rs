//! What the REST API of a real node refuses.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use weft_api::{Problem, TransactionRequest};
use weft_node::clock;
use weft_node::demo::{Payment, Scene};
use weft_protocol::{AccountIndex, Address, AssetId, Timestamp, Transaction, TransactionKind};

/// A request body, and how it must be refused.
struct Case {
    what: &'static str,
    body: String,
    status: u16,
    code: &'static str,
}

impl Case {
    fn new(what: &'static str, body: &impl ToString, status: u16, code: &'static str) -> Self {
        Self { what, body: body.to_string(), status, code }
    }
}

/// Without accounts there is nothing to sign for, but bodies that are no transactions are refused all the same.
pub(crate) async fn is_refused_and_changes_nothing_before_there_are_accounts(scene: &Scene) {
    let cases = vec![
        Case::new("malformed JSON", &"{\"kind\":", 400, "malformed_json"),
        Case::new("not an object", &"[]", 400, "malformed_json"),
        Case::new("no fields", &"{}", 400, "missing_field"),
        Case::new("an oversized body", &" ".repeat(1 << 20), 413, "body_too_large"),
    ];
    assert_refused(scene, cases).await;
}

pub(crate) async fn is_refused_and_changes_nothing(scene: &mut Scene) {
    let cases = [malformed(scene), refused_by_rule(scene)].concat();
    assert_refused(scene, cases).await;
    a_nonce_that_is_not_the_next_is_told_the_right_one(scene).await;
    the_same_transaction_again_is_known(scene).await;
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { body: self.body.clone(), ..*self }
    }
}

/// A transfer that the node would take.
fn payment(scene: &Scene) -> Payment {
    let recipient = &scene.users()[1];
    Payment {
        kind: TransactionKind::Transfer { to: recipient.index },
        named_address: recipient.owner,
        asset: AssetId::ETH,
        amount: 10,
        fee: 1,
    }
}

fn body_of(scene: &Scene, payment: &Payment) -> Value {
    let deployment = scene.node().deployment();
    let signed = scene.users()[0].sign(payment, &deployment.domain, clock::now_seconds()).unwrap();
    serde_json::to_value(TransactionRequest::new(signed, deployment).unwrap()).unwrap()
}

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

fn malformed(scene: &Scene) -> Vec<Case> {
    let good = body_of(scene, &payment(scene));
    let all_ones = |bytes: usize| json!(format!("0x{}", "ff".repeat(bytes)));
    let case = |what, field: &str, value, status, code| Case::new(what, &with(&good, field, value), status, code);
    vec![
        case("an unknown field", "memo", json!("hello"), 400, "unknown_field"),
        case("bad hex", "recipient", json!("0xzz"), 400, "invalid_field"),
        case("a key that is no point", "public_key", all_ones(40), 422, "not_canonical"),
        case("a signature that is not canonical", "signature", all_ones(80), 422, "not_canonical"),
        case("another chain", "chain_id", json!(1), 422, "wrong_domain"),
        case("another contract", "contract", json!(Address([1; 20]).to_string()), 422, "wrong_domain"),
        case("2^62", "amount", json!((1_u64 << 62).to_string()), 400, "invalid_field"),
        case("2^64 - 1", "amount", json!(u64::MAX.to_string()), 400, "invalid_field"),
        case("an unsupported kind", "kind", json!("swap"), 422, "unsupported_kind"),
        case("another amount than was signed", "amount", json!("11"), 422, "bad_signature"),
    ]
}

fn refused_by_rule(scene: &Scene) -> Vec<Case> {
    let good = payment(scene);
    let sender = scene.users()[0].index;
    let case = |what, payment: Payment, code| Case::new(what, &body_of(scene, &payment), 422, code);
    let to = |index| TransactionKind::Transfer { to: index };
    let nobody = AccountIndex(1 << 20);
    vec![
        case("an unknown recipient", Payment { kind: to(nobody), ..good }, "unknown_recipient"),
        case("the wrong recipient address", Payment { named_address: Address([9; 20]), ..good }, "wrong_recipient"),
        case("an asset that the sender has not", Payment { asset: AssetId(77), ..good }, "insufficient_balance"),
        case("no asset", Payment { asset: AssetId::NONE, ..good }, "unknown_asset"),
        case("nothing", Payment { amount: 0, ..good }, "zero_amount"),
        case("a self-transfer", Payment { kind: to(sender), ..good }, "self_transfer"),
        case("more than the balance", Payment { amount: (1 << 62) - 1, ..good }, "insufficient_balance"),
        case("an index outside of the tree", Payment { kind: to(AccountIndex(1 << 28)), ..good }, "index_out_of_range"),
        Case::new("an expired one", &changed(scene, |t| t.expiry = Timestamp::new(1).unwrap()), 422, "expired"),
        Case::new("an unknown sender", &changed(scene, |t| t.sender = nobody), 422, "unknown_account"),
        Case::new("somebody else's account", &changed(scene, |t| t.sender = scene.users()[2].index), 422, "wrong_key"),
    ]
}

/// The good transfer with a change, rightly signed.
fn changed(scene: &Scene, change: impl FnOnce(&mut Transaction)) -> Value {
    let deployment = scene.node().deployment();
    let user = &scene.users()[0];
    let signed = user.sign(&payment(scene), &deployment.domain, clock::now_seconds()).unwrap();
    let mut transaction = signed.transaction;
    change(&mut transaction);
    let signed = user.sign_transaction(transaction, &deployment.domain);
    serde_json::to_value(TransactionRequest::new(signed, deployment).unwrap()).unwrap()
}

async fn post(scene: &Scene, body: String) -> (StatusCode, String, String) {
    let url = format!("{}/v1/transactions", scene.node().url());
    let request = Client::new().post(url).header("content-type", "application/json").body(body);
    let response = request.send().await.unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status(), media_type, response.text().await.unwrap())
}

async fn assert_refused(scene: &Scene, cases: Vec<Case>) {
    let before = scene.client().status().await.unwrap().root;
    for Case { what, body, status, code } in cases {
        let (got, media_type, text) = post(scene, body).await;
        assert_eq!(got.as_u16(), status, "{what}: {text}");
        assert_eq!(media_type, "application/problem+json", "{what}");
        let problem: Problem = serde_json::from_str(&text).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{what}: {text}");
        let after = scene.client().status().await.unwrap().root;
        assert_eq!(after, before, "{what} has changed the state");
    }
}

async fn a_nonce_that_is_not_the_next_is_told_the_right_one(scene: &Scene) {
    let next = scene.users()[0].nonce;
    let before = scene.client().status().await.unwrap().root;
    for nonce in [0, next - 1, next + 1, u32::MAX] {
        let (status, _, text) = post(scene, changed(scene, |t| t.nonce = nonce).to_string()).await;
        let problem: Problem = serde_json::from_str(&text).unwrap();
        assert_eq!((status.as_u16(), problem.code.as_str()), (409, "wrong_nonce"), "{text}");
        assert_eq!(problem.expected, Some(next));
    }
    assert_eq!(scene.client().status().await.unwrap().root, before);
}

/// Takes one good transaction, then takes it no second time.
async fn the_same_transaction_again_is_known(scene: &mut Scene) {
    let payment = payment(scene);
    let body = body_of(scene, &payment).to_string();
    let (first, _, text) = post(scene, body.clone()).await;
    assert_eq!(first, StatusCode::ACCEPTED, "{text}");
    let root = scene.client().status().await.unwrap().root;
    let (second, ..) = post(scene, body).await;
    assert_eq!(second, StatusCode::OK);
    assert_eq!(scene.client().status().await.unwrap().root, root, "it was executed once");
}
