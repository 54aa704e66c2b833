//! Parameters that several operations have, as the OpenAPI document describes them.

use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema, path::Parameter, path::ParameterBuilder, path::ParameterIn};
use utoipa::{IntoParams, PartialSchema};

use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::schema::{name_schema, text};
use crate::{FixedBytes, JobStateName};

fn parameter(place: ParameterIn, name: &str, schema: impl Into<RefOr<Schema>>, description: &str) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(schema))
        .description(Some(description))
        .build()
}

fn number(minimum: u64, maximum: u64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum)).maximum(Some(maximum))
}

/// Parameters under a name.
macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: [$(($place:ident, $key:literal, $schema:expr, $description:literal)),+];)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$(parameter(ParameterIn::$place, $key, $schema, $description)),+]
            }
        }
    )+};
}

parameters! {
    /// Which part of a list.
    Paging: [
        (Query, "limit", number(1, limit_max()).default(Some(json!(PAGE_ITEMS_DEFAULT))), "Most items of the page; a page of batches, of the queue or of an account's history has at most 100."),
        (Query, "cursor", text("Opaque.", "^[0-9a-f]{16}$"), "What the page before gave as `next`.")
    ];
    /// Asks whether something has changed.
    Conditional: [
        (Header, "If-None-Match", ObjectBuilder::new().schema_type(Type::String), "The `ETag` of what the client has; 304 if it is that.")
    ];
    /// Goes on with a stream.
    Resuming: [
        (Header, "Last-Event-ID", text("A number.", "^[0-9]{1,9}$"), "The id of the last event that the client has got.")
    ];
    /// Names an entry of the L1 queue.
    QueuePosition: [
        (Path, "position", number(0, u64::from(u32::MAX)), "Position in the queue.")
    ];
    /// Names a batch.
    BatchName: [
        (Path, "batch", text("A number or a word.", "^(latest|proven|verified|[1-9][0-9]{0,8})$"),
            "Number of the batch, or `latest`, `proven` or `verified` for the last one that has come so far.")
    ];
    /// Names a transaction.
    TransactionId: [
        (Path, "id", FixedBytes::<32>::schema(), "Id of the transaction: the digest of its message.")
    ];
    /// Names an account.
    AccountPosition: [
        (Path, "index", number(0, u32::MAX.into()), "Position of the account in the state tree.")
    ];
    /// Filters accounts.
    Holder: [
        (Query, "owner", FixedBytes::<20>::schema(), "Only accounts that this L1 address owns."),
        (Query, "key", FixedBytes::<32>::schema(), "Only accounts with a main key of this digest.")
    ];
    /// Names a batch whose state is meant.
    AtBatch: [
        (Query, "at", number(0, u32::MAX.into()), "Number of the batch after which; the last sealed one if absent. 0: the state before the first.")
    ];
    /// Names a withdrawal.
    WithdrawalName: [
        (Path, "batch", text("A number or a word.", "^(latest|proven|verified|[1-9][0-9]{0,8})$"), "Number of the batch, or a word as elsewhere."),
        (Path, "position", number(0, u32::MAX.into()), "Position among the withdrawals of the batch, from 0.")
    ];
    /// Filters jobs.
    StateFilter: [
        (Query, "state", name_schema(JobStateName::ALL.map(JobStateName::name)), "Only jobs in this state.")
    ];
}

fn limit_max() -> u64 {
    u64::try_from(PAGE_ITEMS_MAX).unwrap_or(u64::MAX)
}
