//! What the node keeps on disk: the log of inputs, the state, the jobs of provers and their proofs.

pub mod blobs;
mod blocking;
pub mod jobs;
mod options;
pub mod rollup;

pub use rollup::{
    Applied, Change, Changed, IndexedTransaction, OpenError, Opened, Position, RollupStore, Standing, StateCommit,
    StoreError,
};
