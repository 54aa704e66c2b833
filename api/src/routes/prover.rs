//! `/v1/prover`, the part that anyone may read.

use axum::Json;
use axum::extract::State;

use crate::extract::{NoParameters, Parameters};
use crate::params::{Paging, StateFilter};
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, JobView, Page, WorkersView};

/// Jobs of batches that are not proven, the oldest batch first.
#[utoipa::path(
    get, path = "/v1/prover/jobs", tag = "prover", operation_id = "jobs",
    params(StateFilter, Paging),
    responses((status = 200, description = "A page of jobs.", body = Page<JobView>))
)]
pub(crate) async fn jobs<B: Backend>(
    State(app): State<Shared<B>>,
    mut parameters: Parameters,
) -> Result<Json<Page<JobView>>, Refusal> {
    let state = parameters.take("state")?;
    let page = parameters.into_page()?;
    let jobs = app.backend.jobs(state, page.with_one_more()).await?;
    Ok(Json(page.page(jobs, JobView::key)))
}

/// The provers: what each does, and what went wrong last; and the jobs that nobody does any more, with the reason.
#[utoipa::path(
    get, path = "/v1/prover/workers", tag = "prover", operation_id = "workers",
    responses((status = 200, description = "The workers.", body = WorkersView))
)]
pub(crate) async fn workers<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
) -> Result<Json<WorkersView>, Refusal> {
    Ok(Json(app.backend.workers().await?))
}
