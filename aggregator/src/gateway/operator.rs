//! What operators ask for: in JSON, so that any HTTP client will do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_storage::blobs::BlobStore;
use weft_storage::jobs::JobStore;

use super::client::{SHORT_TIMEOUT, answer_of};
use super::{Fleet, HttpTransport};
use crate::coordinator::whole;
use crate::message::FleetError;

/// Jobs of a batch were put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retried {
    /// Number of the batch.
    pub batch: u32,
    /// Jobs that were quarantined and have fresh budgets.
    pub retried: u32,
}

/// A worker was forgiven its failures and invalid proofs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Readmitted {
    /// Its name.
    pub worker: String,
    /// Whether it was suspended or set aside.
    pub was_suspended: bool,
}

/// A segment of the path that is no number, or no text, names nothing.
type Named<T> = Result<Path<T>, axum::extract::rejection::PathRejection>;

pub(super) async fn retry<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    number: Named<u32>,
) -> Result<Json<Retried>, FleetError> {
    let Path(batch) = number.map_err(|_| FleetError::NoSuchBatch)?;
    let permit = fleet.report()?;
    let retried = whole(permit, async move { Ok(fleet.retry(batch).await?) }).await?;
    Ok(Json(Retried { batch, retried }))
}

pub(super) async fn readmit<S: JobStore, B: BlobStore>(
    State(fleet): Fleet<S, B>,
    name: Named<String>,
) -> Result<Json<Readmitted>, FleetError> {
    let Path(worker) = name.map_err(|_| FleetError::NoSuchWorker)?;
    let was_suspended = fleet.readmit(&worker)?;
    Ok(Json(Readmitted { worker, was_suspended }))
}

impl HttpTransport {
    /// Has the quarantined jobs of a batch tried again, with fresh budgets.
    ///
    /// # Errors
    /// There are no jobs of the batch, or the coordinator cannot do it or be asked.
    pub async fn retry_batch(&self, batch: u32) -> Result<Retried, FleetError> {
        self.order(&format!("batches/{batch}/retry")).await
    }

    /// Forgives the worker of this name its failures and invalid proofs.
    ///
    /// # Errors
    /// There is no such worker, or the coordinator cannot do it or be asked.
    pub async fn readmit(&self, worker: &str) -> Result<Readmitted, FleetError> {
        self.order(&format!("workers/{}/readmit", segment(worker))).await
    }

    async fn order<A: DeserializeOwned>(&self, path: &str) -> Result<A, FleetError> {
        let request = self.ask((Method::POST, path), &self.token.header(), SHORT_TIMEOUT);
        let answer = answer_of(request).await?;
        serde_json::from_slice(&answer).map_err(|error| FleetError::Protocol { reason: error.to_string() })
    }
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    let mut url = Url::parse("http://path").expect("a constant address");
    url.path_segments_mut().expect("http has paths").clear().push(text);
    url.path()[1..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        assert_eq!(segment("local-0"), "local-0");
        assert_eq!(segment("a/b c?%"), "a%2Fb%20c%3F%25");
    }
}
