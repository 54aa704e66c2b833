//! L1 addresses.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::CodecError;
use crate::crypto::Goldilocks;

/// An L1 address, 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The zero address: no owner.
    pub const ZERO: Self = Self([0; 20]);

    /// Three elements of 48, 56 and 56 bits, high part first (PROTOCOL.md §1).
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; 3] {
        self.limbs().map(Goldilocks::from_u64)
    }

    /// The same three parts as integers.
    #[must_use]
    pub fn limbs(&self) -> [u64; 3] {
        let part =
            |range: core::ops::Range<usize>| self.0[range].iter().fold(0, |acc, byte| acc << 8 | u64::from(*byte));
        [part(0..6), part(6..13), part(13..20)]
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = CodecError;

    fn from_str(text: &str) -> Result<Self, CodecError> {
        let digits = text.strip_prefix("0x").ok_or(CodecError::Hex { what: "address" })?;
        let bytes = hex::decode(digits).map_err(|_| CodecError::Hex { what: "address" })?;
        let got = bytes.len();
        bytes.try_into().map(Self).map_err(|_| CodecError::Length { what: "address", expected: 20, got })
    }
}
