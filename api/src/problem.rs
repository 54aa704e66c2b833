//! Errors as RFC 9457 problem details.
//!
//! A handler refuses a request with a [`Refusal`]; `observe` writes it as the body, with the request's trace id, and
//! does the same for every other answer of 400 or more.
//!
//! | status | codes |
//! |---|---|
//! | 400 | `malformed_json`, `missing_field`, `unknown_field`, `invalid_field`, `invalid_parameter`, `bad_request` |
//! | 404 | `not_found`, `unknown_transaction`, `unknown_account`, `unknown_batch`, `unknown_withdrawal`, `not_sealed`, `not_proven` |
//! | 405, 413, 415 | `method_not_allowed`, `body_too_large`, `unsupported_media_type` |
//! | 409 | `wrong_nonce`, with `expected` |
//! | 410 | `state_not_kept` |
//! | 422 | `unsupported_kind`, `wrong_domain`, `not_canonical`, `fee_not_representable`, `fee_too_low`, and the codes of [`Reject`] |
//! | 429 | `rate_limited`, `pool_full`, `too_many_pending`, `too_many_requests`, `too_many_streams`, with `retry_after` |
//! | 500, 503 | `internal_error`; `not_ready`, `timed_out`, with `retry_after` |

use core::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::Reject;

use crate::{BackendError, SubmitError};

/// Media type of a [`Problem`].
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// When to try again if nobody knows better.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// Body of an error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:weft:problem:` and the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// What kind of problem it is, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is, for programs: stable, in `snake_case`.
    pub code: String,
    /// What was wrong with this request.
    pub detail: String,
    /// JSON pointer to the field of the body that was wrong.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of the parameter of path or query that was wrong.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Nonce that the next transaction of the account must have.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
    /// What is not in order, of `/readyz`.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Seconds after which the same request may succeed.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The request's id in the node's log.
    pub trace_id: String,
}

/// A problem on its way to the client; the trace id is still missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal(Box<Problem>);

