//! `/v1/batches`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::bodies::SentEvent;
use crate::caching::{self, Freshness};
use crate::clients::Client;
use crate::extract::{NoParameters, Parameters, PathParts};
use crate::params::{BatchName, Conditional, Paging, Resuming};
use crate::problem::Refusal;
use crate::router::{App, Shared};
use crate::stream::{self, Steps, Subject, steps_seen};
use crate::{
    Backend, BackendError, BatchDataView, BatchSelector, BatchView, Event, JobView, Page, ProofTreeView,
    TransactionView, WithdrawalView,
};

/// All batches, the newest first.
#[utoipa::path(
    get, path = "/v1/batches", tag = "batches", operation_id = "batches",
    params(Paging),
    responses((status = 200, description = "A page of batches.", body = Page<BatchView>))
)]
pub(crate) async fn list<B: Backend>(
    State(app): State<Shared<B>>,
    parameters: Parameters,
) -> Result<Json<Page<BatchView>>, Refusal> {
    let page = parameters.into_page()?.of_reads();
    let batches = app.backend.batches(page.with_one_more()).await?;
    Ok(Json(page.page(batches, |batch| batch.number.into())))
}

/// One batch.
#[utoipa::path(
    get, path = "/v1/batches/{batch}", tag = "batches", operation_id = "batch",
    params(BatchName, Conditional),
    responses(
        (status = 200, description = "The batch.", body = BatchView),
        (status = 404, description = "`unknown_batch`"),
    )
)]
pub(crate) async fn one<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let named = named(&app, &path).await?;
    let is_immutable = named.by_number && named.batch.is_final();
    caching::json(&headers, Freshness::immutable_if(is_immutable), &named.batch)
}

/// The signed transactions of a batch, by slot.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/transactions", tag = "batches", operation_id = "batch_transactions",
    params(BatchName, Paging),
    responses(
        (status = 200, description = "A page of transactions.", body = Page<TransactionView>),
        (status = 404, description = "`unknown_batch`"),
    )
)]
pub(crate) async fn transactions<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    parameters: Parameters,
) -> Result<Json<Page<TransactionView>>, Refusal> {
    let page = parameters.into_page()?;
    let number = named(&app, &path).await?.batch.number;
    let transactions = app.backend.batch_transactions(number, page.with_one_more()).await?;
    Ok(Json(page.page(transactions, |view| view.slot.unwrap_or_default().into())))
}

/// What a batch publishes on L1: its records as bytes, and read.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/data", tag = "batches", operation_id = "batch_data",
    params(BatchName, Conditional),
    responses(
        (status = 200, description = "The records.", body = BatchDataView),
        (status = 404, description = "`unknown_batch`; `not_sealed`: the batch still grows"),
    )
)]
pub(crate) async fn data<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Named { batch, by_number } = named(&app, &path).await?;
    let not_sealed = || Refusal::not_found("not_sealed", format!("batch {} is not sealed yet", batch.number));
    let records = app.backend.batch_records(batch.number).await?.ok_or_else(not_sealed)?;
    // A batch that is not verified may be taken back, and its number given again.
    let freshness = Freshness::immutable_if(by_number && batch.is_final());
    caching::json(&headers, freshness, &BatchDataView::new(batch.number, &records))
}

/// The file with the proof of a batch, to be checked with `weft verify`.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/proof", tag = "batches", operation_id = "proof",
    params(BatchName, Conditional),
    responses(
        (status = 200, description = "The proof file.", content_type = "application/json", body = Object),
        (status = 404, description = "`unknown_batch`; `not_proven`"),
    )
)]
pub(crate) async fn proof<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Named { batch, by_number } = named(&app, &path).await?;
    let Some(file) = app.backend.proof(batch.number).await? else {
        let detail = format!("batch {} is {} and has no proof yet", batch.number, batch.status);
        return Err(Refusal::not_found("not_proven", detail));
    };
    let freshness = Freshness::immutable_if(by_number && batch.is_final());
    Ok(caching::body(&headers, freshness, file.content_type, file.bytes))
}

