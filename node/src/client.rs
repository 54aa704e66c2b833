//! A client of the REST API.
//!
//! Every request may be repeated: a transaction is known by what it says, and the rest only reads. So a request that
//! did not get through, or that the node asks to send again, is sent again a few times.

mod events;

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use weft_api::{
    AccountProofView, AccountView, BatchView, Deployment, FeesView, FullConfigView, NonceView, PAGE_ITEMS_MAX, Page,
    Problem, ProofTreeView, QueueEntryView, ReadyView, StatusView, TransactionRequest, TransactionView, WithdrawalView,
    WorkersView,
};
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, SignedTransaction};

pub use events::{EventStream, StreamEvent};

/// Longest time for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest time for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Times that a request is sent.
const ATTEMPTS_MAX: u32 = 4;
/// Wait before the second attempt; twice as long before each further one.
const BACKOFF: Duration = Duration::from_millis(200);
/// Longest wait that a node may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// Most pages of a list that are read.
const PAGES_MAX: usize = 1000;

/// Speaks to one node.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// A request got no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node refuses the request.
    #[error("the node answers {} {}: {}", .problem.status, .problem.code, .problem.detail)]
    Refused {
        /// What the node says.
        problem: Box<Problem>,
    },
    /// The node does not answer.
    #[error("the node at {base} does not answer")]
    Unreachable {
        /// Its address.
        base: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// Who answers for the node shows no certificate that holds.
    #[error("{base} shows no certificate that this machine trusts for that name")]
    Certificate {
        /// The address.
        base: String,
        /// What is wrong with it.
        source: reqwest::Error,
    },
    /// What answers is no node of this version.
    #[error("{base} does not answer as a node does: {reason}")]
    Answer {
        /// The address.
        base: String,
        /// What was wrong.
        reason: String,
    },
    /// The request cannot be written.
    #[error(transparent)]
    Inexpressible(#[from] weft_api::Inexpressible),
}

impl ClientError {
    /// What the node says, if it refuses the request.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem } => Some(problem),
            Self::Unreachable { .. } | Self::Certificate { .. } | Self::Answer { .. } | Self::Inexpressible(_) => None,
        }
    }
}

