//! Tests of the table of openings.

mod attacks;
mod cells;
mod checker;
mod circuit;
mod equations;
mod proofs;
mod world;
