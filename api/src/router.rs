//! Routes and the layers around them.

use core::any::Any;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use crate::Backend;
use crate::observe::{TraceId, TraceIds, observe};
use crate::problem::Refusal;
use crate::routes::{accounts, batches, status, transactions};

/// Items of a page if the request does not say.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 100;
/// Most items of a page.
pub const PAGE_ITEMS_MAX: usize = 500;

/// What the server takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a request's body; a transaction has about 800.
    pub body_bytes_max: usize,
    /// Requests under `/v1` at the same time; more are refused with 429.
    pub requests_max: usize,
    /// Time for a request, with the reading of its body; after that the answer is 503.
    pub request_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes_max: 16 * 1024, requests_max: 1024, request_time_max: Duration::from_secs(10) }
    }
}

/// The API over a backend, within the default [`Limits`].
pub fn router<B: Backend>(backend: Arc<B>) -> Router {
    router_with(backend, &Limits::default())
}

/// The API over a backend.
pub fn router_with<B: Backend>(backend: Arc<B>, limits: &Limits) -> Router {
    // Outermost first.
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(Arc::new(TraceIds::default()), observe))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.request_time_max))
        .layer(DefaultBodyLimit::max(limits.body_bytes_max));
    let permits = Arc::new(Semaphore::new(limits.requests_max));
    routes::<B>()
        .layer(from_fn_with_state(permits, bound))
        .route("/livez", get(status::livez))
        .fallback(|| async { Refusal::of_status(StatusCode::NOT_FOUND) })
        .layer(layers)
        .with_state(backend)
}

/// Serves the API until `shutdown` ends; requests in work are answered first.
///
/// # Errors
/// The listener fails.
pub async fn serve<B: Backend>(
    listener: TcpListener,
    backend: Arc<B>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(backend)).with_graceful_shutdown(shutdown).await
}

fn routes<B: Backend>() -> Router<Arc<B>> {
    Router::new()
        .route("/v1/transactions", post(transactions::submit::<B>))
        .route("/v1/transactions/{id}", get(transactions::one::<B>))
        .route("/v1/accounts", get(accounts::find::<B>))
        .route("/v1/accounts/{index}", get(accounts::one::<B>))
        .route("/v1/batches", get(batches::list::<B>))
        .route("/v1/batches/{batch}", get(batches::one::<B>))
        .route("/v1/batches/{batch}/proof", get(batches::proof::<B>))
        .route("/v1/batches/{batch}/withdrawals", get(batches::withdrawals::<B>))
        .route("/v1/status", get(status::status::<B>))
}

/// Refuses at once what is more than the server takes on: a queue would only hide it.
async fn bound(State(permits): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match permits.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Refusal::too_many_requests().into_response(),
    }
}

fn span(request: &Request) -> Span {
    let trace_id = request.extensions().get::<TraceId>().map(TraceId::as_str);
    let path = request.uri().path();
    tracing::info_span!("request", method = %request.method(), path, trace_id)
}

/// The message of the panic is printed by the process's hook.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Refusal::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
