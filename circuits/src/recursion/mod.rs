//! Recursion: from the proofs of segments to the one proof that L1 verifies (PROTOCOL.md §9).
//!
//! ```text
//! small segments → lift ───────────────────┐
//! large segments → lift ─┐                 ├→ aggregate (also of aggregates) → seal → shrink → wrap
//! their openings → table ┴→ join ──────────┘
//! ```
//! Lifts, the join and the aggregate have one common shape: equal size, gates and public inputs, so that an aggregate
//! verifies any of them. Which of them made a proof is a matter of its key, see [`key`].
//!
//! Invariant: a proof that verifies under the wrap's key shows that segments of one batch, proved by the two segment
//! circuits this family was built for, lead from the root before to the root after and emitted exactly the records.

mod aggregate;
mod error;
mod family;
mod join;
pub mod key;
mod layer;
mod lift;
pub mod merge;
mod proof;
mod seal;
mod statement;
#[cfg(test)]
mod tests;
mod wrap;

pub use aggregate::Aggregate;
pub use error::{ProveError, VerifyError};
pub use family::{FamilySizes, RecursionCircuits};
pub use join::{Join, JoinInput};
pub use layer::{Assembly, CircuitSummary, LayerCircuit};
pub use lift::Lift;
pub use proof::{
    AggregateLayer, AggregateProof, DecodeError, Layer, Proof, PublicInputs, SealLayer, SealProof, SegmentLayer,
    SegmentProof, ShrinkLayer, ShrunkProof, WrapLayer, WrappedProof,
};
pub use seal::{RecordSlot, RecordSlotWires, Seal, SealCapacity, SealClaim, SealClaimWires, SealError, SealInput};
pub use statement::{MergedStatement, MergedStatementWires, SegmentStatementWires};
pub use wrap::{Rewrap, Shrink, Wrap};

/// log2 of the rows of lifts, join and aggregate. Three children of either kind fit.
pub const COMMON_DEGREE_BITS: usize = 14;

/// The children, and then the first one again and again: what absent children repeat.
fn padded_children<T>(children: &[T]) -> impl Iterator<Item = &T> {
    children.iter().chain(children.first().into_iter().cycle())
}
