//! Inputs of the segment circuit: what the prover puts on the wires of a slot.
//!
//! Native side: [`SlotInput::new`] spreads a [`SlotWitness`] over the one shape that all kinds share. Nothing here is
//! trusted; the clauses constrain every value.

use plonky2::field::types::Field;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    Address, Amount, AssetId, ENTRY_COUNT, Environment, FeeAsset, FeeSums, OTHERS_ENTRY_COUNT, Object, Opening,
    RunningState, Slot, SlotWitness, TREE_DEPTH, TransactionKind,
};

use crate::builder::{Builder, Target};
use crate::config::F;
use crate::gadgets::uint::{Uint, element};
use crate::wired::{Targets, Wired, from_field, to_field};
use crate::wires;

/// An integer of `N` bits, at most 63, on its way to a wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits<const N: u32>(pub u64);

impl<const N: u32> Wired for Bits<N> {
    type Wires = Uint<N>;

    fn alloc(b: &mut Builder) -> Uint<N> {
        let target = b.input();
        b.uint(target)
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.push(element::<N>(self.0));
    }

    fn targets(wires: &Uint<N>, out: &mut Vec<Target>) {
        out.push(wires.target());
    }

    fn rebuild(source: &mut Targets<'_>) -> Uint<N> {
        Uint::read(source)
    }
}

/// Asset id of an entry, unpacked from a word of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryId(u16);

impl Wired for EntryId {
    type Wires = Uint<16>;

    fn alloc(b: &mut Builder) -> Uint<16> {
        b.clause("SL-8", u16::alloc)
    }

    fn elements(&self, out: &mut Vec<F>) {
        self.0.elements(out);
    }

    fn targets(wires: &Uint<16>, out: &mut Vec<Target>) {
        u16::targets(wires, out);
    }

    fn rebuild(source: &mut Targets<'_>) -> Uint<16> {
        u16::rebuild(source)
    }
}

/// Which kind a slot is; all false for padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selectors {
    transfer: bool,
    withdraw: bool,
    deposit: bool,
    opening: bool,
    collect: bool,
}

wires! {
    /// Wires of [`Selectors`].
    pub(crate) struct SelectorWires for Selectors { transfer: bool, withdraw: bool, deposit: bool, opening: bool, collect: bool }
}

/// An L1 address in three parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AddressParts {
    high: Bits<48>,
    middle: Bits<56>,
    low: Bits<56>,
}

wires! {
    /// Wires of [`AddressParts`].
    pub(crate) struct AddressWires for AddressParts { high: Bits<48>, middle: Bits<56>, low: Bits<56> }
}

impl AddressWires {
    /// The three elements.
    pub(crate) fn elements(&self) -> [Target; 3] {
        [self.high.target(), self.middle.target(), self.low.target()]
    }
}

/// Two words of a key digest, cut where the limbs of a record are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyParts {
    high: u16,
    middle: Bits<48>,
    carry: u8,
    low: Bits<56>,
}

wires! {
    /// Wires of [`KeyParts`].
    pub(crate) struct KeyWires for KeyParts { high: u16, middle: Bits<48>, carry: u8, low: Bits<56> }
}

/// Fields of a slot's records and of a transaction's message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    a: F,
    b: F,
    asset: u16,
    fee_asset: [bool; 2],
    lane: bool,
    fee_mantissa: Bits<11>,
    fee_exponent: [bool; 5],
    amount_high: u8,
    amount_low: Bits<54>,
    bounced: bool,
    address: AddressParts,
    key: [KeyParts; 2],
    group: Digest,
    nonce: F,
    expiry: Bits<40>,
}

wires! {
    /// Wires of [`Fields`]. The indices get their width from their bits, the nonce from the account that it must equal.
    pub(crate) struct FieldWires for Fields {
        a: F, b: F, asset: u16, fee_asset: [bool; 2], lane: bool, fee_mantissa: Bits<11>, fee_exponent: [bool; 5],
        amount_high: u8, amount_low: Bits<54>, bounced: bool, address: AddressParts, key: [KeyParts; 2], group: Digest, nonce: F,
        expiry: Bits<40>,
    }
}

