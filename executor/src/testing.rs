//! A small world for tests: keys, accounts, and a batch that is described in few words.

use proptest::prelude::*;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::testing::arb_deposit;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Deposit, Domain, Environment, Fee, FeeAsset, Lane, Object, OpeningDeposit,
    QueueEntry, QueueOperation, Reject, SignedTransaction, Timestamp, Transaction, TransactionKind,
};

use crate::{BatchBuilder, Objects, Receipt, Refusal, State, check_signatures};

/// Account that collects the fees. Nothing but fees and its opening is paid to it.
pub(crate) const OPERATOR: AccountIndex = AccountIndex(0);
/// Key of the operator's account.
const OPERATOR_SEED: u8 = 99;

/// Batch `batch_number` at a time that rises with it.
pub(crate) fn environment(batch_number: u32) -> Environment {
    let domain = Domain(poseidon::hash(Tag::DOMAIN, &[]));
    let seconds = 1_700_000_000 + u64::from(batch_number);
    let timestamp = Timestamp::new(seconds).expect("below 2^40");
    Environment { domain, batch_number, timestamp }
}

pub(crate) fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

pub(crate) fn address(seed: u8) -> Address {
    Address([seed; 20])
}

pub(crate) fn amount(value: u64) -> Amount {
    Amount::new(value).expect("a small amount")
}

/// An entry that opens an account with key and owner of `seed`.
pub(crate) fn opening(seed: u8, asset: AssetId, amount: Amount) -> QueueEntry {
    let operation = QueueOperation::OpeningDeposit(OpeningDeposit {
        owner: address(seed),
        key: secret(seed).public_key().digest(),
        asset,
        amount,
    });
    let sender = address(200);
    QueueEntry { operation, sender }
}

/// The first batch with the operator's account and those of `seeds`, each with `balance` of asset 1.
pub(crate) fn builder_with_accounts(seeds: &[u8], balance: u64) -> BatchBuilder {
    let mut builder = BatchBuilder::new(environment(1), State::new());
    for seed in [&[OPERATOR_SEED], seeds].concat() {
        builder.push_queue_entry(&opening(seed, AssetId::ETH, amount(balance))).expect("there is room");
    }
    builder
}

/// What is wrong with a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mistake {
    Nonce,
    Key,
    Address,
    Time,
    Signature,
}

impl Mistake {
    const ALL: [Self; 5] = [Self::Nonce, Self::Key, Self::Address, Self::Time, Self::Signature];
}

/// A transaction between accounts `from` and `to` (pays out on L1 if `None`), whose keys are those of the seeds of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) from: u32,
    pub(crate) to: Option<u32>,
    pub(crate) asset: u16,
    pub(crate) amount: Amount,
    pub(crate) fee_asset: u8,
    pub(crate) fee: u16,
    pub(crate) mistake: Option<Mistake>,
}

/// One step of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Entry(QueueEntry),
    Payment(Payment),
    /// Collects the fees for an account.
    Collect(AccountIndex),
}

impl Payment {
    /// `amount` of asset 1 from one account to another, with a fee of `mantissa` in asset 1.
    pub(crate) fn transfer(from: u32, to: u32, value: u64, mantissa: u16) -> Self {
        Self { from, to: Some(to), asset: 1, amount: amount(value), fee_asset: 0, fee: mantissa << 5, mistake: None }
    }

    /// The transaction as its sender signs it now.
    pub(crate) fn sign(&self, environment: &Environment, objects: &Objects) -> SignedTransaction {
        let wrong = |mistake| u8::from(self.mistake == Some(mistake));
        let sender = objects.get(AccountIndex(self.from));
        let named = self.to.unwrap_or(self.from);
        let named = objects.get(AccountIndex(named));
        let mut owner = named.map_or(Address::ZERO, |object| object.owner);
        owner.0[19] ^= wrong(Mistake::Address);
        let now = environment.timestamp.get();
        let transaction = Transaction {
            kind: self.to.map_or(TransactionKind::Withdraw, |to| TransactionKind::Transfer { to: AccountIndex(to) }),
            sender: AccountIndex(self.from),
            lane: Lane::Main,
            asset: AssetId(self.asset),
            amount: self.amount,
            fee_asset: FeeAsset::new(self.fee_asset).expect("below 4"),
            fee: Fee(self.fee),
            named_address: owner,
            group: Digest::ZERO,
            nonce: sender.map_or(0, |object| object.nonce) + u32::from(wrong(Mistake::Nonce)),
            expiry: Timestamp::new(now - u64::from(wrong(Mistake::Time))).expect("below 2^40"),
        };
        let seed = sender.map_or(1, seed_of);
        let secret = secret(seed ^ wrong(Mistake::Key));
        let mut signed = transaction.sign(&environment.domain, &secret);
        if self.mistake == Some(Mistake::Signature) {
            signed.transaction.expiry = Timestamp::MAX;
        }
        signed
    }
}

