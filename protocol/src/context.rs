//! What a deployment and a batch are: domain, context, time.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{Address, ValueError};

/// Seconds since the UNIX epoch, 40 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Timestamp(u64);

impl Timestamp {
    /// Width of a timestamp.
    pub const BITS: u32 = 40;
    /// The last one.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);

    /// A timestamp, if it is below 2^40.
    ///
    /// # Errors
    /// The value is 2^40 or more.
    pub fn new(seconds: u64) -> Result<Self, ValueError> {
        if seconds > Self::MAX.0 {
            return Err(ValueError { what: "timestamp", value: seconds, max: Self::MAX.0 });
        }
        Ok(Self(seconds))
    }

    /// Seconds since the UNIX epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Timestamp {
    type Error = ValueError;

    fn try_from(value: u64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl From<Timestamp> for u64 {
    fn from(value: Timestamp) -> Self {
        value.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identity of a deployment (PROTOCOL.md §7): nothing signed for one is valid in another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Domain(pub Digest);

impl Domain {
    /// `H(DOMAIN; chain id ‖ contract ‖ salt)`.
    ///
    /// # Errors
    /// The chain id is 2^63 or more.
    pub fn new(chain_id: u64, contract: &Address, salt: &Digest) -> Result<Self, ValueError> {
        let max = (1 << 63) - 1;
        if chain_id > max {
            return Err(ValueError { what: "chain id", value: chain_id, max });
        }
        let mut elements = vec![Goldilocks::from_u64(chain_id)];
        elements.extend(contract.elements());
        elements.extend(salt.0);
        Ok(Self(poseidon::hash(Tag::DOMAIN, &elements)))
    }
}

/// What all slots of a batch share.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// The deployment.
    pub domain: Domain,
    /// Number of the batch; the first has 1.
    pub batch_number: u32,
    /// Time of the batch.
    pub timestamp: Timestamp,
}

/// Digest of an [`Environment`], the first part of every statement.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Context(pub Digest);

impl Environment {
    /// `H(CONTEXT; domain ‖ batch number ‖ timestamp)`.
    #[must_use]
    pub fn context(&self) -> Context {
        let mut elements = self.domain.0.0.to_vec();
        elements.push(Goldilocks::from_u64(u64::from(self.batch_number)));
        elements.push(Goldilocks::from_u64(self.timestamp.get()));
        Context(poseidon::hash(Tag::CONTEXT, &elements))
    }
}
