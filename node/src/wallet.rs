//! From what somebody wants to pay to a transaction that a node takes: sender, recipient, nonce, fee, expiry.
//!
//! What the node says about accounts is looked at before anything is signed, so that a payment which cannot work is refused
//! here, in words; the node has the last word. It is not believed where it could make somebody pay more than meant: the
//! [`Terms`] of the rollup come from the caller, accounts must be those that were asked for, and a fee that the node
//! proposes has a cap ([`fee_cap`]).

mod terms;

use serde::Serialize;
use weft_api::{AccountView, Deployment, TransactionKindName, TransactionView};
use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Fee, FeeAsset, Lane, SignedTransaction, Timestamp, Transaction,
    TransactionKind,
};

use crate::client::{Client, ClientError};

pub use terms::{FEE_MAX, FEE_SHARE, FEE_SMALL, Terms, fee_cap};

/// Whom a transfer pays, as somebody names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// The account at an index.
    Index(u32),
    /// The one account of an L1 address.
    Owner(Address),
    /// The one account of a key.
    Key(Digest),
}

/// A text names no account.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} names no account: an index, an L1 address (0x and 40 digits) or the digest of a key (0x and 64)")]
pub struct ParsePartyError {
    /// The text.
    text: String,
}

impl std::str::FromStr for Party {
    type Err = ParsePartyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParsePartyError { text: text.to_owned() };
        if !text.starts_with("0x") {
            return text.parse().map(Self::Index).map_err(|_| error());
        }
        let owner = text.to_ascii_lowercase().parse().map(Self::Owner);
        owner.or_else(|_| text.parse().map(Self::Key)).map_err(|_| error())
    }
}

impl Party {
    /// Whether an account is one that is meant.
    fn fits(&self, account: &AccountView) -> bool {
        match self {
            Self::Index(index) => account.index == *index,
            Self::Owner(owner) => account.owner == *owner,
            Self::Key(key) => account.key == *key,
        }
    }
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "account {index}"),
            Self::Owner(owner) => write!(f, "the account of {owner}"),
            Self::Key(key) => write!(f, "the account of key {key}"),
        }
    }
}

/// What somebody wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Who is paid; `None`: the payer's owner, on L1.
    pub to: Option<Party>,
    /// What is paid.
    pub asset: AssetId,
    /// How much, in base units.
    pub amount: Amount,
    /// Asset of the fee.
    pub fee_asset: FeeAsset,
    /// The fee in base units, which is raised to the next one that has a form; `None`: the least that the node takes.
    pub fee: Option<Amount>,
    /// Account that pays; `None`: the one account of the key.
    pub from: Option<u32>,
    /// Nonce; `None`: the next one, as the node knows it.
    pub nonce: Option<u32>,
    /// Last time of a batch that may contain it, UNIX seconds.
    pub expiry: u64,
}

