//! Inputs of the segment circuit: what the prover puts on the wires of a slot.
//!
//! Native side: [`SlotInput::new`] spreads a [`SlotWitness`] over the one shape that all kinds share. Nothing here is
//! trusted; the clauses constrain every value.

use plonky2::field::types::Field;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, ENTRY_COUNT, Environment, FeeAsset, FeeSums, Lane, Object, Opening,
    RunningState, Slot, SlotWitness, TREE_DEPTH, Transaction,
};

use crate::builder::{Builder, Target};
use crate::config::F;
use crate::gadgets::uint::{Uint, element};
use crate::wired::{Targets, Wired, to_field};
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

/// Siblings of the paths of A and B, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathsInput {
    a: [Digest; TREE_DEPTH],
    b: [Digest; TREE_DEPTH],
}

wires! {
    /// Wires of [`PathsInput`].
    pub(crate) struct PathWires for PathsInput { a: [Digest; TREE_DEPTH], b: [Digest; TREE_DEPTH] }
}

impl From<&SlotWitness> for PathsInput {
    fn from(witness: &SlotWitness) -> Self {
        let siblings = |opening: &Option<Opening>| {
            opening.as_ref().map_or([Digest::ZERO; TREE_DEPTH], |opening| opening.path.siblings)
        };
        Self { a: siblings(&witness.a), b: siblings(&witness.b) }
    }
}

/// The object of an opening; all 0 if there is none.
fn opened(opening: Option<&Opening>) -> ObjectInput {
    opening.and_then(|opening| opening.object.as_ref()).map(ObjectInput::from).unwrap_or_default()
}

/// All that the prover puts on the wires of a slot, but for the signature and the paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotInput {
    selectors: Selectors,
    fields: Fields,
    /// The leaf of A is not empty. A recipient always exists.
    a_exists: bool,
    a: ObjectInput,
    b: ObjectInput,
}

wires! {
    /// Wires of [`SlotInput`].
    pub(crate) struct SlotInputWires for SlotInput {
        selectors: Selectors, fields: Fields, a_exists: bool, a: ObjectInput, b: ObjectInput,
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
            a_exists: witness.a.as_ref().is_some_and(|opening| opening.object.is_some()),
            a: opened(witness.a.as_ref()),
            b: opened(witness.b.as_ref()),
        };
        input.fill(&witness.slot, fee_sums);
        input.fields.bounced = bounced(witness);
        input
    }

    /// Sets selectors and fields.
    fn fill(&mut self, slot: &Slot, fee_sums: &FeeSums) {
        let (selectors, fields) = (&mut self.selectors, &mut self.fields);
        match slot {
            Slot::Padding => {}
            Slot::Signed(signed) => {
                selectors.transfer = signed.recipient().is_some();
                selectors.withdraw = !selectors.transfer;
                fields.set_transaction(&signed.transaction);
                fields.b = F::from_canonical_u32(signed.recipient().unwrap_or_default().0);
            }
            Slot::Deposit(deposit) => {
                selectors.deposit = true;
                fields.set_payment(deposit.account, deposit.asset, deposit.amount);
                fields.lane = deposit.by_owner;
                fields.address = AddressParts::from(&deposit.owner);
            }
            Slot::OpeningDeposit { deposit, .. } => {
                selectors.opening = true;
                fields.set_payment(slot.a().unwrap_or_default(), deposit.asset, deposit.amount);
                fields.address = AddressParts::from(&deposit.owner);
                fields.key = key_parts(&deposit.key);
                if !self.a_exists {
                    self.a = ObjectInput::from(&Object::account(deposit.owner, deposit.key));
                }
            }
            Slot::CollectFees { account, fee_asset } => {
                selectors.collect = true;
                fields.set_payment(*account, fee_asset.asset(), fee_sums.get(*fee_asset));
                fields.set_fee_asset(*fee_asset);
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

impl Fields {
    fn set_payment(&mut self, a: AccountIndex, asset: AssetId, amount: Amount) {
        let [low, high] = split(amount.get(), [54, 8]);
        self.a = F::from_canonical_u32(a.0);
        self.asset = asset.0;
        self.amount_high = u8::try_from(high).expect("an amount has 62 bits");
        self.amount_low = Bits(low);
    }

    fn set_transaction(&mut self, transaction: &Transaction) {
        self.set_payment(transaction.sender, transaction.asset, transaction.amount);
        self.set_fee_asset(transaction.fee_asset);
        self.lane = transaction.lane == Lane::Agent;
        self.fee_mantissa = Bits(u64::from(transaction.fee.mantissa()));
        self.fee_exponent = std::array::from_fn(|i| transaction.fee.exponent() >> i & 1 == 1);
        self.address = AddressParts::from(&transaction.named_address);
        self.group = transaction.group;
        self.nonce = F::from_canonical_u32(transaction.nonce);
        self.expiry = Bits(transaction.expiry.get());
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
    /// Root of the tree, or the chain of accesses that stands for it.
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
