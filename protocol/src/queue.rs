//! The L1 queue as the rollup sees it (PROTOCOL.md §10).

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

use crate::crypto::Digest;
use crate::{AccountIndex, Address, Amount, AssetId, Kind, Lane, Outcome, Record, RecordFields};

/// A deposit to an account that exists, as far as the depositor knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Deposit {
    /// The account.
    pub account: AccountIndex,
    /// Its owner: an account of somebody else is not credited.
    pub owner: Address,
    /// What is paid in.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
    /// Whether the owner itself pays in, and may open any of the entries.
    pub by_owner: bool,
}

/// A deposit that opens an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct OpeningDeposit {
    /// Owner of the new account.
    pub owner: Address,
    /// Digest of its main key.
    pub key: Digest,
    /// What is paid in.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
}

/// What an entry of the queue asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum QueueOperation {
    /// Pay an account.
    Deposit(Deposit),
    /// Open an account.
    OpeningDeposit(OpeningDeposit),
}

/// An entry of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct QueueEntry {
    /// What it asks for.
    pub operation: QueueOperation,
    /// Who sent it, and is paid back if it bounces.
    pub sender: Address,
}

impl Deposit {
    /// The records, with the outcome in place.
    #[must_use]
    pub fn records(&self, outcome: Outcome) -> Vec<Record> {
        let lane = if self.by_owner { Lane::Agent } else { Lane::Main };
        let first =
            RecordFields { lane, outcome, ..RecordFields::new(Kind::Deposit, self.account, self.asset, self.amount) };
        vec![first.record(), Record::address(&self.owner)]
    }
}

impl OpeningDeposit {
    /// The records, with the operator's index and the outcome in place.
    #[must_use]
    pub fn records(&self, index: AccountIndex, outcome: Outcome) -> Vec<Record> {
        let first = RecordFields { outcome, ..RecordFields::new(Kind::OpeningDeposit, index, self.asset, self.amount) };
        let [key_0, key_1] = Record::key(&self.key);
        vec![first.record(), Record::address(&self.owner), key_0, key_1]
    }
}

impl QueueEntry {
    /// The records as L1 knows them: what the operator fills in is 0.
    #[must_use]
    pub fn masked_records(&self) -> Vec<Record> {
        match &self.operation {
            QueueOperation::Deposit(deposit) => deposit.records(Outcome::Done),
            QueueOperation::OpeningDeposit(deposit) => deposit.records(AccountIndex::default(), Outcome::Done),
        }
    }

    /// `chainAt` after this entry: `keccak(chain ‖ masked records ‖ sender)`.
    #[must_use]
    pub fn extend(&self, chain: &[u8; 32]) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(chain);
        for record in self.masked_records() {
            hash.update(record.to_bytes());
        }
        hash.update(self.sender.0);
        hash.finalize().into()
    }
}
