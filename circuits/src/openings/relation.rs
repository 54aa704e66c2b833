//! The table as a prover reads it: columns, constraints, and the arguments between rows.
//!
//! The trace has [`COLUMNS`] columns. Its lookups ask that what an access [`waited`] is one of the numbers in [`ROW`],
//! which [`FREQUENCY`] counts; its multiset, that the tuples of parts and those of the nodes themselves cancel.

pub use super::air::{DEGREE, Linear, Tuple, own_tuple, part_tuple, waited};
pub use super::columns::{ACCESS, COLUMNS, FREQUENCY, INPUTS, OWN, PARTS, ROW, SBOXES};
pub use super::constraints::{Constraint, Frame, PUBLIC_INPUTS, Rows, constraints, control_constraints};
