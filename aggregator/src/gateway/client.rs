//! The worker's end.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_storage::jobs::{BeatReply, BlobId};

use super::problem::Problem;
use super::token::{SCHEME, Token};
use super::{ClaimRequest, OCTETS, PROOF_BODY_MAX, REQUEST_TIMEOUT};
use crate::message::{
    Assignment, Beat, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello,
};
use crate::pass::WorkerPass;
use crate::worker::Transport;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that are a few bytes, both ways.
pub(super) const SHORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that the other side may ask to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// Bytes of an answer at most: a blob.
const ANSWER_BYTES_MAX: usize = (16 << 20) + 1024;

/// A coordinator's gateway. Every request ends in time; the worker tries again.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    /// Without a slash at the end.
    base: String,
    /// Lets it register, or give orders.
    pub(super) token: Token,
}

/// There is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The coordinator's address is none.
    #[error("{address:?} is no http address")]
    Address {
        /// What was given.
        address: String,
    },
    /// The library gives no client.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl HttpTransport {
    /// A way to the gateway of the node at this address, such as `http://10.0.0.1:3000`.
    ///
    /// # Errors
    /// The address is none, or the library gives no client.
    pub fn new(address: &str, token: Token) -> Result<Self, ClientError> {
        let url = reqwest::Url::parse(address).ok();
        if url.is_none_or(|url| !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base()) {
            return Err(ClientError::Address { address: address.to_owned() });
        }
        Ok(Self { client: client()?, base: address.trim_end_matches('/').to_owned(), token })
    }

    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        route: (Method, &str),
        authorization: &str,
        message: &Q,
        timeout: Duration,
    ) -> Result<A, FleetError> {
        let body = postcard::to_stdvec(message).map_err(|error| FleetError::Protocol { reason: error.to_string() })?;
        // The coordinator would hang up in the middle, which looks as if it were away.
        if body.len() > PROOF_BODY_MAX {
            return Err(FleetError::TooLarge);
        }
        let bytes = answer_of(self.ask(route, authorization, timeout).body(body)).await?;
        // Whatever stands in between may answer for the coordinator while that is away, and say that all is well.
        postcard::from_bytes(&bytes)
            .map_err(|error| FleetError::Unreachable { reason: format!("not its answer: {error}"), wait: None })
    }

    /// A call of a worker.
    async fn say<Q: Serialize, A: DeserializeOwned>(
        &self,
        route: (Method, &str),
        pass: &WorkerPass,
        message: &Q,
        timeout: Duration,
    ) -> Result<A, FleetError> {
        self.call(route, &bearer(pass), message, timeout).await
    }

    pub(super) fn ask(&self, (method, path): (Method, &str), authorization: &str, timeout: Duration) -> RequestBuilder {
        let mut authorization = HeaderValue::from_str(authorization).expect("tokens and passes are visible ASCII");
        authorization.set_sensitive(true);
        let url = format!("{}/v1/prover/{path}", self.base);
        let request = self.client.request(method, url).header(CONTENT_TYPE, OCTETS);
        request.header(AUTHORIZATION, authorization).timeout(timeout)
    }
}

fn bearer(pass: &WorkerPass) -> String {
    format!("{SCHEME}{}", pass.text())
}

/// Sends a request and reads the answer: the bytes, if it is a good one.
pub(super) async fn answer_of(request: RequestBuilder) -> Result<Vec<u8>, FleetError> {
    let response = request.send().await.map_err(unreachable)?;
    let (status, wait) = (response.status(), retry_after(response.headers()));
    let bytes = body_of(response).await?;
    if status.is_success() {
        return Ok(bytes);
    }
    if let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) {
        return Err(problem.into_error(wait));
    }
    Err(foreign(status, wait))
}

/// What it means that something between here and the coordinator answers in its place: it lets nobody in, or not now.
fn foreign(status: StatusCode, wait: Option<Duration>) -> FleetError {
    let reason = format!("{status}, not from the coordinator");
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FleetError::Forbidden { reason },
        _ => FleetError::Unreachable { reason, wait },
    }
}

/// The time after which to come again, if the answer says one in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn client() -> Result<Client, reqwest::Error> {
    // A redirect would carry the secret elsewhere.
    Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(Policy::none()).build()
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, FleetError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            let reason = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
            return Err(FleetError::Unreachable { reason, wait: None });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unreachable(error: reqwest::Error) -> FleetError {
    FleetError::Unreachable { reason: error.without_url().to_string(), wait: None }
}

impl Transport for HttpTransport {
    fn separate(&self) -> Result<Self, FleetError> {
        Ok(Self { client: client().map_err(unreachable)?, ..self.clone() })
    }

    async fn register(&self, hello: WorkerHello) -> Result<Welcome, FleetError> {
        self.call((Method::POST, "registrations"), &self.token.header(), &hello, SHORT_TIMEOUT).await
    }

    async fn claim(&self, pass: &WorkerPass, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        self.say((Method::POST, "leases"), pass, &ClaimRequest { wait }, wait + SHORT_TIMEOUT).await
    }

    async fn beat(&self, pass: &WorkerPass, beat: Beat) -> Result<BeatReply, FleetError> {
        self.say((Method::PUT, "leases"), pass, &beat, SHORT_TIMEOUT).await
    }

    async fn blob(&self, pass: &WorkerPass, id: BlobId) -> Result<Vec<u8>, FleetError> {
        answer_of(self.ask((Method::GET, &format!("blobs/{id}")), &bearer(pass), REQUEST_TIMEOUT)).await
    }

    async fn submit(&self, pass: &WorkerPass, submission: Submission) -> Result<ProofOutcome, FleetError> {
        self.say((Method::POST, "proofs"), pass, &submission, REQUEST_TIMEOUT).await
    }

    async fn fail(&self, pass: &WorkerPass, report: FailureReport) -> Result<(), FleetError> {
        self.say((Method::POST, "leases/failed"), pass, &report, SHORT_TIMEOUT).await
    }

    async fn release(&self, pass: &WorkerPass, held: Held) -> Result<(), FleetError> {
        self.say((Method::POST, "leases/released"), pass, &held, SHORT_TIMEOUT).await
    }

    async fn goodbye(&self, pass: &WorkerPass) -> Result<(), FleetError> {
        let path = format!("registrations/{}", pass.worker.0);
        self.say((Method::DELETE, &path), pass, &(), SHORT_TIMEOUT).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_door_on_the_way_is_final() {
        for status in [301, 404, 408, 413, 425, 429, 500, 502, 503, 504] {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = foreign(status, Some(Duration::from_secs(7)));
            assert!(error.is_passing() && error.wait() == Some(Duration::from_secs(7)), "{status}: {error}");
        }
        for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
            let error = foreign(status, None);
            assert!(!error.is_passing() && error.to_string().contains(status.as_str()), "{error}");
        }
    }

    #[test]
    fn the_time_to_come_again_is_bounded() {
        let wait = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("ASCII"))]));
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!([wait("Wed, 21 Oct 2026 07:28:00 GMT"), wait("-1"), retry_after(&HeaderMap::new())], [None; 3]);
    }
}
