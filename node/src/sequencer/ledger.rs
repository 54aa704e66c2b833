//! What became of each transaction.

use std::collections::BTreeMap;

use weft_api::{Finality, Time, TransactionFields};
use weft_executor::Receipt;
use weft_protocol::Reject;
use weft_protocol::crypto::Digest;

use crate::clock;

/// A transaction that was accepted.
#[derive(Clone, Debug)]
pub(super) struct TransactionEntry {
    pub(super) fields: TransactionFields,
    pub(super) accepted_at: Time,
    pub(super) fate: Fate,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Waiting,
    Executed { batch: u32, slot: usize, at: Time },
    Refused { reject: Reject, at: Time },
}

impl Fate {
    /// The word for a transaction that a rule refused after it was accepted.
    pub(super) fn of_reject(reject: &Reject) -> Finality {
        match reject {
            Reject::Expired { .. } => Finality::Expired,
            Reject::WrongNonce { .. } => Finality::Replaced,
            _ => Finality::Rejected,
        }
    }
}

/// All accepted transactions by id.
#[derive(Debug, Default)]
pub(super) struct Transactions(BTreeMap<Digest, TransactionEntry>);

impl Transactions {
    pub(super) fn get(&self, id: &Digest) -> Option<&TransactionEntry> {
        self.0.get(id)
    }

    /// Accepted, and waits.
    pub(super) fn accepted(&mut self, id: Digest, fields: TransactionFields, accepted_at: Time) {
        self.0.insert(id, TransactionEntry { fields, accepted_at, fate: Fate::Waiting });
    }

    /// Accepted and executed at once.
    pub(super) fn executed(&mut self, id: Digest, fields: TransactionFields, accepted_at: Time, receipt: &Receipt) {
        self.accepted(id, fields, accepted_at);
        self.moved_to_batch(&id, receipt);
    }

    /// Executed after it had waited.
    pub(super) fn moved_to_batch(&mut self, id: &Digest, receipt: &Receipt) {
        let Receipt { batch_number, slot, .. } = *receipt;
        self.set(id, Fate::Executed { batch: batch_number, slot, at: clock::now() });
    }

    /// Refused after it had waited.
    pub(super) fn refused(&mut self, id: &Digest, reject: &Reject) {
        self.set(id, Fate::Refused { reject: *reject, at: clock::now() });
    }

    fn set(&mut self, id: &Digest, fate: Fate) {
        if let Some(entry) = self.0.get_mut(id) {
            entry.fate = fate;
        }
    }
}
