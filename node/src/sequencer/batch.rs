//! Batches from the first slot to L1.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use weft_aggregator::BatchTrace;
use weft_api::{Finality, HexBytes, L1Transaction, L1View, Progress, Step, Time};
use weft_executor::ExecutedBatch;
use weft_protocol::crypto::Digest;
use weft_protocol::{Environment, RECORD_BYTES, Record, SealStatement, Withdrawal, withdrawals_root};

use super::entry::{KnownEntry, UnixMs};
use super::settings::Settings;
use crate::l1::PostOrder;
use crate::proof_file::ProofFile;
use crate::proving::{BatchClaim, CheckedProof, JobCost};

/// A batch and how far it is. What the store keeps of it is all but how many segments are proved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Batch {
    environment: Environment,
    pub(super) root_before: Digest,
    pub(super) root: Digest,
    pub(super) slots: u32,
    /// The records' bytes, once the batch is sealed.
    data: Vec<u8>,
    pub(super) record_count: u32,
    /// What it pays out, once it is sealed.
    pub(super) withdrawals: Vec<Withdrawal>,
    pub(super) withdrawal_count: u32,
    pub(super) segments: u32,
    #[serde(skip)]
    pub(super) segments_proved: u32,
    /// Chain over the records, once the batch is sealed.
    chain: Digest,
    steps: Vec<Step>,
    /// When the first segment was proved.
    #[serde(skip)]
    pub(super) proving_since: Option<UnixMs>,
    commit: Option<L1Transaction>,
    prove: Option<L1Transaction>,
    /// What the jobs took, once the batch is proved.
    pub(super) costs: Vec<JobCost>,
    /// Position of the first entry of the L1 queue that it takes, and the chain before it.
    queue_start: (u64, [u8; 32]),
    /// The entries that it takes.
    pub(super) queue_entries: Vec<KnownEntry>,
    /// Its transactions with their slots, rising.
    pub(super) transactions: Vec<(Digest, u32)>,
    /// The last L1 block that was read before it was sealed: its L1 transactions are in later ones.
    pub(super) l1_block: u64,
}

impl Batch {
    pub(super) fn new(environment: Environment, root_before: Digest, queue_start: (u64, [u8; 32]), at: UnixMs) -> Self {
        Self {
            environment,
            root_before,
            root: root_before,
            slots: 0,
            data: Vec::new(),
            record_count: 0,
            withdrawals: Vec::new(),
            withdrawal_count: 0,
            segments: 0,
            segments_proved: 0,
            chain: Digest::ZERO,
            steps: vec![Step { step: Finality::Executed, at: Time::from_unix_ms(at) }],
            proving_since: None,
            commit: None,
            prove: None,
            costs: Vec::new(),
            queue_start,
            queue_entries: Vec::new(),
            transactions: Vec::new(),
            l1_block: 0,
        }
    }

