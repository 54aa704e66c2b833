//! Trace ids, and problem bodies for every error.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering};
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use crate::problem::{PROBLEM_JSON, Refusal};

/// Header of every answer that has the trace id.
const TRACE_ID_HEADER: &str = "x-trace-id";
/// Header of W3C Trace Context, in requests and answers.
const TRACEPARENT: &str = "traceparent";

/// Id of a request: 32 hexadecimal digits, as in W3C Trace Context.
#[derive(Clone, Debug)]
pub(crate) struct TraceId(String);

impl TraceId {
    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives out trace ids.
#[derive(Debug, Default)]
pub(crate) struct TraceIds {
    /// Keyed hashes with keys from the operating system, one for each half of an id.
    hashers: [RandomState; 2],
    next: AtomicU64,
}

impl TraceIds {
    /// The id that the caller sent in `traceparent`, else a new one.
    fn of(&self, headers: &HeaderMap) -> TraceId {
        let sent = headers.get(TRACEPARENT).and_then(traceparent_id);
        sent.unwrap_or_else(|| {
            let [high, low] = self.next();
            TraceId(format!("{high:016x}{low:016x}"))
        })
    }

    /// A new id for the span of a request: 16 hexadecimal digits.
    fn span_id(&self) -> String {
        let [id, _] = self.next();
        format!("{:016x}", id.max(1))
    }

    fn next(&self) -> [u64; 2] {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.hashers.each_ref().map(|hasher| hasher.hash_one(number))
    }
}

/// The trace id in a header of the form `version-traceid-parentid-flags`.
fn traceparent_id(header: &HeaderValue) -> Option<TraceId> {
    let id = header.to_str().ok()?.split('-').nth(1)?;
    let is_id = id.len() == 32
        && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && id.bytes().any(|byte| byte != b'0');
    is_id.then(|| TraceId(id.to_owned()))
}

/// Outermost layer: every request has a trace id and is counted, every answer of 400 or more has a problem as its body.
pub(crate) async fn observe(State(ids): State<Arc<TraceIds>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let trace_id = ids.of(request.headers());
    let span_id = ids.span_id();
    request.extensions_mut().insert(trace_id.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", %method, path, trace_id = trace_id.as_str(), span_id);
    let response = next.run(request).instrument(span).await;
    let mut response = explain(response, &trace_id);
    let headers = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).expect("hexadecimal digits");
    headers.insert(TRACE_ID_HEADER, value(&trace_id.0));
    headers.insert(TRACEPARENT, value(&format!("00-{}-{span_id}-01", trace_id.0)));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    record(&method, route, response.status(), began);
    response
}

/// Counts by route template and class of status: no label grows with what clients send.
fn record(method: &Method, route: String, status: StatusCode, began: Instant) {
    let method = match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let class = format!("{}xx", status.as_u16() / 100);
    let labels = [("method", method), ("route", route), ("status", class)];
    metrics::counter!("weft_api_requests_total", &labels).increment(1);
    metrics::histogram!("weft_api_request_seconds", &labels).record(began.elapsed().as_secs_f64());
}

/// Gives an error its body; keeps headers that say more, such as `Allow` and `Retry-After`.
fn explain(mut response: Response, trace_id: &TraceId) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON) {
        return response;
    }
    let refusal = response.extensions_mut().remove::<Refusal>();
    let refusal = refusal.unwrap_or_else(|| Refusal::of_status(status));
    let problem = refusal.into_problem(trace_id.as_str());
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    let body = Json(problem).into_response();
    *response.body_mut() = body.into_body();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn id_of(traceparent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().unwrap());
        TraceIds::default().of(&headers).0
    }

    #[test]
    fn the_id_of_the_caller_is_kept_if_it_is_one() {
        assert_eq!(id_of(&format!("00-{ID}-00f067aa0ba902b7-01")), ID);
        let refused = [
            String::new(),
            ID.to_owned(),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{ID}0-00f067aa0ba902b7-01"),
        ];
        for header in refused {
            let id = id_of(&header);
            assert_eq!(id.len(), 32);
            assert!(!header.contains(&id), "{header}");
        }
    }

    #[test]
    fn ids_differ() {
        let ids = TraceIds::default();
        let [a, b] = [(), ()].map(|()| ids.of(&HeaderMap::new()).0);
        assert_ne!(a, b);
    }
}
