//! Errors as problems (RFC 9457), both ways.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use weft_circuits::digest::CircuitDigest;

use crate::message::{Expected, FleetError};

/// Stable words for what can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// [`FleetError::Refused`]
    WorkerRefused,
    /// [`FleetError::BadHello`]
    BadHello,
    /// [`FleetError::UnknownWorker`]
    UnknownWorker,
    /// [`FleetError::Suspended`]
    WorkerSuspended,
    /// [`FleetError::Busy`]
    Busy,
    /// [`FleetError::TooMany`]
    TooManyRequests,
    /// [`FleetError::NoOperator`]
    NoOperatorToken,
    /// [`FleetError::NoSuchBlob`]
    NoSuchBlob,
    /// [`FleetError::NoSuchBatch`]
    NoSuchBatch,
    /// [`FleetError::NoSuchWorker`]
    NoSuchWorker,
    /// [`FleetError::Store`]
    StoreFailed,
    /// [`FleetError::Unauthorized`]
    Unauthorized,
    /// [`FleetError::TooLarge`]
    BodyTooLarge,
    /// [`FleetError::Protocol`]
    BadRequest,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Problem {
    code: ProblemCode,
    title: String,
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<ExpectedText>,
}

/// What a worker must be like, for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct ExpectedText {
    build: String,
    circuits: Vec<String>,
}

impl Problem {
    fn new(error: &FleetError) -> Self {
        let (code, status) = match error {
            FleetError::Refused(_) => (ProblemCode::WorkerRefused, StatusCode::CONFLICT),
            FleetError::BadHello => (ProblemCode::BadHello, StatusCode::UNPROCESSABLE_ENTITY),
            FleetError::UnknownWorker => (ProblemCode::UnknownWorker, StatusCode::GONE),
            FleetError::Suspended => (ProblemCode::WorkerSuspended, StatusCode::FORBIDDEN),
            FleetError::Busy => (ProblemCode::Busy, StatusCode::SERVICE_UNAVAILABLE),
            FleetError::TooMany { .. } => (ProblemCode::TooManyRequests, StatusCode::TOO_MANY_REQUESTS),
            FleetError::NoOperator => (ProblemCode::NoOperatorToken, StatusCode::FORBIDDEN),
            FleetError::NoSuchBlob => (ProblemCode::NoSuchBlob, StatusCode::NOT_FOUND),
            FleetError::NoSuchBatch => (ProblemCode::NoSuchBatch, StatusCode::NOT_FOUND),
            FleetError::NoSuchWorker => (ProblemCode::NoSuchWorker, StatusCode::NOT_FOUND),
            FleetError::Store { .. } | FleetError::Unreachable { .. } => {
                (ProblemCode::StoreFailed, StatusCode::INTERNAL_SERVER_ERROR)
            }
            FleetError::Unauthorized => (ProblemCode::Unauthorized, StatusCode::UNAUTHORIZED),
            FleetError::TooLarge => (ProblemCode::BodyTooLarge, StatusCode::PAYLOAD_TOO_LARGE),
            FleetError::Protocol { .. } | FleetError::Forbidden { .. } => {
                (ProblemCode::BadRequest, StatusCode::BAD_REQUEST)
            }
        };
        let expected = match error {
            FleetError::Refused(expected) => Some(ExpectedText {
                build: expected.build.clone(),
                circuits: expected.circuits.iter().map(|circuit| CircuitDigest(*circuit).to_string()).collect(),
            }),
            _ => None,
        };
        Self { code, title: error.to_string(), status: status.as_u16(), expected }
    }

    /// The error that this was made of; `wait` is what the header says of the time.
    pub(super) fn into_error(self, wait: Option<Duration>) -> FleetError {
        let reason = self.title;
        match self.code {
            ProblemCode::WorkerRefused => {
                let ExpectedText { build, circuits } =
                    self.expected.unwrap_or(ExpectedText { build: String::new(), circuits: Vec::new() });
                let circuits = circuits.iter().filter_map(|text| text.parse::<CircuitDigest>().ok());
                FleetError::Refused(Box::new(Expected { build, circuits: circuits.map(|digest| digest.0).collect() }))
            }
            ProblemCode::BadHello => FleetError::BadHello,
            ProblemCode::UnknownWorker => FleetError::UnknownWorker,
            ProblemCode::WorkerSuspended => FleetError::Suspended,
            ProblemCode::Busy => FleetError::Busy,
            ProblemCode::TooManyRequests => FleetError::TooMany { wait: wait.unwrap_or_default() },
            ProblemCode::NoOperatorToken => FleetError::NoOperator,
            ProblemCode::NoSuchBlob => FleetError::NoSuchBlob,
            ProblemCode::NoSuchBatch => FleetError::NoSuchBatch,
            ProblemCode::NoSuchWorker => FleetError::NoSuchWorker,
            ProblemCode::StoreFailed => FleetError::Store { reason },
            ProblemCode::Unauthorized => FleetError::Unauthorized,
            ProblemCode::BodyTooLarge => FleetError::TooLarge,
            ProblemCode::BadRequest => FleetError::Protocol { reason },
        }
    }
}

impl IntoResponse for FleetError {
    fn into_response(self) -> Response {
        let problem = Problem::new(&self);
        let status = StatusCode::from_u16(problem.status).expect("it was made of one");
        let body = serde_json::to_vec(&problem).expect("plain data are written to memory");
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Self::TooMany { wait } = self {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_acts_upon_survives_the_way() {
        let expected = Expected { build: "1".to_owned(), circuits: vec![[7; 32], [8; 32]] };
        for error in [
            FleetError::Refused(Box::new(expected)),
            FleetError::BadHello,
            FleetError::UnknownWorker,
            FleetError::Suspended,
            FleetError::Busy,
            FleetError::TooMany { wait: Duration::from_secs(3) },
            FleetError::NoOperator,
            FleetError::NoSuchBlob,
            FleetError::NoSuchBatch,
            FleetError::NoSuchWorker,
            FleetError::Unauthorized,
            FleetError::TooLarge,
        ] {
            let json = serde_json::to_string(&Problem::new(&error)).expect("plain data");
            let problem: Problem = serde_json::from_str(&json).expect("as it was written");
            assert_eq!(problem.into_error(Some(Duration::from_secs(3))), error);
        }
        let passing = FleetError::Store { reason: "disk".to_owned() };
        assert!(Problem::new(&passing).into_error(None).is_passing());
    }
}
