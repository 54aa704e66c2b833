//! Handlers, by resource.

pub(crate) mod accounts;
pub(crate) mod batches;
pub(crate) mod docs;
pub(crate) mod fees;
pub(crate) mod prover;
pub(crate) mod queue;
pub(crate) mod status;
pub(crate) mod transactions;
pub(crate) mod withdrawals;
