//! The sequencer: the one owner of the state.
//!
//! A thread of its own holds the [`Sequencer`]; everything else asks it through a [`SequencerHandle`]. It executes each
//! transaction and queue entry as it comes, hands segments to the provers as they fill, seals batches, and keeps what
//! became of all of them.
//!
//! Invariants: batch times strictly rise and are not above L1's time when the batch begins; queue entries are executed in
//! order and before transactions that wait; a transaction that was answered with *executed* is in a batch.

mod batch;
mod handle;
mod ledger;
mod pool;
mod views;

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use weft_api::{AssetView, BackendError, Deployment, Finality, Submission, SubmitError};
use weft_circuits::digest::CircuitDigest;
use weft_executor::{BatchBuilder, CheckedTransaction, Receipt, Refusal, State};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Address, Environment, QueueEntry, Reject, Timestamp};
use weft_prover::{CircuitSizes, SegmentSize};

use crate::clock;
use crate::compute::Compute;
use crate::config::BatchLimits;
use crate::l1::{L1Head, PostOrder};
use crate::proving::ProvingOrder;
use batch::Batch;
use ledger::Transactions;
use pool::Pool;

pub use handle::SequencerHandle;

/// When a client may ask again if the node cannot answer now.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The account that collects fees, by its owner and key. Anybody may open an account with this key on L1, but only one
/// whose withdrawals the owner gets and whose last entries only the owner can fill is the collector's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeCollector {
    /// Its L1 address.
    pub owner: Address,
    /// Digest of its key.
    pub key: Digest,
}

/// What a sequencer works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which rollup this is.
    pub deployment: Deployment,
    /// Salt of the deployment's domain.
    pub genesis_salt: Digest,
    /// Whose account collects fees.
    pub fee_collector: FeeCollector,
    /// Digest of the circuit whose proofs L1 verifies.
    pub wrap_digest: CircuitDigest,
    /// When a batch ends.
    pub batch: BatchLimits,
    /// Sizes of segments.
    pub sizes: CircuitSizes,
    /// The segments that are handed out while a batch grows.
    pub streamed: SegmentSize,
    /// Transactions that may wait for a batch.
    pub pool_max: usize,
    /// The circuits in use, for the status.
    pub circuits: Vec<weft_api::Circuit>,
}

/// Where the sequencer's orders go. Must not block.
pub struct Outlets {
    /// To the provers.
    pub proving: Box<dyn Fn(ProvingOrder) + Send>,
    /// To the task that posts on L1.
    pub posting: Box<dyn Fn(PostOrder) + Send>,
}

impl fmt::Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlets")
    }
}

/// Between two batches, or within one.
#[derive(Debug)]
enum Stage {
    Between(State),
    Building(Box<BatchBuilder>),
}

/// The L1 queue as far as it is known.
#[derive(Debug)]
struct Queue {
    /// `chainAt[i]` for every i up to the number of known entries.
    chain_at: Vec<[u8; 32]>,
    /// Known and not executed.
    waiting: VecDeque<QueueEntry>,
    /// Entries that verified batches have taken.
    head: u64,
}

impl Queue {
    fn next(&self) -> u64 {
        u64::try_from(self.chain_at.len() - 1).expect("entries are counted in 64 bits")
    }

    fn executed(&self) -> u64 {
        self.next() - u64::try_from(self.waiting.len()).expect("entries are counted in 64 bits")
    }
}

/// State, pool, batches and what became of everything. See the [module](self).
#[derive(Debug)]
pub struct Sequencer {
    settings: Settings,
    compute: Compute,
    outlets: Outlets,
    stage: Stage,
    pool: Pool,
    queue: Queue,
    transactions: Transactions,
    batches: Vec<Batch>,
    assets: Vec<AssetView>,
    l1: L1Head,
    /// When the batch in work got its first slot.
    batch_began: Option<Instant>,
    /// Why nothing goes on, if so.
    halted: Option<String>,
}

