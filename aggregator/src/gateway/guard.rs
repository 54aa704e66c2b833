//! Who is let in, before a body is read: each kind of route asks for another thing that only some know.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::JobStore;

use super::rate::{Registrations, address_of};
use super::token::SCHEME;
use super::{REQUEST_TIMEOUT, REQUESTS_MAX, Token};
use crate::Coordinator;
use crate::message::FleetError;
use crate::pass::WorkerPass;

/// The secrets that a gateway asks for.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Lets workers register; without it there are no routes for them.
    pub workers: Option<Token>,
    /// Lets operators give orders; without it they are told so.
    pub operator: Option<Token>,
}

/// See the [module](self).
pub(super) struct Guard<S, B> {
    coordinator: Arc<Coordinator<S, B>>,
    tokens: Tokens,
    requests: Semaphore,
    registrations: Registrations,
}

/// A guard, as the layers have it.
pub(super) type Shared<S, B> = Arc<Guard<S, B>>;

impl<S: JobStore, B: BlobStore> Guard<S, B> {
    pub(super) fn new(coordinator: Arc<Coordinator<S, B>>, tokens: Tokens) -> Self {
        Self { coordinator, tokens, requests: Semaphore::new(REQUESTS_MAX), registrations: Registrations::new() }
    }

    /// Answers a request as long as there are not too many, for its time.
    async fn bounded(&self, answer: impl Future<Output = Response>) -> Response {
        let Ok(_permit) = self.requests.try_acquire() else { return FleetError::Busy.into_response() };
        timeout(REQUEST_TIMEOUT, answer).await.unwrap_or_else(|_| FleetError::Busy.into_response())
    }
}

/// Asks for the token of the workers, and bounds how often an address does so.
pub(super) async fn newcomers<S: JobStore, B: BlobStore>(
    State(guard): State<Shared<S, B>>,
    request: Request,
    next: Next,
) -> Response {
    if !guard.tokens.workers.as_ref().is_some_and(|token| token.is_in(request.headers())) {
        return FleetError::Unauthorized.into_response();
    }
    if let Err(wait) = guard.registrations.take(address_of(&request)) {
        return FleetError::TooMany { wait }.into_response();
    }
    guard.bounded(next.run(request)).await
}

/// Asks for the pass of a worker, and hands it on.
pub(super) async fn workers<S: JobStore, B: BlobStore>(
    State(guard): State<Shared<S, B>>,
    mut request: Request,
    next: Next,
) -> Response {
    let value = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let pass = value.and_then(|value| value.strip_prefix(SCHEME)?.parse::<WorkerPass>().ok());
    let Some(pass) = pass else { return FleetError::Unauthorized.into_response() };
    let answer = async {
        if let Err(error) = guard.coordinator.authenticate(&pass).await {
            return error.into_response();
        }
        request.extensions_mut().insert(pass);
        next.run(request).await
    };
    guard.bounded(answer).await
}

/// Asks for the token of the operators.
pub(super) async fn operators<S: JobStore, B: BlobStore>(
    State(guard): State<Shared<S, B>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &guard.tokens.operator else { return FleetError::NoOperator.into_response() };
    if !token.is_in(request.headers()) {
        return FleetError::Unauthorized.into_response();
    }
    guard.bounded(next.run(request)).await
}
