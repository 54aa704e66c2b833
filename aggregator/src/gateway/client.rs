//! The worker's end.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_storage::jobs::{BeatReply, BlobId, WorkerId};

use super::problem::Problem;
use super::token::Token;
use super::{ClaimRequest, OCTETS, PROOF_BODY_MAX, REQUEST_TIMEOUT};
use crate::message::{
    Assignment, Beat, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello,
};
use crate::worker::Transport;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that are a few bytes, both ways.
pub(super) const SHORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer at most: a blob.
const ANSWER_BYTES_MAX: usize = (16 << 20) + 1024;

/// A coordinator's gateway. Every request ends in time; the worker tries again.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    /// Without a slash at the end.
    base: String,
    token: Token,
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
        Ok(Self { client: client(&token)?, base: address.trim_end_matches('/').to_owned(), token })
    }

    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        (method, path): (Method, &str),
        message: &Q,
        timeout: Duration,
    ) -> Result<A, FleetError> {
        let body = postcard::to_stdvec(message).map_err(protocol)?;
        // The coordinator would hang up in the middle, which looks as if it were away.
        if body.len() > PROOF_BODY_MAX {
            return Err(FleetError::TooLarge);
        }
        let bytes = self.request(method, path, body, timeout).await?;
        postcard::from_bytes(&bytes).map_err(protocol)
    }

    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, FleetError> {
        let url = format!("{}/v1/prover/{path}", self.base);
        let request = self.client.request(method, url).header(CONTENT_TYPE, OCTETS).body(body).timeout(timeout);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = body_of(response).await?;
        if status.is_success() {
            return Ok(bytes);
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(problem.into_error()),
            // Something between here and the coordinator answers in its place.
            Err(_) if status.is_server_error() => Err(FleetError::Unreachable { reason: status.to_string() }),
            Err(_) => Err(FleetError::Protocol { reason: format!("{status} without a problem") }),
        }
    }
}

fn client(token: &Token) -> Result<Client, reqwest::Error> {
    let mut value = HeaderValue::from_str(&token.header()).expect("tokens are visible ASCII");
    value.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    Client::builder().connect_timeout(CONNECT_TIMEOUT).default_headers(headers).build()
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, FleetError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(FleetError::Protocol { reason: format!("an answer of more than {ANSWER_BYTES_MAX} bytes") });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unreachable(error: reqwest::Error) -> FleetError {
    FleetError::Unreachable { reason: error.without_url().to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors, which come by value")]
fn protocol(error: postcard::Error) -> FleetError {
    FleetError::Protocol { reason: error.to_string() }
}

impl Transport for HttpTransport {
    fn separate(&self) -> Result<Self, FleetError> {
        let client = client(&self.token).map_err(unreachable)?;
        Ok(Self { client, base: self.base.clone(), token: self.token.clone() })
    }

    async fn register(&self, hello: WorkerHello) -> Result<Welcome, FleetError> {
        self.call((Method::POST, "registrations"), &hello, SHORT_TIMEOUT).await
    }

    async fn claim(&self, worker: WorkerId, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        self.call((Method::POST, "leases"), &ClaimRequest { worker, wait }, wait + SHORT_TIMEOUT).await
    }

    async fn beat(&self, beat: Beat) -> Result<BeatReply, FleetError> {
        self.call((Method::PUT, "leases"), &beat, SHORT_TIMEOUT).await
    }

    async fn blob(&self, id: BlobId) -> Result<Vec<u8>, FleetError> {
        self.request(Method::GET, &format!("blobs/{id}"), Vec::new(), REQUEST_TIMEOUT).await
    }

    async fn submit(&self, submission: Submission) -> Result<ProofOutcome, FleetError> {
        self.call((Method::POST, "proofs"), &submission, REQUEST_TIMEOUT).await
    }

    async fn fail(&self, report: FailureReport) -> Result<(), FleetError> {
        self.call((Method::POST, "leases/failed"), &report, SHORT_TIMEOUT).await
    }

    async fn release(&self, held: Held) -> Result<(), FleetError> {
        self.call((Method::POST, "leases/released"), &held, SHORT_TIMEOUT).await
    }

    async fn goodbye(&self, worker: WorkerId) -> Result<(), FleetError> {
        let path = format!("registrations/{}", worker.0);
        self.call((Method::DELETE, &path), &(), SHORT_TIMEOUT).await
    }
}
