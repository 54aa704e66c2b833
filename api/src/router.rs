//! Routes and the layers around them.

use core::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use tokio::sync::{Semaphore, watch};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::HttpMethod;
use utoipa::{OpenApi, Path};

use crate::clients::Clients;
use crate::observe::{TraceIds, observe};
use crate::problem::Refusal;
use crate::rate::{Allowances, limit};
use crate::{Backend, Limits, document, routes};

/// What handlers work with.
#[derive(Debug)]
pub(crate) struct App<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) limits: Limits,
    /// One permit for each stream of events.
    pub(crate) streams: Arc<Semaphore>,
    /// Streams by client.
    pub(crate) listeners: Arc<Clients>,
    /// True once the server stops.
    pub(crate) closed: watch::Receiver<bool>,
    /// The OpenAPI document.
    pub(crate) document: Bytes,
}

/// The state of all handlers.
pub(crate) type Shared<B> = Arc<App<B>>;

impl<B: Backend> App<B> {
    pub(crate) fn new(backend: Arc<B>, limits: Limits, closed: watch::Receiver<bool>) -> Self {
        let streams = Arc::new(Semaphore::new(limits.streams_max));
        Self { backend, limits, streams, listeners: Arc::default(), closed, document: document::json(&limits).into() }
    }
}

/// Routes out of handlers: each at the address, for the method and with the description that stand at the handler.
macro_rules! routes {
    ($($group:ident { $($module:ident::$handler:ident),+ $(,)? })+) => { pastey::paste! {
        /// All routes as the handlers describe them.
        #[derive(Debug, OpenApi)]
        #[openapi(paths($($(routes::$module::$handler),+),+))]
        pub(crate) struct Described;

        $(
            fn $group<B: Backend>() -> Router<Shared<B>> {
                Router::new()
                    $(.route(
                        &<routes::$module::[<__path_ $handler>] as Path>::path(),
                        on(
                            filter(&<routes::$module::[<__path_ $handler>] as Path>::methods()),
                            routes::$module::$handler::<B>,
                        )
                        .options(allowed::<routes::$module::[<__path_ $handler>]>),
                    ))+
            }
        )+
    } };
}

routes! {
    limited {
        transactions::submit, transactions::submit_many, transactions::one, transactions::receipt,
        transactions::events,
        accounts::find, accounts::one, accounts::proof, accounts::nonce, accounts::transactions,
        batches::list, batches::one, batches::transactions, batches::data, batches::proof, batches::proof_tree,
        batches::events, batches::withdrawals,
        withdrawals::one,
        queue::list, queue::one,
        fees::rules, fees::estimate,
        prover::jobs, prover::workers,
        status::config, status::status,
    }
    unlimited {
        status::livez, status::readyz, status::metrics, docs::openapi, docs::page, docs::script,
    }
}

/// The routes of this API and those of `others`, with the layers around them.
pub(crate) fn router_of<B: Backend>(app: &Shared<B>, others: Router) -> Router {
    let limits = app.limits;
    let timeout = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.request_time_max);
    let permits = Arc::new(Semaphore::new(limits.requests_max));
    // Outermost first.
    let limiting = ServiceBuilder::new()
        .layer(from_fn_with_state(Arc::new(Allowances::new(&limits)), limit))
        .layer(timeout)
        .layer(from_fn_with_state(permits, bound))
        .layer(DefaultBodyLimit::max(limits.body_bytes_max));
    let limited = limited::<B>().layer(limiting).with_state(Arc::clone(app));
    let unlimited = unlimited::<B>().layer(timeout).with_state(Arc::clone(app));
    observed(limited.merge(unlimited).merge(others))
}

/// The same routes with a trace id for each request, and an explanation of each error.
pub(crate) fn observed(routes: Router) -> Router {
    let outer = ServiceBuilder::new()
        .layer(from_fn_with_state(Arc::new(TraceIds::default()), observe))
        .layer(CatchPanicLayer::custom(panicked));
    routes.fallback(|| async { Refusal::of_status(StatusCode::NOT_FOUND) }).layer(outer)
}

fn filter(methods: &[HttpMethod]) -> MethodFilter {
    if methods == [HttpMethod::Post] { MethodFilter::POST } else { MethodFilter::GET }
}

/// `OPTIONS`: the methods of an address, and nothing else.
async fn allowed<P: Path>() -> Response {
    let methods = if P::methods() == [HttpMethod::Post] { "POST,OPTIONS" } else { "GET,HEAD,OPTIONS" };
    (StatusCode::NO_CONTENT, [(ALLOW, methods)]).into_response()
}

/// Refuses at once what is more than the server takes on: a queue would only hide it.
async fn bound(State(permits): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match permits.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Refusal::too_many_requests().into_response(),
    }
}

/// The message of the panic is printed by the process's hook.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Refusal::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
