//! Reusable parts of circuits.

pub mod compare;
pub mod merkle;
pub mod signature;
pub mod uint;
