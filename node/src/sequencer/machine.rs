//! The state machine over the log: executes, and says what is to be done outside.
//!
//! A [`Machine`] reads no clock and decides nothing about batches; all that comes in with [`LogEntry`]s. While a node runs,
//! the sequencer decides what the next entry is, and after a restart the log says it: the machine does the same both times.
//! An entry is done first and counted ([`Machine::log_next`]) afterwards.

mod abandon;
mod checkpoint;
mod end;
mod replay;

use std::collections::{BTreeMap, VecDeque};

use tracing::Span;
use weft_executor::{BatchBuilder, CheckedTransaction, Receipt, Refusal, State, check_signatures};
use weft_protocol::crypto::Digest;
use weft_protocol::{Domain, Environment, Reject, RunningState, SignedTransaction, Timestamp};
use weft_prover::{CircuitSizes, SegmentSize, TableGroup};

use super::batch::{Batch, count};
use super::entry::{BatchShape, KnownEntry, UnixMs};
use super::ledger::{Fate, TransactionRecord, Transactions, id_of};
use super::pool::{Pool, Waiting};
use crate::compute::Compute;
use crate::journal::Order;
use crate::telemetry;

pub(super) use abandon::{Abandonment, Taken};
pub(super) use replay::Replayed;

/// What a log can make a machine do that must not be: the node stops.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// The rules know an outcome for every entry, unless the tree is full.
    #[error("queue entry {position} cannot be executed: {reject}")]
    QueueEntry {
        /// Its position.
        position: u64,
        /// The rule.
        reject: Reject,
    },
    /// Nobody can take the fees.
    #[error("the fees of batch {batch} cannot be collected: {reason}")]
    Fees {
        /// The batch.
        batch: u32,
        /// Why.
        reason: String,
    },
    /// A transaction of the log is not signed rightly.
    #[error("the log is damaged: a transaction in it has no valid signature")]
    Signature,
    /// The log says something that cannot follow.
    #[error("the log does not replay: {reason}")]
    Log {
        /// What does not fit.
        reason: String,
    },
}

/// Between two batches, or within one.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one machine, and its stage changes twice a batch")]
pub(super) enum Stage {
    Between(State),
    Building(Box<Building>),
}

/// The batch in work.
#[derive(Debug)]
pub(super) struct Building {
    pub(super) builder: BatchBuilder,
    shape: BatchShape,
    streamed: SegmentSize,
    /// The large segments that were handed out last.
    group: TableGroup,
    pub(super) began_at: UnixMs,
    /// A slot did not fit.
    was_refused_room: bool,
}

impl Building {
    /// Whether it takes no more slots.
    fn is_full(&self) -> bool {
        self.was_refused_room || count(self.builder.slot_count()) >= self.shape.slots_max
    }
}

/// The L1 queue as far as it is known.
#[derive(Debug)]
pub(super) struct Queue {
    /// Entries that batches have taken, and the chain over them.
    executed: (u64, [u8; 32]),
    /// Known and not executed.
    waiting: VecDeque<KnownEntry>,
}

impl Queue {
    /// Entries that batches have taken.
    pub(super) fn executed(&self) -> u64 {
        self.executed.0
    }

    /// Entries that are known: position of the next one.
    pub(super) fn next(&self) -> u64 {
        self.executed.0 + u64::try_from(self.waiting.len()).expect("a length fits 64 bits")
    }

    /// Chain over all that are known.
    pub(super) fn chain(&self) -> [u8; 32] {
        self.waiting.back().map_or(self.executed.1, |last| last.chain)
    }

    /// Those that wait, in order.
    pub(super) fn waiting(&self) -> &VecDeque<KnownEntry> {
        &self.waiting
    }
}

/// The batch after which the next one begins; batch 0 stands for the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Last {
    pub(super) number: u32,
    /// The latest time that a batch had, this one or one that was taken back.
    pub(super) timestamp: Timestamp,
    pub(super) root: Digest,
}

/// What never changes of a machine.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) domain: Domain,
    pub(super) sizes: CircuitSizes,
    /// Provers need not prove batches up to this one.
    pub(super) proven_on_l1: u32,
}

/// State, pool, queue, and the batches that the store does not hold in their last form. See the [module](self).
#[derive(Debug)]
pub(super) struct Machine {
    rules: Rules,
    compute: Compute,
    pub(super) stage: Stage,
    pub(super) pool: Pool,
    pub(super) queue: Queue,
    pub(super) transactions: Transactions,
    pub(super) batches: BTreeMap<u32, Batch>,
    /// The last sealed batch.
    pub(super) last: Option<Last>,
    /// The last verified batch, 0 before the first, and the end of the L1 queue that verified batches have taken.
    pub(super) verified: (u32, u64),
    /// Position of the entry behind those that the machine knows.
    pub(super) log_next: u64,
    /// What is to be done outside, in order.
    pub(super) orders: Vec<Order>,
    /// Entries of the log that still come and take batches back, with the first batch of each.
    pub(super) abandonments: VecDeque<(u64, u32)>,
}

