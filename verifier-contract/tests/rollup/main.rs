//! The rollup contract's bookkeeping, on the embedded L1.
//!
//! The verifier here is a test double (see [`support::REPEATS_INPUTS`]): these tests are about everything but the
//! proof. Real proofs meet the real verifier in the end-to-end tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod claims;
mod commit;
mod deposits;
mod gas;
mod prove;
mod setup;
mod support;
