//! What the API shows of the node as a whole.

use std::time::Duration;

use weft_api::{
    BackendError, CheckView, ConfigView, Finality, JobCounts, Lags, NodeLimits, Proofs, QueueView, SecurityView,
    StatusView, Time,
};
use weft_circuits::config::{RECURSION, SEGMENT, SHRINK};
use weft_circuits::security::{SecurityBits, TraceSize};
use weft_circuits::wrap_config::WRAP_PARAMETERS;
use weft_protocol::MAX_RECORDS;

use crate::sequencer::l1_time::AHEAD_MAX;
use crate::sequencer::machine::Stage;
use crate::sequencer::{Batch, Sequencer};

/// Longest time without an answer of L1 with which the node is ready.
const L1_SILENCE_MAX: Duration = Duration::from_secs(60);
/// Longest time for which a sealed batch may have no proof while the node is ready.
const PROVING_LAG_MAX: Duration = Duration::from_secs(3600);

impl Sequencer {
    /// What a client must know before it signs; `sequencer` is for the backend to say.
    #[must_use]
    pub fn config(&self) -> ConfigView {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let batch = self.settings.batch;
        ConfigView {
            deployment: self.settings.deployment,
            genesis_salt: self.settings.genesis_salt,
            sequencer: None,
            assets: self.assets.clone(),
            circuits: self.settings.circuits.clone(),
            security: security(),
            limits: NodeLimits {
                pool_transactions: count(self.settings.pool_max).into(),
                pool_transactions_per_account: self.settings.pool_per_account_max,
                batch_slots: count(batch.slots_max),
                batch_records: count(MAX_RECORDS),
                batch_milliseconds: u64::try_from(batch.seal_after.as_millis()).unwrap_or(u64::MAX),
                unverified_batches: count(batch.unverified_max),
            },
        }
    }

    /// The node as a whole, but for the provers.
    ///
    /// # Errors
    /// The node has halted.
    pub fn status(&mut self) -> Result<StatusView, BackendError> {
        self.check_running()?;
        let lags = self.lags();
        Ok(StatusView {
            deployment: self.settings.deployment,
            assets: self.assets.clone(),
            l1_head: self.l1.number,
            queue: QueueView {
                head: self.machine.verified.1,
                executed: self.machine.queue.executed(),
                next: self.machine.queue.next(),
            },
            root: self.root(),
            last_sealed: self.last_that_reached(Finality::Sealed),
            last_proven: self.last_that_reached(Finality::Proven),
            last_verified: self.last_that_reached(Finality::Verified),
            pending_transactions: u64::try_from(self.machine.pool.len()).expect("a length fits 64 bits"),
            jobs: JobCounts::default(),
            workers: 0,
            lags,
            bottleneck: lags.bottleneck(),
            proofs: Proofs::Real,
            circuits: self.settings.circuits.clone(),
        })
    }

    /// What stands in the way of taking transactions and getting them to L1.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckView> {
        let lags = self.lags();
        let seconds = Duration::from_secs_f64;
        let heard = self.l1_answered_at.is_some() && seconds(lags.l1_answer_seconds) <= L1_SILENCE_MAX;
        let stuck = self.stuck.iter().next();
        let proving = match stuck {
            Some((batch, reason)) => format!("batch {batch} does not go on: {reason}"),
            None => format!(
                "{} sealed batches have no proof, the oldest for {:.1} s",
                lags.unproven_batches, lags.proving_seconds
            ),
        };
        let is_proving = stuck.is_none() && seconds(lags.proving_seconds) <= PROVING_LAG_MAX;
        vec![
            check("l1", heard, format!("the last answer is {:.1} s old", lags.l1_answer_seconds)),
            self.check_root(),
            check("proving", is_proving, proving),
            self.check_clock(),
        ]
    }

    /// The node's clock is not far ahead of L1's.
    fn check_clock(&self) -> CheckView {
        match self.clock_ahead() {
            None => check("clock", true, "L1 does not say what time it is".to_owned()),
            Some(ahead) if ahead > AHEAD_MAX => {
                let detail = format!(
                    "the node's clock is {ahead} s ahead of L1's: set it; batches are dated by L1's clock meanwhile"
                );
                check("clock", false, detail)
            }
            Some(ahead) => check("clock", true, format!("the node's clock is {ahead} s ahead of L1's")),
        }
    }

    /// The tree in memory is the one of the last sealed batch, unless a batch is in work.
    fn check_root(&self) -> CheckView {
        match (&self.machine.stage, &self.machine.last) {
            (Stage::Between(state), Some(last)) => {
                let detail = format!("after batch {} the tree has root {}", last.number, state.root());
                check("state", state.root() == last.root, detail)
            }
            (Stage::Between(_), None) => check("state", true, "no batch is sealed yet".to_owned()),
            (Stage::Building(_), _) => check("state", true, "a batch is in work".to_owned()),
        }
    }

    fn lags(&self) -> Lags {
        let now = self.settings.clock.now();
        let since = |batch: &Batch, step| batch.reached_at(step).map_or(0.0, |at| seconds_since(at, now));
        let between = |from, to| {
            let is_between = move |batch: &&Batch| batch.has_reached(from) && !batch.has_reached(to);
            self.machine.batches.values().filter(is_between).collect::<Vec<_>>()
        };
        let unproven = between(Finality::Sealed, Finality::Proven);
        let unverified = between(Finality::Proven, Finality::Verified);
        let waiting_since = self.machine.pool.front().map(|first| Time::from_unix_ms(first.accepted_at));
        let count = |batches: &[&Batch]| u32::try_from(batches.len()).unwrap_or(u32::MAX);
        Lags {
            l1_answer_seconds: self.l1_answered_at.map_or(0.0, |at| seconds_since(at, now)),
            execution_seconds: waiting_since.map_or(0.0, |at| seconds_since(at, now)),
            unproven_batches: count(&unproven),
            proving_seconds: unproven.first().map_or(0.0, |batch| since(batch, Finality::Sealed)),
            unverified_batches: count(&unverified),
            l1_seconds: unverified.first().map_or(0.0, |batch| since(batch, Finality::Proven)),
            clock_ahead_seconds: Duration::from_secs(self.clock_ahead().unwrap_or(0)).as_secs_f64(),
            is_held_back: self.is_held_back(),
        }
    }
}

fn check(name: &str, ok: bool, detail: String) -> CheckView {
    CheckView { name: name.to_owned(), ok, detail }
}

/// Seconds between two times, 0 if they are in the other order.
pub(super) fn seconds_since(time: Time, now: Time) -> f64 {
    Duration::from_millis(now.unix_ms().saturating_sub(time.unix_ms())).as_secs_f64()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures that the README names.
    #[test]
    fn the_security_is_the_documented_one() {
        assert_eq!(security(), SecurityView { conjectured_bits: 100, proven_bits: 59 });
    }
}