/// What became of a slot.
enum Pushed {
    Done(Receipt),
    Refused(Reject),
    /// The batch takes no more, or there is none.
    NoRoom,
}

impl Machine {
    /// The machine of a new deployment.
    pub(super) fn new(rules: Rules, compute: Compute) -> Self {
        Self {
            rules,
            compute,
            stage: Stage::Between(State::new()),
            pool: Pool::default(),
            queue: Queue { executed: (0, [0; 32]), waiting: VecDeque::new() },
            transactions: Transactions::default(),
            batches: BTreeMap::new(),
            last: None,
            verified: (0, 0),
            log_next: 0,
            orders: Vec::new(),
            abandonments: VecDeque::new(),
        }
    }

    /// Goes behind a stored batch, given the state after it.
    pub(super) fn go_behind(&mut self, state: State, last: Last, log_next: u64) {
        self.stage = Stage::Between(state);
        self.last = Some(last);
        self.log_next = log_next;
    }

    /// Checks signatures once more.
    ///
    /// # Errors
    /// One is not valid.
    pub(super) fn check(&self, transactions: Vec<SignedTransaction>) -> Result<Vec<CheckedTransaction>, Fault> {
        let checked = self.compute.block_on(|| check_signatures(&self.rules.domain, transactions));
        checked.into_iter().collect::<Result<_, _>>().map_err(|_| Fault::Signature)
    }

    /// Whether provers are wanted for a batch: not if L1 has verified it, nor if it will be taken back.
    fn is_to_be_proved(&self, number: u32) -> bool {
        number > self.rules.proven_on_l1 && self.abandonments.iter().all(|(_, from)| number < *from)
    }

