//! REST API of the node: routes, bodies and errors under `/v1`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/transactions` | 202 with `Location` and [`TransactionView`]; 200 if the transaction is known already |
//! | `GET /v1/transactions/{id}` | [`TransactionView`]: how final it is, with a time for each step |
//! | `GET /v1/accounts/{index}` | [`AccountView`] |
//! | `GET /v1/accounts?owner=0x…` or `?key=0x…` | [`Page`] of [`AccountView`], by index |
//! | `GET /v1/batches` | [`Page`] of [`BatchView`], the newest first |
//! | `GET /v1/batches/{number\|latest\|verified}` | [`BatchView`] |
//! | `GET /v1/batches/{…}/proof` | the file that `weft verify` reads |
//! | `GET /v1/batches/{…}/withdrawals` | [`Page`] of [`WithdrawalView`], each with the L1 call that pays it |
//! | `GET /v1/status` | [`StatusView`]: deployment, L1, queue, last batches |
//! | `GET /livez` | 200 while the process serves requests |
//!
//! Amounts are decimal strings in base units, hashes and bytes are lower-case hexadecimal text with `0x`, times are
//! RFC 3339 in UTC. Lists take `limit` (1 to [`PAGE_ITEMS_MAX`]) and the opaque `cursor` that the page before gave as
//! `next`. Every error has the shape of [`Problem`], also those that no handler made.
//!
//! The crate decodes and answers; [`Backend`], which the node implements, decides. It knows `weft-protocol` only, so
//! its tests need neither the proof system nor a database.
//!
//! Invariant: no request makes the server panic, and nothing that a client sends is answered with a status of 500 or
//! more unless the backend failed.

mod backend;
mod bodies;
mod caching;
mod document;
mod extract;
mod fields;
mod limits;
mod observe;
mod params;
mod problem;
mod rate;
mod request;
mod router;
mod routes;
mod schema;
mod server;
mod stream;
mod text;
mod time;
mod views;

pub use axum::Router;
pub use axum::body::Bytes;
pub use backend::{
    AccountFilter, Backend, BackendError, BatchSelector, Deployment, FileBody, PageRequest, StateAt, Submission,
    SubmitError,
};
pub use limits::{Limits, PAGE_ITEMS_MAX, SUBMIT_MAX};
pub use problem::Problem;
pub use request::{Inexpressible, TransactionRequest};
pub use server::Server;
pub use text::{FixedBytes, HexBytes, L1Hash};
pub use time::{ParseTimeError, Time};
pub use views::{
    AccountProofView, AccountView, AgentView, ApiLimits, AssetView, AttemptsView, Balance, BatchDataView, BatchView,
    Bottleneck, Call, CheckView, Circuit, ConfigView, EstimateView, Event, FeeEstimateView, FeesView, Finality,
    FullConfigView, JobCounts, JobStateName, JobView, KindFee, L1Transaction, L1View, Lags, Live, NodeLimits,
    NonceView, ObjectView, OutcomeName, Page, Progress, ProofTreeView, Proofs, QueueEntryView, QueueKind, QueueRange,
    QueueState, QueueView, ReadyView, RecordKind, RecordView, RejectionView, SecurityView, SoftReceipt, StageName,
    StatusView, Step, SubmitResult, SubmittedView, TransactionFields, TransactionKindName, TransactionView,
    WithdrawalView, WorkerState, WorkerView, WorkersView,
};
