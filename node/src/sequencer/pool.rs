//! Accepted transactions that wait for a batch.

use std::collections::{BTreeMap, VecDeque};

use weft_executor::CheckedTransaction;
use weft_protocol::AccountIndex;
use weft_protocol::crypto::Digest;

/// Transactions in the order of their arrival, which is the order of nonces for each account: only the next nonce is let
/// in.
#[derive(Debug)]
pub(super) struct Pool {
    waiting: VecDeque<(Digest, CheckedTransaction)>,
    by_sender: BTreeMap<AccountIndex, u32>,
    max: usize,
}

impl Pool {
    /// A pool for at most `max` transactions.
    pub(super) fn new(max: usize) -> Self {
        Self { waiting: VecDeque::new(), by_sender: BTreeMap::new(), max }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.max
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Transactions of an account that wait.
    pub(super) fn count_of(&self, sender: AccountIndex) -> u32 {
        self.by_sender.get(&sender).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, id: Digest, checked: CheckedTransaction) {
        *self.by_sender.entry(checked.get().transaction.sender).or_default() += 1;
        self.waiting.push_back((id, checked));
    }

    /// The one that has waited longest.
    pub(super) fn front(&self) -> Option<(Digest, CheckedTransaction)> {
        self.waiting.front().cloned()
    }

    /// Takes [`Self::front`] away.
    pub(super) fn pop(&mut self) {
        let Some((_, checked)) = self.waiting.pop_front() else { return };
        let sender = checked.get().transaction.sender;
        if let Some(count) = self.by_sender.get_mut(&sender) {
            *count -= 1;
            if *count == 0 {
                self.by_sender.remove(&sender);
            }
        }
    }
}
