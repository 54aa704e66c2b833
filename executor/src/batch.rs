//! A batch from its first slot to its end.

use core::ops::RangeInclusive;

use weft_protocol::crypto::Digest;
use weft_protocol::{
    AccountIndex, Environment, FeeAsset, FeeSums, Opening, Outcome, QueueEntry, QueueOperation, Record, RunningState,
    SegmentWitness, Slot, TransactionKind, Withdrawal,
};
use weft_state_tree::StateTree;

use crate::history::History;
use crate::{
    CheckedTransaction, Engine, Executed, ExecutedSegment, FeesLeft, Ledger, Objects, Refusal, Sequential, State,
    Trace, Undo,
};

/// Builds a batch: executes each slot as it comes, on the state that it owns meanwhile.
///
/// Executed slots are opened in the tree later, many at once: when a segment is asked for, and at the end.
#[derive(Debug)]
pub struct BatchBuilder {
    engine: Sequential,
    ledger: Ledger,
    /// Stands where the trace ends.
    tree: StateTree,
    trace: Trace,
    /// Executed, but not in the trace yet.
    pending: Vec<Executed>,
    /// Slots that [`Self::next_segment`] gave out.
    given_out: usize,
    /// What earlier batches and this one replaced.
    history: History,
    withdrawals: Vec<Withdrawal>,
}

/// What became of a slot, before anything is proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Number of the batch.
    pub batch_number: u32,
    /// Position of the slot in the batch, from 0.
    pub slot: usize,
    /// How an L1 operation ended; done for the others.
    pub outcome: Outcome,
    /// The slot's account A: sender, account that was credited or opened, collector. `None` if a deposit bounced that has none.
    pub account: Option<AccountIndex>,
    /// Position among the batch's withdrawals, from 0, if the slot pays out on L1.
    pub withdrawal: Option<usize>,
}

/// A batch that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecutedBatch {
    /// What was executed.
    pub trace: Trace,
    /// What L1 pays out, in the order of the records.
    pub withdrawals: Vec<Withdrawal>,
    /// Takes the batch back.
    pub undo: Undo,
}

impl BatchBuilder {
    /// Begins the batch of `environment` on `state`, the one after the batch before it.
    #[must_use]
    pub fn new(environment: Environment, state: State) -> Self {
        let before = environment.batch_number.saturating_sub(1);
        let State { objects, tree, history } = state.after_batch(before);
        let before = RunningState::start_of_batch(tree.root());
        Self {
            engine: Sequential,
            ledger: Ledger::new(environment, objects),
            tree,
            trace: Trace::new(environment, before),
            pending: Vec::new(),
            given_out: 0,
            history,
            withdrawals: Vec::new(),
        }
    }

