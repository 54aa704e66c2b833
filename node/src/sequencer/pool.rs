//! Accepted transactions that wait for a batch.

use std::collections::{BTreeMap, VecDeque};

use tracing::Span;
use weft_executor::CheckedTransaction;
use weft_protocol::AccountIndex;
use weft_protocol::crypto::Digest;

use super::entry::UnixMs;

/// A transaction that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) id: Digest,
    pub(super) checked: CheckedTransaction,
    pub(super) accepted_at: UnixMs,
    /// The request that brought it.
    pub(super) span: Span,
}

/// Transactions in the order of their arrival, which is the order of nonces for each account: only the next nonce is let
/// in. What may wait is the business of who fills it.
#[derive(Debug, Default)]
pub(super) struct Pool {
    waiting: VecDeque<Waiting>,
    by_sender: BTreeMap<AccountIndex, u32>,
}

impl Pool {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Those that wait, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// Transactions of an account that wait.
    pub(super) fn count_of(&self, sender: AccountIndex) -> u32 {
        self.by_sender.get(&sender).copied().unwrap_or(0)
    }

    /// Takes out all that wait, in order.
    pub(super) fn take(&mut self) -> VecDeque<Waiting> {
        std::mem::take(self).waiting
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        *self.by_sender.entry(waiting.checked.get().transaction.sender).or_default() += 1;
        self.waiting.push_back(waiting);
    }

    /// The one that has waited longest.
    pub(super) fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// Takes [`Self::front`] away.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        let sender = first.checked.get().transaction.sender;
        if let Some(count) = self.by_sender.get_mut(&sender) {
            *count -= 1;
            if *count == 0 {
                self.by_sender.remove(&sender);
            }
        }
        Some(first)
    }
}
