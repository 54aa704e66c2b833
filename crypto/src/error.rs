//! Why bytes are no key, point or signature.

/// Bytes refused by a strict decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// A field element is not below the order of the field.
    #[error("element {position} is not below the order of the field")]
    NotCanonical {
        /// Position of the element, counted from 0.
        position: usize,
    },
    /// The elements encode no point of the prime-order subgroup.
    #[error("not a point of the prime-order subgroup")]
    NotAPoint,
    /// The neutral point stands where a finite one must.
    #[error("the neutral point is no key and no commitment of a signature")]
    Neutral,
    /// The key is one under which a signature proves nothing, or has the same x coordinate.
    #[error("the key is one of the excluded points")]
    ExcludedKey,
    /// A scalar is not below the order of the group.
    #[error("scalar is not below the order of the group")]
    ScalarNotReduced,
}
