//! Objects: the leaves of the state tree.

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{Address, Amount, AssetId, Timestamp};

/// Entries of an object.
pub const ENTRY_COUNT: usize = 12;
/// Entries, from the first, that a payment from somebody else may open.
pub const OTHERS_ENTRY_COUNT: usize = 8;
/// Elements of an object.
pub const OBJECT_ELEMENTS: usize = 32;

/// A balance. Free entries have asset 0 and amount 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Entry {
    /// What is held.
    pub asset: AssetId,
    /// How much of it.
    pub amount: Amount,
}

/// The agent part of an object: a second key with its own nonce. Unused in version 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Agent {
    /// Digest of the agent key, zero if there is none.
    pub key: Digest,
    /// What the agent may do.
    pub role: u16,
    /// When it ends.
    pub expiry: Timestamp,
    /// Nonce of the agent's lane.
    pub nonce: u32,
}

/// A leaf of the state tree (PROTOCOL.md §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Object {
    /// What the object is: [`Object::ACCOUNT`], others later.
    pub kind: u8,
    /// Bit 0: escape class.
    pub flags: u8,
    /// L1 address that owns it.
    pub owner: Address,
    /// Digest of the main key.
    pub main_key: Digest,
    /// The agent.
    pub agent: Agent,
    /// Nonce of the main key: number of transactions signed so far.
    pub nonce: u32,
    /// Balances. An asset stands in at most one entry; asset 0 if and only if amount 0.
    pub entries: [Entry; ENTRY_COUNT],
}

/// A credit cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CreditError {
    /// No entry of the asset and no free position among the allowed ones.
    EntriesFull,
    /// The amount would reach 2^62.
    Overflow,
}

impl Object {
    /// Kind of an account.
    pub const ACCOUNT: u8 = 1;
    /// Value of the first element of every account.
    pub const ACCOUNT_HEADER: u64 = 1;

    /// A new account that holds nothing.
    #[must_use]
    pub fn account(owner: Address, main_key: Digest) -> Self {
        let entries = [Entry::default(); ENTRY_COUNT];
        Self { kind: Self::ACCOUNT, flags: 0, owner, main_key, agent: Agent::default(), nonce: 0, entries }
    }

    /// Kind and flags as one element.
    #[must_use]
    pub fn header(&self) -> u64 {
        u64::from(self.kind) | u64::from(self.flags) << 8
    }

    /// Whether the rules for accounts apply to it.
    #[must_use]
    pub fn is_account(&self) -> bool {
        self.header() == Self::ACCOUNT_HEADER
    }

    /// The 32 elements of the leaf.
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; OBJECT_ELEMENTS] {
        let mut elements = [Goldilocks::ZERO; OBJECT_ELEMENTS];
        elements[0] = Goldilocks::from_u64(self.header());
        elements[1..4].copy_from_slice(&self.owner.elements());
        elements[4..8].copy_from_slice(&self.main_key.0);
        elements[8..12].copy_from_slice(&self.agent.key.0);
        elements[12] = Goldilocks::from_u64(u64::from(self.agent.role) << Timestamp::BITS | self.agent.expiry.get());
        elements[14] = Goldilocks::from_u64(u64::from(self.nonce));
        elements[15] = Goldilocks::from_u64(u64::from(self.agent.nonce));
        for (word, ids) in elements[16..20].iter_mut().zip(self.entries.as_chunks::<3>().0) {
            let packed = ids.iter().rev().fold(0, |word, entry| word << 16 | u64::from(entry.asset.0));
            *word = Goldilocks::from_u64(packed);
        }
        for (element, entry) in elements[20..].iter_mut().zip(&self.entries) {
            *element = Goldilocks::from_u64(entry.amount.get());
        }
        elements
    }

    /// Digest of the leaf.
    #[must_use]
    pub fn digest(&self) -> Digest {
        poseidon::hash(Tag::LEAF, &self.elements())
    }

    /// The leaves where these objects stand, in order: digests, and the zero digest where there is none.
    ///
    /// # Panics
    /// Never: there is a digest for each object.
    #[must_use]
    pub fn leaves(objects: &[Option<&Self>]) -> Vec<Digest> {
        let present: Vec<_> = objects.iter().flatten().map(|object| object.elements()).collect();
        let mut digests = poseidon::hash_many(Tag::LEAF, &present).into_iter();
        let mut leaf = |_| digests.next().expect("a digest for each object");
        objects.iter().map(|object| object.map_or(Digest::ZERO, &mut leaf)).collect()
    }

    /// Amount held of an asset; zero if there is no entry.
    #[must_use]
    pub fn balance(&self, asset: AssetId) -> Amount {
        self.position(asset).map_or(Amount::ZERO, |position| self.entries[position].amount)
    }

    /// Takes `amount` of `asset` away; `None` if it holds less.
    #[must_use]
    pub fn debited(mut self, asset: AssetId, amount: Amount) -> Option<Self> {
        let entry = &mut self.entries[self.position(asset)?];
        entry.amount = entry.amount.checked_sub(amount)?;
        if entry.amount.is_zero() {
            *entry = Entry::default();
        }
        Some(self)
    }

    /// Adds `amount` of `asset`, in the entry of the asset or else in the lowest free one of the first `positions`.
    ///
    /// # Errors
    /// There is no such entry, or the sum reaches 2^62.
    pub fn credited(mut self, asset: AssetId, amount: Amount, positions: usize) -> Result<Self, CreditError> {
        let free = || self.entries[..positions].iter().position(|entry| entry.asset.is_none());
        let position = self.position(asset).or_else(free).ok_or(CreditError::EntriesFull)?;
        let entry = &mut self.entries[position];
        entry.asset = asset;
        entry.amount = entry.amount.checked_add(amount).ok_or(CreditError::Overflow)?;
        Ok(self)
    }

    fn position(&self, asset: AssetId) -> Option<usize> {
        (!asset.is_none()).then(|| self.entries.iter().position(|entry| entry.asset == asset)).flatten()
    }
}