/// The seed that made the account: owners repeat it.
fn seed_of(object: &Object) -> u8 {
    object.owner.0[0]
}

impl Step {
    /// Does the step; one receipt for each slot.
    pub(crate) fn run(&self, builder: &mut BatchBuilder) -> Result<Vec<Receipt>, Refusal> {
        match self {
            Self::Entry(entry) => Ok(vec![builder.push_queue_entry(entry)?]),
            Self::Payment(payment) => {
                let environment = *builder.environment();
                let signed = payment.sign(&environment, builder.objects());
                let mut checked = check_signatures(&environment.domain, vec![signed]);
                let checked = checked.pop().expect("one result");
                Ok(vec![builder.push_transaction(checked?)?])
            }
            Self::Collect(account) => builder.collect_fees(*account),
        }
    }
}

/// Amounts of which some fit each other's balances and some overflow.
fn arb_sum() -> impl Strategy<Value = Amount> {
    prop_oneof![
        6 => 0..2_000u64,
        1 => Amount::MAX.get() - 3..=Amount::MAX.get(),
    ]
    .prop_map(|value| Amount::new(value).expect("at most the largest"))
}

fn arb_entry() -> impl Strategy<Value = QueueEntry> {
    let openings =
        (1..6u8, 0..6u16, arb_sum()).prop_map(|(seed, asset, amount)| opening(seed, AssetId(asset), amount).operation);
    let deposits =
        (1..8u32, 1..6u8, 0..18u16, arb_sum(), any::<bool>()).prop_map(|(account, seed, asset, amount, by_owner)| {
            QueueOperation::Deposit(Deposit {
                account: AccountIndex(account),
                owner: address(seed),
                asset: AssetId(asset),
                amount,
                by_owner,
            })
        });
    let foreign = arb_deposit().prop_map(QueueOperation::Deposit);
    let operation = prop_oneof![4 => openings, 4 => deposits, 1 => foreign];
    (operation, 100..104u8).prop_map(|(operation, sender)| QueueEntry { operation, sender: address(sender) })
}

fn arb_payment() -> impl Strategy<Value = Payment> {
    let anybody = any::<u32>().prop_map(|to| AccountIndex(to.max(OPERATOR.0 + 1)));
    let to = prop_oneof![
        3 => (1..8u32).prop_map(|to| Some(AccountIndex(to))),
        1 => anybody.prop_map(Some),
        1 => Just(None),
    ];
    let to = to.prop_map(|to| to.map(|index| index.0));
    let fee = prop_oneof![Just(0u16), (0..40u16).prop_map(|mantissa| mantissa << 5), any::<u16>()];
    let mistake = proptest::option::weighted(0.15, proptest::sample::select(&Mistake::ALL[..]));
    let from = prop_oneof![8 => 1..6u32, 1 => any::<u32>()];
    (from, to, 0..4u16, arb_sum(), 0..4u8, fee, mistake).prop_map(
        |(from, to, asset, amount, fee_asset, fee, mistake)| Payment {
            from,
            to,
            asset,
            amount,
            fee_asset,
            fee,
            mistake,
        },
    )
}

/// Steps over a handful of accounts: those that the rules accept, and those that they refuse.
pub(crate) fn arb_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => arb_entry().prop_map(Step::Entry),
        6 => arb_payment().prop_map(Step::Payment),
        1 => (0..8u32).prop_map(|account| Step::Collect(AccountIndex(account))),
    ];
    proptest::collection::vec(step, 0..40)
}

/// The reason of a refusal by rule.
pub(crate) fn reject_of<T>(result: &Result<T, Refusal>) -> Option<Reject> {
    match result {
        Err(Refusal::Rejected(reject)) => Some(*reject),
        Ok(_) | Err(Refusal::BatchFull { .. }) => None,
    }
}
