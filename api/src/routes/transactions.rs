//! `/v1/transactions`.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use weft_protocol::crypto::Digest;
use weft_protocol::kinds::signed::check_stateless;
use weft_protocol::{Reject, SignedTransaction};

use crate::bodies::SentEvent;
use crate::caching::{self, Freshness};
use crate::clients::Client;
use crate::extract::{JsonBody, ManyBody, NoParameters, PathParts};
use crate::observe::TraceId;
use crate::params::{Conditional, Resuming, TransactionId};
use crate::problem::Refusal;
use crate::request::read_many;
use crate::router::Shared;
use crate::stream::{self, Steps, Subject, steps_seen};
use crate::{
    Backend, BackendError, Event, Progress, Submission, SubmitError, SubmitResult, SubmittedView, TransactionRequest,
    TransactionView,
};

/// Takes a signed transaction. The same transaction again is the same resource: it answers 200 and how far it is.
#[utoipa::path(
    post, path = "/v1/transactions", tag = "transactions", operation_id = "submit",
    request_body = TransactionRequest,
    responses(
        (status = 202, description = "Accepted, with the signed soft receipt.", body = TransactionView,
            headers(("Location" = String, description = "Where the transaction is."))),
        (status = 200, description = "Accepted before; how far it is now.", body = TransactionView,
            headers(("Location" = String, description = "Where the transaction is."))),
        (status = 409, description = "`wrong_nonce`, with `expected`"),
        (status = 422, description = "A rule refuses it; the code names the rule"),
    )
)]
pub(crate) async fn submit<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
    body: JsonBody,
) -> Result<Response, Refusal> {
    let signed = checked(TransactionRequest::from_json(&body.0)?, app.backend.as_ref())?;
    let mut results = app.backend.submit(vec![signed]).await;
    let (status, view) = accepted(results.pop().expect("one result for each transaction"))?;
    let location = [(LOCATION, format!("/v1/transactions/{}", view.id))];
    Ok((status, location, Json(view)).into_response())
}

/// Takes many signed transactions, in this order. Each has its own result; one that is refused stops no other.
#[utoipa::path(
    post, path = "/v1/transactions/batch", tag = "transactions", operation_id = "submit_many",
    request_body = crate::request::ManyTransactions,
    responses(
        (status = 200, description = "What became of each.", body = SubmittedView),
        (status = 422, description = "Too many transactions, or none"),
    )
)]
pub(crate) async fn submit_many<B: Backend>(
    State(app): State<Shared<B>>,
    Extension(trace_id): Extension<TraceId>,
    _: NoParameters,
    body: ManyBody,
) -> Result<Json<SubmittedView>, Refusal> {
    let read = read_many(&body.0)?;
    let checked: Vec<_> = (0..)
        .zip(read)
        .map(|(position, request): (usize, _)| {
            let checked = request.and_then(|request| checked(request, app.backend.as_ref()));
            checked.map_err(|refusal| refusal.below(&format!("/transactions/{position}")))
        })
        .collect();
    let wanted = checked.iter().filter_map(|checked| checked.as_ref().ok()).cloned().collect();
    let mut submitted = app.backend.submit(wanted).await.into_iter();
    let results = (0..).zip(checked).map(|(position, checked): (usize, _)| {
        let result = checked.and_then(|_| {
            let result = submitted.next().expect("one result for each transaction");
            accepted(result).map_err(|refusal| refusal.below(&format!("/transactions/{position}")))
        });
        match result {
            Ok((status, view)) => SubmitResult { status: status.as_u16(), transaction: Some(view), problem: None },
            Err(refusal) => {
                let problem = Some(refusal.clone().into_problem(trace_id.as_str()));
                SubmitResult { status: refusal.status(), transaction: None, problem }
            }
        }
    });
    Ok(Json(SubmittedView { results: results.collect() }))
}

/// What can be said of a transaction without the state.
fn checked<B: Backend>(request: TransactionRequest, backend: &B) -> Result<SignedTransaction, Refusal> {
    let signed = request.for_deployment(backend.deployment())?;
    check(&signed)?;
    let fee = signed.transaction.fee.value();
    let kind = (&signed.transaction.kind).into();
    let minimum = backend.minimum_fees().into_iter().find(|minimum| minimum.kind == kind).map(|minimum| minimum.fee);
    match minimum {
        Some(minimum) if fee < minimum => Err(SubmitError::FeeTooLow { minimum }.into()),
        _ => Ok(signed),
    }
}

