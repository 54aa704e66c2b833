//! REST API of the node: routes, bodies and errors under `/v1`.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/transactions` | 202 with `Location` and [`TransactionView`]; 200 if the transaction is known already |
//! | `POST /v1/transactions/batch` | [`SubmittedView`]: a result for each of up to [`SUBMIT_MAX`] |
//! | `GET /v1/transactions/{id}`, `…/receipt`, `…/events` | [`TransactionView`]; one file that proves it; its steps as they come |
//! | `GET /v1/accounts?owner=&key=`, `/v1/accounts/{index}` | [`Page`] of [`AccountView`]; [`AccountView`] |
//! | `GET /v1/accounts/{index}/nonce`, `…/proof?at=`, `…/transactions` | [`NonceView`]; [`AccountProofView`]; [`Page`] of [`TransactionView`] |
//! | `GET /v1/batches`, `/v1/batches/{number\|latest\|proven\|verified}` | [`Page`] of [`BatchView`]; [`BatchView`] |
//! | `GET /v1/batches/{…}/transactions`, `…/data`, `…/proof` | [`Page`] of [`TransactionView`]; [`BatchDataView`]; the file that `weft verify` reads |
//! | `GET /v1/batches/{…}/proof-tree`, `…/events` | [`ProofTreeView`]; steps and jobs as they come |
//! | `GET /v1/batches/{…}/withdrawals`, `/v1/withdrawals/{batch}/{position}` | [`WithdrawalView`]s, each with the L1 call that pays it |
//! | `GET /v1/queue`, `/v1/queue/{position}` | [`Page`] of [`QueueEntryView`]; [`QueueEntryView`] |
//! | `GET /v1/fees`, `POST /v1/fees/estimate` | [`FeesView`]; [`FeeEstimateView`] |
//! | `GET /v1/prover/jobs`, `/v1/prover/workers` | [`Page`] of [`JobView`]; [`WorkersView`] |
//! | `GET /v1/config`, `/v1/status` | [`FullConfigView`]; [`StatusView`] |
//! | `GET /livez`, `/readyz`, `/metrics` | 200 while the process serves; [`ReadyView`]; Prometheus' text |
//! | `GET /openapi.json`, `/docs` | the description of all this; a page that shows it |
//!
//! Amounts are decimal strings in base units, hashes and bytes are lower-case hexadecimal text with `0x`, times are
//! RFC 3339 in UTC. Lists take `limit` (1 to [`PAGE_ITEMS_MAX`]; some give at most [`PAGE_READS_MAX`]) and the opaque `cursor` that the page before gave as
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
mod clients;
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
pub use limits::{Limits, PAGE_ITEMS_MAX, PAGE_READS_MAX, SUBMIT_MAX};
pub use problem::Problem;
pub use request::{Inexpressible, TransactionRequest};
pub use server::{Door, Server};
pub use text::{FixedBytes, HexBytes, L1Hash};
pub use time::{ParseTimeError, Time};
pub use views::{
    AccountProofView, AccountView, AgentView, ApiLimits, AssetView, AttemptsView, Balance, BatchDataView, BatchView,
    Bottleneck, Call, CheckView, Circuit, ConfigView, EstimateView, Event, FeeEstimateView, FeesView, Finality,
    FullConfigView, JobCounts, JobStateName, JobView, KindFee, L1Transaction, L1View, Lags, Live, NodeLimits,
    NonceView, ObjectView, OutcomeName, Page, Progress, ProofTreeView, Proofs, QueueEntryView, QueueKind, QueueRange,
    QueueState, QueueView, ReadyView, RecordKind, RecordView, RejectionView, ReturnView, SecurityView, SoftReceipt,
    StageName, StatusView, Step, SubmitResult, SubmittedView, TransactionFields, TransactionKindName, TransactionView,
    WithdrawalView, WorkerState, WorkerView, WorkersView,
};
