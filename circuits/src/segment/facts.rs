//! What the rules of a slot read: the inputs and everything that is derived from them once.

use plonky2::field::types::Field;
use weft_protocol::{FeeAsset, Object, TREE_DEPTH};

use super::entries::{Change, EntryAccess};
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
    pub(super) a_entry: EntryAccess,
    pub(super) fee_entry: EntryAccess,
    pub(super) b_entry: EntryAccess,
    pub(super) a_balances: Balances,
    pub(super) b_balances: Balances,
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

    /// A has an entry of the asset.
    pub(crate) fn a_has_entry(&self) -> Bool {
        self.a_entry.present
    }

    /// A has an entry or a free position for the asset, and the amount after is of 62 bits.
    pub(crate) fn a_takes(&self, b: &mut Builder) -> Bool {
        self.a_entry.takes(b)
    }

    /// The same of B.
    pub(crate) fn b_takes(&self, b: &mut Builder) -> Bool {
        self.b_entry.takes(b)
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
        let [a_entry, fee_entry] = self.access_a(input, &payment);
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
            a_is_named: self.same_address(input.a.object.owner, fields.address.elements()),
            a_entry,
            fee_entry,
            b_entry: self.access_b(input, amount),
            a_balances: input.a.object.balances(self),
            b_balances: input.b.object.balances(self),
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
        let is_account = self.is_equal(input.a.object.header, account);
        self.and(input.a.exists, is_account)
    }

    fn same_address(&mut self, left: [Target; 3], right: [Target; 3]) -> Bool {
        let same = [0, 1, 2].map(|i| self.is_equal(left[i], right[i]));
        self.all(&same)
    }

    /// A's entry of the asset, and that of the fee.
    ///
    /// A fee in the asset that is paid comes out of the same entry, so that the two positions never meet.
    fn access_a(&mut self, input: &SlotInputWires, payment: &Payment) -> [EntryAccess; 2] {
        let (selectors, fields) = (&input.selectors, &input.fields);
        let (asset, signed) = (fields.asset.target(), payment.signed);
        let same_asset = self.is_equal(payment.fee_asset_id, asset);
        let same_fee = self.gate(same_asset, payment.fee);
        let separate_fee = self.sub(payment.fee, same_fee);

        let debit = self.add(payment.amount, same_fee);
        let negative = self.mul_constant(F::NEG_ONE, debit);
        let delta = self.select(signed, negative, payment.amount);
        let own_deposit = self.and(selectors.deposit, fields.lane);
        let any_position = self.sum(&[own_deposit, selectors.opening, signed].map(Bool::target));
        let any_position = Bool::well_formed(any_position);
        let change = Change { asset, delta, any_position };
        let main = self.access_entry(&input.a.object, change, &input.a_entry);

        let no_fee = self.is_zero(separate_fee);
        let has_fee = self.not(no_fee);
        let fee = [payment.fee_asset_id, separate_fee];
        [main, self.access_fee(&input.a.object, &input.fee_position, fee, has_fee)]
    }

    /// B's entry of the asset, which only a transfer credits.
    fn access_b(&mut self, input: &SlotInputWires, amount: Target) -> EntryAccess {
        let delta = self.gate(input.selectors.transfer, amount);
        let any_position = self.constant_bool(false);
        let change = Change { asset: input.fields.asset.target(), delta, any_position };
        self.access_entry(&input.b.object, change, &input.b_entry)
    }
}
