//! Users, and the books that say what they must own.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use weft_contract::embedded::dev_signer;
use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Fee, FeeAsset, Lane, SignedTransaction, Timestamp, Transaction,
    TransactionKind,
};

/// Seconds for which a user's transactions are valid.
const VALID_SECONDS: u64 = 3600;

/// Somebody with an L1 account and a key in the rollup.
#[derive(Clone, Debug)]
pub struct User {
    /// Number of the dev account on L1.
    pub dev_account: u32,
    /// L1 address.
    pub owner: Address,
    /// Index of the account in the rollup, once it is open.
    pub index: AccountIndex,
    /// Nonce of the next transaction.
    pub nonce: u32,
    secret: Secret,
}

/// A key that is not printed.
#[derive(Clone)]
struct Secret(SecretKey);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A payment that a user makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payment {
    /// What kind.
    pub kind: TransactionKind,
    /// Owner of the recipient, or of the sender of a withdrawal.
    pub named_address: Address,
    /// What is paid.
    pub asset: AssetId,
    /// How much.
    pub amount: u64,
    /// The fee, in ETH units.
    pub fee: u64,
}

impl User {
    /// The user with this dev account; the account in the rollup is still to be opened.
    #[must_use]
    pub fn new(dev_account: u32) -> Self {
        let mut seed = [0x77; 32];
        seed[..4].copy_from_slice(&dev_account.to_be_bytes());
        Self {
            dev_account,
            owner: Address(dev_signer(dev_account).address().into_array()),
            index: AccountIndex::default(),
            nonce: 0,
            secret: Secret(SecretKey::from_seed(&seed)),
        }
    }

    /// Digest of the user's key.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.secret.0.public_key().digest()
    }

    /// Signs a payment with the next nonce. The nonce is used up by [`Self::sent`].
    ///
    /// # Errors
    /// Amount or fee have no form.
    pub fn sign(&self, payment: &Payment, domain: &Domain, now: u64) -> Result<SignedTransaction> {
        let transaction = Transaction {
            kind: payment.kind,
            sender: self.index,
            lane: Lane::Main,
            asset: payment.asset,
            amount: Amount::new(payment.amount)?,
            fee_asset: FeeAsset::from_asset(AssetId::ETH)?,
            fee: Fee::at_least(Amount::new(payment.fee)?).context("the fee is too large")?,
            named_address: payment.named_address,
            group: Digest::ZERO,
            nonce: self.nonce,
            expiry: Timestamp::new(now + VALID_SECONDS)?,
        };
        Ok(self.sign_transaction(transaction, domain))
    }

    /// Signs whatever transaction.
    #[must_use]
    pub fn sign_transaction(&self, transaction: Transaction, domain: &Domain) -> SignedTransaction {
        transaction.sign(domain, &self.secret.0)
    }

    /// A transaction was accepted.
    pub fn sent(&mut self) {
        self.nonce += 1;
    }
}

/// What everyone must own in the rollup, kept beside it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Books {
    balances: BTreeMap<(AccountIndex, AssetId), u64>,
    /// Fees paid, in ETH units.
    pub fees: u64,
}

impl Books {
    /// An account gets something.
    pub fn credit(&mut self, account: AccountIndex, asset: AssetId, amount: u64) {
        *self.balances.entry((account, asset)).or_default() += amount;
    }

    /// An account gives something.
    ///
    /// # Errors
    /// It owns less.
    pub fn debit(&mut self, account: AccountIndex, asset: AssetId, amount: u64) -> Result<()> {
        let balance = self.balances.entry((account, asset)).or_default();
        *balance = balance.checked_sub(amount).context("an account of the books owns less than it pays")?;
        Ok(())
    }

    /// An account pays a fee.
    ///
    /// # Errors
    /// It owns less.
    pub fn pay_fee(&mut self, account: AccountIndex, fee: u64) -> Result<()> {
        self.debit(account, AssetId::ETH, fee)?;
        self.fees += fee;
        Ok(())
    }

    /// What an account owns.
    #[must_use]
    pub fn balance(&self, account: AccountIndex, asset: AssetId) -> u64 {
        self.balances.get(&(account, asset)).copied().unwrap_or(0)
    }
}