impl Refusal {
    /// A problem with the status, code and title of its kind.
    pub(crate) fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            type_uri: format!("urn:weft:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            pointer: None,
            parameter: None,
            expected: None,
            reasons: Vec::new(),
            retry_after: None,
            trace_id: String::new(),
        }))
    }

    /// The body is not a JSON object, or names a field twice.
    pub(crate) fn malformed_json(detail: impl Into<String>) -> Self {
        let title = "The body is not a JSON object";
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", title, detail)
    }

    /// A field has the right form and a value that cannot be.
    pub(crate) fn value(code: &str, name: &str, detail: impl Into<String>) -> Self {
        let title = "The value of a field cannot be";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title, detail).at_field(name)
    }

    /// Something is wrong with the presence of a field.
    pub(crate) fn field(code: &str, name: &str, detail: impl Into<String>) -> Self {
        let title = "A field of the body is wrong";
        Self::new(StatusCode::BAD_REQUEST, code, title, detail).at_field(name)
    }

    /// A parameter of path or query is wrong.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let title = "A parameter of the address is wrong";
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", title, detail);
        refusal.0.parameter = Some(name.to_owned());
        refusal
    }

    /// The transaction is for something that this node does not serve.
    pub(crate) fn unsupported(code: &str, field: &str, detail: impl Into<String>) -> Self {
        let title = "The transaction is not one of this rollup";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title, detail).at_field(field)
    }

    /// Nothing has this name.
    pub(crate) fn not_found(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, "Not found", detail)
    }

    /// More requests at once than the server takes on.
    pub(crate) fn too_many_requests() -> Self {
        let detail = "the server works on as many requests as it takes on at once";
        let title = "Too many requests";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", title, detail).after(RETRY_SOON)
    }

    /// More requests than a client may send.
    pub(crate) fn rate_limited(wait: Duration) -> Self {
        let detail = "the client has used up its allowance; the headers RateLimit-* have it";
        let title = "Too many requests";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", title, detail).after(wait)
    }

    /// More streams of events than the server takes on, of a client or of all.
    pub(crate) fn too_many_streams() -> Self {
        let detail = "there are as many streams of events as the server takes on, of this address or of all; \
            ask from time to time instead";
        let title = "Too many streams";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", title, detail).after(RETRY_SOON)
    }

    /// The node keeps the states after its last batches only.
    pub(crate) fn gone(oldest: u32) -> Self {
        let title = "The state is not kept";
        let detail = format!("the oldest state that is kept is the one after batch {oldest}");
        Self::new(StatusCode::GONE, "state_not_kept", title, detail)
    }

    /// The node cannot do its work now.
    pub(crate) fn not_ready(reasons: Vec<String>) -> Self {
        let title = "The node is not ready";
        let detail = reasons.join("; ");
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", title, detail).after(RETRY_SOON);
        refusal.0.reasons = reasons;
        refusal
    }

    /// The problem that stands for a status that nobody explained.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let of = |code, detail| {
            let title = status.canonical_reason().unwrap_or("Error");
            Self::new(status, code, title, detail)
        };
        match status {
            StatusCode::NOT_FOUND => of("not_found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                of("method_not_allowed", "this address does not take the method; the header Allow has those it takes")
            }
            StatusCode::PAYLOAD_TOO_LARGE => of("body_too_large", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                of("unsupported_media_type", "the header Content-Type must be application/json")
            }
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => of("head_too_large", "the head of the request is too large"),
            StatusCode::SERVICE_UNAVAILABLE => of("timed_out", "the node did not answer in time").after(RETRY_SOON),
            _ if status.is_client_error() => of("bad_request", "the request is not understood"),
            _ => of("internal_error", "the node failed; its log has the trace id"),
        }
    }

    fn at_field(mut self, name: &str) -> Self {
        // RFC 6901: these two characters are escaped.
        let name = name.replace('~', "~0").replace('/', "~1");
        self.0.pointer = Some(format!("/{name}"));
        self
    }

    fn after(mut self, delay: Duration) -> Self {
        // Whole seconds, and never "at once".
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// The same about one of many transactions: its field is below the position.
    pub(crate) fn below(mut self, pointer: &str) -> Self {
        let field = self.0.pointer.take().unwrap_or_default();
        self.0.pointer = Some(format!("{pointer}{field}"));
        self
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.0.status
    }

    /// The body, now that the request's trace id is known.
    pub(crate) fn into_problem(self, trace_id: &str) -> Problem {
        Problem { trace_id: trace_id.to_owned(), ..*self.0 }
    }
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        let title = "A rule refuses the transaction";
        let refuse = |status| Self::new(status, reject.code(), title, reject.to_string());
        if let Reject::WrongNonce { expected, .. } = reject {
            let mut refusal = refuse(StatusCode::CONFLICT);
            refusal.0.expected = Some(expected);
            return refusal;
        }
        refuse(StatusCode::UNPROCESSABLE_ENTITY)
    }
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::NotReady { retry_after, .. } => {
                let title = "The node is not ready";
                let detail = error.to_string();
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", title, detail).after(retry_after)
            }
            BackendError::Internal { source } => {
                tracing::error!(error = source.as_ref(), "the backend failed");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(reject) => reject.into(),
            SubmitError::Backend(error) => error.into(),
            SubmitError::AccountFull { retry_after, .. } => {
                let title = "Too many transactions of the account wait";
                let detail = error.to_string();
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_pending", title, detail).after(retry_after)
            }
            SubmitError::FeeTooLow { .. } => {
                let title = "The fee is too low";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "fee_too_low", title, error.to_string()).at_field("fee")
            }
            SubmitError::PoolFull { retry_after } => {
                let title = "The pool is full";
                let detail = error.to_string();
                Self::new(StatusCode::TOO_MANY_REQUESTS, "pool_full", title, detail).after(retry_after)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).expect("made from a status");
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
