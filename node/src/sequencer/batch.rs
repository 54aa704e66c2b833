//! Batches from the first slot to L1.

use std::ops::Range;
use std::time::Instant;

use weft_api::{Bytes, Finality, HexBytes, L1Transaction, L1View, Progress, Step, Time};
use weft_executor::{ExecutedBatch, Receipt};
use weft_protocol::crypto::Digest;
use weft_protocol::{
    DataPoint, Environment, Record, RunningState, SealStatement, SegmentWitness, Withdrawal, evaluate_data,
    withdrawals_root,
};

use super::{Queue, Sequencer, Source, Stage};
use crate::clock;
use crate::l1::PostOrder;
use crate::proof_file::ProofFile;
use crate::proving::{BatchClaim, CheckedProof, JobCost, ProvingOrder};
use weft_prover::{SegmentSize, plan_segments};

/// A batch and how far it is.
#[derive(Debug)]
pub(super) struct Batch {
    environment: Environment,
    pub(super) root_before: Digest,
    pub(super) root: Digest,
    pub(super) slots: usize,
    pub(super) records: Vec<Record>,
    pub(super) record_count: usize,
    pub(super) withdrawals: Vec<Withdrawal>,
    pub(super) withdrawal_count: usize,
    pub(super) segments: usize,
    pub(super) segments_proved: usize,
    /// Slots in segments that the provers have.
    handed_out: usize,
    /// Chain over the records, once the batch is sealed.
    chain: Digest,
    pub(super) steps: Vec<Step>,
    pub(super) l1: L1View,
    /// What the jobs took, once the batch is proved.
    pub(super) costs: Vec<JobCost>,
    pub(super) queue: Range<u64>,
    pub(super) proof: Option<Bytes>,
}

impl Batch {
    fn new(environment: Environment, root_before: Digest, queue_start: u64) -> Self {
        Self {
            environment,
            root_before,
            root: root_before,
            slots: 0,
            records: Vec::new(),
            record_count: 0,
            withdrawals: Vec::new(),
            withdrawal_count: 0,
            segments: 0,
            segments_proved: 0,
            handed_out: 0,
            chain: Digest::ZERO,
            steps: vec![Step { step: Finality::Executed, at: clock::now() }],
            l1: L1View::default(),
            costs: Vec::new(),
            queue: queue_start..queue_start,
            proof: None,
        }
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(super) fn number(&self) -> u32 {
        self.environment.batch_number
    }

    pub(super) fn has_reached(&self, step: Finality) -> bool {
        self.steps.iter().any(|reached| reached.step == step)
    }

    pub(super) fn status(&self) -> Finality {
        self.steps.last().map_or(Finality::Executed, |reached| reached.step)
    }

    pub(super) fn progress(&self) -> Progress {
        let count = |number| u32::try_from(number).expect("a batch has at most 4,096 slots");
        Progress { done: count(self.segments_proved), total: count(self.segments) }
    }

    pub(super) fn reach(&mut self, step: Finality, at: Time) {
        if !self.has_reached(step) {
            self.steps.push(Step { step, at });
        }
    }

    /// What L1 must find proven, once the batch is sealed.
    fn statement(&self) -> SealStatement {
        let context = self.environment.context();
        let z = DataPoint::of_batch(&context, &self.records, &self.chain);
        SealStatement {
            context,
            root_before: self.root_before,
            root_after: self.root,
            chain: self.chain,
            record_count: u32::try_from(self.records.len()).expect("a batch has at most 4,096 records"),
            z,
            value: evaluate_data(&self.records, z),
        }
    }

    /// The first proof makes the batch *proving*, but not before it is sealed.
    fn note_proving(&mut self) {
        if self.segments_proved > 0 && self.has_reached(Finality::Sealed) {
            self.reach(Finality::Proving, clock::now());
        }
    }
}

impl Sequencer {
    /// Bookkeeping after a slot: the batch's record, segments that are full, the limit of slots.
    pub(super) fn after_slot(&mut self, receipt: &Receipt, source: Source) {
        if receipt.slot == 0 {
            self.record_new_batch();
        }
        if source == Source::Queue {
            self.queue.waiting.pop_front();
        }
        let Stage::Building(builder) = &mut self.stage else { return };
        let (slots, records) = (builder.slot_count(), builder.record_count());
        let size = self.settings.streamed;
        let streamed_slots = self.settings.sizes.slots(size);
        let mut full = Vec::new();
        while let Some(segment) = self.compute.block_on(|| builder.next_segment(streamed_slots)) {
            full.push(segment);
        }
        if let Some(batch) = self.batches.last_mut() {
            batch.slots = slots;
            batch.record_count = records;
            batch.withdrawal_count += usize::from(receipt.withdrawal.is_some());
        }
        for segment in full {
            self.order_segment(size, segment);
        }
        if slots >= self.settings.batch.slots_max {
            self.seal();
        }
    }