/// Why a payment is not made.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// The node refuses a request or does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody has such an account.
    #[error("{party} does not exist in the rollup; a deposit opens accounts")]
    NoAccount {
        /// As it was named.
        party: Party,
    },
    /// More than one account fits.
    #[error("{party} is not the only one: accounts {} fit; name one by its index", list(indices))]
    Ambiguous {
        /// As it was named.
        party: Party,
        /// Those that fit.
        indices: Vec<u32>,
    },
    /// The node answers with an account that is not the one asked for.
    #[error("asked for {party}, the node says account {index} of {owner} with key {key}: its answer is not used")]
    OtherAccount {
        /// As it was named.
        party: Party,
        /// What the node says.
        index: u32,
        /// Its owner, as the node says.
        owner: Address,
        /// Its key, as the node says.
        key: Digest,
    },
    /// The account has another key.
    #[error("account {index} has key {expected}, the key file holds {got}")]
    WrongKey {
        /// The account.
        index: u32,
        /// Its key.
        expected: Digest,
        /// That of the file.
        got: Digest,
    },
    /// The rollup has no such asset.
    #[error("the rollup has no asset {asset}; it has {}", list(known))]
    UnknownAsset {
        /// The asset.
        asset: u16,
        /// Those that there are.
        known: Vec<u16>,
    },
    /// The account has less than amount and fee.
    #[error("account {index} has {balance} base units of asset {asset}, {needed} are needed")]
    Balance {
        /// The account.
        index: u32,
        /// The asset.
        asset: u16,
        /// What it has.
        balance: Amount,
        /// Amount and fee of this asset.
        needed: u128,
    },
    /// An account cannot pay itself.
    #[error("account {index} cannot pay itself")]
    SelfTransfer {
        /// The account.
        index: u32,
    },
    /// Nothing is paid.
    #[error("an amount of 0 pays nothing")]
    ZeroAmount,
    /// No fee is that large.
    #[error("a fee of {fee} base units has no form: fees have 11 bits and a binary exponent up to 31")]
    FeeTooLarge {
        /// What was asked for.
        fee: Amount,
    },
    /// The node proposes a fee that nobody would expect.
    #[error(
        "the node wants a fee of {fee} base units, more than the {cap} that are paid unasked: name the fee with --fee"
    )]
    FeeTooHigh {
        /// What the node proposes.
        fee: Amount,
        /// What is paid without being named.
        cap: Amount,
    },
    /// The expiry is no time of the rollup, or is over.
    #[error("the transaction would have expired at {expiry} (UNIX seconds), now is {now}")]
    Expired {
        /// When.
        expiry: u64,
        /// Now.
        now: u64,
    },
}

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A transaction before it is signed, with what there is to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    transaction: Transaction,
    deployment: Deployment,
    payer: Address,
}

/// What a draft says, for people and programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// What it does.
    pub kind: TransactionKindName,
    /// Account that pays.
    pub from: u32,
    /// L1 address that owns it, as the node says.
    pub payer: String,
    /// Account that is paid, of a transfer.
    pub to: Option<u32>,
    /// L1 address that is named in the transaction: owner of the account that is paid.
    pub owner: String,
    /// Nonce.
    pub nonce: u32,
    /// Last time of a batch that may contain it, UNIX seconds.
    pub expiry: u64,
}

impl Draft {
    /// Completes a payment of the holder of `key` at the time `now` (UNIX seconds) out of what the node knows, for the
    /// rollup with these terms.
    ///
    /// # Errors
    /// The payment cannot work, the node proposes what is not signed unasked, or does not answer.
    pub async fn new(
        client: &Client,
        terms: &Terms,
        key: &Digest,
        payment: &Payment,
        now: u64,
    ) -> Result<Self, WalletError> {
        if payment.amount.is_zero() {
            return Err(WalletError::ZeroAmount);
        }
        let expired = || WalletError::Expired { expiry: payment.expiry, now };
        let expiry = Timestamp::new(payment.expiry).ok().filter(|expiry| expiry.get() > now).ok_or_else(expired)?;
        let known: Vec<_> = terms.assets.iter().map(|asset| asset.id).collect();
        for asset in [payment.asset, payment.fee_asset.asset()] {
            if !known.contains(&asset.0) {
                return Err(WalletError::UnknownAsset { asset: asset.0, known });
            }
        }
        let sender = sender(client, key, payment.from).await?;
        let (kind, named_address) = match payment.to {
            None => (TransactionKind::Withdraw, sender.owner),
            Some(party) => {
                let recipient = find(client, party).await?;
                if recipient.index == sender.index {
                    return Err(WalletError::SelfTransfer { index: sender.index });
                }
                (TransactionKind::Transfer { to: AccountIndex(recipient.index) }, recipient.owner)
            }
        };
        let fee = fee(client, payment).await?;
        check_balances(&sender, payment, fee)?;
        let transaction = Transaction {
            kind,
            sender: AccountIndex(sender.index),
            lane: Lane::Main,
            asset: payment.asset,
            amount: payment.amount,
            fee_asset: payment.fee_asset,
            fee,
            named_address,
            group: Digest::ZERO,
            nonce: payment.nonce.unwrap_or(sender.pending_nonce),
            expiry,
        };
        Ok(Self { transaction, deployment: terms.deployment, payer: sender.owner })
    }

