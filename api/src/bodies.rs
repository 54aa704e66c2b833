//! Bodies of requests and events, as the OpenAPI document describes them.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use weft_protocol::Timestamp;

use crate::limits::SUBMIT_MAX;
use crate::request::{FeeRequest, ManyTransactions};
use crate::schema::{AmountText, name_schema, text};
use crate::{FixedBytes, TransactionRequest};

/// A field: its name, its schema, and what it is for.
type Field = (&'static str, RefOr<Schema>);

fn number(maximum: u64, description: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(maximum));
    number.description(Some(description)).into()
}

fn fee_asset() -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(4));
    number.description(Some("Id of the asset of the fee.")).into()
}

/// An object that has these fields and no others.
fn object(required: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    let closed = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let fields = required.into_iter();
    fields.fold(closed, |object, (name, schema)| object.property(name, schema).required(name))
}

fn signed(kind: &'static str, own: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    let index = u64::from(u32::MAX);
    let common = [
        ("kind", name_schema([kind]).into()),
        ("sender", number(index, "Index of the account that pays.")),
        ("asset", number(u16::MAX.into(), "Id of the asset that is paid.")),
        ("amount", AmountText::schema()),
        ("fee_asset", fee_asset()),
        ("fee", AmountText::schema()),
        ("nonce", number(index, "Nonce of the sender.")),
        ("expiry", number(Timestamp::MAX.get(), "Last time of a batch that may contain it, in UNIX seconds.")),
        ("chain_id", number(u64::MAX, "Chain id of the rollup's L1.")),
        ("contract", FixedBytes::<20>::schema()),
        ("public_key", FixedBytes::<40>::schema()),
        ("signature", FixedBytes::<80>::schema()),
    ];
    object(common.into_iter().chain(own))
}

impl PartialSchema for TransactionRequest {
    fn schema() -> RefOr<Schema> {
        let index = number(u32::MAX.into(), "Index of the account that is paid.");
        let transfer = signed("transfer", [("to", index), ("recipient", FixedBytes::<20>::schema())]);
        let withdraw = signed("withdraw", [("owner", FixedBytes::<20>::schema())]);
        let description = "A signed transaction and the rollup that it is for. A fee is a number that 11 bits and a binary \
                           exponent can write; the key and the signature are encodings of curve points and scalars.";
        let example = json!({
            "kind": "transfer", "sender": 1, "to": 2, "recipient": format!("0x{}", "02".repeat(20)), "asset": 1,
            "amount": "1000000", "fee_asset": 1, "fee": "1000", "nonce": 0, "expiry": 1_800_000_000, "chain_id": 31_337,
            "contract": format!("0x{}", "c0".repeat(20)), "public_key": format!("0x{}", "5a".repeat(40)),
            "signature": format!("0x{}", "5a".repeat(80)),
        });
        OneOfBuilder::new()
            .item(transfer.description(Some("Pays another account.")))
            .item(withdraw.description(Some("Pays out on L1.")))
            .description(Some(description))
            .examples([example])
            .into()
    }
}

impl ToSchema for TransactionRequest {}

impl PartialSchema for ManyTransactions {
    fn schema() -> RefOr<Schema> {
        // Open on purpose: a transaction that is refused has a result of its own and stops no other.
        let one = ObjectBuilder::new().schema_type(Type::Object);
        let one = one.description(Some("A transaction as `POST /v1/transactions` takes it."));
        let list = ArrayBuilder::new().items(one).min_items(Some(1)).max_items(Some(SUBMIT_MAX));
        object([("transactions", list.into())]).into()
    }
}

impl ToSchema for ManyTransactions {}

impl PartialSchema for FeeRequest {
    fn schema() -> RefOr<Schema> {
        object([("kind", name_schema(["transfer", "withdraw"]).into()), ("fee_asset", fee_asset())])
            .property("fee", AmountText::schema())
            .examples([json!({"kind": "transfer", "fee_asset": 1, "fee": "1001"})])
            .into()
    }
}

impl ToSchema for FeeRequest {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FeeRequest")
    }
}

/// An event of a stream, on the wire.
#[derive(Debug)]
pub(crate) struct SentEvent;

impl PartialSchema for SentEvent {
    fn schema() -> RefOr<Schema> {
        let id = text("Steps that the client has got with it: what `Last-Event-ID` asks to go on after.", "^[0-9]+$");
        let data = ObjectBuilder::new().schema_type(Type::String);
        let data = data.description(Some("JSON: a Step, a Progress, a ProofTreeView or a JobView."));
        object([
            ("id", id.into()),
            ("event", name_schema(["step", "proving", "tree", "job"]).into()),
            ("data", data.into()),
        ])
        .examples([
            json!({"id": "2", "event": "step", "data": "{\"step\":\"sealed\",\"at\":\"2026-01-31T09:05:00.250Z\"}"}),
        ])
        .into()
    }
}

impl ToSchema for SentEvent {}
