//! Requests to a router without a network.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;
use weft_api::{Bytes, Problem, Router, Server, TransactionRequest};
use weft_protocol::SignedTransaction;

use crate::ledger::{Ledger, deployment};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.expect("the answer has the header");
        value.to_str().expect("printable")
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).expect("the body has the type")
    }

    /// The problem in the body, whose form is checked whole.
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(problem.type_uri, format!("urn:weft:problem:{}", problem.code));
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        assert_eq!(problem.trace_id, self.header("x-trace-id"));
        assert_eq!(problem.trace_id.len(), 32);
        let retry_after = problem.retry_after.map(|seconds| seconds.to_string());
        let header = self.headers.get("retry-after");
        let header = header.map(|value| value.to_str().expect("a number").to_owned());
        assert_eq!(retry_after, header);
        problem
    }

    pub(crate) fn assert_problem(&self, status: u16, code: &str) -> Problem {
        let problem = self.problem();
        let got = (problem.status, problem.code.as_str());
        assert_eq!(got, (status, code), "{problem:?}");
        problem
    }
}

/// The API over one ledger.
pub(crate) struct Client {
    pub(crate) ledger: Arc<Ledger>,
    router: Router,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Ledger::new()))
    }

    pub(crate) fn over(ledger: Arc<Ledger>) -> Self {
        let router = Server::new(Arc::clone(&ledger)).router();
        Self { ledger, router }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        send(&self.router, request(Method::GET, uri, Body::empty())).await
    }

    pub(crate) async fn post(&self, body: impl Into<Body>) -> Answer {
        send(&self.router, submission(body)).await
    }

    pub(crate) async fn post_json(&self, json: &Value) -> Answer {
        self.post(json.to_string()).await
    }

    pub(crate) async fn submit(&self, signed: SignedTransaction) -> Answer {
        self.post_json(&body_of(signed)).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }
}

/// The body that submits a transaction.
pub(crate) fn body_of(signed: SignedTransaction) -> Value {
    let request = TransactionRequest::new(signed, &deployment()).expect("JSON can carry it");
    serde_json::to_value(request).expect("the body is JSON")
}

pub(crate) fn submission(body: impl Into<Body>) -> Request<Body> {
    let mut request = request(Method::POST, "/v1/transactions", body.into());
    let json = "application/json".parse().expect("a header");
    request.headers_mut().insert("content-type", json);
    request
}

pub(crate) fn request(method: Method, uri: &str, body: Body) -> Request<Body> {
    let builder = Request::builder().method(method).uri(uri);
    builder.body(body).expect("the tests' requests have form")
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("routers do not fail");
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.expect("bodies are in memory"),
    }
}
