//! Contracts of the rollup, their artifacts and bindings, and an embedded L1 that runs them.

pub mod artifacts;
pub mod bindings;
pub mod codegen;
pub mod deploy;
pub mod embedded;
pub mod testbed;
