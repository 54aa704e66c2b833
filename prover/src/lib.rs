//! From a segment's witness to its proof.
//!
//! * [`CircuitSet`]: all circuits of a deployment, built once or taken out of a cache; proving keys as they are needed;
//! * [`CircuitSizes`], [`plan_segments`]: how many slots a segment has, and which segments a batch is cut into;
//! * [`SegmentClaim`], [`TableGroup`]: what segments claim, and which of them share a table of openings;
//! * [`SegmentInput`]: what a worker gets of a segment, twenty times smaller than the witness that it expands to;
//! * [`plonk`]: the loop that makes the proofs of all circuits;
//! * [`CircuitSet::prove_segment`], [`CircuitSet::prove_input`]: a segment's proof, checked against the statement that is
//!   computed natively;
//! * [`Cost`], [`StageLog`]: where the time went.
//!
//! Invariant: a proof that leaves this crate has been verified against the statement that its maker expected. Nothing here
//! decides what is executed: rules run again, on slots that were executed; proving blocks the calling thread and uses the threads of its rayon pool.

mod bench;
mod circuits;
mod claim;
mod cost;
mod error;
mod input;
mod keys;
mod layer;
mod openings;
pub mod plonk;
mod segment;
mod sizes;

pub use bench::{Comparison, bench_segment, compare_aggregate, compare_small_recursion, idle_segment};
pub use circuits::{BuildProgress, BuildState, BuildStep, CircuitSet};
pub use claim::{SegmentClaim, TableGroup, table_statement};
pub use cost::{Cost, Stage, StageCost, StageLog, measure};
pub use error::ProofError;
pub use input::{InputError, SegmentInput};
pub use segment::ProvenSegment;
pub use sizes::{CircuitSizes, SegmentSize, plan_segments};
