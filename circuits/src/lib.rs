//! Circuits of the rollup: segment, lift, aggregate, seal, wrap.
//!
//! * [`builder`]: constraints in the words of the protocol, every assertion inside a numbered clause;
//! * [`wired`]: native types and their wires, one definition for both; [`statement`]: a claim told twice;
//! * [`gadgets`]: integers, comparisons, Merkle paths; [`ledger`]: which clause asserts what;
//! * [`config`], [`security`], [`digest`]: parameters of circuits, what they are worth, identity;
//! * [`segment`], [`recursion`]: the circuits themselves; [`cache`]: built circuits on disk;
//! * [`openings`]: the paths of many slots in one table.
//!
//! Invariant: this crate sees values and Merkle paths, never a tree, a queue or a clock, and no feature changes a
//! constraint, a hash or an encoding.

pub mod builder;
pub mod cache;
pub mod config;
pub mod digest;
pub mod gadgets;
pub mod gates;
mod kinds;
pub mod ledger;
pub mod openings;
pub mod recursion;
pub mod security;
pub mod segment;
pub mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wired;
pub mod wrap_config;