    fn record_new_batch(&mut self) {
        let Stage::Building(builder) = &self.stage else { return };
        let environment = *builder.environment();
        let root_before = self.batches.last().map_or_else(genesis_root, |last| last.root);
        let batch = Batch::new(environment, root_before, self.queue.executed());
        self.batches.push(batch);
        self.batch_began = Some(Instant::now());
    }

    /// A batch whose first slot was refused does not begin: its time would be kept for nothing.
    pub(super) fn drop_empty_batch(&mut self) {
        if matches!(&self.stage, Stage::Building(builder) if builder.slot_count() == 0) {
            let Stage::Building(builder) = self.take_stage() else { return };
            self.stage = Stage::Between(builder.abort());
        }
    }

    fn order_segment(&mut self, size: SegmentSize, witness: SegmentWitness) {
        let Some(batch) = self.batches.last_mut() else { return };
        batch.segments += 1;
        batch.handed_out += witness.slots.len();
        (self.outlets.proving)(ProvingOrder::Segment { size, witness });
    }

    /// Ends the batch in work, if it has slots: collects the fees, hands out the rest of it, begins to wait for its proof.
    pub fn seal(&mut self) {
        if !matches!(&self.stage, Stage::Building(builder) if builder.slot_count() > 0) {
            return;
        }
        self.batch_began = None;
        if let Err(reason) = self.collect_fees() {
            return self.halt(reason);
        }
        self.order_rest();
        let Stage::Building(builder) = self.take_stage() else { return };
        let compute = self.compute.clone();
        match compute.block_on(|| builder.finish()) {
            Ok((state, executed)) => {
                self.stage = Stage::Between(state);
                self.record_sealed(&executed);
            }
            Err(left) => {
                self.stage = Stage::Building(left.builder);
                self.halt("fees are left after they were collected");
            }
        }
    }

    fn collect_fees(&mut self) -> Result<(), String> {
        let account = self.fee_account();
        let Stage::Building(builder) = &mut self.stage else { return Ok(()) };
        if builder.fee_sums().is_empty() {
            return Ok(());
        }
        let account = account.ok_or("there is no account to collect fees")?;
        builder.collect_fees(account).map_err(|refusal| format!("fees cannot be collected: {refusal}"))?;
        Ok(())
    }

    /// Hands out the slots that no full segment took.
    fn order_rest(&mut self) {
        let handed_out = self.batches.last().map_or(0, |batch| batch.handed_out);
        let Stage::Building(builder) = &mut self.stage else { return };
        let mut rest = builder.slot_count() - handed_out;
        if rest == 0 {
            return;
        }
        let mut segments = Vec::new();
        for size in plan_segments(rest, &self.settings.sizes) {
            let slots = rest.min(self.settings.sizes.slots(size));
            let segment = self.compute.block_on(|| builder.next_segment(slots));
            segments.push((size, segment.expect("so many slots are left")));
            rest -= slots;
        }
        for (size, segment) in segments {
            self.order_segment(size, segment);
        }
    }

