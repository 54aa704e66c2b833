//! The API over a small ledger in memory: what it answers, what it refuses, and that nothing brings it down.

mod answers;
mod client;
mod document;
mod ledger;
mod limits;
mod network;
mod refusals;
mod resources;
mod robustness;
