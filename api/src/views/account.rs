//! Accounts.

use serde::{Deserialize, Serialize};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Amount, Object};

/// An account in the state after all executed transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// Its position in the state tree.
    pub index: u32,
    /// L1 address that owns it.
    #[serde(with = "crate::text")]
    pub owner: Address,
    /// Digest of its main key.
    #[serde(with = "crate::text")]
    pub key: Digest,
    /// Number of its transactions that were executed.
    pub nonce: u32,
    /// Nonce of the next transaction to sign: those in the pool are counted.
    pub pending_nonce: u32,
    /// What it holds.
    pub balances: Vec<Balance>,
}

/// An amount of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// Id of the asset.
    pub asset: u16,
    /// How much, in base units.
    #[serde(with = "crate::text::decimal")]
    pub amount: Amount,
}

impl AccountView {
    /// The account at an index.
    #[must_use]
    pub fn new(index: AccountIndex, object: &Object, pending_nonce: u32) -> Self {
        let held = object.entries.iter().filter(|entry| !entry.asset.is_none());
        let balances = held.map(|entry| Balance { asset: entry.asset.0, amount: entry.amount });
        Self {
            index: index.0,
            owner: object.owner,
            key: object.main_key,
            nonce: object.nonce,
            pending_nonce,
            balances: balances.collect(),
        }
    }
}
