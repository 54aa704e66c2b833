//! What the sequencer learns of the provers.

use weft_api::Finality;
use weft_protocol::Environment;

use super::{Batch, LogEntry, Sequencer};
use crate::journal::{Effect, Order};
use crate::l1::without_urls;
use crate::proving::{BatchClaim, CheckedProof};

impl Sequencer {
    /// So many segments of a batch are proved.
    pub fn segments_proved(&mut self, number: u32, proved: u32) {
        let now = self.clock_ms();
        if let Some(batch) = self.machine.batches.get_mut(&number) {
            batch.segments_proved = batch.segments_proved.max(proved);
            if proved > 0 {
                batch.proving_since.get_or_insert(now);
            }
        }
    }

    /// The proof of a batch does not go on before somebody has looked after it, or goes on (`None`).
    pub fn stuck(&mut self, number: u32, reason: Option<String>) {
        match reason {
            Some(reason) => {
                let reason = without_urls(&reason);
                if self.stuck.get(&number) != Some(&reason) {
                    tracing::error!(batch = number, reason, "the proof of a batch does not go on");
                }
                self.stuck.insert(number, reason);
            }
            None => {
                self.stuck.remove(&number);
            }
        }
    }

    /// A batch is not on L1 yet, and why.
    pub fn delayed(&mut self, batch: &Environment, reason: String) {
        if self.unverified_batch(batch).is_some() {
            self.stuck(batch.batch_number, Some(reason));
        }
    }

    /// A batch that L1 has not verified. `None` if it has, or if the batch was taken back: another one may have its number.
    pub(super) fn unverified_batch(&self, environment: &Environment) -> Option<&Batch> {
        let batch = self.machine.batches.get(&environment.batch_number)?;
        (batch.environment() == environment && !batch.has_reached(Finality::Verified)).then_some(batch)
    }

    /// What the provers must prove of a sealed batch that is not verified.
    #[must_use]
    pub fn claim(&self, number: u32) -> Option<BatchClaim> {
        let batch = self.machine.batches.get(&number)?;
        batch.has_reached(Finality::Sealed).then(|| batch.claim())
    }

    /// The last batch that L1 has verified, 0 before the first.
    #[must_use]
    pub fn last_verified(&self) -> u32 {
        self.machine.verified.0
    }

    /// Sealed batches that are not verified, rising.
    #[must_use]
    pub fn unverified(&self) -> Vec<u32> {
        let batches = self.machine.batches.values();
        let open =
            batches.filter(|batch| batch.has_reached(Finality::Sealed) && !batch.has_reached(Finality::Verified));
        open.map(Batch::number).collect()
    }

    /// Batches that have begun and are not proven, rising.
    #[must_use]
    pub fn unproven(&self) -> Vec<u32> {
        let batches = self.machine.batches.values();
        batches.filter(|batch| !batch.has_reached(Finality::Proven)).map(Batch::number).collect()
    }

    /// The wrapped proof of a batch exists and was checked: it is kept for download and posted.
    pub fn proven(&mut self, proven: &CheckedProof) {
        let number = proven.environment.batch_number;
        let Some(batch) = self.unverified_batch(&proven.environment) else { return };
        let (post, trace_id) = (batch.post_order(proven.l1_proof.clone()), batch.trace());
        let is_new = !batch.has_reached(Finality::Proven);
        // The file may be missing if the node was killed between the log and the file.
        let (proving_since, time) = (batch.proving_since, proven.environment.timestamp);
        if is_new || self.proof(&proven.environment).is_none() {
            let file = batch.proof_file(&self.settings, proven);
            self.parcel.effects.push(Effect::Order(Order::Proof { number, time, file }));
        }
        self.posts.insert(number, post);
        self.stuck.remove(&number);
        if is_new {
            let (at, costs) = (self.clock_ms(), proven.costs.clone());
            self.machine.proven(number, proving_since, &costs, at);
            self.log(LogEntry::Proven { number, proving_since, costs, at });
            tracing::info!(batch = number, %trace_id, "batch proven");
        }
        self.post_next();
    }

    /// Gives the poster the batch behind the last verified one, if its proof is there: L1 takes batches in order.
    pub(super) fn post_next(&mut self) {
        let next = self.machine.verified.0 + 1;
        self.posts = self.posts.split_off(&next);
        if self.posting < next
            && let Some(order) = self.posts.remove(&next)
        {
            self.posting = next;
            self.parcel.effects.push(Effect::Order(Order::Post(Box::new(order))));
        }
    }
}
