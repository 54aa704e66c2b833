//! Tests of the slot and segment circuits.

mod clauses;
mod conformance;
mod segments;
mod world;