/// Answer of the node, or why there is none.
pub type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the node at this address, such as `http://127.0.0.1:8080`.
    ///
    /// # Panics
    /// If the machine cannot make HTTP clients at all.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).build();
        let base = base.into().trim_end_matches('/').to_owned();
        Self { http: http.expect("an HTTP client needs nothing that could be missing"), base }
    }

    /// Address of the node.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Submits a transaction. Sending it again changes nothing: the node knows it by its id.
    ///
    /// # Errors
    /// The node refuses it or does not answer; so all methods.
    pub async fn submit(&self, signed: SignedTransaction, deployment: &Deployment) -> Answer<TransactionView> {
        let body = TransactionRequest::new(signed, deployment)?;
        self.parse(self.send(|| self.http.post(self.url("/v1/transactions")).json(&body)).await?).await
    }

    /// A transaction.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn transaction(&self, id: &Digest) -> Answer<TransactionView> {
        self.get(&format!("/v1/transactions/{id}")).await
    }

    /// The receipt of a transaction whose batch L1 has verified.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn receipt(&self, id: &Digest) -> Answer<Vec<u8>> {
        self.file(&format!("/v1/transactions/{id}/receipt")).await
    }

    /// What becomes of a transaction, step by step.
    #[must_use]
    pub fn transaction_events(&self, id: &Digest) -> EventStream {
        EventStream::new(self.clone(), format!("/v1/transactions/{id}/events"))
    }

    /// An account.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn account(&self, index: u32) -> Answer<AccountView> {
        self.get(&format!("/v1/accounts/{index}")).await
    }

    /// The accounts of an owner.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn accounts_of(&self, owner: &Address) -> Answer<Vec<AccountView>> {
        self.all(&format!("/v1/accounts?owner={owner}")).await
    }

    /// The accounts of a key.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn accounts_with(&self, key: &Digest) -> Answer<Vec<AccountView>> {
        self.all(&format!("/v1/accounts?key={key}")).await
    }

    /// The nonces of an account.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn nonce(&self, index: u32) -> Answer<NonceView> {
        self.get(&format!("/v1/accounts/{index}/nonce")).await
    }

    /// What the state tree holds at an index, after a batch or after the last sealed one, with the way to the root.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn account_proof(&self, index: u32, at: Option<u32>) -> Answer<AccountProofView> {
        let at = at.map_or_else(String::new, |batch| format!("?at={batch}"));
        self.get(&format!("/v1/accounts/{index}/proof{at}")).await
    }

    /// The last transactions of an account, at most `limit`, the newest first.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn account_transactions(&self, index: u32, limit: u32) -> Answer<Vec<TransactionView>> {
        self.first(&format!("/v1/accounts/{index}/transactions"), limit).await
    }

    /// A batch by its number, or by one of the words that the API has for it: `latest`, `proven`, `verified`.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn batch(&self, which: impl std::fmt::Display) -> Answer<BatchView> {
        self.get(&format!("/v1/batches/{which}")).await
    }

    /// The last batches, at most `limit`, the newest first.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn batches(&self, limit: u32) -> Answer<Vec<BatchView>> {
        self.first("/v1/batches", limit).await
    }

    /// The withdrawals of a batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn withdrawals(&self, number: u32) -> Answer<Vec<WithdrawalView>> {
        self.all(&format!("/v1/batches/{number}/withdrawals")).await
    }

    /// The file with the proof of a batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn proof(&self, number: u32) -> Answer<Vec<u8>> {
        self.file(&format!("/v1/batches/{number}/proof")).await
    }

    /// The jobs that prove a batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn proof_tree(&self, number: u32) -> Answer<ProofTreeView> {
        self.get(&format!("/v1/batches/{number}/proof-tree")).await
    }

    /// What becomes of a batch, step by step and job by job.
    #[must_use]
    pub fn batch_events(&self, number: u32) -> EventStream {
        EventStream::new(self.clone(), format!("/v1/batches/{number}/events"))
    }

    /// An entry of the L1 queue, if the node knows it.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn queue_entry(&self, position: u64) -> Answer<Option<QueueEntryView>> {
        match self.get(&format!("/v1/queue/{position}")).await {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.problem().is_some_and(|problem| problem.code == "unknown_entry") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The provers.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn workers(&self) -> Answer<WorkersView> {
        self.get("/v1/prover/workers").await
    }

    /// The rules of fees.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn fees(&self) -> Answer<FeesView> {
        self.get("/v1/fees").await
    }

    /// What a client must know before it signs.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn config(&self) -> Answer<FullConfigView> {
        self.get("/v1/config").await
    }

    /// The node as a whole.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn status(&self) -> Answer<StatusView> {
        self.get("/v1/status").await
    }

    /// Whether the node is ready, and what stands in the way. A node that is not says so with an error status, which is an
    /// answer here.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn ready(&self) -> Answer<ReadyView> {
        let request = self.http.get(self.url("/readyz")).timeout(ANSWER_WITHIN);
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        self.parse(response).await
    }

    /// Date and time of the node's machine, as its answers carry it.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn date(&self) -> Answer<Option<String>> {
        let response = self.send(|| self.http.get(self.url("/livez"))).await?;
        let date = response.headers().get(reqwest::header::DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.parse(self.send(|| self.http.get(self.url(path))).await?).await
    }

    /// All items of a list.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Answer<Vec<T>> {
        self.first(path, u32::MAX).await
    }

    /// The first items of a list, page after page.
    async fn first<T: DeserializeOwned>(&self, path: &str, limit: u32) -> Answer<Vec<T>> {
        let (limit, separator) = (limit as usize, if path.contains('?') { '&' } else { '?' });
        let mut items = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let size = PAGE_ITEMS_MAX.min(limit.saturating_sub(items.len()));
            let page: Page<T> = self.get(&format!("{path}{separator}limit={size}{cursor}")).await?;
            items.extend(page.items);
            let Some(next) = page.next.filter(|_| items.len() < limit) else { break };
            cursor = format!("&cursor={next}");
        }
        items.truncate(limit);
        Ok(items)
    }

    async fn file(&self, path: &str) -> Answer<Vec<u8>> {
        let response = self.send(|| self.http.get(self.url(path))).await?;
        Ok(response.bytes().await.map_err(|source| self.unreachable(source))?.to_vec())
    }

    /// Sends a request until there is an answer that a further attempt would not better.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Answer<Response> {
        let mut wait = BACKOFF;
        for attempt in 1.. {
            let last = attempt == ATTEMPTS_MAX;
            match request().timeout(ANSWER_WITHIN).send().await {
                Ok(response) if !last && may_pass(response.status()) => {
                    tokio::time::sleep(asked_wait(&response).unwrap_or(wait)).await;
                }
                Ok(response) => return self.accepted(response).await,
                Err(error) if last || error.is_builder() || is_of_certificate(&error) => {
                    return Err(self.unreachable(error));
                }
                Err(error) => {
                    tracing::debug!(%error, attempt, "no answer");
                    tokio::time::sleep(wait).await;
                }
            }
            wait *= 2;
        }
        unreachable!("the last attempt returns")
    }

    async fn accepted(&self, response: Response) -> Answer<Response> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        match response.json().await {
            Ok(problem) => Err(ClientError::Refused { problem: Box::new(problem) }),
            Err(_) => Err(self.strange(format!("status {status} without an explanation"))),
        }
    }

    async fn parse<T: DeserializeOwned>(&self, response: Response) -> Answer<T> {
        let body = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&body).map_err(|error| self.strange(error.to_string()))
    }

    fn unreachable(&self, source: reqwest::Error) -> ClientError {
        let base = self.base.clone();
        if is_of_certificate(&source) {
            return ClientError::Certificate { base, source };
        }
        ClientError::Unreachable { base, source }
    }

    fn strange(&self, reason: String) -> ClientError {
        ClientError::Answer { base: self.base.clone(), reason }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// Whether a certificate stands in the way; the types of the TLS library are not those of the HTTP library's interface.
fn is_of_certificate(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().starts_with("invalid peer certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the same request may be answered otherwise soon.
fn may_pass(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// How long the node wants the client to wait.
fn asked_wait(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
