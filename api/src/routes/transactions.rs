//! `/v1/transactions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use weft_protocol::kinds::signed::check_stateless;
use weft_protocol::{Reject, SignedTransaction};

use crate::extract::{JsonBody, PathPart};
use crate::problem::Refusal;
use crate::{Backend, Submission, TransactionRequest, TransactionView};

/// Takes a signed transaction.
pub(crate) async fn submit<B: Backend>(State(backend): State<Arc<B>>, body: JsonBody) -> Result<Response, Refusal> {
    let request = TransactionRequest::from_json(&body.0)?;
    let signed = request.for_deployment(backend.deployment())?;
    check(&signed)?;
    let mut results = backend.submit(vec![signed]).await;
    let result = results.pop().expect("one result for each transaction");
    let (status, view) = match result? {
        Submission::Accepted(view) => (StatusCode::ACCEPTED, view),
        Submission::Known(view) => (StatusCode::OK, view),
    };
    let location = [(LOCATION, format!("/v1/transactions/{}", view.id))];
    Ok((status, location, Json(view)).into_response())
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

/// How far a transaction is.
pub(crate) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    id: PathPart,
) -> Result<Json<TransactionView>, Refusal> {
    let id = id.parse("id")?;
    let found = backend.transaction(id).await?;
    let unknown = || {
        let detail = format!("no transaction {id} was accepted");
        Refusal::not_found("unknown_transaction", detail)
    };
    found.map(Json).ok_or_else(unknown)
}