/// The jobs that prove a batch: who does what, what has failed, and how long the rest will take.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/proof-tree", tag = "batches", operation_id = "proof_tree",
    params(BatchName),
    responses(
        (status = 200, description = "The jobs.", body = ProofTreeView),
        (status = 404, description = "`unknown_batch`"),
    )
)]
pub(crate) async fn proof_tree<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
) -> Result<Json<ProofTreeView>, Refusal> {
    let number = named(&app, &path).await?.batch.number;
    let unknown = || Refusal::not_found("unknown_batch", format!("there is no batch {number}"));
    app.backend.proof_tree(number).await?.map(Json).ok_or_else(unknown)
}

/// A batch on its way to L1, as server-sent events `step`, `tree` and `job`; ends with the last step.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/events", tag = "batches", operation_id = "batch_events",
    params(BatchName, Resuming),
    responses(
        (status = 200, description = "A stream of events.", content_type = "text/event-stream", body = SentEvent),
        (status = 404, description = "`unknown_batch`"),
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
    let number = named(&app, &path).await?.batch.number;
    let backend = app.backend.clone();
    stream::stream(&app, client, seen, Watched { backend, number, steps: Steps::after(seen), jobs: None, ended: false })
}

/// A batch whose steps and jobs are told.
struct Watched<B> {
    backend: std::sync::Arc<B>,
    number: u32,
    steps: Steps,
    jobs: Option<Vec<JobView>>,
    ended: bool,
}

impl<B: Backend> Subject for Watched<B> {
    async fn look(&mut self) -> Result<Option<Vec<Event>>, BackendError> {
        if self.ended {
            return Ok(None);
        }
        let batch = self.backend.batch(BatchSelector::Number(self.number)).await?;
        let Some(batch) = batch else { return Ok(None) };
        self.ended = batch.is_final();
        let mut events = self.steps.news(&batch.steps);
        if let Some(tree) = self.backend.proof_tree(self.number).await? {
            let jobs = self.jobs.replace(tree.jobs.clone());
            match jobs {
                Some(jobs) if jobs.iter().map(|job| job.id).eq(tree.jobs.iter().map(|job| job.id)) => {
                    let changed = tree.jobs.into_iter().zip(jobs).filter(|(new, old)| new != old);
                    events.extend(changed.map(|(new, _)| Event::Job(Box::new(new))));
                }
                _ => events.push(Event::Tree(Box::new(tree))),
            }
        }
        Ok(Some(events))
    }
}

/// What a batch pays out, each with the L1 call that pays it.
#[utoipa::path(
    get, path = "/v1/batches/{batch}/withdrawals", tag = "batches", operation_id = "batch_withdrawals",
    params(BatchName, Paging),
    responses(
        (status = 200, description = "A page of withdrawals.", body = Page<WithdrawalView>),
        (status = 404, description = "`unknown_batch`"),
    )
)]
pub(crate) async fn withdrawals<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    parameters: Parameters,
) -> Result<Json<Page<WithdrawalView>>, Refusal> {
    let page = parameters.into_page()?;
    let number = named(&app, &path).await?.batch.number;
    let withdrawals = app.backend.withdrawals(number, page.with_one_more()).await?;
    Ok(Json(page.page(withdrawals, |withdrawal| withdrawal.position.into())))
}

/// A batch and how it was asked for: what a word means changes.
pub(crate) struct Named {
    pub(crate) batch: BatchView,
    by_number: bool,
}

/// The batch that a path names.
///
/// # Errors
/// There is none.
pub(crate) async fn named<B: Backend>(app: &App<B>, path: &PathParts) -> Result<Named, Refusal> {
    let selector = path.batch()?;
    let unknown = || {
        let detail = match selector {
            Some(BatchSelector::Number(number)) => format!("there is no batch {number}"),
            Some(BatchSelector::Latest) => "there is no batch yet".to_owned(),
            Some(BatchSelector::Proven) => "no batch is proven yet".to_owned(),
            Some(BatchSelector::Verified) => "no batch is verified yet".to_owned(),
            None => "there is no batch with so large a number".to_owned(),
        };
        Refusal::not_found("unknown_batch", detail)
    };
    let batch = app.backend.batch(selector.ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
    Ok(Named { batch, by_number: matches!(selector, Some(BatchSelector::Number(_))) })
}
