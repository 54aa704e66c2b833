//! Accesses of leaves in the order in which slots make them, and the chain that binds the list (PROTOCOL.md §13).

use crate::AccountIndex;
use crate::crypto::poseidon::{RATE, WIDTH, permute};
use crate::crypto::{Digest, Goldilocks, Tag};

/// A leaf as a slot finds it and as the slot leaves it: the same digest twice if it is read only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// Position of the leaf.
    pub index: AccountIndex,
    /// Digest of the leaf before; 0 if it is empty.
    pub before: Digest,
    /// Digest of the leaf after.
    pub after: Digest,
}

/// The chain over no access.
pub const ACCESS_CHAIN_START: Digest = Digest([Goldilocks::from_u64(Tag::ACCESS.0), ZERO, ZERO, ZERO]);

const ZERO: Goldilocks = Goldilocks::ZERO;

impl Access {
    /// The chain after this access: the capacity of one permutation with both digests in its rate.
    ///
    /// The index is added to the first element of the chain before, so that it costs no permutation of its own.
    #[must_use]
    pub fn extend(&self, chain: &Digest) -> Digest {
        let mut state = [Goldilocks::ZERO; WIDTH];
        let (rate, capacity) = state.split_at_mut(RATE);
        rate[..4].copy_from_slice(&self.before.0);
        rate[4..].copy_from_slice(&self.after.0);
        capacity.copy_from_slice(&chain.0);
        capacity[0] += self.index.element();
        permute(&mut state);
        Digest([state[8], state[9], state[10], state[11]])
    }
}

/// The chain over accesses, from an earlier chain on.
#[must_use]
pub fn chain_accesses(chain: Digest, accesses: &[Access]) -> Digest {
    accesses.iter().fold(chain, |chain, access| access.extend(&chain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_access_and_the_order_enter_the_chain() {
        let digest = |seed: u64| Digest([0, 1, 2, 3].map(|i| Goldilocks::from_u64(seed + i)));
        let access = Access { index: AccountIndex(7), before: digest(10), after: digest(20) };
        let others = [
            Access { index: AccountIndex(8), ..access },
            Access { before: digest(11), ..access },
            Access { after: digest(21), ..access },
            Access { before: access.after, after: access.before, ..access },
        ];
        let chain = |accesses: &[Access]| chain_accesses(ACCESS_CHAIN_START, accesses);
        for other in others {
            assert_ne!(chain(&[access]), chain(&[other]));
            assert_ne!(chain(&[access, other]), chain(&[other, access]));
        }
        assert_eq!(chain(&[]), ACCESS_CHAIN_START);
        assert_eq!(chain(&[access, access]), chain_accesses(chain(&[access]), &[access]));
    }
}