/// An object, its ids unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectInput {
    header: F,
    owner: [F; 3],
    main_key: Digest,
    agent: [F; 6],
    nonce: F,
    agent_nonce: F,
    ids: [EntryId; ENTRY_COUNT],
    amounts: [F; ENTRY_COUNT],
}

wires! {
    /// Wires of [`ObjectInput`]. Only the ids are range-checked: the rest is bound by the leaf's hash, and ids are too,
    /// but packed.
    pub(crate) struct ObjectWires for ObjectInput {
        header: F, owner: [F; 3], main_key: Digest, agent: [F; 6], nonce: F, agent_nonce: F, ids: [EntryId; ENTRY_COUNT],
        amounts: [F; ENTRY_COUNT],
    }
}

impl From<&Object> for ObjectInput {
    fn from(object: &Object) -> Self {
        let elements = object.elements().map(to_field);
        let mut agent = [F::ZERO; 6];
        agent.copy_from_slice(&elements[8..14]);
        Self {
            header: elements[0],
            owner: [elements[1], elements[2], elements[3]],
            main_key: object.main_key,
            agent,
            nonce: elements[14],
            agent_nonce: elements[15],
            ids: object.entries.map(|entry| EntryId(entry.asset.0)),
            amounts: object.entries.map(|entry| F::from_canonical_u64(entry.amount.get())),
        }
    }
}

/// A leaf and its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpeningInput {
    exists: bool,
    object: ObjectInput,
    siblings: [Digest; TREE_DEPTH],
}

wires! {
    /// Wires of [`OpeningInput`].
    pub(crate) struct OpeningWires for OpeningInput { exists: bool, object: ObjectInput, siblings: [Digest; TREE_DEPTH] }
}

impl OpeningInput {
    fn new(opening: Option<&Opening>) -> Self {
        let object = opening.and_then(|opening| opening.object.as_ref());
        Self {
            exists: object.is_some(),
            object: object.map(ObjectInput::from).unwrap_or_default(),
            siblings: opening.map_or([Digest::ZERO; TREE_DEPTH], |opening| opening.path.siblings),
        }
    }
}

/// The entry of an object that a slot changes: a one-hot position, all false for none, and the carry of the amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryHint {
    position: [bool; ENTRY_COUNT],
    overflow: bool,
}

wires! {
    /// Wires of [`EntryHint`].
    pub(crate) struct EntryHintWires for EntryHint { position: [bool; ENTRY_COUNT], overflow: bool }
}

impl EntryHint {
    /// The entry of the asset, or the lowest free one among the first `positions`; whether `credit` overflows it.
    fn credit(object: &ObjectInput, asset: AssetId, credit: Amount, positions: usize) -> Self {
        let held = object.ids.iter().position(|id| id.0 == asset.0);
        let entry = held.or_else(|| object.ids[..positions].iter().position(|id| id.0 == 0));
        let before = entry.map_or(F::ZERO, |entry| object.amounts[entry]);
        let after = before + F::from_canonical_u64(credit.get());
        let overflow = from_field(after).as_u64() >> Amount::BITS == 1;
        Self { position: one_hot(entry), overflow }
    }

    fn debit(object: &ObjectInput, asset: AssetId) -> Self {
        Self { position: one_hot(object.ids.iter().position(|id| id.0 == asset.0)), overflow: false }
    }
}

fn one_hot(entry: Option<usize>) -> [bool; ENTRY_COUNT] {
    std::array::from_fn(|i| entry == Some(i))
}

/// All that the prover puts on the wires of a slot, but for the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotInput {
    selectors: Selectors,
    fields: Fields,
    a: OpeningInput,
    b: OpeningInput,
    a_entry: EntryHint,
    fee_position: [bool; ENTRY_COUNT],
    b_entry: EntryHint,
}

wires! {
    /// Wires of [`SlotInput`].
    pub(crate) struct SlotInputWires for SlotInput {
        selectors: Selectors, fields: Fields, a: OpeningInput, b: OpeningInput, a_entry: EntryHint,
        fee_position: [bool; ENTRY_COUNT], b_entry: EntryHint,
    }
}

