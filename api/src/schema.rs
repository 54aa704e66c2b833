//! Values as the OpenAPI document describes them.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, schema::Object};
use utoipa::{PartialSchema, ToSchema};

use crate::{FixedBytes, HexBytes, Time};

/// An amount in base units, 0 to 2^62 - 1, as decimal digits without leading zeros.
#[derive(Debug)]
pub(crate) struct AmountText;

/// A text with a pattern.
pub(crate) fn text(description: impl Into<String>, pattern: impl Into<String>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(pattern))
}

fn built(object: impl Into<Object>) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.into()))
}

/// One of some words.
pub(crate) fn name_schema(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))
}

/// A pattern of the numbers from 0 to a largest one of several digits: those with fewer digits, and for each of its digits
/// those that have the same before it and a smaller one there.
fn decimal_pattern(largest: &str) -> String {
    let mut cases = vec!["0".to_owned(), format!("[1-9][0-9]{{0,{}}}", largest.len() - 2), largest.to_owned()];
    for (position, digit) in largest.bytes().enumerate() {
        let least = if position == 0 { b'1' } else { b'0' };
        let rest = largest.len() - position - 1;
        if digit > least {
            let (before, below) = (&largest[..position], char::from(digit - 1));
            cases.push(format!("{before}[{}-{below}][0-9]{{{rest}}}", char::from(least)));
        }
    }
    format!("^({})$", cases.join("|"))
}

impl PartialSchema for AmountText {
    fn schema() -> RefOr<Schema> {
        let description = "An amount in base units, below 2^62: decimal digits without leading zeros.";
        let pattern = decimal_pattern(&weft_protocol::Amount::MAX.to_string());
        built(text(description, pattern).examples([json!("1000000")]))
    }
}

impl ToSchema for AmountText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}

impl<const N: usize> PartialSchema for FixedBytes<N> {
    fn schema() -> RefOr<Schema> {
        let description = format!("{N} bytes: `0x` and {} hexadecimal digits, lower-case in answers.", 2 * N);
        let example = format!("0x{}", "5a".repeat(N));
        built(text(description, format!("^0x[0-9a-fA-F]{{{}}}$", 2 * N)).examples([json!(example)]))
    }
}

impl<const N: usize> ToSchema for FixedBytes<N> {
    fn name() -> Cow<'static, str> {
        match N {
            20 => Cow::Borrowed("Address"),
            32 => Cow::Borrowed("Hash"),
            _ => Cow::Owned(format!("Bytes{N}")),
        }
    }
}

impl PartialSchema for HexBytes {
    fn schema() -> RefOr<Schema> {
        let description = "Bytes: `0x` and two lower-case hexadecimal digits for each.";
        built(text(description, "^0x([0-9a-f]{2})*$").examples([json!("0x00ff")]))
    }
}

impl ToSchema for HexBytes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Bytes")
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let description = "A point in time, RFC 3339 in UTC, to the millisecond.";
        let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        built(text(description, pattern).format(Some(format)).examples([json!("2026-01-31T09:05:00.250Z")]))
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}
