//! What the sequencer learns of the provers.

use weft_api::Finality;

use super::{LogEntry, Sequencer};
use crate::clock;
use crate::journal::{Effect, Order};
use crate::l1::without_urls;
use crate::proving::{BatchClaim, CheckedProof};

impl Sequencer {
    /// So many segments of a batch are proved.
    pub fn segments_proved(&mut self, number: u32, proved: u32) {
        if let Some(batch) = self.machine.batches.get_mut(&number) {
            batch.segments_proved = batch.segments_proved.max(proved);
            if proved > 0 {
                batch.proving_since.get_or_insert_with(|| clock::now().unix_ms());
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

    /// What the provers must prove of a sealed batch that is not verified.
    #[must_use]
    pub fn claim(&self, number: u32) -> Option<BatchClaim> {
        let batch = self.machine.batches.get(&number)?;
        batch.has_reached(Finality::Sealed).then(|| batch.claim())
    }

    /// Whether L1 has verified a batch.
    #[must_use]
    pub fn is_verified(&self, number: u32) -> bool {
        number <= self.machine.verified.0
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
        open.map(super::Batch::number).collect()
    }

    /// Batches that have begun and are not proven, rising.
    #[must_use]
    pub fn unproven(&self) -> Vec<u32> {
        let batches = self.machine.batches.values();
        batches.filter(|batch| !batch.has_reached(Finality::Proven)).map(super::Batch::number).collect()
    }

    /// The wrapped proof of a batch exists and was checked: it is kept for download and posted.
    pub fn proven(&mut self, proven: &CheckedProof) {
        let number = proven.number;
        self.stuck.remove(&number);
        let Some(batch) = self.machine.batches.get(&number) else { return };
        if batch.has_reached(Finality::Verified) {
            return;
        }
        let trace_id = batch.trace();
        self.posts.insert(number, batch.post_order(proven.l1_proof.clone()));
        // The file may be missing if the node was killed between the log and the file.
        if !batch.has_reached(Finality::Proven) || self.proof(number).is_none() {
            let file = batch.proof_file(&self.settings, proven);
            self.parcel.effects.push(Effect::Order(Order::Proof { number, file }));
        }
        if !batch.has_reached(Finality::Proven) {
            let (at, proving_since, costs) = (clock::now().unix_ms(), batch.proving_since, proven.costs.clone());
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
