//! A client of the REST API.

use anyhow::{Context, Result, bail};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use weft_api::{
    AccountView, BatchView, Deployment, Page, Problem, StatusView, TransactionRequest, TransactionView, WithdrawalView,
};
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, SignedTransaction};

/// Speaks to one node.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// The API refuses a request.
#[derive(Debug, thiserror::Error)]
#[error("the node answers {} {}: {}", .problem.status, .problem.code, .problem.detail)]
pub struct ApiError {
    /// What the node says.
    pub problem: Problem,
}

impl Client {
    /// A client of the node at this address, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self { http: reqwest::Client::new(), base: base.into() }
    }

    /// Submits a transaction.
    ///
    /// # Errors
    /// The node refuses it ([`ApiError`]) or does not answer.
    pub async fn submit(&self, signed: SignedTransaction, deployment: &Deployment) -> Result<TransactionView> {
        let body = TransactionRequest::new(signed, deployment)?;
        let request = self.http.post(self.url("/v1/transactions")).json(&body);
        parse(request.send().await.context("the node does not answer")?).await
    }

    /// A transaction.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn transaction(&self, id: &Digest) -> Result<TransactionView> {
        self.get(&format!("/v1/transactions/{id}")).await
    }

    /// An account.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn account(&self, index: u32) -> Result<AccountView> {
        self.get(&format!("/v1/accounts/{index}")).await
    }

    /// The accounts of an owner.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn accounts_of(&self, owner: &Address) -> Result<Vec<AccountView>> {
        let page: Page<_> = self.get(&format!("/v1/accounts?owner={owner}")).await?;
        Ok(page.items)
    }

    /// A batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn batch(&self, number: u32) -> Result<BatchView> {
        self.get(&format!("/v1/batches/{number}")).await
    }

    /// The withdrawals of a batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn withdrawals(&self, number: u32) -> Result<Vec<WithdrawalView>> {
        let page: Page<_> = self.get(&format!("/v1/batches/{number}/withdrawals")).await?;
        Ok(page.items)
    }

    /// The file with the proof of a batch.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn proof(&self, number: u32) -> Result<Vec<u8>> {
        let request = self.http.get(self.url(&format!("/v1/batches/{number}/proof")));
        let response = accepted(request.send().await.context("the node does not answer")?).await?;
        Ok(response.bytes().await.context("the answer was cut off")?.to_vec())
    }

    /// The node as a whole.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn status(&self) -> Result<StatusView> {
        self.get("/v1/status").await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.http.get(self.url(path)).send().await.context("the node does not answer")?;
        parse(response).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

async fn parse<T: DeserializeOwned>(response: Response) -> Result<T> {
    accepted(response).await?.json().await.context("the node's answer has an unknown form")
}

async fn accepted(response: Response) -> Result<Response> {
    let status = response.status();
    if status == StatusCode::OK || status == StatusCode::ACCEPTED {
        return Ok(response);
    }
    match response.json().await {
        Ok(problem) => Err(ApiError { problem }.into()),
        Err(_) => bail!("the node answers {status}"),
    }
}
