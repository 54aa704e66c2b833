//! What the API shows of the sequencer.

use std::time::Duration;

use weft_api::{
    AccountFilter, AccountProofView, AccountView, AttemptsView, BatchSelector, BatchView, Bytes, CheckView, ConfigView,
    Finality, FixedBytes, JobCounts, JobStateName, JobView, L1View, Lags, NodeLimits, PageRequest, ProofTreeView, Proofs, QueueEntryView, QueueRange, QueueView, RejectionView, SecurityView, StateAt, StatusView, Step, Time,
    TransactionKindName, TransactionView,
};
use weft_circuits::config::{RECURSION, SEGMENT, SHRINK};
use weft_circuits::security::{SecurityBits, TraceSize};
use weft_circuits::wrap_config::WRAP_PARAMETERS;
use weft_executor::Objects;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, MAX_RECORDS, Opening, Record, Withdrawal};

use super::batch::Batch;
use super::ledger::Fate;
use super::{Sequencer, Stage};
use crate::clock;
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
            soft_receipt: None,
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

    /// Accounts that a filter lets through, by rising index.
    #[must_use]
    pub fn accounts(&self, filter: AccountFilter, page: PageRequest) -> Vec<AccountView> {
        let objects = self.objects();
        let candidates: Box<dyn Iterator<Item = AccountIndex>> = match filter {
            AccountFilter { key: Some(key), .. } => Box::new(objects.with_key(&key)),
            AccountFilter { owner: Some(owner), .. } => Box::new(objects.owned_by(&owner)),
            AccountFilter { owner: None, key: None } => Box::new(objects.iter().map(|(index, _)| index)),
        };
        candidates
            .filter(|index| page.after.is_none_or(|after| u64::from(index.0) > after))
            .filter_map(|index| self.account(index))
            .filter(|account| filter.owner.is_none_or(|owner| account.owner == owner))
            .take(page.limit)
            .collect()
    }

    /// What stands at an index after a batch.
    #[must_use]
    pub fn account_proof(&self, index: AccountIndex, batch: Option<u32>) -> StateAt<AccountProofView> {
        let sealed = self.last_that_reached(Finality::Sealed);
        let number = batch.unwrap_or(sealed);
        if number > sealed {
            return StateAt::NotSealed;
        }
        let Stage::Between(state) = &self.stage else { return StateAt::Gone { oldest: sealed + 1 } };
        let (true, Ok(path)) = (number == sealed, state.path(index)) else {
            return StateAt::Gone { oldest: sealed };
        };
        let opening = Opening { object: state.objects().get(index).copied(), path };
        StateAt::Found(AccountProofView::new(index, number, state.root(), &opening))
    }

    /// Transactions that an account has signed or that pay it, the newest first, numbered by their order.
    #[must_use]
    pub fn account_transactions(&self, index: AccountIndex, page: PageRequest) -> Vec<(u64, TransactionView)> {
        let concerns = |view: &TransactionView| {
            view.transaction.sender == index.0 || view.transaction.to == Some(index.0)
        };
        let mut views: Vec<_> = self.transactions.ids().filter_map(|id| self.transaction(id)).filter(concerns).collect();
        views.sort_by_key(|view| view.steps.first().map(|step| step.at));
        let numbered = (0..).zip(views).rev();
        numbered.filter(|(number, _)| page.after.is_none_or(|after| *number < after)).take(page.limit).collect()
    }

    /// One batch.
    #[must_use]
    pub fn batch(&mut self, selector: BatchSelector) -> Option<BatchView> {
        let number = match selector {
            BatchSelector::Number(number) => number,
            BatchSelector::Latest => self.batches.last()?.number(),
            BatchSelector::Proven => self.last_that_reached(Finality::Proven),
            BatchSelector::Verified => self.last_that_reached(Finality::Verified),
        };
        self.batch_view(number)
    }

    /// Batches by falling number.
    pub fn batches(&mut self, page: PageRequest) -> Vec<BatchView> {
        let last = self.batches.last().map_or(0, Batch::number);
        let before = |after: u64| u32::try_from(after.saturating_sub(1)).map_or(last, |first| first.min(last));
        let first = page.after.map_or(last, before);
        (1..=first).rev().take(page.limit).filter_map(|number| self.batch_view(number)).collect()
    }

    /// Signed transactions of a batch by rising slot.
    #[must_use]
    pub fn batch_transactions(&self, number: u32, page: PageRequest) -> Vec<TransactionView> {
        let views = self.transactions.ids().filter_map(|id| self.transaction(id));
        let mut views: Vec<_> = views.filter(|view| view.batch == Some(number)).collect();
        views.sort_by_key(|view| view.slot);
        let is_after = |view: &TransactionView| page.after.is_none_or(|after| view.slot.map(u64::from) > Some(after));
        views.into_iter().filter(is_after).take(page.limit).collect()
    }

    /// The records of a sealed batch.
    #[must_use]
    pub fn batch_records(&self, number: u32) -> Option<Vec<Record>> {
        let batch = self.batch_of(number)?;
        batch.has_reached(Finality::Sealed).then(|| batch.records.clone())
    }

    /// The jobs of a batch: known once it is proven.
    #[must_use]
    pub fn proof_tree(&self, number: u32) -> Option<ProofTreeView> {
        let batch = self.batch_of(number)?;
        let done_at = batch.steps.iter().find(|step| step.step == Finality::Proven).map(|step| step.at);
        let job = |(position, cost): (u32, &JobCost)| JobView {
            id: FixedBytes([0; 32]),
            batch: number,
            position,
            name: cost.kind.to_string(),
            kind: cost.kind.to_string(),
            state: JobStateName::Done,
            height: 0,
            children: Vec::new(),
            worker: None,
            stage: None,
            memory_mib: 0,
            created_at: batch.environment().timestamp.into(),
            started_at: None,
            done_at,
            wall_seconds: Some(cost.cost.wall.as_secs_f64()),
            cpu_seconds: Some(cost.cost.cpu.as_secs_f64()),
            attempts: AttemptsView::default(),
            reason: None,
        };
        Some(ProofTreeView {
            batch: number,
            status: batch.status(),
            progress: batch.progress(),
            rest: None,
            jobs: (0..).zip(&batch.costs).map(job).collect(),
        })
    }

    /// Entries of the L1 queue that wait.
    #[must_use]
    pub fn queue_entries(&self, page: PageRequest) -> Vec<QueueEntryView> {
        let entries = (self.queue.executed()..).zip(&self.queue.waiting);
        let is_after = |position: u64| page.after.is_none_or(|after| position > after);
        entries
            .filter(|(position, _)| is_after(*position))
            .take(page.limit)
            .filter_map(|(position, entry)| {
                let chain = self.queue.chain_at.get(usize::try_from(position).ok()? + 1)?;
                Some(QueueEntryView::waiting(position, entry, *chain))
            })
            .collect()
    }

    /// What a client must know before it signs.
    #[must_use]
    pub fn config(&self) -> ConfigView {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let batch = self.settings.batch;
        let pool = count(self.settings.pool_max);
        ConfigView {
            deployment: self.settings.deployment,
            genesis_salt: self.settings.genesis_salt,
            sequencer: None,
            assets: self.assets.clone(),
            circuits: self.settings.circuits.clone(),
            security: security(),
            limits: NodeLimits {
                pool_transactions: pool.into(),
                pool_transactions_per_account: pool,
                batch_slots: count(batch.slots_max),
                batch_records: count(MAX_RECORDS),
                batch_milliseconds: u64::try_from(batch.seal_after.as_millis()).unwrap_or(u64::MAX),
                unverified_batches: count(batch.unverified_max),
            },
        }
    }

    /// Whether the sequencer works.
    #[must_use]
    pub fn check(&self) -> CheckView {
        let detail = self.halted.clone().unwrap_or_else(|| "it works".to_owned());
        CheckView { name: "sequencer".to_owned(), ok: self.halted.is_none(), detail }
    }

    fn lags(&self) -> Lags {
        let now = clock::now().unix_ms();
        let seconds_since = |time: Time| {
            let milliseconds = now.saturating_sub(time.unix_ms());
            Duration::from_millis(milliseconds).as_secs_f64()
        };
        let since = |batch: &Batch, step| {
            let reached = batch.steps.iter().find(|reached| reached.step == step);
            reached.map_or(0.0, |reached| seconds_since(reached.at))
        };
        let between = |from, to| {
            let is_between = move |batch: &&Batch| batch.has_reached(from) && !batch.has_reached(to);
            self.batches.iter().filter(is_between).collect::<Vec<_>>()
        };
        let unproven = between(Finality::Sealed, Finality::Proven);
        let unverified = between(Finality::Proven, Finality::Verified);
        let waiting_since = self.pool.front().and_then(|(id, _)| self.transactions.get(&id)).map(|entry| entry.accepted_at);
        let count = |batches: &[&Batch]| u32::try_from(batches.len()).unwrap_or(u32::MAX);
        Lags {
            l1_answer_seconds: 0.0,
            execution_seconds: waiting_since.map_or(0.0, seconds_since),
            unproven_batches: count(&unproven),
            proving_seconds: unproven.first().map_or(0.0, |batch| since(batch, Finality::Sealed)),
            unverified_batches: count(&unverified),
            l1_seconds: unverified.first().map_or(0.0, |batch| since(batch, Finality::Proven)),
            is_held_back: unproven.len() + unverified.len() >= self.settings.batch.unverified_max,
        }
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
        let lags = self.lags();
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
            jobs: JobCounts::default(),
            workers: 0,
            lags,
            bottleneck: lags.bottleneck(),
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
            queue: QueueRange { first: batch.queue.start, end: batch.queue.end },
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

/// Security of the proofs: the minimum over their layers, in whole bits.
fn security() -> SecurityView {
    // Rows and polynomials of the largest circuit of each layer (docs/soundness.md).
    let layers = [(SEGMENT, 15, 300), (RECURSION, 14, 300), (SHRINK, 13, 217), (WRAP_PARAMETERS.layer(), 12, 217)];
    let bits = layers.map(|(layer, degree_bits, polynomials)| layer.security(TraceSize { degree_bits, polynomials }));
    let least = |part: fn(&SecurityBits) -> f64| bits.iter().map(part).fold(f64::INFINITY, f64::min);
    SecurityView {
        conjectured_bits: whole(least(|bits| bits.list_capacity.min(bits.permutation).min(bits.constraints))),
        proven_bits: whole(least(|bits| bits.johnson)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bits of security are between 0 and 200")]
fn whole(bits: f64) -> u32 {
    bits as u32
}
