//! What time it is on L1, while no block comes too.

use std::time::Instant;

use crate::l1::L1Head;

/// Seconds by which the node's clock may be ahead of L1's. L1 takes no batch from the future: one with a time this far ahead
/// can be committed so many seconds later, long before its proof is there.
pub(super) const AHEAD_MAX: u64 = 120;

/// L1's clock, read now and then. Between two readings it goes on as fast as any clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct L1Time {
    reading: Option<(u64, Instant)>,
}

impl L1Time {
    /// Takes what a head tells, given the one before it: the time that a block would have now, or that of a block which has
    /// just come. The time of an old block says nothing: there are chains that make one only for a transaction.
    pub(super) fn read(&mut self, head: &L1Head, before: &L1Head) {
        let has_just_come = before.number > 0 && head.number > before.number;
        if let Some(seconds) = head.now.or(has_just_come.then_some(head.timestamp)) {
            self.reading = Some((seconds, Instant::now()));
        }
    }

    /// Seconds by which a clock that says `now` is ahead of L1's; `None` if L1's is not known.
    pub(super) fn ahead(&self, now: u64) -> Option<u64> {
        self.reading.map(|(seconds, at)| now.saturating_sub(seconds + at.elapsed().as_secs()))
    }
}
