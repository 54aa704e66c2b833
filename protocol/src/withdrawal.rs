//! What a batch pays out on L1 (PROTOCOL.md §10).

use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

use crate::{Address, Amount, AssetId};

/// A payment that L1 owes after a batch is verified.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Who is paid.
    pub owner: Address,
    /// What.
    pub asset: AssetId,
    /// How much, in scaled units.
    pub amount: Amount,
}

impl Withdrawal {
    /// `keccak(owner ‖ asset ‖ amount)`, 30 bytes.
    #[must_use]
    pub fn leaf(&self) -> [u8; 32] {
        Keccak256::new()
            .chain_update(self.owner.0)
            .chain_update(self.asset.0.to_be_bytes())
            .chain_update(self.amount.get().to_be_bytes())
            .finalize()
            .into()
    }

    /// The siblings from leaf `position` up to the root of the tree over `withdrawals`; empty for a single leaf.
    ///
    /// # Panics
    /// If `position` is not one of `withdrawals`.
    #[must_use]
    pub fn path(withdrawals: &[Self], position: usize) -> Vec<[u8; 32]> {
        assert!(position < withdrawals.len(), "the leaf is one of the withdrawals");
        let mut siblings = Vec::new();
        let mut level = leaves(withdrawals);
        let mut index = position;
        while level.len() > 1 {
            siblings.push(level[index ^ 1]);
            level = parents(&level);
            index >>= 1;
        }
        siblings
    }
}

/// Root over the withdrawals of a batch in order, filled with zeros to a power of two; zero if there is none.
#[must_use]
pub fn withdrawals_root(withdrawals: &[Withdrawal]) -> [u8; 32] {
    if withdrawals.is_empty() {
        return [0; 32];
    }
    let mut level = leaves(withdrawals);
    while level.len() > 1 {
        level = parents(&level);
    }
    level[0]
}

fn leaves(withdrawals: &[Withdrawal]) -> Vec<[u8; 32]> {
    let mut leaves: Vec<_> = withdrawals.iter().map(Withdrawal::leaf).collect();
    leaves.resize(withdrawals.len().next_power_of_two(), [0; 32]);
    leaves
}

fn parents(level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let pairs = level.as_chunks::<2>().0;
    pairs
        .iter()
        .map(|[left, right]| Keccak256::new().chain_update(left).chain_update(right).finalize().into())
        .collect()
}
