//! `/v1/batches`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::extract::{Parameters, PathPart};
use crate::problem::Refusal;
use crate::{Backend, BatchSelector, BatchView, Page, WithdrawalView};

/// All batches, the newest first.
pub(crate) async fn list<B: Backend>(
    State(backend): State<Arc<B>>,
    parameters: Parameters,
) -> Result<Json<Page<BatchView>>, Refusal> {
    let page = parameters.into_page()?;
    let batches = backend.batches(page.with_one_more()).await?;
    Ok(Json(page.page(batches, |batch| batch.number.into())))
}

/// One batch.
pub(crate) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    selector: PathPart,
) -> Result<Json<BatchView>, Refusal> {
    existing(backend.as_ref(), selector.batch()?).await.map(Json)
}

/// The file with the proof of a batch.
pub(crate) async fn proof<B: Backend>(State(backend): State<Arc<B>>, selector: PathPart) -> Result<Response, Refusal> {
    let batch = existing(backend.as_ref(), selector.batch()?).await?;
    let number = batch.number;
    let Some(file) = backend.proof(number).await? else {
        let detail = format!("batch {number} is {} and has no proof yet", batch.status);
        return Err(Refusal::not_found("not_proven", detail));
    };
    Ok(([(CONTENT_TYPE, file.content_type)], file.bytes).into_response())
}

/// What a batch pays out.
pub(crate) async fn withdrawals<B: Backend>(
    State(backend): State<Arc<B>>,
    selector: PathPart,
    parameters: Parameters,
) -> Result<Json<Page<WithdrawalView>>, Refusal> {
    let selector = selector.batch()?;
    let page = parameters.into_page()?;
    let number = existing(backend.as_ref(), selector).await?.number;
    let withdrawals = backend.withdrawals(number, page.with_one_more()).await?;
    Ok(Json(page.page(withdrawals, |withdrawal| withdrawal.position.into())))
}

async fn existing<B: Backend>(backend: &B, selector: BatchSelector) -> Result<BatchView, Refusal> {
    let unknown = || {
        let detail = match selector {
            BatchSelector::Number(number) => format!("there is no batch {number}"),
            BatchSelector::Latest => "there is no batch yet".to_owned(),
            BatchSelector::Proven => "no batch is proven yet".to_owned(),
            BatchSelector::Verified => "no batch is verified yet".to_owned(),
        };
        Refusal::not_found("unknown_batch", detail)
    };
    backend.batch(selector).await?.ok_or_else(unknown)
}
