//! What the rules of a slot read: the inputs and everything that is derived from them once.

use plonky2::field::types::Field;
use weft_protocol::{FeeAsset, Object, TREE_DEPTH};

use super::entries::Change;
use super::input::{FieldWires, SelectorWires, SlotInputWires, StateWires};
use super::object::Balances;
use crate::builder::{Bool, Builder, Target};
use crate::config::F;

/// Bits of an index in a record.
const INDEX_BITS: u32 = 32;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) input: &'a SlotInputWires,
    pub(crate) before: &'a StateWires,
    /// No kind is selected.
    pub(crate) padding: Bool,
    /// Transfer or withdraw.
    pub(crate) signed: Bool,
    pub(crate) a_index: Index,
    pub(crate) b_index: Index,
    pub(crate) amount: Target,
    /// The fee's 16 bits.
    pub(crate) fee_code: Target,
    /// The fee's value.
    pub(crate) fee: Target,
    /// Which fee asset the fields name, one-hot.
    pub(crate) fee_asset: [Bool; FeeAsset::COUNT],
    /// Id of the fee asset.
    pub(crate) fee_asset_id: Target,
    /// Asset and amount are not 0.
    pub(crate) has_value: Bool,
    /// A exists and is an account.
    pub(crate) a_is_account: Bool,
    /// The owner of A is the address of the fields.
    pub(crate) a_is_named: Bool,
    /// A has an entry of the asset.
    pub(crate) a_has_entry: Bool,
    /// If there is a fee that does not come out of that entry: A has an entry of the fee asset.
    pub(crate) a_has_fee_entry: Bool,
    /// A can take the amount: entry or free position, and less than 2^62 after.
    pub(crate) a_takes: Bool,
    /// The same of B.
    pub(crate) b_takes: Bool,
    /// Balances of A before and, if it is written, after.
    pub(super) a_balances: [Balances; 2],
    /// The same of B.
    pub(super) b_balances: [Balances; 2],
}

/// The bits of an index.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// 32 bits, lowest first.
    pub(crate) bits: Vec<Bool>,
    /// The index is below 2^28.
    pub(crate) in_tree: Bool,
}

impl Facts<'_> {
    pub(crate) fn selectors(&self) -> &SelectorWires {
        &self.input.selectors
    }

    pub(crate) fn fields(&self) -> &FieldWires {
        &self.input.fields
    }
}

/// The amounts and the fee asset, before the entries are known.
struct Payment {
    amount: Target,
    fee: Target,
    fee_asset_id: Target,
    signed: Bool,
}

impl Builder {
    /// Derives the facts of a slot.
    pub(super) fn facts<'a>(&mut self, input: &'a SlotInputWires, before: &'a StateWires) -> Facts<'a> {
        let (selectors, fields) = (&input.selectors, &input.fields);
        let padding = self.clause("SL-1", |b| b.padding(selectors));
        let signed = self.either(selectors.transfer, selectors.withdraw);
        let [a_index, b_index] = self.clause("SL-2", |b| [fields.a, fields.b].map(|index| b.index(index)));
        let (high, low) = (fields.amount_high.target(), fields.amount_low.target());
        let amount = self.mul_constant_add(F::from_canonical_u64(1 << 54), high, low);
        let [fee_code, fee] = self.fee(fields);
        let fee_asset = self.fee_asset(fields.fee_asset);
        let code = self.from_bits(&fields.fee_asset);
        let fee_asset_id = self.add_constant(code, F::ONE);
        let payment = Payment { amount, fee, fee_asset_id, signed };
        let a = self.change_a(input, &payment);
        let b = self.change_b(input, amount);
        Facts {
            padding,
            signed,
            a_index,
            b_index,
            amount,
            fee_code,
            fee,
            fee_asset,
            fee_asset_id,
            has_value: self.has_value(fields, amount),
            a_is_account: self.a_is_account(input),
            a_is_named: self.same_address(input.a.owner, fields.address.elements()),
            a_has_entry: a.has_entry,
            a_has_fee_entry: a.has_fee_entry,
            a_takes: a.takes,
            b_takes: b.takes,
            a_balances: a.balances,
            b_balances: [b.before, b.balances],
            input,
            before,
        }
    }

