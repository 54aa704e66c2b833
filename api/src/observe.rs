//! Trace ids, and problem bodies for every error.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering};
use std::hash::RandomState;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{PROBLEM_JSON, Refusal};

/// Header of every answer that has the trace id.
const TRACE_ID_HEADER: &str = "x-trace-id";

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
        let sent = headers.get("traceparent").and_then(traceparent_id);
        sent.unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let [high, low] = self.hashers.each_ref().map(|hasher| hasher.hash_one(number));
            TraceId(format!("{high:016x}{low:016x}"))
        })
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

/// Outermost layer: every request has a trace id, every answer of 400 or more a problem as its body.
pub(crate) async fn observe(State(ids): State<Arc<TraceIds>>, mut request: Request, next: Next) -> Response {
    let trace_id = ids.of(request.headers());
    request.extensions_mut().insert(trace_id.clone());
    let mut response = explain(next.run(request).await, &trace_id);
    let value = HeaderValue::from_str(&trace_id.0).expect("hexadecimal digits");
    response.headers_mut().insert(TRACE_ID_HEADER, value);
    response
}

/// Gives an error its body; keeps headers that say more, such as `Allow` and `Retry-After`.
fn explain(mut response: Response, trace_id: &TraceId) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let refusal = response.extensions_mut().remove::<Refusal>();
    let refusal = refusal.unwrap_or_else(|| Refusal::of_status(status));
    let mut explained = refusal.clone().into_response();
    explained.extensions_mut().clear();
    for name in ["allow", "retry-after", "connection"] {
        if let Some(value) = response.headers_mut().remove(name) {
            explained.headers_mut().insert(name, value);
        }
    }
    let body = Json(refusal.into_problem(trace_id.as_str())).into_response();
    *explained.body_mut() = body.into_body();
    let problem_json = HeaderValue::from_static(PROBLEM_JSON);
    explained.headers_mut().insert(CONTENT_TYPE, problem_json);
    explained
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
