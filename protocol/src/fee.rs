//! Fees: a 16-bit floating number in one of four assets.

use serde::{Deserialize, Serialize};

use crate::{Amount, AssetId, ValueError};

/// One of the four assets in which fees are paid: asset ids 1 to 4, coded 0 to 3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct FeeAsset(u8);

impl FeeAsset {
    /// Number of fee assets.
    pub const COUNT: usize = 4;

    /// The fee asset with this code.
    ///
    /// # Errors
    /// The code is above 3.
    pub fn new(code: u8) -> Result<Self, ValueError> {
        if usize::from(code) >= Self::COUNT {
            return Err(ValueError { what: "fee asset code", value: u64::from(code), max: 3 });
        }
        Ok(Self(code))
    }

    /// The fee asset with this asset id.
    ///
    /// # Errors
    /// The id is not one of 1 to 4.
    pub fn from_asset(asset: AssetId) -> Result<Self, ValueError> {
        match asset.0 {
            id @ 1..=4 => Ok(Self(u8::try_from(id - 1).expect("at most 3"))),
            id => Err(ValueError { what: "fee asset id", value: u64::from(id), max: 4 }),
        }
    }

    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..4).map(Self)
    }

    /// The two bits of the record.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The asset.
    #[must_use]
    pub fn asset(self) -> AssetId {
        AssetId(u16::from(self.0) + 1)
    }
}

impl TryFrom<u8> for FeeAsset {
    type Error = ValueError;

    fn try_from(value: u8) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl From<FeeAsset> for u8 {
    fn from(value: FeeAsset) -> Self {
        value.0
    }
}

/// A fee: mantissa (11 bits) · 2^exponent (5 bits), below 2^42.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Fee(pub u16);

impl Fee {
    /// No fee.
    pub const ZERO: Self = Self(0);
    const EXPONENT_BITS: u32 = 5;
    const MANTISSA_BITS: u32 = 11;

    /// The smallest fee whose value is at least `value`; `None` above the largest fee.
    #[must_use]
    pub fn at_least(value: Amount) -> Option<Self> {
        (0..1u16 << Self::EXPONENT_BITS).find_map(|exponent| {
            let mantissa = value.get().div_ceil(1 << exponent);
            let mantissa = u16::try_from(mantissa).ok().filter(|m| m >> Self::MANTISSA_BITS == 0)?;
            Some(Self(mantissa << Self::EXPONENT_BITS | exponent))
        })
    }

    /// The mantissa, 11 bits.
    #[must_use]
    pub fn mantissa(self) -> u16 {
        self.0 >> Self::EXPONENT_BITS
    }

    /// The exponent, 5 bits.
    #[must_use]
    pub fn exponent(self) -> u8 {
        (self.0 & ((1 << Self::EXPONENT_BITS) - 1)) as u8
    }

    /// The value in units of the fee asset.
    #[must_use]
    pub fn value(self) -> Amount {
        Amount::new(u64::from(self.mantissa()) << self.exponent()).expect("11 + 31 bits")
    }
}

/// What was paid in fees so far in a batch and not collected yet, by [`FeeAsset`] code.
///
/// A batch has at most 4,096 fees of less than 2^42, so a sum stays far below 2^62.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct FeeSums([Amount; FeeAsset::COUNT]);

impl FeeSums {
    /// The sum of one asset.
    #[must_use]
    pub fn get(&self, asset: FeeAsset) -> Amount {
        self.0[usize::from(asset.code())]
    }

    /// The sums with one of them replaced.
    #[must_use]
    pub fn with(mut self, asset: FeeAsset, sum: Amount) -> Self {
        self.0[usize::from(asset.code())] = sum;
        self
    }

    /// The four sums.
    #[must_use]
    pub fn amounts(&self) -> [Amount; FeeAsset::COUNT] {
        self.0
    }

    /// Whether there is nothing to collect.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