    /// What the batch is.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.environment.batch_number
    }

    /// Its trace: spans and events about it carry its id.
    #[must_use]
    pub fn trace(&self) -> BatchTrace {
        BatchTrace::of(&self.environment.context())
    }

    /// State root after its last slot; before it is sealed, the one before its first.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The last L1 block that was read before it was sealed.
    #[must_use]
    pub fn l1_block(&self) -> u64 {
        self.l1_block
    }

    /// Position of the first entry of the L1 queue that it takes, and the chain before it.
    pub(super) fn queue_start(&self) -> (u64, [u8; 32]) {
        self.queue_start
    }

    /// Positions of the entries of the L1 queue that it takes.
    #[must_use]
    pub fn queue(&self) -> Range<u64> {
        let (first, _) = self.queue_start;
        first..first + u64::try_from(self.queue_entries.len()).expect("a length fits 64 bits")
    }

    /// The end of the entries that it takes, and the chain up to there.
    pub(super) fn queue_end(&self) -> (u64, [u8; 32]) {
        let (_, chain_start) = self.queue_start;
        (self.queue().end, self.queue_entries.last().map_or(chain_start, |last| last.chain))
    }

    /// Whether it has reached a step.
    #[must_use]
    pub fn has_reached(&self, step: Finality) -> bool {
        match step {
            Finality::Proving => self.is_proving() || self.has_reached(Finality::Proven),
            step => self.steps.iter().any(|reached| reached.step == step),
        }
    }

    fn is_proving(&self) -> bool {
        self.proving_since.is_some() && self.has_reached(Finality::Sealed) && !self.has_reached(Finality::Proven)
    }

    /// The last step that it has reached.
    #[must_use]
    pub fn status(&self) -> Finality {
        if self.is_proving() {
            return Finality::Proving;
        }
        self.steps.last().map_or(Finality::Executed, |reached| reached.step)
    }

    /// The steps that it has reached, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = self.steps.clone();
        if self.is_proving() {
            steps.extend(self.proving_step());
        }
        steps
    }

    /// When it reached a step.
    #[must_use]
    pub fn reached_at(&self, step: Finality) -> Option<Time> {
        self.steps.iter().find(|reached| reached.step == step).map(|reached| reached.at)
    }

    /// The first proof makes the batch *proving*, but not before it is sealed.
    fn proving_step(&self) -> Option<Step> {
        let since = Time::from_unix_ms(self.proving_since?);
        let sealed = self.reached_at(Finality::Sealed)?;
        Some(Step { step: Finality::Proving, at: since.max(sealed) })
    }

    /// Segments proved, of those that are known.
    #[must_use]
    pub fn progress(&self) -> Progress {
        // What is counted may be of a batch with this number that was just taken back.
        let done =
            if self.has_reached(Finality::Proven) { self.segments } else { self.segments_proved.min(self.segments) };
        Progress { done, total: self.segments }
    }

    /// Its L1 transactions.
    #[must_use]
    pub fn l1(&self) -> L1View {
        L1View { commit: self.commit, prove: self.prove }
    }

    /// Its records, once it is sealed.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let (records, _) = self.data.as_chunks::<RECORD_BYTES>();
        records.iter().map(Record::from_bytes).collect()
    }

    fn reach(&mut self, step: Finality, at: UnixMs) {
        if !self.steps.iter().any(|reached| reached.step == step) {
            self.steps.push(Step { step, at: Time::from_unix_ms(at) });
        }
    }

    /// The batch has no more slots.
    pub(super) fn seal(&mut self, executed: &ExecutedBatch, l1_block: u64, at: UnixMs) {
        let after = executed.trace.after();
        let records = executed.records();
        self.root = after.root;
        self.chain = after.chain;
        self.slots = count(executed.trace.entries().len());
        self.record_count = count(records.len());
        self.data = records.iter().flat_map(Record::to_bytes).collect();
        self.withdrawals.clone_from(&executed.withdrawals);
        self.withdrawal_count = count(self.withdrawals.len());
        self.l1_block = l1_block;
        self.reach(Finality::Sealed, at);
    }

    /// The wrapped proof exists.
    pub(super) fn prove(&mut self, proving_since: Option<UnixMs>, costs: &[JobCost], at: UnixMs) {
        self.proving_since = proving_since;
        if let Some(Step { step, at }) = self.proving_step() {
            self.reach(step, at.unix_ms());
        }
        self.costs = costs.to_vec();
        self.reach(Finality::Proven, at);
    }

    /// The data are on L1.
    pub(super) fn post(&mut self, transaction: L1Transaction, at: UnixMs) {
        self.commit = Some(transaction);
        self.reach(Finality::Posted, at);
    }

    /// The contract has verified it.
    pub(super) fn verify(&mut self, transaction: L1Transaction, at: UnixMs) {
        self.prove = Some(transaction);
        self.reach(Finality::Verified, at);
        if !self.withdrawals.is_empty() {
            self.reach(Finality::Withdrawable, at);
        }
    }

    /// What the provers must prove, once the batch is sealed.
    #[must_use]
    pub fn claim(&self) -> BatchClaim {
        let records = self.records();
        let statement = self.statement(&records);
        BatchClaim { environment: self.environment, statement, records }
    }

    /// What L1 must find proven, once the batch is sealed.
    fn statement(&self, records: &[Record]) -> SealStatement {
        let context = self.environment.context();
        SealStatement::of_batch(context, [self.root_before, self.root], self.chain, records)
    }

    /// The file with its proof.
    pub(super) fn proof_file(&self, settings: &Settings, proven: &CheckedProof) -> Vec<u8> {
        let file = ProofFile {
            version: ProofFile::VERSION,
            chain_id: settings.deployment.chain_id,
            contract: settings.deployment.contract,
            genesis_salt: settings.genesis_salt,
            number: self.number(),
            timestamp: self.environment.timestamp.get(),
            root_before: self.root_before,
            root_after: self.root,
            records: HexBytes(self.data.clone()),
            circuit: settings.wrap_digest,
            proof: HexBytes(proven.proof.clone()),
        };
        file.to_bytes()
    }

    /// What is to be posted.
    pub(super) fn post_order(&self, l1_proof: Vec<u8>) -> PostOrder {
        let (_, chain_start) = self.queue_start;
        PostOrder {
            statement: self.statement(&self.records()),
            environment: self.environment,
            data: self.data.clone(),
            withdrawals_root: withdrawals_root(&self.withdrawals),
            queue: self.queue(),
            queue_chain_start: chain_start,
            queue_chain_end: self.queue_end().1,
            proof: l1_proof,
            l1_block: self.l1_block,
        }
    }
}

/// A number of slots, records or segments.
pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).expect("a batch has at most 4,096 records")
}
