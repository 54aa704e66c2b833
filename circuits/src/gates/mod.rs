//! The custom gates of the segment circuit: a Schnorr verification in 28 rows, dense range checks.
//!
//! | gate | rows it replaces | wires (routed) | constraints | degree |
//! |---|---|---|---|---|
//! | [`ScalarMulGate`] | 8 bits of `e·P` | 120 (32) | 99 | 3 |
//! | [`CombGate`] | 32 bits of `s·G` | 132 (20) | 122 | 5 |
//! | [`KeyGate`] | several key checks | 16 per key (11) | 10 per key | 4 |
//! | [`EntryGate`] | a change of one entry of an object | 75 (51) | 50 | 7 |
//! | [`RangeGate`] | several range checks of one width | 1 + bits/2 per value (1) | the same | 4 |
//!
//! The curve is ecGFp5 in short Weierstrass form over `GF(p^5)`. A signature is one running point: it starts at 7·D1, takes
//! 128 steps with [`ScalarMulGate`] and 80 with [`CombGate`], and ends at R (see [`crate::gadgets::signature`]).
//!
//! A gate is a [`GateShape`], whose equations are written once over an [`Algebra`](algebra::Algebra) and read by plonky2 as
//! polynomials over the extension field, as packed lanes, and as a recursive circuit. Every gate has one generator type,
//! [`SlotGenerator`] of its shape. Serializers of circuits list the gates and their generators.
//!
//! Invariant: the id of a gate carries its parameters and a hash of its equations, so that circuits with different
//! equations never share a digest.

pub mod algebra;
mod comb;
mod constants;
mod entry;
mod key;
mod range;
mod scalar_mul;
mod shape;
#[cfg(test)]
mod testing;
mod walk;

use plonky2::field::extension::Extendable;

pub use comb::{Comb, CombGate};
pub use entry::{EntryChange, EntryGate};
pub use key::{KeyCheck, KeyGate};
pub use range::{RangeCheck, RangeGate};
pub use scalar_mul::{ScalarMul, ScalarMulGate};
pub use shape::{CustomGate, GateShape, SlotGenerator};

use crate::config::{D, F};

/// The extension field in which the library checks constraints.
type FE = <F as Extendable<D>>::Extension;
