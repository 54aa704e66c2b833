//! Limits and times of a node.

use std::time::Duration;

use weft_prover::SegmentSize;

/// When a batch ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Slots after which a batch is sealed, those that collect fees apart.
    pub slots_max: usize,
    /// Time after the first slot at which a batch is sealed.
    pub seal_after: Duration,
    /// Batches that may be sealed and not yet verified on L1; further transactions wait in the pool.
    pub unverified_max: usize,
}

/// Settings of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeConfig {
    /// When a batch ends.
    pub batch: BatchLimits,
    /// Which segments are proved while a batch still grows: the first proof of small ones starts early, large ones are
    /// less work for each transaction.
    pub streamed: SegmentSize,
    /// Transactions that may wait for a batch.
    pub pool_max: usize,
    /// How often L1 is asked for news.
    pub l1_poll: Duration,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            batch: BatchLimits { slots_max: 1024, seal_after: Duration::from_secs(5), unverified_max: 8 },
            streamed: SegmentSize::Small,
            pool_max: 10_000,
            l1_poll: Duration::from_millis(100),
        }
    }
}
