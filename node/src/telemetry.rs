//! Names of the node's metrics, and where the ways of transactions are told. Labels are words of a fixed set, never ids.

/// Target of the events that lead from the trace of a request to that of a batch, one or two for each transaction.
pub const TRACE: &str = "weft::trace";

/// Transactions that were accepted.
pub const ACCEPTED: &str = "weft_transactions_accepted_total";
/// Slots that this process has executed, by `kind`: `transaction` or `queue`. A start executes the end of the log again.
pub const EXECUTED: &str = "weft_slots_executed_total";
/// Transactions that were refused, by `code` of the rule.
pub const REJECTED: &str = "weft_transactions_rejected_total";
/// Transactions that wait for a batch.
pub const POOL: &str = "weft_pool_transactions";
/// Batches in memory, by `stage`: `building`, `sealed`, `proven`, `posted`.
pub const BATCHES: &str = "weft_batches";
/// Batches that the contract has verified since the start of the process.
pub const VERIFIED: &str = "weft_batches_verified_total";
/// Batches that were taken back because L1 would never have verified them, since the start of the process.
pub const ABANDONED: &str = "weft_batches_abandoned_total";
/// Seconds from the seal of a batch to its verification.
pub const SEAL_TO_VERIFIED_SECONDS: &str = "weft_batch_seal_to_verified_seconds";
/// Seconds of a synced append to the log.
pub const JOURNAL_SYNC_SECONDS: &str = "weft_journal_sync_seconds";
/// When L1 last answered, in seconds since the UNIX epoch.
pub const L1_ANSWERED_SECONDS: &str = "weft_l1_answered_timestamp_seconds";
/// Gas of the node's L1 transactions, by `call`: `commit` or `prove`.
pub const L1_GAS: &str = "weft_l1_gas_total";
/// State roots that were not the stored ones when the node started.
pub const ROOT_CHECK_FAILURES: &str = "weft_state_root_check_failures_total";
/// 1 if the node has halted, else 0.
pub const HALTED: &str = "weft_halted";

/// Tells the exporter what the metrics mean.
pub fn describe() {
    metrics::describe_counter!(ACCEPTED, "Transactions that were accepted.");
    metrics::describe_counter!(EXECUTED, "Slots that this process has executed, by kind.");
    metrics::describe_counter!(REJECTED, "Transactions that a rule refused, by code.");
    metrics::describe_gauge!(POOL, "Transactions that wait for a batch.");
    metrics::describe_gauge!(BATCHES, "Batches that L1 has not verified, by stage.");
    metrics::describe_counter!(VERIFIED, "Batches that the contract has verified.");
    metrics::describe_counter!(ABANDONED, "Batches that were taken back.");
    metrics::describe_histogram!(SEAL_TO_VERIFIED_SECONDS, "Seconds from the seal of a batch to its verification.");
    metrics::describe_histogram!(JOURNAL_SYNC_SECONDS, "Seconds of a synced append to the log.");
    metrics::describe_gauge!(L1_ANSWERED_SECONDS, "When L1 last answered, in seconds since the UNIX epoch.");
    metrics::describe_counter!(L1_GAS, "Gas of the node's L1 transactions, by call.");
    metrics::describe_counter!(ROOT_CHECK_FAILURES, "State roots that were not the stored ones at a start.");
    metrics::describe_gauge!(HALTED, "Whether the node has halted.");
}

#[cfg(test)]
pub(crate) mod capture;
