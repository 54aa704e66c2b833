//! A small state with keys, in which slots get their witnesses.

use std::collections::BTreeMap;

use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Environment, Fee, FeeAsset, Lane, Object, Opening, OpeningDeposit,
    RunningState, Slot, SlotWitness, Timestamp, Transaction, TransactionKind,
};
use weft_state_tree::StateTree;

/// Objects, their tree, and the running state of a batch.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) environment: Environment,
    pub(super) state: RunningState,
    objects: BTreeMap<AccountIndex, Object>,
    tree: StateTree,
}

pub(super) fn amount(value: u64) -> Amount {
    Amount::new(value).expect("tests use amounts in range")
}

/// The key of a user.
pub(super) fn secret(user: u32) -> SecretKey {
    let mut seed = [3; 32];
    seed[..4].copy_from_slice(&user.to_be_bytes());
    SecretKey::from_seed(&seed)
}

/// The L1 address of a user.
pub(super) fn owner(user: u32) -> Address {
    let mut address = [0xa5; 20];
    address[..4].copy_from_slice(&user.to_be_bytes());
    Address(address)
}

/// A deposit that opens the account of a user.
pub(super) fn opening(user: u32, asset: u16, value: u64) -> Slot {
    let key = secret(user).public_key().digest();
    let deposit = OpeningDeposit { owner: owner(user), key, asset: AssetId(asset), amount: amount(value) };
    Slot::OpeningDeposit { deposit, index: AccountIndex(user) }
}

/// A transfer between users; sign it with [`World::sign`].
pub(super) fn transfer(from: u32, to: u32, asset: u16, value: u64) -> Transaction {
    Transaction {
        kind: TransactionKind::Transfer { to: AccountIndex(to) },
        sender: AccountIndex(from),
        lane: Lane::Main,
        asset: AssetId(asset),
        amount: amount(value),
        fee_asset: FeeAsset::default(),
        fee: Fee::ZERO,
        named_address: owner(to),
        group: Digest::ZERO,
        nonce: 0,
        expiry: Timestamp::MAX,
    }
}

/// A withdrawal; sign it with [`World::sign`].
pub(super) fn withdrawal(from: u32, asset: u16, value: u64) -> Transaction {
    let named_address = owner(from);
    Transaction { kind: TransactionKind::Withdraw, named_address, ..transfer(from, from, asset, value) }
}

impl World {
    /// An empty state.
    pub(super) fn new() -> Self {
        let domain = Domain::new(31_337, &Address([1; 20]), &Digest::ZERO).expect("a small chain id");
        let timestamp = Timestamp::new(1_800_000_000).expect("fits 40 bits");
        Self {
            environment: Environment { domain, batch_number: 7, timestamp },
            state: RunningState::genesis(),
            objects: BTreeMap::new(),
            tree: StateTree::new(),
        }
    }

    /// A state with users 1 to `users`, each with a million of the assets 1 and 2; the batch has started.
    pub(super) fn with_users(users: u32) -> Self {
        let mut world = Self::new();
        for user in 1..=users {
            let mut object = Object::account(owner(user), secret(user).public_key().digest());
            for asset in [1, 2] {
                object = object.credited(AssetId(asset), amount(1_000_000), 12).expect("there is room");
            }
            world.put(AccountIndex(user), object);
        }
        world
    }

    /// Puts an object into the state, without a slot.
    pub(super) fn put(&mut self, index: AccountIndex, object: Object) {
        self.objects.insert(index, object);
        self.tree.update(index, object.digest()).expect("the index is in the tree");
        self.state.root = self.tree.root();
    }

    pub(super) fn object(&self, index: AccountIndex) -> Option<&Object> {
        self.objects.get(&index)
    }

    fn open(&self, index: AccountIndex) -> Option<Opening> {
        let path = self.tree.path(index).ok()?;
        Some(Opening { object: self.object(index).copied(), path })
    }

    /// Signs with the sender's key and next nonce.
    pub(super) fn sign(&self, mut transaction: Transaction) -> Slot {
        transaction.nonce = self.object(transaction.sender).map_or(0, |object| object.nonce);
        self.sign_as_is(transaction)
    }

    /// Signs with the sender's key, whatever the nonce.
    pub(super) fn sign_as_is(&self, transaction: Transaction) -> Slot {
        let secret = secret(transaction.sender.0);
        Slot::Signed(transaction.sign(&self.environment.domain, &secret))
    }

    /// The witness of a slot here and now; B is opened after A is written, if the rules let A be written.
    pub(super) fn witness(&self, slot: &Slot) -> SlotWitness {
        let a = slot.a().and_then(|index| self.open(index));
        let mut after = self.clone();
        let objects = [slot.a(), slot.b()].map(|index| index.and_then(|index| self.object(index)));
        let effects = slot.apply(&self.environment, objects[0], objects[1], self.state.fee_sums);
        if let (Some(index), Ok(effects)) = (slot.a(), effects)
            && let Some(object) = effects.a_after
        {
            after.put(index, object);
        }
        SlotWitness { slot: slot.clone(), a, b: slot.b().and_then(|index| after.open(index)) }
    }

    /// Executes a valid slot and returns its witness.
    pub(super) fn execute(&mut self, slot: &Slot) -> SlotWitness {
        let witness = self.witness(slot);
        let (state, effects) = witness.evaluate(&self.environment, &self.state).expect("the slot is valid");
        for (index, object) in [(slot.a(), effects.a_after), (slot.b(), effects.b_after)] {
            if let (Some(index), Some(object)) = (index, object) {
                self.put(index, object);
            }
        }
        assert_eq!(self.state.root, state.root);
        self.state = state;
        witness
    }
}
