//! Indices, asset ids and amounts.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::crypto::Goldilocks;
use crate::{TREE_DEPTH, ValueError};

/// Position of an object in the state tree, as a record carries it: 32 bits. Only those below 2^28 can hold an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct AccountIndex(pub u32);

impl AccountIndex {
    /// Whether the state tree has this position.
    #[must_use]
    pub fn in_tree(self) -> bool {
        self.0 >> TREE_DEPTH == 0
    }

    /// The index as an element.
    #[must_use]
    pub fn element(self) -> Goldilocks {
        Goldilocks::from_u64(u64::from(self.0))
    }
}

impl fmt::Display for AccountIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of an asset that L1 has listed; 0 stands for none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct AssetId(pub u16);

impl AssetId {
    /// What a free entry holds.
    pub const NONE: Self = Self(0);
    /// The chain's own coin.
    pub const ETH: Self = Self(1);

    /// Whether this is [`Self::NONE`].
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A quantity of an asset in units of the L1 amount divided by the asset's scale, below 2^62.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Amount(u64);

impl Amount {
    /// Width of an amount.
    pub const BITS: u32 = 62;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);

    /// An amount, if it is below 2^62.
    ///
    /// # Errors
    /// The value is 2^62 or more.
    pub fn new(value: u64) -> Result<Self, ValueError> {
        if value > Self::MAX.0 {
            return Err(ValueError { what: "amount", value, max: Self::MAX.0 });
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, if it is below 2^62.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        // Both are below 2^62, so the sum fits in 64 bits.
        Self::new(self.0 + other.0).ok()
    }

    /// The difference, if it is not negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl TryFrom<u64> for Amount {
    type Error = ValueError;

    fn try_from(value: u64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl From<Amount> for u64 {
    fn from(value: Amount) -> Self {
        value.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
