//! What the API shows of the sequencer.

use std::time::Duration;

use weft_api::{
    AccountView, BatchSelector, BatchView, Bytes, Finality, Holder, L1View, PageRequest, Proofs, QueueView,
    RejectionView, StatusView, Step, Time, TransactionKindName, TransactionView,
};
use weft_executor::Objects;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Withdrawal};

use super::batch::Batch;
use super::ledger::Fate;
use super::{Sequencer, Stage};
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
        match &self.stage {
            Stage::Between(state) => state.objects(),
            Stage::Building(builder) => builder.objects(),
        }
    }

    /// The state root after all executed slots.
    pub fn root(&mut self) -> Digest {
        match &mut self.stage {
            Stage::Between(state) => state.root(),
            Stage::Building(builder) => self.compute.block_on(|| builder.root()),
        }
    }

    /// A transaction that was accepted.
    #[must_use]
    pub fn transaction(&self, id: &Digest) -> Option<TransactionView> {
        let entry = self.transactions.get(id)?;
        let mut view = TransactionView {
            id: *id,
            status: Finality::Accepted,
            transaction: entry.fields.clone(),
            rejected: None,
            batch: None,
            slot: None,
            proving: None,
            steps: vec![Step { step: Finality::Accepted, at: entry.accepted_at }],
            l1: L1View::default(),
        };
        match entry.fate {
            Fate::Waiting => {}
            Fate::Refused { reject, at } => {
                view.rejected = Some(RejectionView::from(&reject));
                view.steps.push(Step { step: Fate::of_reject(&reject), at });
            }
            Fate::Executed { batch, slot, at } => {
                view.batch = Some(batch);
                view.slot = u32::try_from(slot).ok();
                view.steps.push(Step { step: Finality::Executed, at });
                self.add_batch_steps(&mut view, batch);
            }
        }
        view.status = view.steps.last().map_or(Finality::Accepted, |step| step.step);
        Some(view)
    }

    fn add_batch_steps(&self, view: &mut TransactionView, number: u32) {
        let Some(batch) = self.batch_of(number) else { return };
        let pays_out = view.transaction.kind == TransactionKindName::Withdraw;
        let later = batch
            .steps
            .iter()
            .filter(|step| step.step > Finality::Executed && (pays_out || step.step != Finality::Withdrawable));
        view.steps.extend(later);
        view.proving = Some(batch.progress());
        view.l1 = batch.l1;
    }

    /// The account at an index.
    #[must_use]
    pub fn account(&self, index: AccountIndex) -> Option<AccountView> {
        let object = self.objects().get(index).filter(|object| object.is_account())?;
        Some(AccountView::new(index, object, self.pending_nonce(index, object)))
    }

    /// Accounts of a holder, by rising index.
    #[must_use]
    pub fn accounts(&self, holder: Holder, page: PageRequest) -> Vec<AccountView> {
        let is_after = |index: &AccountIndex| page.after.is_none_or(|after| index.0 > after);
        let indices: Vec<_> = match holder {
            Holder::Owner(owner) => self.objects().owned_by(&owner).filter(is_after).take(page.limit).collect(),
            Holder::Key(key) => self.objects().with_key(&key).filter(is_after).take(page.limit).collect(),
        };
        indices.into_iter().filter_map(|index| self.account(index)).collect()
    }

    /// One batch.
    #[must_use]
    pub fn batch(&mut self, selector: BatchSelector) -> Option<BatchView> {
        let number = match selector {
            BatchSelector::Number(number) => number,
            BatchSelector::Latest => self.batches.last()?.number(),
            BatchSelector::Verified => self.last_that_reached(Finality::Verified),
        };
        self.batch_view(number)
    }

    /// Batches by falling number.
    pub fn batches(&mut self, page: PageRequest) -> Vec<BatchView> {
        let last = self.batches.last().map_or(0, Batch::number);
        let first = page.after.map_or(last, |after| last.min(after.saturating_sub(1)));
        (1..=first).rev().take(page.limit).filter_map(|number| self.batch_view(number)).collect()
    }

    /// The file with a batch's proof.
    #[must_use]
    pub fn proof(&self, number: u32) -> Option<Bytes> {
        self.batch_of(number)?.proof.clone()
    }

    /// What a sealed batch pays out; a batch in work pays nothing yet.
    #[must_use]
    pub fn withdrawals(&self, number: u32) -> Option<BatchWithdrawals> {
        let batch = self.batch_of(number)?;
        Some(BatchWithdrawals { status: batch.status(), withdrawals: batch.withdrawals.clone() })
    }

    /// The node as a whole.
    ///
    /// # Errors
    /// The node has halted.
    pub fn status(&mut self) -> Result<StatusView, weft_api::BackendError> {
        self.check_running()?;
        Ok(StatusView {
            deployment: self.settings.deployment,
            assets: self.assets.clone(),
            l1_head: self.l1.number,
            queue: QueueView { head: self.queue.head, executed: self.queue.executed(), next: self.queue.next() },
            root: self.root(),
            last_sealed: self.last_that_reached(Finality::Sealed),
            last_proven: self.last_that_reached(Finality::Proven),
            last_verified: self.last_that_reached(Finality::Verified),
            pending_transactions: u64::try_from(self.pool.len()).expect("a length fits 64 bits"),
            proofs: Proofs::Real,
            circuits: self.settings.circuits.clone(),
        })
    }

    /// What the jobs of a batch took; empty before it is proved.
    #[must_use]
    pub fn costs(&self, number: u32) -> Vec<JobCost> {
        self.batch_of(number).map_or_else(Vec::new, |batch| batch.costs.clone())
    }

    fn batch_of(&self, number: u32) -> Option<&Batch> {
        let position = usize::try_from(number).ok()?.checked_sub(1)?;
        self.batches.get(position)
    }

    /// Number of the last batch that has reached a step, 0 if none has.
    fn last_that_reached(&self, step: Finality) -> u32 {
        let reached = self.batches.iter().rev().find(|batch| batch.has_reached(step));
        reached.map_or(0, Batch::number)
    }

    fn batch_view(&mut self, number: u32) -> Option<BatchView> {
        let is_open = !self.batch_of(number)?.has_reached(Finality::Sealed);
        let open_root = is_open.then(|| self.root());
        let batch = self.batch_of(number)?;
        let count = |items: usize| u32::try_from(items).expect("a batch has at most 4,096 records");
        Some(BatchView {
            number,
            status: batch.status(),
            timestamp: Time::from(batch.environment().timestamp),
            root_before: batch.root_before,
            root: open_root.unwrap_or(batch.root),
            slots: count(batch.slots),
            records: count(batch.record_count),
            segments: count(batch.segments),
            withdrawals: count(batch.withdrawal_count),
            proving: Some(batch.progress()),
            steps: batch.steps.clone(),
            l1: batch.l1,
            cpu_seconds: (!batch.costs.is_empty()).then(|| cpu_of(&batch.costs).as_secs_f64()),
        })
    }
}

fn cpu_of(costs: &[JobCost]) -> Duration {
    costs.iter().map(|job| job.cost.cpu).sum()
}
