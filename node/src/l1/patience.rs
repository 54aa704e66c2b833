//! How long the node waits for an L1 that does not answer.

use std::fmt;
use std::time::Duration;

/// Wait after the first failure; twice as long after each further one.
const FIRST: Duration = Duration::from_millis(250);
/// Longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(30);
/// Failures in a row after which the node gives up: about a day.
const FAILURES_MAX: u32 = 2_880;

/// Failures in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    first: Duration,
    failures: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: FIRST, failures: 0 }
    }
}

impl Patience {
    /// Waits after a failure; longer each time. Returns whether it makes sense to try again.
    pub async fn wait(&mut self, what: &str, error: &impl fmt::Display) -> bool {
        self.failures += 1;
        if self.failures > FAILURES_MAX {
            return false;
        }
        tracing::warn!(%error, failures = self.failures, "{what}");
        tokio::time::sleep(self.pause()).await;
        true
    }

    /// How many there were.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    fn pause(self) -> Duration {
        self.first.saturating_mul(1 << self.failures.saturating_sub(1).min(16)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Patience {
        /// The shortest waits: for tests of many failures.
        pub(in crate::l1) fn short() -> Self {
            Self { first: Duration::from_micros(100), ..Self::default() }
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<_> = (1..12).map(|failures| Patience { failures, ..Patience::default() }.pause()).collect();
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.windows(2).all(|pair| pair[1] == LONGEST.min(pair[0] * 2)), "{pauses:?}");
        assert_eq!(pauses[10], LONGEST);
    }
}
