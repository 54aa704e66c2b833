//! Executes batches of transactions and records their trace.
//!
//! What a slot does is a rule of `weft-protocol`; this crate holds the state that the rules read and write, runs them in
//! order, and keeps what a proof needs.
//!
//! * [`State`]: the objects and the tree over them; goes back over a batch with its [`Undo`], and opens what it was
//!   after each of the last batches;
//! * [`check_signatures`]: on all cores, before anything is executed;
//! * [`Engine`]: runs slots on a [`Ledger`]; [`Sequential`] is the one that every other must equal;
//! * [`BatchBuilder`]: executes a batch slot by slot and hands out [`ExecutedSegment`]s as they fill;
//! * [`Trace`]: slots with openings and running states, cut into `SegmentWitness`es.
//!
//! A slot that a rule refuses is a value ([`Refusal`]) and leaves everything as it was. Nothing here reads a clock, and
//! nothing depends on the order of a hash map or on the number of threads.

mod batch;
mod engine;
mod error;
mod history;
mod objects;
mod signatures;
mod state;
mod trace;

pub use batch::{BatchBuilder, ExecutedBatch, Receipt};
pub use engine::{Engine, Executed, Ledger, Sequential};
pub use error::{FeesLeft, Refusal, UndoError};
pub use objects::Objects;
pub use signatures::{CheckedTransaction, check_signatures};
pub use state::{State, Undo};
pub use trace::{ExecutedSegment, Trace, TraceEntry};

#[cfg(test)]
mod testing;