impl Sequencer {
    /// The sequencer of a deployment whose L1 contract stands at genesis.
    #[must_use]
    pub fn new(settings: Settings, compute: Compute, outlets: Outlets) -> Self {
        let pool = Pool::new(settings.pool_max);
        Self {
            settings,
            compute,
            outlets,
            stage: Stage::Between(State::new()),
            pool,
            queue: Queue { chain_at: vec![[0; 32]], waiting: VecDeque::new(), head: 0 },
            transactions: Transactions::default(),
            batches: Vec::new(),
            assets: Vec::new(),
            l1: L1Head::default(),
            batch_began: None,
            halted: None,
        }
    }

    /// Takes a transaction whose signature is valid: executes it, or keeps it until there is a batch for it.
    ///
    /// # Errors
    /// A rule refuses it, the pool is full, or the node has halted. Nothing has changed.
    pub fn submit(&mut self, checked: CheckedTransaction) -> Result<Submission, SubmitError> {
        self.check_running()?;
        let id = checked.get().transaction.id(&self.settings.deployment.domain);
        if let Some(view) = self.transaction(&id) {
            return Ok(Submission::Known(view));
        }
        self.check_nonce(&checked)?;
        let accepted_at = clock::now();
        let fields = (&checked.get().transaction).into();
        if self.pool.is_empty() && self.queue.waiting.is_empty() {
            match self.execute(Source::User, |builder| builder.push_transaction(checked.clone())) {
                Execution::Done(receipt) => {
                    self.transactions.executed(id, fields, accepted_at, &receipt);
                    return Ok(Submission::Accepted(self.transaction(&id).expect("it was just recorded")));
                }
                Execution::Refused(reject) => return Err(reject.into()),
                Execution::NoBatch => {}
            }
        }
        if self.pool.is_full() {
            return Err(SubmitError::PoolFull { retry_after: RETRY_AFTER });
        }
        self.pool.push(id, checked);
        self.transactions.accepted(id, fields, accepted_at);
        Ok(Submission::Accepted(self.transaction(&id).expect("it was just recorded")))
    }

    /// Takes the next entries of the L1 queue, with the chain after each.
    pub fn enqueue(&mut self, entries: Vec<(QueueEntry, [u8; 32])>) {
        for (entry, chain) in entries {
            self.queue.waiting.push_back(entry);
            self.queue.chain_at.push(chain);
        }
    }

    /// Learns what L1 looks like.
    pub fn observe_l1(&mut self, head: L1Head, listed: Vec<AssetView>) {
        self.l1 = head;
        self.assets.extend(listed);
    }

    /// Executes what waits and seals the batch if it is time. Called after everything else that happens, and often.
    pub fn advance(&mut self) {
        if self.halted.is_some() {
            return;
        }
        self.execute_queue();
        if self.queue.waiting.is_empty() {
            self.execute_pool();
        }
        let limit = self.settings.batch.seal_after;
        if self.batch_began.is_some_and(|began| began.elapsed() >= limit) {
            self.seal();
        }
    }

    /// Stops taking and executing: something happened that must not.
    pub fn halt(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        tracing::error!(reason, "the node has halted");
        self.halted.get_or_insert(reason);
    }

    /// The account that collects fees, once its deposit was executed.
    #[must_use]
    pub fn fee_account(&self) -> Option<AccountIndex> {
        let FeeCollector { owner, key } = self.settings.fee_collector;
        let objects = self.objects();
        objects.with_key(&key).find(|&index| objects.get(index).is_some_and(|object| object.owner == owner))
    }

    fn check_running(&self) -> Result<(), BackendError> {
        match &self.halted {
            None => Ok(()),
            Some(reason) => {
                let reason = format!("it has halted: {reason}");
                Err(BackendError::NotReady { reason, retry_after: RETRY_AFTER })
            }
        }
    }

