//! Credits and debits of the entries of an object, a row each (see [`EntryChange`]).

use std::ops::Range;

use weft_protocol::Amount;

use super::input::ObjectWires;
use super::object::Balances;
use crate::builder::{Bool, Builder, Target};
use crate::gates::{EntryChange, EntryGate};
use crate::ledger::Claim;

/// A change of an entry: of which asset, by how much, and whether a credit may take positions 8 to 11.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) asset: Target,
    /// Difference of the amounts as an element: negative for a debit.
    pub(super) delta: Target,
    pub(super) any_position: Bool,
}

/// What came of a change.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    /// The object has an entry of the asset.
    pub(super) present: Bool,
    /// There is an entry for the asset, or a free one, and the amount after is of 62 bits: a credit can be done.
    pub(super) takes: Bool,
    /// The balances after.
    pub(super) balances: Balances,
}

impl Builder {
    /// Changes an entry of `object`, whose balances may have been changed before in other entries.
    ///
    /// # Soundness
    /// SL-12: the gate's choice of the entry. SL-13: amounts before are below 2^62 (by the state), credits too, and debits
    /// (amount and fee) below 2^62 + 2^42; `low` is below 2^62 and equals amount + delta − 2^62·overflow in the field. A
    /// negative sum is above 2^63 as an integer below p, also less 2^62, and has no such form; a sum below 2^63 has exactly
    /// one.
    pub(super) fn change_entry(&mut self, object: &ObjectWires, before: &Balances, change: Change) -> Changed {
        let row = self.add_gate(EntryGate::new(EntryChange), vec![]);
        let wire = |column| Target::wire(row, column);
        let mut feed = |columns: Range<usize>, sources: &[Target]| {
            columns.zip(sources).for_each(|(column, &source)| self.connect(source, wire(column)));
        };
        feed(EntryChange::IDS, &object.ids.map(|id| id.target()));
        feed(EntryChange::AMOUNTS, &before.amounts);
        feed(EntryChange::WORDS, &before.id_words);
        feed(EntryChange::ASSET..EntryChange::DELTA + 1, &[change.asset, change.any_position.target(), change.delta]);
        self.clause("SL-12", |b| b.record(Claim::Rows { start: row, end: row + 1 }));
        self.clause("SL-13", |b| {
            b.record(Claim::Rows { start: row, end: row + 1 });
            b.range_check(wire(EntryChange::LOW), Amount::BITS);
        });

        // The gate constrains its three flags to 0 or 1.
        let flag = |column| Bool::constrained_by_gate(wire(column));
        let fits = self.not(flag(EntryChange::OVERFLOW));
        Changed {
            present: flag(EntryChange::PRESENT),
            takes: self.and(flag(EntryChange::AVAILABLE), fits),
            balances: Balances {
                id_words: std::array::from_fn(|i| wire(EntryChange::WORDS_AFTER.start + i)),
                amounts: std::array::from_fn(|i| wire(EntryChange::AMOUNTS_AFTER.start + i)),
            },
        }
    }

    /// `Σ flag_i · value_i`.
    pub(crate) fn dot(&mut self, flags: &[Bool], values: &[Target]) -> Target {
        let zero = self.zero();
        flags.iter().zip(values).fold(zero, |sum, (flag, &value)| self.mul_add(flag.target(), value, sum))
    }
}
