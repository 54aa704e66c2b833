//! The running state S: all that travels from one slot, segment or proof to the next.

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{FeeSums, TREE_DEPTH, empty_subtree};

/// Root, record chain and fee sums after some slot of a batch (PROTOCOL.md §7). The group part is 0 in version 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RunningState {
    /// Root of the state tree.
    pub root: Digest,
    /// Chain over the batch's records so far.
    pub chain: Digest,
    /// Fees paid and not collected.
    pub fee_sums: FeeSums,
}

impl RunningState {
    /// Elements of the preimage of S.
    pub const ELEMENTS: usize = 21;

    /// The state in which a batch starts: an empty chain, no fees.
    #[must_use]
    pub fn start_of_batch(root: Digest) -> Self {
        Self { root, chain: Digest::ZERO, fee_sums: FeeSums::default() }
    }

    /// The state of a new deployment.
    #[must_use]
    pub fn genesis() -> Self {
        Self::start_of_batch(empty_subtree(TREE_DEPTH))
    }

    /// The 21 elements that S hashes.
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; Self::ELEMENTS] {
        let mut elements = [Goldilocks::ZERO; Self::ELEMENTS];
        elements[0..4].copy_from_slice(&self.root.0);
        elements[4..8].copy_from_slice(&self.chain.0);
        elements[8..12].copy_from_slice(&self.fee_sums.amounts().map(|sum| Goldilocks::from_u64(sum.get())));
        elements
    }

    /// S itself.
    #[must_use]
    pub fn digest(&self) -> Digest {
        poseidon::hash(Tag::STATE, &self.elements())
    }

    /// S~: the same with a chain of accesses in place of the root, under a tag of its own (PROTOCOL.md §13).
    #[must_use]
    pub fn access_digest(&self, accesses: Digest) -> Digest {
        poseidon::hash(Tag::ACCESS_STATE, &Self { root: accesses, ..*self }.elements())
    }
}