    /// The sender exists and this is its next nonce, counting what waits in the pool.
    fn check_nonce(&self, checked: &CheckedTransaction) -> Result<(), Reject> {
        let transaction = &checked.get().transaction;
        let sender = transaction.sender;
        let object = self.objects().get(sender).filter(|object| object.is_account());
        let object = object.ok_or(Reject::UnknownAccount { index: sender.0 })?;
        if checked.get().key.digest() != object.main_key {
            return Err(Reject::WrongKey);
        }
        let (expected, got) = (self.pending_nonce(sender, object), transaction.nonce);
        if expected == got { Ok(()) } else { Err(Reject::WrongNonce { expected, got }) }
    }

    fn execute_queue(&mut self) {
        while let Some(entry) = self.queue.waiting.front().copied() {
            match self.execute(Source::Queue, |builder| builder.push_queue_entry(&entry)) {
                Execution::Done(receipt) => tracing::debug!(?receipt, "queue entry executed"),
                Execution::Refused(reject) => return self.halt(format!("a queue entry cannot be executed: {reject}")),
                Execution::NoBatch => return,
            }
        }
    }

    fn execute_pool(&mut self) {
        while let Some((id, checked)) = self.pool.front() {
            match self.execute(Source::User, |builder| builder.push_transaction(checked.clone())) {
                Execution::Done(receipt) => self.transactions.moved_to_batch(&id, &receipt),
                Execution::Refused(reject) => self.transactions.refused(&id, &reject),
                Execution::NoBatch => return,
            }
            self.pool.pop();
        }
    }

    /// Executes a slot in the batch in work, or in the next one if there is none or it is full.
    fn execute(&mut self, source: Source, push: impl Fn(&mut BatchBuilder) -> Result<Receipt, Refusal>) -> Execution {
        loop {
            let Some(builder) = self.builder() else { return Execution::NoBatch };
            match push(builder) {
                Ok(receipt) => {
                    self.after_slot(&receipt, source);
                    return Execution::Done(receipt);
                }
                Err(Refusal::Rejected(reject)) => {
                    self.drop_empty_batch();
                    return Execution::Refused(reject);
                }
                Err(Refusal::BatchFull { .. }) => self.seal(),
            }
            if self.halted.is_some() {
                return Execution::NoBatch;
            }
        }
    }

    /// The batch in work; begins the next one if there is none and one may begin.
    fn builder(&mut self) -> Option<&mut BatchBuilder> {
        if let Stage::Between(_) = self.stage {
            let environment = self.next_environment()?;
            let Stage::Between(state) = self.take_stage() else { unreachable!("the stage was just matched") };
            self.stage = Stage::Building(Box::new(BatchBuilder::new(environment, state)));
        }
        match &mut self.stage {
            Stage::Building(builder) => Some(builder),
            Stage::Between(_) => None,
        }
    }

    /// The next batch, if L1's time has passed that of the last one and there are not too many in work.
    fn next_environment(&self) -> Option<Environment> {
        let unverified = self.batches.iter().rev().take_while(|batch| !batch.has_reached(Finality::Verified));
        if unverified.count() >= self.settings.batch.unverified_max {
            return None;
        }
        let time = self.l1.timestamp.max(clock::now_seconds());
        let last = self.batches.last().map(Batch::environment);
        if last.is_some_and(|last| last.timestamp.get() >= time) {
            return None;
        }
        Some(Environment {
            domain: self.settings.deployment.domain,
            batch_number: last.map_or(1, |last| last.batch_number + 1),
            timestamp: Timestamp::new(time).ok()?,
        })
    }

    fn take_stage(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Between(State::new()))
    }

    fn pending_nonce(&self, index: AccountIndex, object: &weft_protocol::Object) -> u32 {
        object.nonce.saturating_add(self.pool.count_of(index))
    }

    fn batch_mut(&mut self, number: u32) -> Option<&mut Batch> {
        let position = usize::try_from(number).ok()?.checked_sub(1)?;
        self.batches.get_mut(position)
    }
}

/// Where a slot comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// The first queue entry that waits.
    Queue,
    /// A user.
    User,
}

/// What became of an attempt to execute a slot.
#[derive(Debug)]
enum Execution {
    Done(Receipt),
    Refused(Reject),
    NoBatch,
}

#[cfg(test)]
mod tests;
