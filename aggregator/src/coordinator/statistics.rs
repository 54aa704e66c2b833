//! How long jobs take.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::StallLimits;
use crate::JobKind;

/// Jobs of a kind that are looked back on.
const SAMPLES_MAX: usize = 64;

/// Times of the last jobs, by kind.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    walls: BTreeMap<JobKind, VecDeque<Duration>>,
}

impl Statistics {
    pub(super) fn note(&mut self, kind: JobKind, wall: Duration) {
        let walls = self.walls.entry(kind).or_default();
        if walls.len() == SAMPLES_MAX {
            walls.pop_front();
        }
        walls.push_back(wall);
    }

    pub(super) fn median(&self, kind: JobKind) -> Option<Duration> {
        self.quantile(kind, 50)
    }

    /// The longest that a stage of such a job may last.
    pub(super) fn stall(&self, kind: JobKind, limits: StallLimits) -> Duration {
        self.quantile(kind, 95).map_or(limits.unknown, |wall| wall.saturating_mul(limits.factor).max(limits.floor))
    }

    fn quantile(&self, kind: JobKind, percent: usize) -> Option<Duration> {
        let mut walls: Vec<_> = self.walls.get(&kind)?.iter().copied().collect();
        walls.sort_unstable();
        walls.get((walls.len() * percent / 100).min(walls.len() - 1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: StallLimits =
        StallLimits { factor: 5, floor: Duration::from_secs(7), unknown: Duration::from_secs(90) };

    #[test]
    fn limits_follow_what_jobs_take() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.stall(JobKind::Lift, LIMITS), LIMITS.unknown);
        statistics.note(JobKind::Lift, Duration::from_secs(1));
        assert_eq!(statistics.stall(JobKind::Lift, LIMITS), LIMITS.floor);
        assert_eq!(statistics.stall(JobKind::Seal, LIMITS), LIMITS.unknown, "other kinds say nothing");
        for seconds in 1..=100 {
            statistics.note(JobKind::Lift, Duration::from_secs(seconds));
        }
        // Of 37 to 100.
        assert_eq!(statistics.median(JobKind::Lift), Some(Duration::from_secs(69)));
        assert_eq!(statistics.stall(JobKind::Lift, LIMITS), Duration::from_secs(5 * 97));
    }
}
