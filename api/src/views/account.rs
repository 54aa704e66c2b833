//! Accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Amount, Object, Opening};

use crate::schema::AmountText;
use crate::{FixedBytes, Time};

/// An account in the state after all executed transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Its position in the state tree.
    pub index: u32,
    /// L1 address that owns it.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub owner: Address,
    /// Digest of its main key.
    #[schema(value_type = FixedBytes<32>)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// Id of the asset.
    pub asset: u16,
    /// How much, in base units.
    #[schema(value_type = AmountText)]
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

/// The nonces of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NonceView {
    /// Position of the account in the state tree.
    pub index: u32,
    /// Number of its transactions that were executed.
    pub executed: u32,
    /// Nonce of the next transaction to sign: those in the pool are counted.
    pub next: u32,
}

impl From<&AccountView> for NonceView {
    fn from(account: &AccountView) -> Self {
        Self { index: account.index, executed: account.nonce, next: account.pending_nonce }
    }
}

/// What the state tree holds at an index after a batch, with the way to the root. `object` absent: nothing; the proof
/// shows that too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountProofView {
    /// Position in the state tree.
    pub index: u32,
    /// Number of the batch; 0 is the state before the first.
    pub batch: u32,
    /// State root after that batch: what the contract holds once the batch is verified.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub root: Digest,
    /// All fields of the object, from which its digest is computed.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectView>,
    /// Digest of the object: the leaf.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub leaf: Digest,
    /// Siblings from the leaf to the root.
    pub siblings: Vec<FixedBytes<32>>,
}

/// All fields of an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ObjectView {
    /// What it is: 1 is an account.
    pub kind: u8,
    /// Bit 0: escape class.
    pub flags: u8,
    /// L1 address that owns it.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub owner: Address,
    /// Digest of its main key.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub key: Digest,
    /// Its second key.
    pub agent: AgentView,
    /// Number of transactions that its main key has signed.
    pub nonce: u32,
    /// All balances by position; free positions have asset 0.
    pub entries: Vec<Balance>,
}

/// The second key of an account; all zero if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentView {
    /// Digest of the key.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub key: Digest,
    /// What it may do.
    pub role: u16,
    /// When it ends.
    pub expiry: Time,
    /// Nonce of its lane.
    pub nonce: u32,
}

impl AccountProofView {
    /// The proof of what stands at `index` after the batch `batch`, whose root is `root`.
    #[must_use]
    pub fn new(index: AccountIndex, batch: u32, root: Digest, opening: &Opening) -> Self {
        let object = opening.object.as_ref();
        Self {
            index: index.0,
            batch,
            root,
            object: object.map(ObjectView::from),
            leaf: object.map_or(Digest::ZERO, Object::digest),
            siblings: opening.path.siblings.iter().map(|sibling| FixedBytes(sibling.to_bytes())).collect(),
        }
    }
}

impl From<&Object> for ObjectView {
    fn from(object: &Object) -> Self {
        let agent = object.agent;
        let balance = |entry: &weft_protocol::Entry| Balance { asset: entry.asset.0, amount: entry.amount };
        Self {
            kind: object.kind,
            flags: object.flags,
            owner: object.owner,
            key: object.main_key,
            agent: AgentView { key: agent.key, role: agent.role, expiry: agent.expiry.into(), nonce: agent.nonce },
            nonce: object.nonce,
            entries: object.entries.iter().map(balance).collect(),
        }
    }
}
