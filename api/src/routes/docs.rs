//! The OpenAPI document and a page that shows it.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{IntoResponse, Response};

use crate::Backend;
use crate::caching::{self, Freshness};
use crate::extract::NoParameters;
use crate::params::Conditional;
use crate::router::Shared;

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "documentation", operation_id = "openapi",
    params(Conditional),
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object))
)]
pub(crate) async fn openapi<B: Backend>(State(app): State<Shared<B>>, _: NoParameters, headers: HeaderMap) -> Response {
    caching::body(&headers, Freshness::Volatile, "application/json", app.document.clone())
}

/// A page that shows this document.
#[utoipa::path(
    get, path = "/docs", tag = "documentation", operation_id = "docs",
    params(Conditional),
    responses((status = 200, description = "HTML.", content_type = "text/html", body = String))
)]
pub(crate) async fn page<B: Backend>(State(_): State<Shared<B>>, _: NoParameters, headers: HeaderMap) -> Response {
    let page = Bytes::from_static(include_bytes!("docs.html"));
    // Nothing but what this server gives out may run or be shown in it.
    let policy = [(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'",
    )];
    (policy, caching::body(&headers, Freshness::Volatile, "text/html; charset=utf-8", page)).into_response()
}

/// The script of that page.
#[utoipa::path(
    get, path = "/docs/docs.js", tag = "documentation", operation_id = "docs_script",
    params(Conditional),
    responses((status = 200, description = "A script.", content_type = "text/javascript", body = String))
)]
pub(crate) async fn script<B: Backend>(State(_): State<Shared<B>>, _: NoParameters, headers: HeaderMap) -> Response {
    let script = Bytes::from_static(include_bytes!("docs.js"));
    caching::body(&headers, Freshness::Volatile, "text/javascript; charset=utf-8", script)
}
