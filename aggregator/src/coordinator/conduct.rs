//! How workers behave, by name, so that a new registration forgives nothing: who must rest, for how long, and why.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_storage::jobs::Millis;

use super::workers::elapsed;

/// Names of which more than nothing is known; the one that was last heard of first is forgotten.
const NAMES_MAX: usize = 4096;
/// Rest after a job that was claimed and given back undone; twice as long after each further one.
const RELEASE_REST: Duration = Duration::from_secs(2);
/// Doublings of that rest at most.
const RELEASE_DOUBLINGS_MAX: u32 = 7;

/// What a worker may do before it is kept from jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConductLimits {
    /// Invalid proofs until it is suspended.
    pub invalid_max: u32,
    /// Failures more than proofs until it is set aside, if others can do its work.
    pub failures_max: u32,
    /// For how long it is then set aside.
    pub cooling: Duration,
}

impl Default for ConductLimits {
    fn default() -> Self {
        Self { invalid_max: 2, failures_max: 5, cooling: Duration::from_secs(300) }
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Conducts(BTreeMap<String, Conduct>);

#[derive(Debug, Default)]
struct Conduct {
    invalid: u32,
    /// Failures more than proofs.
    failures: u32,
    /// Jobs given back undone since the last proof.
    releases: u32,
    set_aside: Option<Millis>,
    rest: Option<Rest>,
    heard: Millis,
}

/// No jobs for a while.
#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Millis,
    time: Duration,
}

impl Conducts {
    fn of(&mut self, name: &str, now: Millis) -> &mut Conduct {
        if !self.0.contains_key(name) && self.0.len() >= NAMES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, conduct)| conduct.heard).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.0.remove(&name));
        }
        let conduct = self.0.entry(name.to_owned()).or_default();
        conduct.heard = now;
        conduct
    }

    /// Counts a failure. Returns whether the worker is set aside for it.
    pub(super) fn failed(&mut self, name: &str, now: Millis, limits: &ConductLimits) -> bool {
        let conduct = self.of(name, now);
        conduct.failures += 1;
        let is_over = conduct.failures >= limits.failures_max;
        if is_over {
            // It gets one try after that.
            conduct.failures = limits.failures_max.saturating_sub(1);
            conduct.set_aside = Some(now);
        }
        is_over
    }

    /// Counts an invalid proof. Returns how many there were.
    pub(super) fn invalid(&mut self, name: &str, now: Millis) -> u32 {
        let conduct = self.of(name, now);
        conduct.invalid += 1;
        conduct.invalid
    }

    /// A proof of it counts.
    pub(super) fn proved(&mut self, name: &str) {
        let Some(conduct) = self.0.get_mut(name) else { return };
        conduct.failures = conduct.failures.saturating_sub(1);
        conduct.releases = 0;
        conduct.rest = None;
        if conduct.failures == 0 && conduct.invalid == 0 && conduct.set_aside.is_none() {
            self.0.remove(name);
        }
    }

    /// It has given a job back undone.
    pub(super) fn released(&mut self, name: &str, now: Millis) {
        let conduct = self.of(name, now);
        let doublings = conduct.releases.min(RELEASE_DOUBLINGS_MAX);
        conduct.releases += 1;
        conduct.rest = Some(Rest { since: now, time: RELEASE_REST * (1 << doublings) });
    }

    pub(super) fn is_suspended(&self, name: &str, limits: &ConductLimits) -> bool {
        self.0.get(name).is_some_and(|conduct| conduct.invalid >= limits.invalid_max)
    }

    /// Whether it is set aside now.
    pub(super) fn is_set_aside(&self, name: &str, now: Millis, limits: &ConductLimits) -> bool {
        let since = self.0.get(name).and_then(|conduct| conduct.set_aside);
        since.is_some_and(|since| lasts(since, now, limits.cooling))
    }

    /// Whether it rests now from giving jobs back.
    pub(super) fn rests(&self, name: &str, now: Millis) -> bool {
        let rest = self.0.get(name).and_then(|conduct| conduct.rest);
        rest.is_some_and(|rest| lasts(rest.since, now, rest.time))
    }

    /// Forgets all of a worker. Returns whether it was kept from jobs; `None` if nothing was known.
    pub(super) fn forgive(&mut self, name: &str, now: Millis, limits: &ConductLimits) -> Option<bool> {
        let was_kept = self.is_suspended(name, limits) || self.is_set_aside(name, now, limits);
        self.0.remove(name).map(|_| was_kept)
    }
}

/// Whether what has begun then lasts still. A clock that was set back ends it.
fn lasts(since: Millis, now: Millis, time: Duration) -> bool {
    now >= since && elapsed(since, now) < time
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConductLimits =
        ConductLimits { invalid_max: 2, failures_max: 3, cooling: Duration::from_millis(1_000) };

    #[test]
    fn who_fails_much_more_than_it_proves_is_set_aside_for_a_while() {
        let mut conducts = Conducts::default();
        for (failed, is_over) in [(true, false), (true, false), (false, false), (true, false), (true, true)] {
            if failed {
                assert_eq!(conducts.failed("a", Millis(5), &LIMITS), is_over);
            } else {
                conducts.proved("a");
            }
        }
        let is_set_aside = |conducts: &Conducts, now| conducts.is_set_aside("a", Millis(now), &LIMITS);
        assert!(is_set_aside(&conducts, 5) && is_set_aside(&conducts, 1_004) && !is_set_aside(&conducts, 1_005));
        assert!(!is_set_aside(&conducts, 4), "the clock was set back");
        assert!(conducts.failed("a", Millis(1_005), &LIMITS), "it has one try");
        assert_eq!(conducts.forgive("a", Millis(1_006), &LIMITS), Some(true));
        assert_eq!(conducts.forgive("a", Millis(1_006), &LIMITS), None);
        assert!(!is_set_aside(&conducts, 1_006) && !conducts.failed("a", Millis(1_006), &LIMITS));
    }

    #[test]
    fn who_gives_jobs_back_rests_longer_each_time_until_it_proves_one() {
        let mut conducts = Conducts::default();
        let rest = |conducts: &Conducts, ms| conducts.rests("a", Millis(ms));
        conducts.released("a", Millis(0));
        assert!(rest(&conducts, 1_999) && !rest(&conducts, 2_000));
        conducts.released("a", Millis(2_000));
        assert!(rest(&conducts, 5_999) && !rest(&conducts, 6_000));
        for _ in 0..20 {
            conducts.released("a", Millis(6_000));
        }
        assert!(rest(&conducts, 6_000 + 255_999) && !rest(&conducts, 6_000 + 256_000), "it has a bound");
        conducts.proved("a");
        assert!(!rest(&conducts, 6_001));
    }

    #[test]
    fn names_are_bounded_and_the_oldest_goes_first() {
        let mut conducts = Conducts::default();
        for number in 0..=NAMES_MAX {
            let now = Millis(u64::try_from(number).expect("few"));
            assert_eq!(conducts.invalid(&number.to_string(), now), 1);
        }
        assert_eq!(conducts.0.len(), NAMES_MAX);
        assert_eq!(conducts.invalid("0", Millis(9_999)), 1, "it was forgotten");
        assert_eq!(conducts.invalid(&NAMES_MAX.to_string(), Millis(9_999)), 2);
    }
}
