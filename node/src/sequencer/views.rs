//! What the API shows of the sequencer.

mod node;
mod queue;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use weft_api::{
    AccountFilter, AccountProofView, AccountView, BatchSelector, BatchView, Bytes, Finality, L1View, PageRequest,
    QueueRange, RejectionView, ReturnView, StateAt, Step, Time, TransactionKindName, TransactionView,
};
use weft_executor::Objects;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Environment, Record, Withdrawal};
use weft_storage::{Position, StoreError};

use super::machine::Stage;
use super::shelf::{BatchAt, Shelf};
use super::{Batch, Fate, Sequencer, TransactionRecord};
use crate::proving::JobCost;

/// The withdrawals of a batch and how far it is.
#[derive(Clone, Debug)]
pub struct BatchWithdrawals {
    /// Last step of the batch.
    pub status: Finality,
    /// All withdrawals, in order.
    pub withdrawals: Vec<Withdrawal>,
}

impl Sequencer {
    /// The objects after all executed slots.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        match &self.machine.stage {
            Stage::Between(state) => state.objects(),
            Stage::Building(building) => building.builder.objects(),
        }
    }

    /// The state root after all executed slots.
    pub fn root(&mut self) -> Digest {
        self.machine.root()
    }

    /// A transaction that was accepted.
    pub fn transaction(&self, id: &Digest, shelf: &mut Shelf) -> Option<TransactionView> {
        let entry = self.record(id, shelf)?;
        let mut steps = vec![Step { step: Finality::Accepted, at: Time::from_unix_ms(entry.accepted_at) }];
        steps.extend(&entry.past);
        let mut view = TransactionView {
            id: *id,
            status: Finality::Accepted,
            transaction: (&entry.signed.transaction).into(),
            rejected: None,
            batch: None,
            slot: None,
            proving: None,
            steps,
            returned: entry.returned.map(|returned| ReturnView {
                batch: returned.batch,
                at: Time::from_unix_ms(returned.at),
                reason: returned.reason.to_string(),
            }),
            soft_receipt: None,
            l1: L1View::default(),
        };
        match entry.fate {
            Fate::Waiting => {}
            Fate::Refused { reject, at } => {
                view.rejected = Some(RejectionView::from(&reject));
                view.steps.push(Step { step: Fate::of_reject(&reject), at: Time::from_unix_ms(at) });
            }
            Fate::Executed { batch: number, slot, at } => {
                view.batch = Some(number);
                view.slot = Some(slot);
                view.steps.push(Step { step: Finality::Executed, at: Time::from_unix_ms(at) });
                if let Some(batch) = self.batch_of(number, shelf) {
                    add_batch_steps(&mut view, &batch);
                }
            }
        }
        view.status = view.steps.last().map_or(Finality::Accepted, |step| step.step);
        Some(view)
    }

    /// The place of a transaction in the log, and when it was accepted: what a soft receipt says.
    pub fn place(&self, id: &Digest, shelf: &mut Shelf) -> Option<(u64, Time)> {
        let record = self.record(id, shelf)?;
        Some((record.sequence, Time::from_unix_ms(record.accepted_at)))
    }

    /// What became of a transaction.
    pub fn record(&self, id: &Digest, shelf: &mut Shelf) -> Option<Cow<'_, TransactionRecord>> {
        if let Some(record) = self.machine.transactions.get(id) {
            return Some(Cow::Borrowed(record));
        }
        shelf.record(id).map(|record| Cow::Owned(record.as_ref().clone()))
    }

    /// What the store has. If it cannot be read, the node halts.
    fn read<T>(&self, result: Result<Option<T>, StoreError>) -> Option<T> {
        result.unwrap_or_else(|error| {
            self.halt(error.to_string());
            None
        })
    }

    /// The account at an index.
    #[must_use]
    pub fn account(&self, index: AccountIndex) -> Option<AccountView> {
        let object = self.objects().get(index).filter(|object| object.is_account())?;
        Some(AccountView::new(index, object, self.pending_nonce(index, object)))
    }

    /// Accounts that a filter lets through, by rising index.
    #[must_use]
    pub fn accounts(&self, filter: AccountFilter, page: PageRequest) -> Vec<AccountView> {
        let after = page.after.map_or(Some(0), |after| u32::try_from(after).ok()?.checked_add(1));
        let Some(from) = after.map(AccountIndex) else { return Vec::new() };
        let objects = self.objects();
        let candidates: Box<dyn Iterator<Item = AccountIndex>> = match filter {
            AccountFilter { owner: Some(owner), key: Some(key) } => Box::new(objects.of(owner, key, from)),
            AccountFilter { owner: None, key: Some(ref key) } => Box::new(objects.with_key(key, from)),
            AccountFilter { owner: Some(ref owner), key: None } => Box::new(objects.owned_by(owner, from)),
            AccountFilter { owner: None, key: None } => Box::new(objects.from(from).map(|(index, _)| index)),
        };
        candidates.filter_map(|index| self.account(index)).take(page.limit).collect()
    }

    /// What stands at an index after a batch; the last sealed one if `batch` does not say.
    #[must_use]
    pub fn account_proof(&self, index: AccountIndex, batch: Option<u32>) -> StateAt<AccountProofView> {
        let sealed = self.machine.last.map_or(0, |last| last.number);
        let number = batch.unwrap_or(sealed);
        if number > sealed {
            return StateAt::NotSealed;
        }
        let (kept, opening) = match &self.machine.stage {
            Stage::Between(state) => (state.batches(), state.opening_at(number, index)),
            Stage::Building(building) => (building.builder.batches(), building.builder.opening_at(number, index)),
        };
        match opening {
            Some((root, opening)) => StateAt::Found(AccountProofView::new(index, number, root, &opening)),
            None => StateAt::Gone { oldest: *kept.start() },
        }
    }

    /// Transactions that an account has signed or that pay it, the newest first, numbered by their order.
    pub fn account_transactions(
        &self,
        index: AccountIndex,
        page: PageRequest,
        shelf: &mut Shelf,
    ) -> Vec<(u64, TransactionView)> {
        let key = |position: Position| u64::from(position.batch) << 32 | u64::from(position.place);
        let before = page.after.map(|after| Position { batch: high(after), place: low(after) });
        // What was just stored may still be in memory, at the same place.
        let mut ids: BTreeMap<_, _> = shelf.history(index, before, page.limit).into_iter().collect();
        let sealed = self.machine.last.map_or(0, |last| last.number);
        let decided = self.machine.transactions.decided(sealed + 1);
        let waiting = self.machine.pool.iter().zip(0..);
        let waiting = waiting.map(|(tx, place)| (Position { batch: u32::MAX, place }, tx.id));
        for (position, id) in decided.chain(waiting) {
            let concerns = |id| self.machine.transactions.get(id).is_some_and(|tx| tx.accounts().contains(&index));
            if before.is_none_or(|before| position < before) && concerns(&id) {
                ids.insert(position, id);
            }
        }
        let newest = ids.into_iter().rev().take(page.limit);
        newest.filter_map(|(position, id)| Some((key(position), self.transaction(&id, shelf)?))).collect()
    }

    /// One batch.
    pub fn batch(&mut self, selector: BatchSelector, shelf: &mut Shelf) -> Option<BatchView> {
        let number = match selector {
            BatchSelector::Number(number) => number,
            BatchSelector::Latest => self.last_begun(),
            BatchSelector::Proven => self.last_that_reached(Finality::Proven),
            BatchSelector::Verified => self.last_that_reached(Finality::Verified),
        };
        self.batch_view(number, shelf)
    }

    /// Batches by falling number.
    pub fn batches(&mut self, page: PageRequest, shelf: &mut Shelf) -> Vec<BatchView> {
        let last = self.last_begun();
        let before = |after: u64| u32::try_from(after.saturating_sub(1)).map_or(last, |first| first.min(last));
        let first = page.after.map_or(last, before);
        (1..=first).rev().take(page.limit).filter_map(|number| self.batch_view(number, shelf)).collect()
    }

    /// Signed transactions of a batch by rising slot.
    pub fn batch_transactions(&self, number: u32, page: PageRequest, shelf: &mut Shelf) -> Vec<TransactionView> {
        let Some(batch) = self.batch_of(number, shelf) else { return Vec::new() };
        let first =
            batch.transactions.partition_point(|(_, slot)| page.after.is_some_and(|after| u64::from(*slot) <= after));
        let ids = batch.transactions[first..].iter().take(page.limit);
        ids.filter_map(|(id, _)| self.transaction(id, shelf)).collect()
    }

    /// The records of a sealed batch.
    pub fn batch_records(&self, number: u32, shelf: &mut Shelf) -> Option<Vec<Record>> {
        let batch = self.batch_of(number, shelf)?;
        batch.has_reached(Finality::Sealed).then(|| batch.records())
    }

    /// The file with a batch's proof.
    #[must_use]
    pub(super) fn proof(&self, batch: &Environment) -> Option<Bytes> {
        self.read(self.archive.proof(batch))
    }

    /// What a sealed batch pays out; a batch in work pays nothing yet.
    pub fn withdrawals(&self, number: u32, shelf: &mut Shelf) -> Option<BatchWithdrawals> {
        let batch = self.batch_of(number, shelf)?;
        Some(BatchWithdrawals { status: batch.status(), withdrawals: batch.withdrawals.clone() })
    }

    /// What the jobs of a batch took; empty before it is proved.
    pub fn costs(&self, number: u32, shelf: &mut Shelf) -> Vec<JobCost> {
        self.batch_of(number, shelf).map_or_else(Vec::new, |batch| batch.costs.clone())
    }

    /// A batch that was begun.
    pub fn batch_of(&self, number: u32, shelf: &mut Shelf) -> Option<BatchAt<'_>> {
        if let Some(batch) = self.machine.batches.get(&number) {
            return Some(BatchAt::Memory(batch));
        }
        shelf.batch(number).map(BatchAt::Store)
    }

    /// Number of the last batch that was begun, 0 before the first.
    fn last_begun(&self) -> u32 {
        let sealed = self.machine.last.map_or(0, |last| last.number);
        self.machine.batches.last_key_value().map_or(sealed, |(number, _)| sealed.max(*number))
    }

    /// Number of the last batch that has reached a step, 0 if none has. All before the last verified one have reached all.
    fn last_that_reached(&self, step: Finality) -> u32 {
        let mut reached = self.machine.batches.values().rev().filter(|batch| batch.has_reached(step));
        reached.next().map_or(self.machine.verified.0, |batch| batch.number().max(self.machine.verified.0))
    }

    fn batch_view(&mut self, number: u32, shelf: &mut Shelf) -> Option<BatchView> {
        // Of a batch in work; asked for first, since it may be computed.
        let root = self.root();
        let batch = self.batch_of(number, shelf)?;
        let root = if batch.has_reached(Finality::Sealed) { batch.root } else { root };
        let queue = batch.queue();
        Some(BatchView {
            number,
            trace_id: batch.trace().to_string(),
            status: batch.status(),
            timestamp: Time::from(batch.environment().timestamp),
            root_before: batch.root_before,
            root,
            slots: batch.slots,
            records: batch.record_count,
            segments: batch.segments,
            withdrawals: batch.withdrawal_count,
            queue: QueueRange { first: queue.start, end: queue.end },
            proving: Some(batch.progress()),
            steps: batch.steps(),
            l1: batch.l1(),
            cpu_seconds: (!batch.costs.is_empty()).then(|| cpu_of(&batch.costs).as_secs_f64()),
        })
    }
}

fn add_batch_steps(view: &mut TransactionView, batch: &Batch) {
    let pays_out = view.transaction.kind == TransactionKindName::Withdraw;
    let concerns = |step: &Step| step.step > Finality::Executed && (pays_out || step.step != Finality::Withdrawable);
    view.steps.extend(batch.steps().into_iter().filter(concerns));
    view.proving = Some(batch.progress());
    view.l1 = batch.l1();
}

fn cpu_of(costs: &[JobCost]) -> Duration {
    costs.iter().map(|job| job.cpu).fold(Duration::ZERO, Duration::saturating_add)
}

/// The batch of a key that pages of a history have.
fn high(key: u64) -> u32 {
    u32::try_from(key >> 32).expect("32 bits")
}

/// The place of such a key.
fn low(key: u64) -> u32 {
    u32::try_from(key & u64::from(u32::MAX)).expect("32 bits")
}
