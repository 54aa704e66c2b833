//! Executes batches of transactions and records their trace.
