//! Tests of the table of openings.

mod attacks;
mod cells;
mod checker;
mod circuit;
mod proofs;
mod world;