    fn record_sealed(&mut self, executed: &ExecutedBatch) {
        let queue_end = self.queue.executed();
        let Some(batch) = self.batches.last_mut() else { return };
        let after = executed.trace.after();
        batch.root = after.root;
        batch.slots = executed.trace.entries().len();
        batch.records = executed.records();
        batch.record_count = batch.records.len();
        batch.withdrawals.clone_from(&executed.withdrawals);
        batch.withdrawal_count = batch.withdrawals.len();
        batch.queue.end = queue_end;
        batch.chain = after.chain;
        batch.reach(Finality::Sealed, clock::now());
        batch.note_proving();
        let claim = BatchClaim { number: batch.number(), statement: batch.statement(), records: batch.records.clone() };
        tracing::info!(batch = claim.number, slots = batch.slots, segments = batch.segments, "batch sealed");
        (self.outlets.proving)(ProvingOrder::Finish(claim));
    }

    /// A segment of a batch is proved.
    pub fn segment_proved(&mut self, number: u32) {
        if let Some(batch) = self.batch_mut(number) {
            batch.segments_proved += 1;
            batch.note_proving();
        }
    }

    /// The wrapped proof of a batch exists and was checked: it is kept for download and posted.
    pub fn proven(&mut self, proven: &CheckedProof) {
        let deployment = self.settings.deployment;
        let (salt, digest) = (self.settings.genesis_salt, self.settings.wrap_digest);
        let chain_at = |queue: &Queue, index: u64| {
            let index = usize::try_from(index).expect("known entries are in memory");
            queue.chain_at[index]
        };
        let Some(batch) = self.batches.get_mut(position_of(proven.number)) else { return };
        batch.costs.clone_from(&proven.costs);
        batch.reach(Finality::Proven, clock::now());
        let file = ProofFile {
            version: ProofFile::VERSION,
            chain_id: deployment.chain_id,
            contract: deployment.contract,
            genesis_salt: salt,
            number: batch.number(),
            timestamp: batch.environment.timestamp.get(),
            root_before: batch.root_before,
            root_after: batch.root,
            records: HexBytes(batch.records.iter().flat_map(weft_protocol::Record::to_bytes).collect()),
            circuit: digest,
            proof: HexBytes(proven.proof.clone()),
        };
        batch.proof = Some(file.to_bytes().into());
        let order = PostOrder {
            statement: batch.statement(),
            environment: batch.environment,
            data: file.records.0,
            withdrawals_root: withdrawals_root(&batch.withdrawals),
            queue: batch.queue.clone(),
            queue_chain_start: chain_at(&self.queue, batch.queue.start),
            queue_chain_end: chain_at(&self.queue, batch.queue.end),
            proof: proven.l1_proof.clone(),
        };
        (self.outlets.posting)(order);
    }

    /// The data of a batch is on L1.
    pub fn posted(&mut self, number: u32, commit: L1Transaction) {
        if let Some(batch) = self.batch_mut(number) {
            batch.l1.commit = Some(commit);
            batch.reach(Finality::Posted, clock::now());
        }
    }

    /// The contract has verified a batch.
    pub fn verified(&mut self, number: u32, prove: L1Transaction) {
        let Some(batch) = self.batch_mut(number) else { return };
        batch.l1.prove = Some(prove);
        batch.reach(Finality::Verified, clock::now());
        if !batch.withdrawals.is_empty() {
            batch.reach(Finality::Withdrawable, clock::now());
        }
        let queue_end = batch.queue.end;
        self.queue.head = queue_end;
        tracing::info!(batch = number, "batch verified on L1");
    }
}

fn genesis_root() -> Digest {
    RunningState::genesis().root
}

fn position_of(number: u32) -> usize {
    usize::try_from(number).expect("32 bits").wrapping_sub(1)
}
