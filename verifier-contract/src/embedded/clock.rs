//! The chain's clock: real time plus what callers have moved it forward, strictly rising from block to block.

use std::time::{SystemTime, UNIX_EPOCH};

/// Gives blocks their times.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Seconds by which the clock is ahead of real time.
    offset: u64,
}

impl Clock {
    /// Moves the clock forward.
    pub(super) fn advance(&mut self, seconds: u64) {
        self.offset += seconds;
    }

    /// Time of a block after one of time `last`, UNIX seconds.
    pub(super) fn next(&self, last: u64) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        (real + self.offset).max(last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn time_strictly_rises_and_follows_the_offset() {
        let mut clock = Clock::default();
        let now = clock.next(0);
        assert!(now > 1_700_000_000, "the real clock");
        assert_eq!(clock.next(now + 50), now + 51);
        clock.advance(1_000);
        assert!(clock.next(0) >= now + 1_000);
    }
}
