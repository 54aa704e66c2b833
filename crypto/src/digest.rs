//! Four field elements: what Poseidon returns.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Goldilocks;

/// Output of Poseidon: four elements, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Digest(pub [Goldilocks; 4]);

/// A text is not a digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseDigestError {
    /// The text does not start with `0x`.
    #[error("a digest starts with 0x")]
    MissingPrefix,
    /// The text has a wrong length.
    #[error("a digest has 64 hexadecimal digits, got {got}")]
    Length {
        /// Characters after the prefix.
        got: usize,
    },
    /// The text holds something other than lower-case hexadecimal digits.
    #[error("a digest has lower-case hexadecimal digits only, got another character at {position}")]
    Digit {
        /// Position of the byte, counted from 0 after the prefix.
        position: usize,
    },
    /// One of the four elements is not below the order of the field.
    #[error("element of a digest is not below the order of the field")]
    NotCanonical,
}

impl Digest {
    /// Four zeros: the digest of an empty leaf, and no digest of any known input.
    pub const ZERO: Self = Self([Goldilocks::ZERO; 4]);

    /// 32 bytes: element 0 first, each big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, element) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&element.as_u64().to_be_bytes());
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`]; `None` if an element is not below the order of the field.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let mut elements = [Goldilocks::ZERO; 4];
        for (element, chunk) in elements.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *element = Goldilocks::from_canonical(u64::from_be_bytes(*chunk))?;
        }
        Some(Self(elements))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0.map(Goldilocks::as_u64);
        write!(f, "0x{a:016x}{b:016x}{c:016x}{d:016x}")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// Accepts exactly what [`fmt::Display`] prints.
    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let digits = text.strip_prefix("0x").ok_or(ParseDigestError::MissingPrefix)?.as_bytes();
        if digits.len() != 64 {
            return Err(ParseDigestError::Length { got: digits.len() });
        }
        let mut bytes = [0; 32];
        for (position, digit) in digits.iter().enumerate() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(ParseDigestError::Digit { position }),
            };
            bytes[position / 2] = bytes[position / 2] << 4 | value;
        }
        Self::from_bytes(&bytes).ok_or(ParseDigestError::NotCanonical)
    }
}

/// As its 32 bytes.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

/// Refuses elements that are not below the order of the field.
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <[u8; 32]>::deserialize(deserializer)?;
        Self::from_bytes(&bytes).ok_or_else(|| D::Error::custom(ParseDigestError::NotCanonical))
    }
}

#[cfg(test)]
mod tests;
