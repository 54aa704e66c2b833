//! What became of each transaction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weft_api::{Finality, Step};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Domain, Reject, SignedTransaction, TransactionKind};
use weft_storage::{IndexedTransaction, Position};

use super::entry::UnixMs;
use crate::l1::Lapse;

/// A transaction that was accepted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TransactionRecord {
    /// The transaction.
    pub signed: SignedTransaction,
    /// Its place in the log: later ones have larger numbers.
    pub sequence: u64,
    /// When it was accepted, in milliseconds since the UNIX epoch.
    pub accepted_at: UnixMs,
    /// What became of it.
    pub fate: Fate,
    /// When its batch was taken back, if one was: the last time.
    pub returned: Option<Return>,
    /// Steps that it had reached before, the one back to *accepted* included.
    pub past: Vec<Step>,
}

/// The batch of a transaction was taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Return {
    /// The batch.
    pub batch: u32,
    /// Why.
    pub reason: Lapse,
    /// When, in milliseconds since the UNIX epoch.
    pub at: UnixMs,
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fate {
    /// It waits for a batch.
    Waiting,
    /// It is in a batch.
    Executed {
        /// The batch.
        batch: u32,
        /// Its position there, from 0.
        slot: u32,
        /// When, in milliseconds since the UNIX epoch.
        at: UnixMs,
    },
    /// A rule refused it after it was accepted.
    Refused {
        /// The rule.
        reject: Reject,
        /// When, in milliseconds since the UNIX epoch.
        at: UnixMs,
    },
}

impl Fate {
    /// The word for a transaction that a rule refused after it was accepted.
    pub(super) fn of_reject(reject: &Reject) -> Finality {
        match reject {
            Reject::Expired { .. } => Finality::Expired,
            Reject::WrongNonce { expected, got } if got < expected => Finality::Replaced,
            _ => Finality::Rejected,
        }
    }
}

impl TransactionRecord {
    /// A transaction that was just accepted.
    pub(super) const fn new(signed: SignedTransaction, sequence: u64, accepted_at: UnixMs) -> Self {
        Self { signed, sequence, accepted_at, fate: Fate::Waiting, returned: None, past: Vec::new() }
    }

    /// Accounts whose history it belongs to.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountIndex> {
        let transaction = &self.signed.transaction;
        let paid = match transaction.kind {
            TransactionKind::Transfer { to } => Some(to).filter(|to| *to != transaction.sender),
            TransactionKind::Withdraw => None,
        };
        std::iter::once(transaction.sender).chain(paid).collect()
    }
}

/// Transactions whose fate is not in the store: those that wait, and those that no stored batch covers.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    by_id: BTreeMap<Digest, TransactionRecord>,
    /// Those whose fate is known, by the batch with which it is stored, in the order in which it was decided. Batch 0: the
    /// next one to be sealed.
    decided: BTreeMap<u32, Vec<Digest>>,
}

/// The key in [`Transactions::decided`] of what the next sealed batch stores.
const NEXT: u32 = 0;

impl Transactions {
    pub(super) fn get(&self, id: &Digest) -> Option<&TransactionRecord> {
        self.by_id.get(id)
    }

    /// A transaction comes.
    pub(super) fn insert(&mut self, id: Digest, record: TransactionRecord) {
        self.by_id.insert(id, record);
    }

    /// A transaction is executed or refused.
    pub(super) fn decide(&mut self, id: &Digest, fate: Fate) {
        if let Some(record) = self.by_id.get_mut(id) {
            record.fate = fate;
            self.decided.entry(NEXT).or_default().push(*id);
        }
    }

    /// A transaction comes whose fate is known, and which no stored batch covers.
    pub(super) fn insert_decided(&mut self, id: Digest, record: TransactionRecord) {
        self.by_id.insert(id, record);
        self.decided.entry(NEXT).or_default().push(id);
    }

    /// Everything decided since the last batch, in order.
    pub(super) fn decided_since(&self) -> impl Iterator<Item = &TransactionRecord> {
        self.decided.get(&NEXT).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Takes out everything decided since the last batch, in order.
    pub(super) fn take_decided(&mut self) -> Vec<TransactionRecord> {
        let ids = self.decided.remove(&NEXT).unwrap_or_default();
        ids.iter().filter_map(|id| self.by_id.remove(id)).collect()
    }

    /// Whether the store has all batches that were sealed.
    pub(super) fn is_settled(&self) -> bool {
        self.decided.keys().all(|batch| *batch == NEXT)
    }

    /// Everything decided since the last batch, to be stored with this one.
    pub(super) fn seal(&mut self, batch: u32) -> Vec<IndexedTransaction<TransactionRecord>> {
        let ids = self.decided.remove(&NEXT).unwrap_or_default();
        let records = ids.iter().map(|id| (id, self.by_id[id].clone()));
        let indexed = records.map(|(id, record)| {
            let accounts = record.accounts();
            IndexedTransaction { id: id.to_bytes(), record, accounts }
        });
        let indexed = indexed.collect();
        self.decided.insert(batch, ids);
        indexed
    }

    /// Those whose fate is known, with their places in the history; `next` is the next batch to be sealed.
    pub(super) fn decided(&self, next: u32) -> impl Iterator<Item = (Position, Digest)> {
        self.decided.iter().flat_map(move |(&batch, ids)| {
            let batch = if batch == NEXT { next } else { batch };
            (0..).zip(ids).map(move |(place, id)| (Position { batch, place }, *id))
        })
    }

    /// The store has a batch and what was decided with it: memory need not.
    pub(super) fn forget(&mut self, batch: u32) {
        for id in self.decided.remove(&batch).unwrap_or_default() {
            self.by_id.remove(&id);
        }
    }
}

/// The id of a signed transaction.
pub(super) fn id_of(signed: &SignedTransaction, domain: &Domain) -> Digest {
    signed.transaction.id(domain)
}