    /// 1 if no kind is selected. At most one is: the sum of the selectors is 0 or 1.
    fn padding(&mut self, selectors: &SelectorWires) -> Bool {
        let SelectorWires { transfer, withdraw, deposit, opening, collect } = *selectors;
        let chosen = self.sum(&[transfer, withdraw, deposit, opening, collect].map(Bool::target));
        let chosen = self.assert_bool(chosen);
        self.not(chosen)
    }

    /// One of two flags that are never both 1.
    pub(crate) fn either(&mut self, one: Bool, other: Bool) -> Bool {
        let sum = self.add(one.target(), other.target());
        Bool::well_formed(sum)
    }

    fn index(&mut self, index: Target) -> Index {
        let bits = self.to_bits(index, INDEX_BITS);
        let above = self.from_bits(&bits[TREE_DEPTH..]);
        Index { in_tree: self.is_zero(above), bits }
    }

    /// One-hot form of the fee asset's two bits.
    fn fee_asset(&mut self, [low, high]: [Bool; 2]) -> [Bool; FeeAsset::COUNT] {
        let both = self.and(low, high);
        let one = Bool::well_formed(self.sub(low.target(), both.target()));
        let two = Bool::well_formed(self.sub(high.target(), both.target()));
        let some = self.add(one.target(), high.target());
        let some = Bool::well_formed(some);
        [self.not(some), one, two, both]
    }

    fn has_value(&mut self, fields: &FieldWires, amount: Target) -> Bool {
        let no_asset = self.is_zero(fields.asset.target());
        let no_amount = self.is_zero(amount);
        let none = self.or(no_asset, no_amount);
        self.not(none)
    }

    fn a_is_account(&mut self, input: &SlotInputWires) -> Bool {
        let account = self.constant_u64(Object::ACCOUNT_HEADER);
        let is_account = self.is_equal(input.a.header, account);
        self.and(input.a_exists, is_account)
    }

    fn same_address(&mut self, left: [Target; 3], right: [Target; 3]) -> Bool {
        let same = [0, 1, 2].map(|i| self.is_equal(left[i], right[i]));
        self.all(&same)
    }

    /// A's entry of the asset, and that of the fee.
    ///
    /// A fee in the asset that is paid comes out of the same entry, so that the two entries never are the same: the second
    /// change may look at the ids before the first.
    fn change_a(&mut self, input: &SlotInputWires, payment: &Payment) -> ChangedA {
        let (selectors, fields, object) = (&input.selectors, &input.fields, &input.a);
        let (asset, signed) = (fields.asset.target(), payment.signed);
        let same_asset = self.is_equal(payment.fee_asset_id, asset);
        let same_fee = self.gate(same_asset, payment.fee);
        let separate_fee = self.sub(payment.fee, same_fee);

        let debit = self.add(payment.amount, same_fee);
        let negative = self.mul_constant(F::NEG_ONE, debit);
        let delta = self.select(signed, negative, payment.amount);
        let own_deposit = self.and(selectors.deposit, fields.lane);
        let own = self.either(own_deposit, selectors.opening);
        let any_position = self.either(own, selectors.collect);
        let before = object.balances(self);
        let main = self.change_entry(object, &before, Change { asset, delta, any_position });

        let no_fee = self.is_zero(separate_fee);
        let has_fee = self.not(no_fee);
        // Without a separate fee the change is of nothing in asset 0.
        let asset = self.gate(has_fee, payment.fee_asset_id);
        let delta = self.mul_constant(F::NEG_ONE, separate_fee);
        let any_position = self.constant_bool(false);
        let fee = self.change_entry(object, &main.balances, Change { asset, delta, any_position });
        ChangedA {
            has_entry: main.present,
            has_fee_entry: self.or(no_fee, fee.present),
            takes: main.takes,
            balances: [before, fee.balances],
        }
    }

    /// B's entry of the asset, which only a transfer credits.
    fn change_b(&mut self, input: &SlotInputWires, amount: Target) -> ChangedB {
        let delta = self.gate(input.selectors.transfer, amount);
        let any_position = self.constant_bool(false);
        let before = input.b.balances(self);
        let change = Change { asset: input.fields.asset.target(), delta, any_position };
        let changed = self.change_entry(&input.b, &before, change);
        ChangedB { takes: changed.takes, before, balances: changed.balances }
    }
}

/// What comes of A's balances.
struct ChangedA {
    has_entry: Bool,
    has_fee_entry: Bool,
    takes: Bool,
    balances: [Balances; 2],
}

/// What comes of B's balances.
struct ChangedB {
    takes: Bool,
    before: Balances,
    balances: Balances,
}
