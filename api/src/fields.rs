//! The fields of a JSON object, taken one by one, so that a refusal names the field.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::problem::Refusal;

/// Fields that were not taken yet.
pub(crate) struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// The fields of a body.
    ///
    /// # Errors
    /// The body is not one JSON object, or names a field twice.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| Refusal::malformed_json(error.to_string()))
    }

    /// Takes a field that must be there.
    ///
    /// # Errors
    /// It is missing, or its value is none of the type.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Refusal> {
        self.take_with(name, |value| T::deserialize(value))
    }

    /// Takes a field that is read in a way of its own.
    ///
    /// # Errors
    /// It is missing, or `read` refuses its value.
    pub(crate) fn take_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, serde_json::Error>,
    ) -> Result<T, Refusal> {
        let missing = || Refusal::field("missing_field", name, "the field is missing");
        let value = self.0.remove(name).ok_or_else(missing)?;
        read(value).map_err(|error| Refusal::field("invalid_field", name, error.to_string()))
    }

    /// Takes a field that may be missing.
    ///
    /// # Errors
    /// It is there, and `read` refuses its value.
    pub(crate) fn take_optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, serde_json::Error>,
    ) -> Result<Option<T>, Refusal> {
        if self.0.contains_key(name) { self.take_with(name, read).map(Some) } else { Ok(None) }
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// Some field was not taken: it does not exist, or not here.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.first_key_value() {
            Some((name, _)) => {
                let detail = "there is no such field, or not for this kind";
                Err(Refusal::field("unknown_field", name, detail))
            }
            None => Ok(()),
        }
    }
}

/// A number without a fraction is an integer however it is written: JSON Schema says so, and some encoders write `3.0`.
fn integral(value: Value) -> Value {
    /// Integers up to here have a form of their own among floating numbers: 2^53.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

    match value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0 && (0.0..EXACT_MAX).contains(number)) {
        Some(number) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, and in the range of u64"
            )]
            let integer = number as u64;
            Value::from(integer)
        }
        None => value,
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    // Readers differ in which of two they believe; a signed body must mean one thing.
                    if fields.contains_key(&name) {
                        map.next_value::<IgnoredAny>()?;
                        return Err(A::Error::custom("a field is named twice"));
                    }
                    fields.insert(name, integral(map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
