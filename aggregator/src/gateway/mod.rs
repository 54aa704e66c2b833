//! The coordinator for workers on other machines, over HTTP.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/prover/registrations` | [`WorkerHello`] | [`Welcome`](crate::Welcome) |
//! | `DELETE /v1/prover/registrations/{worker}` | | |
//! | `POST /v1/prover/leases` | [`ClaimRequest`] | [`Assignment`](crate::Assignment), or none (waits for one) |
//! | `PUT /v1/prover/leases` | [`Beat`] | [`BeatReply`](weft_storage::jobs::BeatReply) |
//! | `POST /v1/prover/leases/failed` | [`FailureReport`] | |
//! | `POST /v1/prover/leases/released` | [`Held`] | |
//! | `GET /v1/prover/blobs/{id}` | | the bytes |
//! | `POST /v1/prover/proofs` | [`Submission`] | [`ProofOutcome`](crate::ProofOutcome) |
//! | `POST /v1/prover/batches/{number}/retry` | | [`Retried`], in JSON |
//! | `POST /v1/prover/workers/{name}/readmit` | | [`Readmitted`], in JSON |
//!
//! A registration carries the token of the fleet (`Authorization: Bearer …`), the last two requests that of the operators,
//! which is another one; all others carry the pass of the worker ([`WorkerPass`]: its number, a dot, its secret), and a lease
//! listens to the worker that has it alone. Bodies are in postcard, since both sides are of one version, but for the last
//! two, which are for people; errors are problems (RFC 9457). Every request is bounded: its body, its time, and how many
//! there are.

mod client;
mod guard;
mod operator;
mod problem;
mod rate;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{BlobId, JobStore};

use crate::coordinator::{CLAIM_WAIT_MAX, WorkerPlace};
use crate::message::{Beat, FailureReport, FleetError, Held, Submission, WorkerHello};
use crate::pass::WorkerPass;
use crate::{Coordinator, Local};

pub use client::{ClientError, HttpTransport};
use guard::Guard;
pub use guard::Tokens;
pub use operator::{Readmitted, Retried};
pub use problem::ProblemCode;
pub use token::{TOKEN_BYTES_MIN, Token, TokenError};

/// Bytes of a body that brings a proof, at most.
const PROOF_BODY_MAX: usize = 2 << 20;
/// Bytes of any other body, at most.
const BODY_MAX: usize = 64 << 10;
/// Requests that are answered at a time.
const REQUESTS_MAX: usize = 2048;
/// How long a request takes at most: a claim waits, everything else is faster.
const REQUEST_TIMEOUT: Duration = CLAIM_WAIT_MAX.saturating_add(Duration::from_secs(20));
/// Type of the bodies.
const OCTETS: &str = "application/octet-stream";

/// A worker asks for a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// How long it waits for one.
    pub wait: Duration,
}

/// The routes to a coordinator, with their full paths, for workers and operators that know what they must.
pub fn router<S: JobStore, B: BlobStore>(coordinator: Local<S, B>, tokens: Tokens) -> Router {
    let has_workers = tokens.workers.is_some();
    let guard = Arc::new(Guard::new(Arc::clone(&coordinator.0), tokens));
    let small = DefaultBodyLimit::max(BODY_MAX);
    // The guards stand before the methods alone: one that a path does not have is refused as such, token or not.
    let operators = Router::new()
        .route("/v1/prover/workers/{name}/readmit", post(operator::readmit))
        .route("/v1/prover/batches/{number}/retry", post(operator::retry))
        .layer(small)
        .route_layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::operators::<S, B>));
    if !has_workers {
        return operators.with_state(coordinator.0);
    }
    let newcomers = Router::new()
        .route("/v1/prover/registrations", post(register))
        .layer(small)
        .route_layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::newcomers::<S, B>));
    let proofs = post(submit).layer(DefaultBodyLimit::max(PROOF_BODY_MAX));
    let workers = Router::new()
        .route("/v1/prover/registrations/{worker}", delete(goodbye))
        .route("/v1/prover/leases", post(claim).put(beat))
        .route("/v1/prover/leases/failed", post(fail))
        .route("/v1/prover/leases/released", post(release))
        .route("/v1/prover/blobs/{id}", get(blob))
        .layer(small)
        .route("/v1/prover/proofs", proofs)
        .route_layer(middleware::from_fn_with_state(guard, guard::workers::<S, B>));
    operators.merge(newcomers).merge(workers).with_state(coordinator.0)
}

/// What the routes end in.
type Fleet<S, B> = State<Arc<Coordinator<S, B>>>;

/// Who asks: the guard has looked at it.
type Pass = Extension<WorkerPass>;

async fn register<S: JobStore, B: BlobStore>(State(fleet): Fleet<S, B>, body: Body) -> Result<Response, FleetError> {
    let hello: WorkerHello = decode(body)?;
    Ok(encoded(&fleet.register(hello, WorkerPlace::Outside).await?))
}

async fn goodbye<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    Path(worker): Path<String>,
) -> Result<Response, FleetError> {
    if worker != pass.worker.0.to_string() {
        return Err(FleetError::Unauthorized);
    }
    fleet.goodbye(&pass).await?;
    Ok(encoded(&()))
}

async fn claim<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    body: Body,
) -> Result<Response, FleetError> {
    let ClaimRequest { wait } = decode(body)?;
    Ok(encoded(&fleet.claim(&pass, wait).await?))
}

async fn beat<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    body: Body,
) -> Result<Response, FleetError> {
    let beat: Beat = decode(body)?;
    Ok(encoded(&fleet.beat(&pass, beat).await?))
}

async fn fail<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    body: Body,
) -> Result<Response, FleetError> {
    let report: FailureReport = decode(body)?;
    fleet.fail(&pass, report).await?;
    Ok(encoded(&()))
}

async fn release<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    body: Body,
) -> Result<Response, FleetError> {
    let held: Held = decode(body)?;
    fleet.release(&pass, held).await?;
    Ok(encoded(&()))
}

async fn submit<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    body: Body,
) -> Result<Response, FleetError> {
    let submission: Submission = decode(body)?;
    Ok(encoded(&fleet.submit(&pass, submission).await?))
}

async fn blob<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    Extension(pass): Pass,
    Path(id): Path<String>,
) -> Result<Response, FleetError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(&id, &mut bytes).map_err(|_| FleetError::NoSuchBlob)?;
    Ok(octets(fleet.blob(&pass, BlobId(bytes)).await?))
}

/// A body, or why there is none.
type Body = Result<Bytes, BytesRejection>;

fn decode<V: DeserializeOwned>(body: Body) -> Result<V, FleetError> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => FleetError::TooLarge,
        _ => FleetError::Protocol { reason: rejection.body_text() },
    })?;
    postcard::from_bytes(&body).map_err(|error| FleetError::Protocol { reason: error.to_string() })
}

fn encoded<V: Serialize>(value: &V) -> Response {
    octets(postcard::to_stdvec(value).expect("plain data are written to memory"))
}

fn octets(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, OCTETS)], bytes).into_response()
}
