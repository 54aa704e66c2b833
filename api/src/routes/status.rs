//! `/v1/status` and `/livez`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::problem::Refusal;
use crate::{Backend, Live, StatusView};

/// The node as a whole.
pub(crate) async fn status<B: Backend>(State(backend): State<Arc<B>>) -> Result<Json<StatusView>, Refusal> {
    Ok(Json(backend.status().await?))
}

/// Whether the process serves requests.
pub(crate) async fn livez() -> Json<Live> {
    Json(Live { live: true })
}
