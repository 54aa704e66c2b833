//! Tests of the slot and segment circuits.

mod slots;
mod world;