    fn take_stage(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Between(State::new()))
    }

    /// The batch in work.
    pub(super) fn building(&self) -> Option<&Building> {
        match &self.stage {
            Stage::Building(building) => Some(building),
            Stage::Between(_) => None,
        }
    }

    /// State root after all executed slots.
    pub(super) fn root(&mut self) -> Digest {
        match &mut self.stage {
            Stage::Between(state) => state.root(),
            Stage::Building(building) => self.compute.block_on(|| building.builder.root()),
        }
    }

    /// Whether something waits that a batch would take.
    pub(super) fn has_waiting(&self) -> bool {
        !self.queue.waiting.is_empty() || !self.pool.is_empty()
    }

    /// Whether the batch in work takes no more slots.
    pub(super) fn is_full(&self) -> bool {
        self.building().is_some_and(Building::is_full)
    }

    /// Whether the batch in work has no slots.
    pub(super) fn is_empty(&self) -> bool {
        self.building().is_some_and(|building| building.builder.slot_count() == 0)
    }

    /// A batch begins and takes what waits.
    pub(super) fn begin(&mut self, environment: Environment, shape: BatchShape, at: UnixMs) -> Result<(), Fault> {
        let slots = |size: &SegmentSize| count(self.rules.sizes.slots(*size));
        let streamed = SegmentSize::ALL.into_iter().find(|size| slots(size) == shape.streamed_slots);
        let streamed = streamed.ok_or_else(|| Fault::Log {
            reason: format!("no circuit has segments of {} slots", shape.streamed_slots),
        })?;
        let Stage::Between(state) = self.take_stage() else {
            return Err(Fault::Log { reason: "a batch begins within another".to_owned() });
        };
        let root_before = self.last.map_or_else(|| RunningState::genesis().root, |last| last.root);
        let batch = Batch::new(environment, root_before, self.queue.executed, at);
        self.batches.insert(batch.number(), batch);
        let builder = BatchBuilder::new(environment, state);
        let group = TableGroup::new(self.rules.sizes.openings_degree_bits);
        let building = Building { builder, shape, streamed, group, began_at: at, was_refused_room: false };
        self.stage = Stage::Building(Box::new(building));
        self.drain(at)
    }

    /// The batch in work has no slots and ends as if it had not begun.
    pub(super) fn drop_empty(&mut self) {
        if !self.is_empty() {
            return;
        }
        let Stage::Building(building) = self.take_stage() else { return };
        self.batches.remove(&building.builder.environment().batch_number);
        self.stage = Stage::Between(building.builder.abort());
    }

    /// A transaction with a valid signature comes, as the log's entry at `sequence`: it is executed, or waits.
    ///
    /// # Errors
    /// It could be executed at once, but a rule refuses it. Nothing has changed.
    pub(super) fn accept(&mut self, checked: CheckedTransaction, sequence: u64, at: UnixMs) -> Result<(), Reject> {
        let id = id_of(checked.get(), &self.rules.domain);
        let record = TransactionRecord::new(checked.get().clone(), sequence, at);
        let waiting = Waiting { id, checked, accepted_at: at, span: Span::current() };
        tracing::info!(target: telemetry::TRACE, transaction = %id, "transaction accepted");
        if !self.has_waiting() {
            match self.push(|builder| builder.push_transaction(waiting.checked.clone())) {
                Pushed::Done(receipt) => {
                    self.transactions.insert(id, record);
                    self.executed(&waiting, &receipt, at);
                    return Ok(());
                }
                Pushed::Refused(reject) => return Err(reject),
                Pushed::NoRoom => {}
            }
        }
        self.keep(waiting, record);
        Ok(())
    }

    /// The next entry of the L1 queue.
    pub(super) fn enqueue(&mut self, entry: KnownEntry) -> Result<(), Fault> {
        self.queue.waiting.push_back(entry);
        self.drain(entry.read_at)
    }

    /// Executes what waits while the batch in work has room.
    fn drain(&mut self, at: UnixMs) -> Result<(), Fault> {
        while let Some(known) = self.queue.waiting.front().copied() {
            let position = self.queue.executed.0;
            match self.push(|builder| builder.push_queue_entry(&known.entry)) {
                Pushed::Done(receipt) => self.took_entry(known, &receipt),
                Pushed::Refused(reject) => return Err(Fault::QueueEntry { position, reject }),
                Pushed::NoRoom => return Ok(()),
            }
        }
        while let Some(first) = self.pool.front().cloned() {
            let checked = first.checked.clone();
            match self.push(|builder| builder.push_transaction(checked)) {
                Pushed::Done(receipt) => self.executed(&first, &receipt, at),
                Pushed::Refused(reject) => self.transactions.decide(&first.id, Fate::Refused { reject, at }),
                Pushed::NoRoom => return Ok(()),
            }
            self.pool.pop();
        }
        Ok(())
    }

    /// Keeps a transaction until there is a batch for it.
    fn keep(&mut self, waiting: Waiting, record: TransactionRecord) {
        self.transactions.insert(waiting.id, record);
        self.pool.push(waiting);
    }

    fn executed(&mut self, waiting: &Waiting, receipt: &Receipt, at: UnixMs) {
        let Waiting { id, span, .. } = waiting;
        metrics::counter!(telemetry::EXECUTED, "kind" => "transaction").increment(1);
        let slot = count(receipt.slot);
        self.transactions.decide(id, Fate::Executed { batch: receipt.batch_number, slot, at });
        if let Some(batch) = self.batches.get_mut(&receipt.batch_number) {
            let (number, batch_trace_id) = (batch.number(), batch.trace());
            tracing::info!(target: telemetry::TRACE, parent: span, transaction = %id, batch = number, slot, %batch_trace_id, "transaction executed");
            batch.transactions.push((*id, slot));
        }
    }

    fn took_entry(&mut self, known: KnownEntry, receipt: &Receipt) {
        tracing::debug!(?receipt, "queue entry executed");
        metrics::counter!(telemetry::EXECUTED, "kind" => "queue").increment(1);
        self.queue.waiting.pop_front();
        self.queue.executed = (self.queue.executed.0 + 1, known.chain);
        if let Some(batch) = self.batches.get_mut(&receipt.batch_number) {
            batch.queue_entries.push(known);
        }
    }

    /// Executes a slot in the batch in work.
    fn push(&mut self, push: impl FnOnce(&mut BatchBuilder) -> Result<Receipt, Refusal>) -> Pushed {
        let Stage::Building(building) = &mut self.stage else { return Pushed::NoRoom };
        if building.is_full() {
            return Pushed::NoRoom;
        }
        match push(&mut building.builder) {
            Ok(receipt) => {
                self.after_slot(&receipt);
                Pushed::Done(receipt)
            }
            Err(Refusal::Rejected(reject)) => Pushed::Refused(reject),
            Err(Refusal::BatchFull { .. }) => {
                building.was_refused_room = true;
                Pushed::NoRoom
            }
        }
    }

    /// Bookkeeping after a slot: the batch's numbers, and segments that are full.
    fn after_slot(&mut self, receipt: &Receipt) {
        let Some(Building { builder, .. }) = self.building() else { return };
        let (slots, records) = (count(builder.slot_count()), count(builder.record_count()));
        if let Some(batch) = self.batches.get_mut(&receipt.batch_number) {
            batch.slots = slots;
            batch.record_count = records;
            batch.withdrawal_count += u32::from(receipt.withdrawal.is_some());
        }
        self.order_full();
    }
}
