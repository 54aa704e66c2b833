//! The chain's clock: real time plus what callers have moved it forward, strictly rising from block to block.

use std::time::{SystemTime, UNIX_EPOCH};

/// Gives blocks their times.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Seconds by which the clock is ahead of real time.
    offset: u64,
}

impl Clock {
    /// Moves the clock forward, to at least `seconds` after the block of time `last`.
    pub(super) fn advance(&mut self, seconds: u64, last: u64) {
        // Blocks that came faster than one a second have run ahead of the clock: it catches up with them first.
        self.offset = self.offset.max(last.saturating_sub(real_seconds())) + seconds;
    }

    /// Seconds by which the clock is ahead of real time.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Puts the clock ahead of real time by so many seconds.
    pub(super) const fn set_offset(&mut self, seconds: u64) {
        self.offset = seconds;
    }

    /// Time of a block after one of time `last`, UNIX seconds.
    pub(super) fn next(&self, last: u64) -> u64 {
        (real_seconds() + self.offset).max(last + 1)
    }
}

fn real_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
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
        clock.advance(1_000, now + 50);
        assert!(clock.next(now + 50) >= now + 1_050);
    }
}