    /// What will be signed.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// What it says.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let transaction = &self.transaction;
        let (kind, to) = match transaction.kind {
            TransactionKind::Transfer { to } => (TransactionKindName::Transfer, Some(to.0)),
            TransactionKind::Withdraw => (TransactionKindName::Withdraw, None),
        };
        Summary {
            kind,
            from: transaction.sender.0,
            payer: self.payer.to_string(),
            to,
            owner: transaction.named_address.to_string(),
            nonce: transaction.nonce,
            expiry: transaction.expiry.get(),
        }
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, secret: &SecretKey) -> SignedTransaction {
        self.transaction.sign(&self.deployment.domain, secret)
    }

    /// Signs and submits it.
    ///
    /// # Errors
    /// The node refuses it or does not answer.
    pub async fn submit(self, client: &Client, secret: &SecretKey) -> Result<TransactionView, WalletError> {
        let deployment = self.deployment;
        Ok(client.submit(self.sign(secret), &deployment).await?)
    }
}

/// The account that somebody names.
///
/// # Errors
/// There is none, or more than one, or the node names one that does not fit.
pub async fn find(client: &Client, party: Party) -> Result<AccountView, WalletError> {
    let mut accounts = match party {
        Party::Index(index) => match client.account(index).await {
            Ok(account) => vec![account],
            Err(error) if error.problem().is_some_and(|problem| problem.code == "unknown_account") => vec![],
            Err(error) => return Err(error.into()),
        },
        Party::Owner(owner) => client.accounts_of(&owner).await?,
        Party::Key(key) => client.accounts_with(&key).await?,
    };
    if let Some(other) = accounts.iter().find(|account| !party.fits(account)) {
        let AccountView { index, owner, key, .. } = *other;
        return Err(WalletError::OtherAccount { party, index, owner, key });
    }
    match accounts.pop() {
        None => Err(WalletError::NoAccount { party }),
        Some(account) if accounts.is_empty() => Ok(account),
        Some(account) => {
            let mut indices: Vec<_> = accounts.iter().map(|account| account.index).collect();
            indices.push(account.index);
            Err(WalletError::Ambiguous { party, indices })
        }
    }
}

async fn sender(client: &Client, key: &Digest, from: Option<u32>) -> Result<AccountView, WalletError> {
    let account = find(client, from.map_or(Party::Key(*key), Party::Index)).await?;
    if account.key != *key {
        return Err(WalletError::WrongKey { index: account.index, expected: account.key, got: *key });
    }
    Ok(account)
}

async fn fee(client: &Client, payment: &Payment) -> Result<Fee, WalletError> {
    let form = |fee| Fee::at_least(fee).ok_or(WalletError::FeeTooLarge { fee });
    if let Some(fee) = payment.fee {
        return form(fee);
    }
    let kind = if payment.to.is_some() { TransactionKindName::Transfer } else { TransactionKindName::Withdraw };
    let fees = client.fees().await?;
    let fee = form(fees.minimum.iter().find(|fee| fee.kind == kind).map_or(Amount::ZERO, |fee| fee.fee))?;
    let (value, cap) = (fee.value(), fee_cap(payment));
    if value > cap { Err(WalletError::FeeTooHigh { fee: value, cap }) } else { Ok(fee) }
}

fn check_balances(sender: &AccountView, payment: &Payment, fee: Fee) -> Result<(), WalletError> {
    let fee_asset = payment.fee_asset.asset();
    let parts = [(payment.asset, payment.amount), (fee_asset, fee.value())];
    for asset in [payment.asset, fee_asset] {
        let needed = parts.iter().filter(|part| part.0 == asset).map(|part| u128::from(part.1.get())).sum::<u128>();
        let held = sender.balances.iter().find(|balance| balance.asset == asset.0);
        let balance = held.map_or(Amount::ZERO, |balance| balance.amount);
        if u128::from(balance.get()) < needed {
            return Err(WalletError::Balance { index: sender.index, asset: asset.0, balance, needed });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
