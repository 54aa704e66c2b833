//! `/v1/status`, `/v1/config`, and what machines ask about health.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::extract::NoParameters;
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, FullConfigView, Live, ReadyView, StatusView};

/// The node as a whole: how far it is, what waits where, and which stage holds up the others.
#[utoipa::path(
    get, path = "/v1/status", tag = "node", operation_id = "status",
    responses((status = 200, description = "The node.", body = StatusView))
)]
pub(crate) async fn status<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
) -> Result<Json<StatusView>, Refusal> {
    Ok(Json(app.backend.status().await?))
}

/// What a client must know before it signs: chain, contract, domain, circuits, assets, limits.
#[utoipa::path(
    get, path = "/v1/config", tag = "node", operation_id = "config",
    responses((status = 200, description = "The configuration.", body = FullConfigView))
)]
pub(crate) async fn config<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
) -> Result<Json<FullConfigView>, Refusal> {
    Ok(Json(FullConfigView { node: app.backend.config().await?, api: app.limits.view() }))
}

/// Whether the process serves requests.
#[utoipa::path(
    get, path = "/livez", tag = "health", operation_id = "livez",
    responses((status = 200, description = "It does.", body = Live))
)]
pub(crate) async fn livez<B: Backend>(State(_): State<Shared<B>>, _: NoParameters) -> Json<Live> {
    Json(Live { live: true })
}

/// Whether the node can take transactions and get them to L1.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses(
        (status = 200, description = "It can.", body = ReadyView),
        (status = 503, description = "`not_ready`, with `reasons`"),
    )
)]
pub(crate) async fn readyz<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
) -> Result<Json<ReadyView>, Refusal> {
    let view = ReadyView::of(app.backend.readiness().await);
    if view.ready {
        return Ok(Json(view));
    }
    let failed = view.checks.iter().filter(|check| !check.ok);
    Err(Refusal::not_ready(failed.map(|check| format!("{}: {}", check.name, check.detail)).collect()))
}

/// The metrics of the process, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "Text format 0.0.4.", content_type = "text/plain", body = String))
)]
pub(crate) async fn metrics<B: Backend>(State(app): State<Shared<B>>, _: NoParameters) -> Response {
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, app.backend.metrics()).into_response()
}
