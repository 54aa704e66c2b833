//! Payments at nodes that lie.

use serde_json::{Value, json};
use weft_api::{AssetView, Deployment};
use weft_protocol::Domain;

use super::*;
use crate::client::testing::node;

const NOW: u64 = 1_000;

fn key(byte: u8) -> Digest {
    Digest::from_bytes(&[byte; 32]).unwrap()
}

fn owner(byte: u8) -> Address {
    Address([byte; 20])
}

fn account(index: u32, owner_byte: u8, key_byte: u8) -> Value {
    let balances = json!([{ "asset": 1, "amount": "100000000000" }, { "asset": 2, "amount": "100000000000" }]);
    json!({
        "index": index, "owner": owner(owner_byte).to_string(), "key": key(key_byte).to_string(), "nonce": 4,
        "pending_nonce": 5, "balances": balances,
    })
}

fn fees(fee: u64) -> Value {
    let minimum = ["transfer", "withdraw"].map(|kind| json!({ "kind": kind, "fee": fee.to_string() }));
    json!({
        "minimum": minimum, "assets": [1], "mantissa_bits": 11, "exponent_bits": 5, "maximum": "1", "rule": "",
    })
}

fn terms() -> Terms {
    let deployment = Deployment { chain_id: 7, contract: owner(9), domain: Domain(key(3)) };
    let asset = |id| AssetView { id, token: None, scale: Amount::new(1).unwrap() };
    Terms { deployment, assets: vec![asset(1), asset(2)] }
}

fn payment(to: Party) -> Payment {
    Payment {
        to: Some(to),
        asset: AssetId(1),
        amount: Amount::new(10_000_000).unwrap(),
        fee_asset: FeeAsset::from_asset(AssetId(1)).unwrap(),
        fee: None,
        from: None,
        nonce: None,
        expiry: NOW + 60,
    }
}

/// What becomes of a payment by the holder of key 1, account 3, at a node that answers like this about the recipient.
async fn draft(payment: &Payment, fee: u64, recipient: (&'static str, Value)) -> Result<Draft, WalletError> {
    let sender = (
        "/v1/accounts?key=0x0101010101010101010101010101010101010101010101010101010101010101",
        json!({ "items": [account(3, 1, 1)] }),
    );
    let client = node(vec![sender, ("/v1/fees", fees(fee)), recipient]);
    Draft::new(&client, &terms(), &key(1), payment, NOW).await
}

#[tokio::test]
async fn what_is_meant_is_what_is_signed() {
    let recipient = ("/v1/accounts?owner=", json!({ "items": [account(8, 2, 2)] }));
    let draft = draft(&payment(Party::Owner(owner(2))), 100, recipient).await.unwrap();
    let summary = draft.summary();
    assert_eq!((summary.from, summary.to, summary.nonce, summary.expiry), (3, Some(8), 5, NOW + 60));
    assert_eq!((summary.payer, summary.owner), (owner(1).to_string(), owner(2).to_string()));
    let (transaction, fee) = (draft.transaction().clone(), draft.transaction().fee.value().get());
    assert_eq!((transaction.amount.get(), fee, transaction.named_address), (10_000_000, 100, owner(2)));
    let secret = SecretKey::from_seed(&[1; 32]);
    assert!(draft.sign(&secret).signature_is_valid(&terms().deployment.domain));
}

#[tokio::test]
async fn an_account_of_somebody_else_is_not_paid() {
    let cases = [
        (Party::Owner(owner(2)), ("/v1/accounts?owner=", json!({ "items": [account(8, 6, 2)] }))),
        (Party::Key(key(2)), ("/v1/accounts?key=", json!({ "items": [account(8, 2, 6)] }))),
        (Party::Index(8), ("/v1/accounts/8", account(9, 2, 2))),
    ];
    for (party, recipient) in cases {
        let error = draft(&payment(party), 0, recipient).await.unwrap_err();
        assert!(matches!(error, WalletError::OtherAccount { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_fee_that_the_node_proposes_has_a_cap() {
    let fee_of = async |payment: &Payment, fee| {
        let recipient = ("/v1/accounts/8", account(8, 2, 2));
        draft(payment, fee, recipient).await.map(|draft| draft.transaction().fee.value().get())
    };
    let payment = payment(Party::Index(8));
    let share = payment.amount.get() / FEE_SHARE;
    assert_eq!(fee_of(&payment, 99_968).await.unwrap(), 99_968);
    assert!(
        matches!(fee_of(&payment, share + 64).await, Err(WalletError::FeeTooHigh { cap, .. }) if cap.get() == share)
    );
    let named = Payment { fee: Some(Amount::new(share + 64).unwrap()), ..payment };
    assert!(fee_of(&named, share + 64).await.unwrap() > share);
    let other = Payment { asset: AssetId(2), ..payment };
    assert_eq!(fee_of(&other, 10_000).await.unwrap(), FEE_SMALL);
    assert!(matches!(fee_of(&other, 10_008).await, Err(WalletError::FeeTooHigh { cap, .. }) if cap.get() == FEE_SMALL));
}

#[test]
fn the_cap_grows_with_the_amount_up_to_an_end() {
    let cap = |amount| fee_cap(&Payment { amount: Amount::new(amount).unwrap(), ..payment(Party::Index(8)) }).get();
    assert_eq!([cap(1), cap(1_000_000), cap(2_000_000)], [FEE_SMALL, FEE_SMALL, 20_000]);
    assert_eq!([cap(100_000_000), cap(1 << 60)], [FEE_MAX, FEE_MAX]);
}
