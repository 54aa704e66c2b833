//! Tests of the slot and segment circuits.

mod accesses;
mod clauses;
mod conformance;
mod elements;
mod segments;
mod widths;
mod world;
