//! Errors of codecs and of values out of range.

/// A number is outside of the range of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value}, the largest allowed is {max}")]
pub struct ValueError {
    /// The quantity.
    pub what: &'static str,
    /// What was given.
    pub value: u64,
    /// The largest value of the type.
    pub max: u64,
}

/// Bytes or text that encode no value of their type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A wrong number of bytes.
    #[error("{what} has {expected} bytes, got {got}")]
    Length {
        /// The type.
        what: &'static str,
        /// Bytes that it has.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// Text that is not hexadecimal with the prefix `0x`.
    #[error("{what} is not hexadecimal text that starts with 0x")]
    Hex {
        /// The type.
        what: &'static str,
    },
    /// A number out of range.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A kind of record or transaction that does not exist, or not here.
    #[error("kind {kind} is not supported")]
    UnsupportedKind {
        /// The five bits.
        kind: u8,
    },
    /// A field that the kind does not name is not zero.
    #[error("the field {field} is not used by this kind and must be 0")]
    UnusedField {
        /// The field's name.
        field: &'static str,
    },
    /// An element that is not below the order of the field.
    #[error("{what} has an element that is not below the order of the field")]
    NotCanonical {
        /// The type.
        what: &'static str,
    },
    /// A key that is refused.
    #[error("public key refused: {reason}")]
    Key {
        /// What the decoder said.
        reason: String,
    },
    /// A signature that is refused before it is checked.
    #[error("signature refused: {reason}")]
    Signature {
        /// What the decoder said.
        reason: String,
    },
}
