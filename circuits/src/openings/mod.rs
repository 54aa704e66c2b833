//! Openings of many slots in one table (PROTOCOL.md §13).
//!
//! Many slots of a batch read and write leaves of one tree. Instead of two paths for each access, one table of Poseidon
//! permutations proves the union of all paths, once before the first access and once after the last; what happens to a
//! leaf in between is a list of accesses in order.
//!
//! ```text
//! node of the tree before │ the same node after │ … │ padding │ access │ access │ …      one permutation a row
//! ```
//! A node sends its children's digests to their own rows, from the root of the tree before down to the leaves; a leaf goes
//! through its accesses in order of time; the last one's digest comes back up to the root of the tree after. All of them
//! travel as tuples (position, height, time, digest) of one multiset, in which each is sent once and received once. A row
//! of an access is also a link of the chain that binds the list to the slots' own proof.
//!
//! Invariant: a proof that verifies shows that exactly the listed accesses, in their order, lead from the root before to
//! the root after.

mod air;
mod columns;
mod constraints;
mod encoding;
mod permutation;
mod proof;
pub mod relation;
#[cfg(test)]
mod tests;
mod trace;

use serde::{Deserialize, Serialize};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{Access, AccountIndex, TREE_DEPTH};

pub(crate) use air::Air;
pub use columns::COLUMNS;
pub(crate) use proof::{Auxiliary, HELPERS};
pub use proof::{FilledTable, OpeningsProof, OpeningsTable};

use crate::config::F;
use crate::ledger::ClauseId;
use crate::wired::from_field;
use crate::wires;

/// Ids of the clauses that the table constrains; OP-8 in part and OP-9 by lookups.
pub const CLAUSES: &[ClauseId] = &["OP-1", "OP-2", "OP-3", "OP-4", "OP-5", "OP-6", "OP-7", "OP-8", "OP-9", "OP-10"];

/// A list of accesses with what leads them to the root.
#[derive(Clone, Copy, Debug)]
pub struct Openings<'a> {
    /// The accesses in order, at least one.
    pub accesses: &'a [Access],
    /// In the tree before the first access: the nodes beside the paths of the leaves that are on none of the paths, level
    /// by level from the leaves up, from left to right.
    pub siblings: &'a [Digest],
}

/// What a table proves: the accesses lead from one root to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OpeningsStatement {
    /// Root of the tree before the first access.
    pub root_before: Digest,
    /// Root of the tree after the last access.
    pub root_after: Digest,
    /// End of the chain over the accesses.
    pub accesses: Digest,
}

wires! {
    /// Wires of an [`OpeningsStatement`].
    pub struct OpeningsStatementWires for OpeningsStatement { root_before: Digest, root_after: Digest, accesses: Digest }
}

impl OpeningsStatement {
    /// The statement with these twelve elements.
    fn from_elements(elements: &[F]) -> Self {
        let digest =
            |part: usize| Digest(std::array::from_fn::<Goldilocks, 4, _>(|i| from_field(elements[4 * part + i])));
        Self { root_before: digest(0), root_after: digest(1), accesses: digest(2) }
    }
}

/// No proof of openings, or none that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningsError {
    /// There is no access.
    #[error("a table needs an access")]
    Empty,
    /// An index is 2^28 or above.
    #[error("the tree has no leaf at {index}")]
    Index {
        /// The index.
        index: AccountIndex,
    },
    /// An access finds something else than the access before it left.
    #[error("an access of {index} does not find what the one before it left")]
    Unlinked {
        /// Index of the leaf.
        index: AccountIndex,
    },
    /// There are more or fewer siblings than the accesses need.
    #[error("the accesses need {expected} siblings, got {got}")]
    Siblings {
        /// Siblings that are needed.
        expected: usize,
        /// Siblings given.
        got: usize,
    },
    /// The openings do not fit the table.
    #[error("the openings need {rows} rows, the table has {capacity}")]
    TooManyRows {
        /// Rows that are needed.
        rows: usize,
        /// Rows of the table.
        capacity: usize,
    },
    /// No proof was made.
    #[error("no proof of openings: {reason}")]
    Unproved {
        /// What the prover said.
        reason: String,
    },
    /// The proof is not one of a table of this size under these parameters.
    #[error("the proof of openings has another shape")]
    Shape,
    /// The proof does not prove its statement.
    #[error("the proof of openings is invalid: {reason}")]
    Invalid {
        /// What the library said.
        reason: String,
    },
}

/// Rows that these accesses need: two for each node on one of their paths, one for each access.
///
/// # Errors
/// There is no access, or an index is out of range.
pub fn rows_for(accesses: &[Access]) -> Result<usize, OpeningsError> {
    if accesses.is_empty() {
        return Err(OpeningsError::Empty);
    }
    if let Some(access) = accesses.iter().find(|access| !access.index.in_tree()) {
        return Err(OpeningsError::Index { index: access.index });
    }
    let mut level: Vec<u32> = accesses.iter().map(|access| access.index.0).collect();
    level.sort_unstable();
    let nodes: usize = (0..TREE_DEPTH)
        .map(|_| {
            level.iter_mut().for_each(|position| *position >>= 1);
            level.dedup();
            level.len()
        })
        .sum();
    Ok(2 * nodes + accesses.len())
}
