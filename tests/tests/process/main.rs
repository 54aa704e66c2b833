//! `weft` as operators run it: node and workers are processes of their own, with data folders and real proofs. L1 lives in
//! the test's process.

#![expect(clippy::unwrap_used, reason = "a test ends with what it does not expect")]

mod audit;
mod connections;
mod dev;
mod load;
mod openapi;
mod stage;
mod survival;
