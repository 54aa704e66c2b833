//! The workload of all measurements: transfers between accounts drawn uniformly from 2^20, every signature distinct.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rayon::prelude::*;
use weft_executor::{BatchBuilder, CheckedTransaction, State, check_signatures};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Goldilocks, Tag, poseidon};
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Environment, Fee, FeeAsset, Lane, Object, SegmentWitness,
    SignedTransaction, Timestamp, Transaction, TransactionKind,
};

/// log2 of the accounts.
pub(super) const ACCOUNT_BITS: u32 = 20;
/// What each account owns, and what a transfer moves.
const BALANCE: u64 = 1 << 40;
const AMOUNT: u64 = 12_345;
const TIME: u64 = 1_800_000_000;

/// A state and transfers on it.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) state: State,
    pub(super) transfers: Vec<SignedTransaction>,
}

/// Numbers that look random and are the same in every run (splitmix64).
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    pub(super) fn account(&mut self) -> AccountIndex {
        let high = self.next() >> (u64::BITS - ACCOUNT_BITS);
        AccountIndex(u32::try_from(high).expect("20 bits"))
    }
}

impl Workload {
    /// So many transfers.
    pub(super) fn new(transfers: usize) -> Result<Self> {
        let mut numbers = Numbers::new();
        let mut pairs = Vec::with_capacity(transfers);
        let mut keys = BTreeMap::new();
        while pairs.len() < transfers {
            let (from, to) = (numbers.account(), numbers.account());
            if from != to {
                pairs.push((from, to));
                keys.insert(from, ());
            }
        }
        let senders: Vec<_> = keys.into_keys().collect();
        let keys: BTreeMap<_, _> = senders.into_par_iter().map(|index| (index, key_of(index))).collect();
        let mut nonces = BTreeMap::new();
        let unsigned: Vec<_> = pairs.iter().map(|(from, to)| transfer(*from, *to, &mut nonces)).collect();
        let domain = domain();
        let transfers = unsigned
            .into_par_iter()
            .map(|transaction| {
                let key = &keys[&transaction.sender];
                transaction.sign(&domain, key)
            })
            .collect();
        let accounts: Result<Vec<_>> = (0..1 << ACCOUNT_BITS)
            .into_par_iter()
            .map(|index| {
                let index = AccountIndex(index);
                let key = keys.get(&index).map_or_else(|| unknown_key(index), |key| key.public_key().digest());
                Ok((index, account(index, key)?))
            })
            .collect();
        Ok(Self { state: State::from_objects(accounts?)?, transfers })
    }

    /// The transfers in a batch, with checked signatures.
    pub(super) fn begin(self) -> Result<(BatchBuilder, Vec<CheckedTransaction>)> {
        let checked: Result<Vec<_>, _> = check_signatures(&domain(), self.transfers).into_iter().collect();
        Ok((BatchBuilder::new(environment()?, self.state), checked.context("a signature is bad")?))
    }

    /// All transfers as one segment.
    pub(super) fn segment(self) -> Result<SegmentWitness> {
        let slots = self.transfers.len();
        let (mut builder, checked) = self.begin()?;
        for transaction in checked {
            builder.push_transaction(transaction)?;
        }
        builder.next_segment(slots).map(|segment| segment.witness).context("the transfers are one segment")
    }
}

/// The domain of the workload.
pub(super) fn domain() -> Domain {
    Domain(poseidon::hash(Tag::DOMAIN, &[]))
}

fn environment() -> Result<Environment> {
    Ok(Environment { domain: domain(), batch_number: 1, timestamp: Timestamp::new(TIME)? })
}

pub(super) fn key_of(index: AccountIndex) -> SecretKey {
    let mut seed = [0x51; 32];
    seed[..4].copy_from_slice(&index.0.to_be_bytes());
    SecretKey::from_seed(&seed)
}

/// A digest of which nobody knows a key.
fn unknown_key(index: AccountIndex) -> Digest {
    Digest([index.element(), Goldilocks::ZERO, Goldilocks::ZERO, Goldilocks::ZERO])
}

fn owner(index: AccountIndex) -> Address {
    let mut bytes = [0xaa; 20];
    bytes[..4].copy_from_slice(&index.0.to_be_bytes());
    Address(bytes)
}

fn account(index: AccountIndex, key: Digest) -> Result<Object> {
    let account = Object::account(owner(index), key).credited(AssetId::ETH, Amount::new(BALANCE)?, 1);
    account.ok().context("an empty account takes an amount")
}

fn transfer(from: AccountIndex, to: AccountIndex, nonces: &mut BTreeMap<AccountIndex, u32>) -> Transaction {
    let nonce = nonces.entry(from).or_default();
    let transaction = Transaction {
        kind: TransactionKind::Transfer { to },
        sender: from,
        lane: Lane::Main,
        asset: AssetId::ETH,
        amount: Amount::new(AMOUNT).expect("below 2^62"),
        fee_asset: FeeAsset::default(),
        fee: Fee::ZERO,
        named_address: owner(to),
        group: Digest::ZERO,
        nonce: *nonce,
        expiry: Timestamp::MAX,
    };
    *nonce += 1;
    transaction
}
