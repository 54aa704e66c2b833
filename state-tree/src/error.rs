//! Errors.

use weft_protocol::AccountIndex;

/// The tree has no leaf at this index (SL-7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the index {index} is not below 2^28")]
pub struct IndexOutOfRange {
    /// The index.
    pub index: AccountIndex,
}
