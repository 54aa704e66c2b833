//! Merges segment proofs, seals and wraps a batch.
//!
//! ```text
//! BatchProver → Scheduler (FIFO of batches, each with a MergePlan) → workers → Backend → JobEvent, ProvenBatch
//! ```
//! * [`MergePlan`]: which proofs are merged with which, as a pure state machine;
//! * [`ProvingPool`], [`BatchProver`]: worker threads, and the way batches get to them;
//! * [`Backend`]: what a job does; [`weft_prover::CircuitSet`] makes real proofs;
//! * [`JobEvent`]: news for progress displays; [`ProvenBatch`]: the end.
//!
//! Invariants: a proof counts once it was verified against the statement that its job expects; only adjacent proofs are
//! merged; no job is done twice but for one retry after a failure; threads of an async runtime never prove.

mod backend;
mod batch;
mod bench;
mod error;
mod job;
mod plan;
mod pool;
mod scheduler;
#[cfg(test)]
mod testing;

pub use backend::{Backend, BatchEnd, ProvenMerge, SealedBatch};
pub use batch::{JobReport, ProvenBatch};
pub use bench::{EndCosts, MergeCosts, bench_end, bench_merges};
pub use error::{BatchError, PoolError, SubmitError};
pub use job::{Job, JobEvent, JobKind, JobState, Span};
pub use plan::{Children, MergeJob, MergePlan, PlanError};
pub use pool::{BatchProver, PoolConfig, ProvingPool};
