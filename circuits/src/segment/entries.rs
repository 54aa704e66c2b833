//! Credits and debits of the entries of an object.

use plonky2::field::types::Field;
use weft_protocol::{Amount, ENTRY_COUNT, OTHERS_ENTRY_COUNT};

use super::input::{EntryHintWires, ObjectWires};
use super::object::{Balances, pack_word};
use crate::builder::{Bool, Builder, Target};
use crate::config::F;

/// What a slot finds out about an entry that it credits or debits.
#[derive(Clone, Debug)]
pub(super) struct EntryAccess {
    position: [Bool; ENTRY_COUNT],
    /// The object has an entry of the asset.
    pub(super) present: Bool,
    /// It has one, or a free position that a credit may take.
    pub(super) available: Bool,
    /// The amount after is 2^62 or more.
    pub(super) overflow: Bool,
    /// What the entry's id and amount grow by.
    growth: [Target; 2],
}

/// A change of an entry: of which asset, by how much, and whether a credit may take positions 8 to 11.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) asset: Target,
    /// Difference of the amounts as an element: negative for a debit.
    pub(super) delta: Target,
    pub(super) any_position: Bool,
}

impl EntryAccess {
    /// A credit succeeds.
    pub(super) fn takes(&self, b: &mut Builder) -> Bool {
        let fits = b.not(self.overflow);
        b.and(self.available, fits)
    }
}

impl Builder {
    /// Finds the entry for a change and computes what it would become. Binds nothing of the object: see [`apply`].
    ///
    /// # Soundness
    /// SL-12: `present` is exact, for the product of the differences is 0 only if one of them is. The position is a
    /// one-hot choice of an entry with the asset's id (of which a canonical object has one), or of a free one; the
    /// lowest free one, because the product of the ids before it is not 0.
    /// SL-13: amounts before are below 2^62 (state), and so is |delta|. `low + 2^62·overflow`, with `low` below 2^62,
    /// equals before + delta in the field; a negative sum is at least p − 2^62 > 2^63 and has no such form.
    pub(super) fn access_entry(&mut self, object: &ObjectWires, change: Change, hint: &EntryHintWires) -> EntryAccess {
        let position = hint.position;
        let (present, available, id) = self.clause("SL-12", |b| b.locate(object, change, &position));
        self.clause("SL-13", |b| {
            let before = b.dot(&position, &object.amounts);
            let after = b.add(before, change.delta);
            let carry = F::from_canonical_u64(1 << Amount::BITS);
            let low = b.mul_constant_add(-carry, hint.overflow.target(), after);
            b.range_check(low, Amount::BITS);
            let empty = b.is_zero(low);
            let new_id = b.arithmetic([F::NEG_ONE, F::ONE], [empty.target(), change.asset, change.asset]);
            let growth = [b.sub(new_id, id), b.sub(low, before)];
            EntryAccess { position, present, available, overflow: hint.overflow, growth }
        })
    }

    /// The id at the chosen position, and whether the asset is there or can come there.
    fn locate(
        &mut self,
        object: &ObjectWires,
        change: Change,
        position: &[Bool; ENTRY_COUNT],
    ) -> (Bool, Bool, Target) {
        let ids = object.ids.map(|id| id.target());
        let differences = ids.map(|id| self.sub(id, change.asset));
        let others = differences[1..].iter().fold(differences[0], |product, &d| self.mul(product, d));
        let present = self.is_zero(others);

        // before[i]: product of the ids before position i, 0 exactly if one of them is free.
        let mut before = vec![self.one()];
        for &id in &ids {
            before.push(self.mul(before[before.len() - 1], id));
        }
        let reachable = self.select(change.any_position, before[ENTRY_COUNT], before[OTHERS_ENTRY_COUNT]);
        let free = self.is_zero(reachable);
        let available = self.or(present, free);

        let chosen = self.sum(&position.map(Bool::target));
        self.assert_equal(chosen, available.target());
        let id = self.dot(position, &ids);
        let expected = self.gate(present, change.asset);
        self.assert_equal(id, expected);
        let before_chosen = self.dot(position, &before[..ENTRY_COUNT]);
        let new = self.not(present);
        let takes_free = self.and(new, available);
        self.when(takes_free, |b| b.assert_nonzero(before_chosen));
        (present, available, id)
    }

    /// The fee's entry, if `active`: one of the asset, its amount after not negative. Returns what the entry grows by.
    ///
    /// # Soundness
    /// As [`Self::access_entry`]; `amount` is 0 unless `active`.
    pub(super) fn access_fee(
        &mut self,
        object: &ObjectWires,
        position: &[Bool; ENTRY_COUNT],
        [asset, amount]: [Target; 2],
        active: Bool,
    ) -> EntryAccess {
        let no = self.constant_bool(false);
        let asset = self.gate(active, asset);
        self.clause("TX-10", |b| {
            let chosen = b.sum(&position.map(Bool::target));
            b.assert_equal(chosen, active.target());
            let id = b.dot(position, &object.ids.map(|id| id.target()));
            b.assert_equal(id, asset);
        });
        self.clause("SL-13", |b| {
            let before = b.dot(position, &object.amounts);
            let after = b.sub(before, amount);
            b.range_check(after, Amount::BITS);
            let empty = b.is_zero(after);
            let lost_id = b.mul(empty.target(), asset);
            let zero = b.zero();
            let growth = [b.sub(zero, lost_id), b.sub(after, before)];
            EntryAccess { position: *position, present: active, available: active, overflow: no, growth }
        })
    }

    /// Balances after a change, if `write`.
    pub(super) fn apply_access(&mut self, balances: &Balances, access: &EntryAccess, write: Bool) -> Balances {
        let [id_growth, amount_growth] = access.growth.map(|growth| self.gate(write, growth));
        let position = access.position.map(Bool::target);
        let id_words = std::array::from_fn(|word| {
            let weight = pack_word(self, &position[3 * word..3 * (word + 1)]);
            self.mul_add(weight, id_growth, balances.id_words[word])
        });
        let amounts = std::array::from_fn(|i| self.mul_add(position[i], amount_growth, balances.amounts[i]));
        Balances { id_words, amounts }
    }

    /// `Σ flag_i · value_i`.
    pub(crate) fn dot(&mut self, flags: &[Bool], values: &[Target]) -> Target {
        let zero = self.zero();
        flags.iter().zip(values).fold(zero, |sum, (flag, &value)| self.mul_add(flag.target(), value, sum))
    }
}
