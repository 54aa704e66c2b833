//! Bounds of a coordinator.

use std::num::NonZeroUsize;
use std::time::Duration;

use weft_storage::jobs::Budgets;

use super::conduct::ConductLimits;
use crate::JobKind;
use crate::message::BUILD;
use crate::pass::FleetKey;

/// Bounds and retries of a coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FleetConfig {
    /// Version that workers must have.
    pub build: String,
    /// Binds the secrets of workers to the token of the fleet.
    pub fleet: FleetKey,
    /// Retries and leases: those of the store.
    pub budgets: Budgets,
    /// How often a worker beats; a third of the lease or less.
    pub beat: Duration,
    /// What a worker may do before it is kept from jobs.
    pub conduct: ConductLimits,
    /// How often leases are looked after.
    pub tick: Duration,
    /// When a stage is taken for hanging.
    pub stall: StallLimits,
    /// How long a worker may have a job, however often it beats.
    pub lease_max: LeaseMax,
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

/// Longest time that a worker may have a job of each kind: a hundred times and more of what it takes on two cores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseMax {
    /// A segment or openings; it takes seconds.
    pub segment: Duration,
    /// A lift, a join or an aggregate; it takes a second or two.
    pub merge: Duration,
    /// A seal; it takes seconds.
    pub seal: Duration,
    /// A wrap; it takes up to half a minute.
    pub wrap: Duration,
}

impl LeaseMax {
    /// The longest time for this kind.
    #[must_use]
    pub const fn of(&self, kind: JobKind) -> Duration {
        match kind {
            JobKind::Segment | JobKind::Openings => self.segment,
            JobKind::Lift | JobKind::Join | JobKind::Aggregate => self.merge,
            JobKind::Seal => self.seal,
            JobKind::Wrap => self.wrap,
        }
    }
}

impl Default for LeaseMax {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self { segment: MINUTE * 20, merge: MINUTE * 15, seal: MINUTE * 30, wrap: MINUTE * 60 }
    }
}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            build: BUILD.to_owned(),
            fleet: FleetKey::of(None),
            budgets: Budgets::default(),
            beat: Duration::from_secs(5),
            conduct: ConductLimits::default(),
            tick: Duration::from_millis(500),
            stall: StallLimits { factor: 5, floor: Duration::from_secs(60), unknown: Duration::from_secs(900) },
            lease_max: LeaseMax::default(),
            verifier_threads: NonZeroUsize::MIN,
        }
    }
}
