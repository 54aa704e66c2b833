//! The way to the coordinator.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{BeatReply, BlobId, JobStore};

use crate::Coordinator;
use crate::coordinator::WorkerPlace;
use crate::message::{
    Assignment, Beat, FailureReport, FleetError, Held, ProofOutcome, Submission, Welcome, WorkerHello,
};
use crate::pass::WorkerPass;

/// What a worker says to its coordinator. See the methods of [`Coordinator`].
pub trait Transport: Clone + fmt::Debug + Send + Sync + 'static {
    /// Another way to the same coordinator, which shares nothing with this one that its use could block.
    ///
    /// # Errors
    /// The system gives no means for it.
    fn separate(&self) -> Result<Self, FleetError>;

    /// See [`Coordinator::register`].
    fn register(&self, hello: WorkerHello) -> impl Future<Output = Result<Welcome, FleetError>> + Send;

    /// See [`Coordinator::claim`].
    fn claim(
        &self,
        pass: &WorkerPass,
        wait: Duration,
    ) -> impl Future<Output = Result<Option<Assignment>, FleetError>> + Send;

    /// See [`Coordinator::beat`].
    fn beat(&self, pass: &WorkerPass, beat: Beat) -> impl Future<Output = Result<BeatReply, FleetError>> + Send;

    /// See [`Coordinator::blob`].
    fn blob(&self, pass: &WorkerPass, id: BlobId) -> impl Future<Output = Result<Vec<u8>, FleetError>> + Send;

    /// See [`Coordinator::submit`].
    fn submit(
        &self,
        pass: &WorkerPass,
        submission: Submission,
    ) -> impl Future<Output = Result<ProofOutcome, FleetError>> + Send;

    /// See [`Coordinator::fail`].
    fn fail(&self, pass: &WorkerPass, report: FailureReport) -> impl Future<Output = Result<(), FleetError>> + Send;

    /// See [`Coordinator::release`].
    fn release(&self, pass: &WorkerPass, held: Held) -> impl Future<Output = Result<(), FleetError>> + Send;

    /// See [`Coordinator::goodbye`].
    fn goodbye(&self, pass: &WorkerPass) -> impl Future<Output = Result<(), FleetError>> + Send;
}

/// A coordinator in the same process.
pub struct Local<S, B>(pub Arc<Coordinator<S, B>>);

impl<S, B> Clone for Local<S, B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, B> fmt::Debug for Local<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local")
    }
}

impl<S: JobStore, B: BlobStore> Transport for Local<S, B> {
    fn separate(&self) -> Result<Self, FleetError> {
        Ok(self.clone())
    }

    async fn register(&self, hello: WorkerHello) -> Result<Welcome, FleetError> {
        self.0.register(hello, WorkerPlace::Inside).await
    }

    async fn claim(&self, pass: &WorkerPass, wait: Duration) -> Result<Option<Assignment>, FleetError> {
        self.0.claim(pass, wait).await
    }

    async fn beat(&self, pass: &WorkerPass, beat: Beat) -> Result<BeatReply, FleetError> {
        self.0.beat(pass, beat).await
    }

    async fn blob(&self, pass: &WorkerPass, id: BlobId) -> Result<Vec<u8>, FleetError> {
        self.0.blob(pass, id).await
    }

    async fn submit(&self, pass: &WorkerPass, submission: Submission) -> Result<ProofOutcome, FleetError> {
        self.0.submit(pass, submission).await
    }

    async fn fail(&self, pass: &WorkerPass, report: FailureReport) -> Result<(), FleetError> {
        self.0.fail(pass, report).await
    }

    async fn release(&self, pass: &WorkerPass, held: Held) -> Result<(), FleetError> {
        self.0.release(pass, held).await
    }

    async fn goodbye(&self, pass: &WorkerPass) -> Result<(), FleetError> {
        self.0.goodbye(pass).await
    }
}
