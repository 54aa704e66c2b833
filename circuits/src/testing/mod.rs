//! Tests of circuits on finished witnesses.
//!
//! The library reports a broken constraint as a conflict between generators, or not at all: the honest generators hide
//! what a dishonest prover could do. Here a witness is finished first, by force if need be ([`generate()`]), and then
//! every row and every recorded claim is checked on it ([`checker`]); [`mutate`] changes wires of an honest witness and
//! expects an objection; [`motion`] lets all wires move together; [`conform`] compares a [`crate::statement::Statement`] with its circuit.
//!
//! Compiled for tests, and for the tests of other crates behind the feature `testing`, which adds this module and changes
//! nothing else.

pub mod checker;
pub mod conform;
mod generate;
pub mod motion;
pub mod mutate;
#[cfg(test)]
mod toy;

pub use checker::{Checker, Violation, check};
pub use generate::{Generated, generate};
pub use mutate::{Refusal, prove_anyway};
#[cfg(test)]
pub(crate) use toy::unlisted_generator;
