//! What clients may keep, and how they ask whether it has changed.

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Refusal;

/// How long an answer is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freshness {
    /// For ever: nothing can change it.
    Immutable,
    /// Until asked again.
    Volatile,
}

impl Freshness {
    /// Immutable if so.
    pub(crate) fn immutable_if(is_final: bool) -> Self {
        if is_final { Self::Immutable } else { Self::Volatile }
    }

    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Volatile => "no-cache",
        })
    }
}

/// JSON that clients may keep.
///
/// # Errors
/// The value has no form in JSON: a fault of the node.
pub(crate) fn json(request: &HeaderMap, freshness: Freshness, value: &impl Serialize) -> Result<Response, Refusal> {
    let bytes = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer has no form in JSON");
        Refusal::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    Ok(body(request, freshness, "application/json", bytes.into()))
}

/// Bytes that clients may keep; 304 without them if the client has them.
pub(crate) fn body(request: &HeaderMap, freshness: Freshness, content_type: &'static str, bytes: Bytes) -> Response {
    let digest = blake3::hash(&bytes).to_hex();
    let tag = format!("\"{}\"", &digest[..32]);
    let etag = HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes");
    let kept = [(CACHE_CONTROL, freshness.header()), (ETAG, etag)];
    if request.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &tag)) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(CONTENT_TYPE, HeaderValue::from_static(content_type))], bytes).into_response()
}

/// Whether a list of entity tags has this one; weak ones count too (RFC 9110, 13.1.2).
fn names(list: &HeaderValue, tag: &str) -> bool {
    let Ok(list) = list.to_str() else { return false };
    list.split(',').map(str::trim).any(|entry| entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_found_in_lists() {
        let tag = "\"ab\"";
        for (list, expected) in [
            ("\"ab\"", true),
            ("W/\"ab\"", true),
            ("\"x\", \"ab\"", true),
            ("*", true),
            ("\"abc\"", false),
            ("ab", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(list), tag), expected, "{list}");
        }
    }
}
