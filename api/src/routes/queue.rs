//! `/v1/queue`.

use axum::Json;
use axum::extract::State;

use crate::extract::{NoParameters, Parameters, PathParts};
use crate::params::{Paging, QueuePosition};
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, Page, PageRequest, QueueEntryView};

/// Entries of the L1 queue that the node knows, in order.
#[utoipa::path(
    get, path = "/v1/queue", tag = "queue", operation_id = "queue",
    params(Paging),
    responses((status = 200, description = "A page of entries.", body = Page<QueueEntryView>))
)]
pub(crate) async fn list<B: Backend>(
    State(app): State<Shared<B>>,
    parameters: Parameters,
) -> Result<Json<Page<QueueEntryView>>, Refusal> {
    let page = parameters.into_page()?.of_reads();
    let entries = app.backend.queue(page.with_one_more()).await?;
    Ok(Json(page.page(entries, |entry| entry.position)))
}

/// One entry of the L1 queue.
#[utoipa::path(
    get, path = "/v1/queue/{position}", tag = "queue", operation_id = "queue_entry",
    params(QueuePosition),
    responses(
        (status = 200, description = "The entry.", body = QueueEntryView),
        (status = 404, description = "`unknown_entry`: the node has not read so far"),
    )
)]
pub(crate) async fn one<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
) -> Result<Json<QueueEntryView>, Refusal> {
    let unknown = || Refusal::not_found("unknown_entry", "the node has read no entry at this position");
    let position = path.number(0, "position")?.map(u64::from).ok_or_else(unknown)?;
    let page = PageRequest { after: position.checked_sub(1), limit: 1 };
    let entry = app.backend.queue(page).await?.into_iter().next();
    entry.filter(|entry| entry.position == position).map(Json).ok_or_else(unknown)
}
