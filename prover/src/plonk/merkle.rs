//! Merkle trees over columns.

use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::GenericHashOut;
use rayon::prelude::*;
use weft_circuits::config::F;

use super::hasher::PackedHasher;

/// Nodes that a task hashes: enough of them that the task's own cost does not matter.
const TASK: usize = 256;

/// A tree whose leaves are the rows of a table, which is kept by columns.
#[derive(Debug)]
pub(super) struct Tree<H: PackedHasher> {
    columns: Vec<Vec<F>>,
    /// Digests of the leaves, then of their parents, up to the cap.
    levels: Vec<Vec<H::Hash>>,
}

impl<H: PackedHasher> Tree<H> {
    /// Hashes the rows of `columns`, which have the same length, a power of two of at least `2^cap_height`.
    pub(super) fn new(columns: Vec<Vec<F>>, cap_height: usize) -> Self {
        let rows = columns[0].len();
        let mut level = blank::<H>(rows);
        level.par_chunks_mut(TASK).enumerate().for_each(|(task, digests)| {
            H::hash_rows(&columns, task * TASK, digests);
        });
        let mut levels = vec![level];
        for bits in (cap_height..rows.ilog2() as usize).rev() {
            let mut parents = blank::<H>(1 << bits);
            let children = &levels[levels.len() - 1];
            parents.par_chunks_mut(TASK).zip(children.par_chunks(2 * TASK)).for_each(|(parents, children)| {
                H::hash_pairs(children, parents);
            });
            levels.push(parents);
        }
        Self { columns, levels }
    }

    /// A tree that was hashed before.
    pub(super) const fn of_circuit(columns: Vec<Vec<F>>, levels: Vec<Vec<H::Hash>>) -> Self {
        Self { columns, levels }
    }

    /// The table, column by column.
    pub(super) fn columns(&self) -> &[Vec<F>] {
        &self.columns
    }

    /// The nodes at the height of the cap.
    pub(super) fn cap(&self) -> MerkleCap<F, H> {
        MerkleCap(self.levels[self.levels.len() - 1].clone())
    }

    /// A row of the table.
    pub(super) fn row(&self, index: usize) -> Vec<F> {
        self.columns.iter().map(|column| column[index]).collect()
    }

    /// The siblings from a leaf up to the cap.
    pub(super) fn path(&self, index: usize) -> MerkleProof<F, H> {
        let below_cap = &self.levels[..self.levels.len() - 1];
        let siblings = below_cap.iter().enumerate().map(|(height, level)| level[(index >> height) ^ 1]).collect();
        MerkleProof { siblings }
    }
}

/// Room for digests.
fn blank<H: PackedHasher>(count: usize) -> Vec<H::Hash> {
    vec![H::Hash::from_bytes(&vec![0; H::HASH_SIZE]); count]
}
