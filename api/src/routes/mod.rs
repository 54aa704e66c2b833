//! Handlers, by resource.

pub(crate) mod accounts;
pub(crate) mod batches;
pub(crate) mod status;
pub(crate) mod transactions;
