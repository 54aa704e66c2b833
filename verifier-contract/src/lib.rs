//! Contracts of the rollup, their artifacts and bindings, and an embedded L1 that runs them.

pub mod bindings;
pub mod embedded;
