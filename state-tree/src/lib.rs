//! Sparse Poseidon Merkle tree over leaf digests (PROTOCOL.md §4).
//!
//! [`StateTree`] knows indices and digests, not what they stand for. It lives in memory: per level a sparse directory of
//! dense runs of nodes, so that neighbouring accounts share runs and a leaf far away costs one run a level.
//!
//! All work on many leaves is level-synchronous: first every node of a level is known, then all their parents are hashed
//! at once on rayon's threads.
//!
//! [`Multiproof`] leads many leaves to one root; [`PartialTree`], which it opens, reads and writes them without the tree.
//! [`Replaced`] is what writes leave behind if they are asked to, and shows paths as they were.
//!
//! Invariant: a node that is not stored is the root of an empty subtree of its height; every stored node is the hash of its
//! two children.

mod error;
mod level;
mod multiproof;
mod replaced;
mod tree;

pub use error::IndexOutOfRange;
pub use multiproof::{Multiproof, MultiproofError, PartialTree};
pub use replaced::Replaced;
pub use tree::{StateTree, TimedPath};
