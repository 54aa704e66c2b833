//! Statements of the proofs (PROTOCOL.md §9).

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{ACCESS_CHAIN_START, Context, DataPoint, Record, RunningState, evaluate_data};

/// What a segment, lift or aggregate proof claims: in this context, the slots lead from one running state to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SegmentStatement {
    /// Context of the batch.
    pub context: Context,
    /// S before the first slot.
    pub before: Digest,
    /// S after the last slot.
    pub after: Digest,
}

impl SegmentStatement {
    /// Public inputs of the statement.
    pub const ELEMENTS: usize = 12;

    /// Context ‖ S before ‖ S after.
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; Self::ELEMENTS] {
        let mut elements = [Goldilocks::ZERO; Self::ELEMENTS];
        for (part, digest) in elements.chunks_exact_mut(4).zip([self.context.0, self.before, self.after]) {
            part.copy_from_slice(&digest.0);
        }
        elements
    }
}

/// What adjacent segments claim that leave their openings to a table (PROTOCOL.md §13): slots lead from one running state to
/// another, if accesses with this chain lead from root to root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct OpenedStatement {
    /// Context of the batch.
    pub context: Context,
    /// The running states before the first slot and after the last one.
    pub states: [RunningState; 2],
    /// The access chain before the first slot and after the last one.
    pub chains: [Digest; 2],
}

impl OpenedStatement {
    /// What the segments from these to those claim together: `last` ends them and has the same table.
    #[must_use]
    pub const fn to(&self, last: &Self) -> Self {
        Self {
            context: self.context,
            states: [self.states[0], last.states[1]],
            chains: [self.chains[0], last.chains[1]],
        }
    }

    /// What their proof claims: S~ before and S~ after.
    #[must_use]
    pub fn claimed(&self) -> SegmentStatement {
        let [before, after] = [0, 1].map(|end| self.states[end].access_digest(self.chains[end]));
        SegmentStatement { context: self.context, before, after }
    }

    /// What they claim together with their table: S before and S after.
    #[must_use]
    pub fn joined(&self) -> SegmentStatement {
        let [before, after] = self.states.each_ref().map(RunningState::digest);
        SegmentStatement { context: self.context, before, after }
    }

    /// Whether a table begins with the accesses of the first slot.
    #[must_use]
    pub fn begins_table(&self) -> bool {
        self.chains[0] == ACCESS_CHAIN_START
    }
}

/// What the seal of a batch claims, and L1 computes for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SealStatement {
    /// Context of the batch.
    pub context: Context,
    /// State root before the batch.
    pub root_before: Digest,
    /// State root after it.
    pub root_after: Digest,
    /// Chain over all records of the batch.
    pub chain: Digest,
    /// Number of records.
    pub record_count: u32,
    /// The point at which the data are evaluated.
    pub z: DataPoint,
    /// Value of the data at that point.
    pub value: DataPoint,
}

impl SealStatement {
    /// Elements of the preimage.
    pub const ELEMENTS: usize = 21;

    /// The statement of a batch that leads from one root to the other with these records, `chain` over them, as L1 computes
    /// it from the published data.
    #[must_use]
    pub fn of_batch(
        context: Context,
        [root_before, root_after]: [Digest; 2],
        chain: Digest,
        records: &[Record],
    ) -> Self {
        let z = DataPoint::of_batch(&context, records, &chain);
        // No batch has as many records as 32 bits can count, and none is proved that claims to.
        let record_count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        Self { context, root_before, root_after, chain, record_count, z, value: evaluate_data(records, z) }
    }

    /// The 21 elements that the public digest hashes.
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; Self::ELEMENTS] {
        let mut elements = [Goldilocks::ZERO; Self::ELEMENTS];
        let digests = [self.context.0, self.root_before, self.root_after, self.chain];
        for (part, digest) in elements.chunks_exact_mut(4).zip(digests) {
            part.copy_from_slice(&digest.0);
        }
        elements[16] = Goldilocks::from_u64(u64::from(self.record_count));
        elements[17..19].copy_from_slice(&self.z.0);
        elements[19..21].copy_from_slice(&self.value.0);
        elements
    }

    /// `H(STATEMENT; …)`: the 4 public inputs of seal and wrap.
    #[must_use]
    pub fn digest(&self) -> Digest {
        poseidon::hash(Tag::STATEMENT, &self.elements())
    }
}