fn accepted(result: Result<Submission, SubmitError>) -> Result<(StatusCode, TransactionView), Refusal> {
    Ok(match result? {
        Submission::Accepted(view) => (StatusCode::ACCEPTED, view),
        Submission::Known(view) => (StatusCode::OK, view),
    })
}

/// The rules that need no state.
fn check(signed: &SignedTransaction) -> Result<(), Reject> {
    let sender = signed.transaction.sender;
    let outside = [Some(sender), signed.recipient()].into_iter().flatten().find(|index| !index.in_tree());
    if let Some(index) = outside {
        return Err(Reject::IndexOutOfRange { index: index.0 });
    }
    check_stateless(&signed.transaction)
}

/// How far a transaction is, with a time for each step.
#[utoipa::path(
    get, path = "/v1/transactions/{id}", tag = "transactions", operation_id = "transaction",
    params(TransactionId, Conditional),
    responses(
        (status = 200, description = "The transaction.", body = TransactionView),
        (status = 404, description = "`unknown_transaction`"),
    )
)]
pub(crate) async fn one<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let view = existing(app.backend.as_ref(), &path).await?;
    caching::json(&headers, Freshness::immutable_if(view.is_final()), &view)
}

/// One file that proves what became of the transaction, to be checked offline with `weft verify`.
#[utoipa::path(
    get, path = "/v1/transactions/{id}/receipt", tag = "transactions", operation_id = "receipt",
    params(TransactionId, Conditional),
    responses(
        (status = 200, description = "The receipt.", content_type = "application/json", body = Object),
        (status = 404, description = "`unknown_transaction`; `not_proven`: its batch has no proof yet, or it was refused"),
    )
)]
pub(crate) async fn receipt<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let view = existing(app.backend.as_ref(), &path).await?;
    let Some(file) = app.backend.receipt(view.id).await? else {
        let detail = format!("the transaction is {} and nothing proves it yet", view.status);
        return Err(Refusal::not_found("not_proven", detail));
    };
    // The file names L1 transactions as they come.
    Ok(caching::body(&headers, Freshness::immutable_if(view.is_final()), file.content_type, file.bytes))
}

/// The steps of a transaction as they are reached, as server-sent events `step` and `proving`; ends with the last one.
#[utoipa::path(
    get, path = "/v1/transactions/{id}/events", tag = "transactions", operation_id = "transaction_events",
    params(TransactionId, Resuming),
    responses(
        (status = 200, description = "A stream of events.", content_type = "text/event-stream", body = SentEvent),
        (status = 404, description = "`unknown_transaction`"),
    )
)]
pub(crate) async fn events<B: Backend>(
    State(app): State<Shared<B>>,
    client: Client,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = steps_seen(&headers)?;
    let view = existing(app.backend.as_ref(), &path).await?;
    let backend = app.backend.clone();
    stream::stream(
        &app,
        client,
        seen,
        Watched { backend, id: view.id, steps: Steps::after(seen), proving: None, ended: false },
    )
}

/// A transaction whose steps are told.
struct Watched<B> {
    backend: std::sync::Arc<B>,
    id: Digest,
    steps: Steps,
    proving: Option<Progress>,
    ended: bool,
}

impl<B: Backend> Subject for Watched<B> {
    async fn look(&mut self) -> Result<Option<Vec<Event>>, BackendError> {
        if self.ended {
            return Ok(None);
        }
        let Some(view) = self.backend.transaction(self.id).await? else { return Ok(None) };
        self.ended = view.is_final();
        let mut events = self.steps.news(&view.steps);
        if view.proving != self.proving {
            self.proving = view.proving;
            events.extend(view.proving.map(Event::Proving));
        }
        Ok(Some(events))
    }
}

async fn existing<B: Backend>(backend: &B, path: &PathParts) -> Result<TransactionView, Refusal> {
    let unknown = || Refusal::not_found("unknown_transaction", "no transaction with this id was accepted");
    let id = path.digest("id")?.ok_or_else(unknown)?;
    backend.transaction(id).await?.ok_or_else(unknown)
}
