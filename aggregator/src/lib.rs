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
pub mod circuits;
pub mod coordinator;
mod error;
mod event;
pub mod gateway;
mod job;
pub mod message;
mod plan;
mod pool;
mod prove;
mod scheduler;
mod statement;
#[cfg(test)]
mod testing;
pub mod worker;

pub use backend::{Backend, ProvenMerge, SealedBatch};
pub use batch::{JobReport, ProvenBatch};
pub use bench::{EndCosts, MergeCosts, bench_end, bench_merges};
pub use circuits::{CircuitId, CircuitInfo, Circuits, Refusal, TaskError};
pub use coordinator::{BatchResult, Coordinator, FleetConfig, OrderError, WrappedBatch};
pub use error::{BatchError, PoolError, SubmitError};
pub use event::{FleetEvent, JobNews, Observer};
pub use job::{Job, JobEvent, JobKind, JobState, Span};
pub use message::{Assignment, FleetError, ProofOutcome, Welcome, WorkerHello};
pub use plan::{Children, MergeJob, MergePlan, PlanError};
pub use pool::{BatchProver, PoolConfig, ProvingPool};
pub use prove::{prove_aggregate, prove_lift, prove_seal, prove_wrap};
pub use statement::{BatchEnd, JobStatement, SegmentOrder, Task};
pub use worker::{ChildProcess, Executor, InProcess, Local, Transport, Worker, WorkerConfig};
