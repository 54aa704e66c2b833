//! Values as JSON text: hexadecimal bytes, and serde helpers for types of the protocol.

use core::fmt::{self, Display};
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de};
use weft_protocol::CodecError;

/// `N` bytes, written as `0x` and `2 N` lower-case digits; read in either case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FixedBytes<const N: usize>(pub [u8; N]);

/// Hash of an L1 transaction, or another word of L1.
pub type L1Hash = FixedBytes<32>;

/// Any number of bytes, written like [`FixedBytes`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct HexBytes(pub Vec<u8>);

impl<const N: usize> Display for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for FixedBytes<N> {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let bytes = HexBytes::from_str(text)?.0;
        let got = bytes.len();
        let wrong_length = |_| CodecError::Length { what: "the value", expected: N, got };
        bytes.try_into().map(Self).map_err(wrong_length)
    }
}

impl Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl FromStr for HexBytes {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let not_hex = CodecError::Hex { what: "the value" };
        match text.strip_prefix("0x").map(hex::decode) {
            Some(Ok(bytes)) => Ok(Self(bytes)),
            Some(Err(_)) | None => Err(not_hex),
        }
    }
}

/// Writes what `Display` prints.
pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads what `FromStr` takes.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

/// The same for a value that may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, de};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

/// Amounts as decimal text.
pub(crate) mod decimal {
    use super::{Deserialize, Deserializer, de};
    use weft_protocol::Amount;

    pub(crate) use super::serialize;

    /// Digits without sign, point or leading zeros, so that an amount has one form.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map_err(de::Error::custom)
    }

    pub(crate) fn parse(text: &str) -> Result<Amount, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || (text.len() > 1 && text.starts_with('0')) {
            return Err("an amount is a string of decimal digits without leading zeros".to_owned());
        }
        let too_large = || format!("the amount is above {}, the largest allowed", Amount::MAX);
        let value = text.parse().map_err(|_| too_large())?;
        Amount::new(value).map_err(|_| too_large())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_amount_has_one_form() {
            assert_eq!(parse("0"), Ok(Amount::ZERO));
            assert_eq!(parse("4611686018427387903"), Ok(Amount::MAX));
            let refused = [
                "",
                "00",
                "01",
                "-1",
                "+1",
                "1.0",
                "1e3",
                " 1",
                "0x1",
                "١",
                "4611686018427387904",
                "18446744073709551615",
                "18446744073709551616",
            ];
            for text in refused {
                assert!(parse(text).is_err(), "{text:?}");
            }
        }
    }
}

/// The same for an amount that may be absent.
pub(crate) mod decimal_option {
    use super::{Deserialize, Deserializer, decimal};
    use weft_protocol::Amount;

    pub(crate) use super::option::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Amount>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "decimal")] Amount);

        Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0))
    }
}

/// `Serialize` and `Deserialize` as text.
macro_rules! serde_as_text {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)*> serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::text::serialize(self, serializer)
            }
        }

        impl<'de, $($generics)*> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::deserialize(deserializer)
            }
        }
    )+};
}
pub(crate) use serde_as_text;

serde_as_text!([const N: usize] FixedBytes<N>, [] HexBytes);