impl SlotInput {
    /// Spreads a slot over the wires. `fee_sums` are those before the slot.
    ///
    /// The slot may violate any rule: the wires then carry what a prover would have to put there.
    #[must_use]
    pub(crate) fn new(witness: &SlotWitness, fee_sums: &FeeSums) -> Self {
        let mut input = Self {
            selectors: Selectors::default(),
            fields: Fields::default(),
            a: OpeningInput::new(witness.a.as_ref()),
            b: OpeningInput::new(witness.b.as_ref()),
            a_entry: EntryHint::default(),
            fee_position: [false; ENTRY_COUNT],
            b_entry: EntryHint::default(),
        };
        let paid = input.fill(&witness.slot, fee_sums);
        input.fields.bounced = bounced(witness);
        input.b_entry = EntryHint::credit(&input.b.object, paid.asset, paid.to_b, OTHERS_ENTRY_COUNT);
        input.a_entry = match paid.to_a {
            Some((amount, positions)) => EntryHint::credit(&input.a.object, paid.asset, amount, positions),
            None => EntryHint::debit(&input.a.object, paid.asset),
        };
        if let Some(asset) = paid.fee_from {
            input.fee_position = EntryHint::debit(&input.a.object, asset).position;
        }
        input
    }

    /// Sets selectors and fields; returns what moves between entries.
    fn fill(&mut self, slot: &Slot, fee_sums: &FeeSums) -> Paid {
        let fields = &mut self.fields;
        match slot {
            Slot::Padding => Paid::in_(AssetId::NONE, Amount::ZERO, OTHERS_ENTRY_COUNT),
            Slot::Signed(signed) => {
                let transaction = &signed.transaction;
                self.selectors.transfer = matches!(transaction.kind, TransactionKind::Transfer { .. });
                self.selectors.withdraw = !self.selectors.transfer;
                fields.set_payment(transaction.sender.0, transaction.asset, transaction.amount);
                fields.b = F::from_canonical_u32(signed.recipient().unwrap_or_default().0);
                fields.set_fee_asset(transaction.fee_asset);
                fields.lane = transaction.lane as u8 == 1;
                fields.fee_mantissa = Bits(u64::from(transaction.fee.mantissa()));
                fields.fee_exponent = std::array::from_fn(|i| transaction.fee.exponent() >> i & 1 == 1);
                fields.address = AddressParts::from(&transaction.named_address);
                fields.group = transaction.group;
                fields.nonce = F::from_canonical_u32(transaction.nonce);
                fields.expiry = Bits(transaction.expiry.get());
                let fee_asset = transaction.fee_asset.asset();
                let separate = !transaction.fee.value().is_zero() && fee_asset != transaction.asset;
                Paid {
                    asset: transaction.asset,
                    to_a: None,
                    to_b: if self.selectors.transfer { transaction.amount } else { Amount::ZERO },
                    fee_from: separate.then_some(fee_asset),
                }
            }
            Slot::Deposit(deposit) => {
                self.selectors.deposit = true;
                fields.set_payment(deposit.account.0, deposit.asset, deposit.amount);
                fields.lane = deposit.by_owner;
                fields.address = AddressParts::from(&deposit.owner);
                let positions = if deposit.by_owner { ENTRY_COUNT } else { OTHERS_ENTRY_COUNT };
                Paid::in_(deposit.asset, deposit.amount, positions)
            }
            Slot::OpeningDeposit { deposit, .. } => {
                self.selectors.opening = true;
                let index = slot.a().unwrap_or_default();
                fields.set_payment(index.0, deposit.asset, deposit.amount);
                fields.address = AddressParts::from(&deposit.owner);
                fields.key = key_parts(&deposit.key);
                if !self.a.exists {
                    self.a.object = ObjectInput::from(&Object::account(deposit.owner, deposit.key));
                }
                Paid::in_(deposit.asset, deposit.amount, ENTRY_COUNT)
            }
            Slot::CollectFees { account, fee_asset } => {
                self.selectors.collect = true;
                let amount = fee_sums.get(*fee_asset);
                fields.set_payment(account.0, fee_asset.asset(), amount);
                fields.set_fee_asset(*fee_asset);
                Paid::in_(fee_asset.asset(), amount, OTHERS_ENTRY_COUNT)
            }
        }
    }
}