    /// What the batch is.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        self.ledger.environment()
    }

    /// The objects now, after the slots so far.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        self.ledger.objects()
    }

    /// Fees that are not collected.
    #[must_use]
    pub fn fee_sums(&self) -> FeeSums {
        self.ledger.fee_sums()
    }

    /// Slots so far.
    #[must_use]
    pub fn slot_count(&self) -> usize {
        self.trace.entries().len() + self.pending.len()
    }

    /// Records so far.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.ledger.record_count()
    }

    /// Sealed batches whose state can be opened, as [`State::batches`].
    #[must_use]
    pub fn batches(&self) -> RangeInclusive<u32> {
        self.history.batches()
    }

    /// As [`State::opening_at`]: sealed batches are shown as they were while this one goes on.
    #[must_use]
    pub fn opening_at(&self, batch: u32, index: AccountIndex) -> Option<(Digest, Opening)> {
        self.history.opening_at(batch, index, self.objects(), &self.tree)
    }

    /// The state root after the slots so far; those that are not opened in the tree yet are opened now.
    pub fn root(&mut self) -> Digest {
        self.open_pending();
        self.tree.root()
    }

    /// Executes a user's transaction.
    ///
    /// # Errors
    /// A rule refuses it, or the batch is full; nothing has changed.
    pub fn push_transaction(&mut self, transaction: CheckedTransaction) -> Result<Receipt, Refusal> {
        let signed = transaction.into_signed();
        let paid_to = match signed.transaction.kind {
            TransactionKind::Transfer { .. } => None,
            TransactionKind::Withdraw => Some(Withdrawal {
                owner: signed.transaction.named_address,
                asset: signed.transaction.asset,
                amount: signed.transaction.amount,
            }),
        };
        let receipt = self.push(Slot::Signed(signed))?;
        Ok(self.pay_out(receipt, paid_to))
    }

    /// Executes the next entry of the L1 queue: it is done or bounces.
    ///
    /// # Errors
    /// The batch is full, or the entry opens an account and there is no leaf left; nothing has changed.
    pub fn push_queue_entry(&mut self, entry: &QueueEntry) -> Result<Receipt, Refusal> {
        let (slot, asset, amount) = match entry.operation {
            QueueOperation::Deposit(deposit) => (Slot::Deposit(deposit), deposit.asset, deposit.amount),
            QueueOperation::OpeningDeposit(deposit) => {
                let index = self.objects().next_index();
                let slot = Slot::OpeningDeposit { deposit, index };
                (slot, deposit.asset, deposit.amount)
            }
        };
        let receipt = self.push(slot)?;
        let paid_back =
            (receipt.outcome == Outcome::Bounced).then_some(Withdrawal { owner: entry.sender, asset, amount });
        Ok(self.pay_out(receipt, paid_back))
    }

    /// Pays the fees so far to `account`: one slot for each asset in which there are any, room for which is reserved.
    ///
    /// # Errors
    /// The account does not exist or cannot take a sum. Sums that were collected before that one stay collected; the rest may
    /// go to another account.
    pub fn collect_fees(&mut self, account: AccountIndex) -> Result<Vec<Receipt>, Refusal> {
        let sums = self.fee_sums();
        FeeAsset::all()
            .filter(|fee_asset| !sums.get(*fee_asset).is_zero())
            .map(|fee_asset| {
                let slot = Slot::CollectFees { account, fee_asset };
                self.push(slot)
            })
            .collect()
    }

    /// The next segment, if `slots_per_segment` more slots have been executed than were given out: to be proved while the
    /// batch goes on.
    ///
    /// With the same number each time, the witnesses are the first ones of [`Trace::segments`].
    ///
    /// # Panics
    /// If `slots_per_segment` is 0.
    pub fn next_segment(&mut self, slots_per_segment: usize) -> Option<ExecutedSegment> {
        assert!(slots_per_segment > 0, "a segment has slots");
        if slots_per_segment > self.slots_left() {
            return None;
        }
        let end = self.given_out + slots_per_segment;
        if end > self.trace.entries().len() {
            self.open_pending();
        }
        let segment = self.trace.executed_segment(self.given_out..end);
        self.given_out = end;
        Some(segment)
    }

    /// Slots that [`Self::next_segment`] has not given out yet.
    #[must_use]
    pub fn slots_left(&self) -> usize {
        self.slot_count() - self.given_out
    }

    /// Whether one of the next `slots` slots that [`Self::next_segment`] gives out opens an object.
    #[must_use]
    pub fn opens_next(&self, slots: usize) -> bool {
        let traced = self.trace.witnesses().map(|witness| &witness.slot);
        let all = traced.chain(self.pending.iter().map(|executed| &executed.slot));
        all.skip(self.given_out).take(slots).any(|slot| slot.a().is_some())
    }

    /// Ends the batch.
    ///
    /// # Errors
    /// There are fees that nobody has collected.
    pub fn finish(mut self) -> Result<(State, ExecutedBatch), FeesLeft> {
        if !self.fee_sums().is_empty() {
            let builder = Box::new(self);
            return Err(FeesLeft { builder });
        }
        self.open_pending();
        let objects = self.history.seal();
        let batch = ExecutedBatch {
            undo: Undo { root_before: self.trace.before().root, root_after: self.tree.root(), objects },
            trace: self.trace,
            withdrawals: self.withdrawals,
        };
        tracing::debug!(
            batch = batch.number(),
            slots = batch.trace.entries().len(),
            withdrawals = batch.withdrawals.len(),
            root = %batch.undo.root_after,
            "batch executed"
        );
        let objects = self.ledger.into_objects();
        let Self { tree, history, .. } = self;
        Ok((State { objects, tree, history }, batch))
    }

    /// Gives the batch up: the state as it was before.
    #[must_use]
    pub fn abort(self) -> State {
        let objects = self.ledger.into_objects();
        let Self { tree, history, .. } = self;
        let mut state = State { objects, tree, history };
        let replaced = state.history.abort();
        state.restore(&replaced);
        state
    }

    fn push(&mut self, slot: Slot) -> Result<Receipt, Refusal> {
        let mut results = self.engine.execute(&mut self.ledger, vec![slot]);
        let executed = results.pop().expect("one result for one slot")?;
        let receipt = Receipt {
            batch_number: self.environment().batch_number,
            slot: self.slot_count(),
            outcome: executed.effects.outcome,
            account: executed.slot.a(),
            withdrawal: None,
        };
        for (index, before, after) in executed.accesses() {
            if before != after {
                self.history.objects.entry(index).or_insert(before);
            }
        }
        self.pending.push(executed);
        Ok(receipt)
    }

    fn pay_out(&mut self, receipt: Receipt, withdrawal: Option<Withdrawal>) -> Receipt {
        let position = self.withdrawals.len();
        let paid = withdrawal.map(|_| position);
        self.withdrawals.extend(withdrawal);
        Receipt { withdrawal: paid, ..receipt }
    }

    fn open_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.trace.extend(&mut self.tree, &mut self.history.nodes, pending);
    }
}

impl ExecutedBatch {
    /// The batch.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        self.trace.environment()
    }

    /// Number of the batch.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.environment().batch_number
    }

    /// The public data.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.trace.records().copied().collect()
    }

    /// The batch in segments: see [`Trace::segments`].
    ///
    /// # Panics
    /// If `slots_per_segment` is 0.
    #[must_use]
    pub fn segments(&self, slots_per_segment: usize) -> Vec<SegmentWitness> {
        self.trace.segments(slots_per_segment)
    }
}

#[cfg(test)]
mod tests;
