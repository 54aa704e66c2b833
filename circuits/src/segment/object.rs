//! Objects in circuits: hashing of a leaf before and after.

use plonky2::field::types::Field;
use weft_protocol::crypto::Tag;
use weft_protocol::{ENTRY_COUNT, OBJECT_ELEMENTS};

use super::input::ObjectWires;
use crate::builder::{Builder, Sponge, Target};
use crate::config::F;

/// Ids packed into one element.
const IDS_PER_WORD: usize = 3;
/// Elements that hold the ids.
const ID_WORDS: usize = ENTRY_COUNT / IDS_PER_WORD;

/// The parts of an object that slots change.
#[derive(Clone, Debug)]
pub(super) struct Balances {
    /// Packed ids.
    pub(super) id_words: [Target; ID_WORDS],
    /// Amounts.
    pub(super) amounts: [Target; ENTRY_COUNT],
}

/// An object with the part of its hash that before and after share.
#[derive(Clone, Debug)]
pub(super) struct HashedObject {
    /// Digest of the object as it is before the slot.
    pub(super) before: [Target; 4],
    /// After header, owner and main key.
    identity: Sponge,
    /// After the agent part and the nonces too.
    authority: Sponge,
}

/// `Σ 2^(16·k) · value` over the three values of a word.
fn pack_word(b: &mut Builder, values: &[Target]) -> Target {
    let weight = |k: usize| F::from_canonical_u64(1 << (16 * k));
    let rest = b.mul_constant_add(weight(1), values[1], values[0]);
    b.mul_constant_add(weight(2), values[2], rest)
}

impl ObjectWires {
    /// Ids and amounts as they are before the slot.
    pub(super) fn balances(&self, b: &mut Builder) -> Balances {
        let ids = self.ids.map(|id| id.target());
        let id_words = std::array::from_fn(|word| pack_word(b, &ids[IDS_PER_WORD * word..IDS_PER_WORD * (word + 1)]));
        Balances { id_words, amounts: self.amounts }
    }

    /// Hashes the object, four rows.
    pub(super) fn hash(&self, b: &mut Builder, balances: &Balances) -> HashedObject {
        let start = b.sponge(Tag::LEAF, OBJECT_ELEMENTS);
        let first = [&[self.header][..], &self.owner, &self.main_key].concat();
        let identity = b.absorb(&start, &first);
        let authority = self.absorb_authority(b, &identity, self.nonce);
        HashedObject { before: absorb_balances(b, &authority, balances), identity, authority }
    }

    /// Digest with another nonce and other balances, three rows.
    pub(super) fn hash_with_nonce(
        &self,
        b: &mut Builder,
        hashed: &HashedObject,
        nonce: Target,
        balances: &Balances,
    ) -> [Target; 4] {
        let authority = self.absorb_authority(b, &hashed.identity, nonce);
        absorb_balances(b, &authority, balances)
    }

    fn absorb_authority(&self, b: &mut Builder, identity: &Sponge, nonce: Target) -> Sponge {
        let second = [&self.agent[..], &[nonce, self.agent_nonce]].concat();
        b.absorb(identity, &second)
    }
}

impl HashedObject {
    /// Digest with other balances, two rows.
    pub(super) fn with_balances(&self, b: &mut Builder, balances: &Balances) -> [Target; 4] {
        absorb_balances(b, &self.authority, balances)
    }
}

fn absorb_balances(b: &mut Builder, sponge: &Sponge, balances: &Balances) -> [Target; 4] {
    let elements = [&balances.id_words[..], &balances.amounts].concat();
    let (third, fourth) = elements.split_at(8);
    let sponge = b.absorb(sponge, third);
    b.absorb(&sponge, fourth).digest()
}