/// Whether the slot is an L1 operation that bounces.
fn bounced(witness: &SlotWitness) -> bool {
    let a = witness.a.as_ref().and_then(|opening| opening.object.as_ref());
    match &witness.slot {
        Slot::Deposit(deposit) => deposit.credited(a).is_none(),
        Slot::OpeningDeposit { deposit, .. } => !deposit.opens_account(),
        Slot::Padding | Slot::Signed(_) | Slot::CollectFees { .. } => false,
    }
}

/// What a slot moves between entries.
struct Paid {
    asset: AssetId,
    /// Credit of A and the positions that it may take; none for a debit.
    to_a: Option<(Amount, usize)>,
    to_b: Amount,
    /// Asset of a fee that is taken from an entry of its own.
    fee_from: Option<AssetId>,
}

impl Paid {
    fn in_(asset: AssetId, amount: Amount, positions: usize) -> Self {
        Self { asset, to_a: Some((amount, positions)), to_b: Amount::ZERO, fee_from: None }
    }
}

impl Fields {
    fn set_payment(&mut self, a: u32, asset: AssetId, amount: Amount) {
        self.a = F::from_canonical_u32(a);
        self.asset = asset.0;
        let [.., high] = split(amount.get(), [54, 8]);
        self.amount_high = u8::try_from(high).expect("an amount has 62 bits");
        self.amount_low = Bits(split(amount.get(), [54, 8])[0]);
    }

    fn set_fee_asset(&mut self, fee_asset: FeeAsset) {
        self.fee_asset = std::array::from_fn(|i| fee_asset.code() >> i & 1 == 1);
    }
}

/// Consecutive bit fields of an integer, lowest first.
fn split<const N: usize>(mut value: u64, widths: [u32; N]) -> [u64; N] {
    widths.map(|width| {
        let part = value & ((1 << width) - 1);
        value >>= width;
        part
    })
}

impl From<&Address> for AddressParts {
    fn from(address: &Address) -> Self {
        let [high, middle, low] = address.limbs();
        Self { high: Bits(high), middle: Bits(middle), low: Bits(low) }
    }
}

fn key_parts(digest: &Digest) -> [KeyParts; 2] {
    let words = digest.0.map(Goldilocks::as_u64);
    [[words[0], words[1]], [words[2], words[3]]].map(|[first, second]| {
        let ([middle, high], [low, carry]) = (split(first, [48, 16]), split(second, [56, 8]));
        KeyParts {
            high: u16::try_from(high).expect("16 bits"),
            middle: Bits(middle),
            carry: u8::try_from(carry).expect("8 bits"),
            low: Bits(low),
        }
    })
}

/// What all slots of a segment share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnvironmentInput {
    domain: Digest,
    batch_number: u32,
    timestamp: Bits<40>,
}

wires! {
    /// Wires of [`EnvironmentInput`].
    pub(crate) struct EnvironmentWires for EnvironmentInput { domain: Digest, batch_number: u32, timestamp: Bits<40> }
}

impl From<&Environment> for EnvironmentInput {
    fn from(environment: &Environment) -> Self {
        Self {
            domain: environment.domain.0,
            batch_number: environment.batch_number,
            timestamp: Bits(environment.timestamp.get()),
        }
    }
}

/// The running state without the group part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateInput {
    root: Digest,
    chain: Digest,
    fee_sums: [F; FeeAsset::COUNT],
}

wires! {
    /// Wires of [`StateInput`].
    pub(crate) struct StateWires for StateInput { root: Digest, chain: Digest, fee_sums: [F; FeeAsset::COUNT] }
}

impl From<&RunningState> for StateInput {
    fn from(state: &RunningState) -> Self {
        let fee_sums = state.fee_sums.amounts().map(|sum| F::from_canonical_u64(sum.get()));
        Self { root: state.root, chain: state.chain, fee_sums }
    }
}
