//! Where work waits, and which stage is to blame.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far each stage is behind the one before it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Lags {
    /// Seconds since L1 last answered.
    pub l1_answer_seconds: f64,
    /// Seconds for which the transaction that waits longest has waited to be executed; 0 if none waits.
    pub execution_seconds: f64,
    /// Sealed batches without a proof.
    pub unproven_batches: u32,
    /// Seconds since the oldest of them was sealed; 0 if there is none.
    pub proving_seconds: f64,
    /// Proven batches that L1 has not verified.
    pub unverified_batches: u32,
    /// Seconds since the oldest of them was proven; 0 if there is none.
    pub l1_seconds: f64,
    /// Seconds by which the node's clock is ahead of L1's; 0 if it is not, or if L1 does not say what time it is. Far ahead,
    /// batches are dated by L1's clock.
    pub clock_ahead_seconds: f64,
    /// Whether no batch is begun because as many as allowed are not verified.
    pub is_held_back: bool,
}

/// The stage that holds up the others: the one at which work has waited longest. Transactions that wait only because no
/// further batch may begin count for the stage that is behind, not for execution.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Bottleneck {
    /// Which stage.
    pub stage: StageName,
    /// What was decided from, for people.
    pub reason: String,
}

/// A stage from the pool to L1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Nothing has waited for a second.
    None,
    /// Transactions wait to be executed.
    Execution,
    /// Batches wait for their proofs.
    Proving,
    /// Proven batches wait for L1.
    L1,
}

/// Work that has waited less holds nobody up.
const WAIT_SECONDS_MIN: f64 = 1.0;

impl Lags {
    /// The stage that holds up the others.
    #[must_use]
    pub fn bottleneck(&self) -> Bottleneck {
        let execution = if self.is_held_back { 0.0 } else { self.execution_seconds };
        let waits = [
            (StageName::Execution, execution),
            (StageName::Proving, self.proving_seconds),
            (StageName::L1, self.l1_seconds),
        ];
        let longest = waits.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        match longest.filter(|(_, seconds)| *seconds >= WAIT_SECONDS_MIN) {
            Some((stage, seconds)) => Bottleneck { stage, reason: self.reason(stage, seconds) },
            None => {
                let reason = "nothing has waited for a second".to_owned();
                Bottleneck { stage: StageName::None, reason }
            }
        }
    }

    fn reason(&self, stage: StageName, seconds: f64) -> String {
        match stage {
            StageName::None => String::new(),
            StageName::Execution => format!("a transaction has waited {seconds:.1} s to be executed"),
            StageName::Proving => {
                let held = if self.is_held_back { "; no further batch begins until one is verified" } else { "" };
                format!("{} sealed batches have no proof, the oldest for {seconds:.1} s{held}", self.unproven_batches)
            }
            StageName::L1 => {
                format!("{} proven batches are not verified, the oldest for {seconds:.1} s", self.unverified_batches)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(lags: Lags) -> StageName {
        lags.bottleneck().stage
    }

    #[test]
    fn the_longest_wait_names_the_stage() {
        assert_eq!(stage(Lags::default()), StageName::None);
        let proving = Lags { execution_seconds: 2.0, proving_seconds: 5.0, l1_seconds: 4.0, ..Lags::default() };
        assert_eq!(stage(proving), StageName::Proving);
        assert_eq!(stage(Lags { l1_seconds: 6.0, ..proving }), StageName::L1);
        assert_eq!(stage(Lags { execution_seconds: 7.0, ..proving }), StageName::Execution);
        assert_eq!(stage(Lags { proving_seconds: 0.9, ..Lags::default() }), StageName::None);
    }

    #[test]
    fn transactions_that_are_held_back_do_not_blame_execution() {
        let lags = Lags { execution_seconds: 60.0, proving_seconds: 5.0, unproven_batches: 8, ..Lags::default() };
        assert_eq!(stage(lags), StageName::Execution);
        let held_back = Lags { is_held_back: true, ..lags };
        assert_eq!(stage(held_back), StageName::Proving);
        assert!(held_back.bottleneck().reason.contains("8 sealed batches"));
    }
}
