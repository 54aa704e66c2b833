//! Bounds of a coordinator.

use std::num::NonZeroUsize;
use std::time::Duration;

use weft_storage::jobs::Budgets;

use crate::message::BUILD;

/// Bounds and retries of a coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FleetConfig {
    /// Version that workers must have.
    pub build: String,
    /// Retries and leases: those of the store.
    pub budgets: Budgets,
    /// How often a worker beats; a third of the lease or less.
    pub beat: Duration,
    /// Invalid proofs of one worker until it is suspended.
    pub invalid_per_worker_max: u32,
    /// How often leases are looked after.
    pub tick: Duration,
    /// When a stage is taken for hanging.
    pub stall: StallLimits,
    /// Threads that check proofs.
    pub verifier_threads: NonZeroUsize,
}

/// How long a stage may last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StallLimits {
    /// So many times as long as 95 of 100 whole jobs of the kind.
    pub factor: u32,
    /// But at least so long.
    pub floor: Duration,
    /// While no job of the kind is done.
    pub unknown: Duration,
}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            build: BUILD.to_owned(),
            budgets: Budgets::default(),
            beat: Duration::from_secs(5),
            invalid_per_worker_max: 2,
            tick: Duration::from_millis(500),
            stall: StallLimits { factor: 5, floor: Duration::from_secs(60), unknown: Duration::from_secs(900) },
            verifier_threads: NonZeroUsize::MIN,
        }
    }
}
