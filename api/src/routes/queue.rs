//! `/v1/queue`.

use axum::Json;
use axum::extract::State;

use crate::extract::Parameters;
use crate::params::Paging;
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, Page, QueueEntryView};

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
    let page = parameters.into_page()?;
    let entries = app.backend.queue(page.with_one_more()).await?;
    Ok(Json(page.page(entries, |entry| entry.position)))
}
