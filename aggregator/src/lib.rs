//! Proves batches with a fleet of workers: merges segment proofs, seals and wraps.
//!
//! ```text
//! orders → Coordinator (MergePlan, store of jobs, blobs) ⇄ Transport (Local | HTTP gateway) ⇄ Worker → Executor → proof
//! ```
//! * [`MergePlan`]: which proofs are merged with which;
//! * [`coordinator`]: jobs out of orders, leases, checks of proofs, news and views;
//! * [`worker`]: the loop of a worker, proofs in this process or in one of their own;
//! * [`gateway`]: the coordinator for workers on other machines;
//! * [`Circuits`]: what a job does; [`weft_prover::CircuitSet`] makes real proofs.
//!
//! Invariants: a proof counts once it was verified against the statement and the circuit of its job, whoever made it; a job
//! is known by what it proves, and is done once; what a crash must not lose is in the stores; threads of an async runtime
//! neither prove nor verify.

mod bench;
pub mod circuits;
pub mod coordinator;
mod event;
pub mod gateway;
mod job;
pub mod message;
mod pass;
mod plan;
mod prove;
mod statement;
mod trace;
pub mod worker;

pub use bench::{
    BenchError, EndCosts, FleetBatch, FleetCosts, FleetGoal, FleetRun, MergeCosts, bench_end, bench_fleet,
    bench_library, bench_merges,
};
pub use circuits::{CircuitId, CircuitInfo, Circuits, Refusal, TaskError};
pub use coordinator::{BatchResult, Coordinator, FleetConfig, OrderError, WrappedBatch};
pub use event::{FleetEvent, JobNews, Observer};
pub use job::{Job, JobKind, Span};
pub use message::{Assignment, FleetError, ProofOutcome, Welcome, WorkerHello};
pub use pass::{FleetKey, PassError, WorkerPass, WorkerSecret};
pub use plan::{Children, MergeJob, MergePlan, PlanError, Table};
pub use prove::{prove_aggregate, prove_join, prove_lift, prove_seal, prove_wrap};
pub use statement::{BatchEnd, JobStatement, SegmentOrder, Task};
pub use trace::{BatchTrace, trace_id};
pub use worker::{ChildProcess, Executor, InProcess, Local, Transport, Worker, WorkerConfig};
