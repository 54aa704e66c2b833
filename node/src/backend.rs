//! The node behind the REST API.

use std::sync::LazyLock;
use std::time::Duration;

use alloy::sol_types::SolCall;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use weft_api::{
    AccountFilter, AccountProofView, AccountView, Backend, BackendError, BatchSelector, BatchView, Call, CheckView,
    ConfigView, Deployment, FileBody, FixedBytes, HexBytes, JobStateName, JobView, KindFee, PageRequest, ProofTreeView,
    QueueEntryView, StateAt, StatusView, Submission, SubmitError, TransactionKindName, TransactionView, WithdrawalView,
    WorkersView,
};
use weft_contract::bindings::IRollup::claimCall;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Amount, Record, SignedTransaction, Withdrawal};

use crate::sequencer::SequencerHandle;
use crate::signatures::SignatureChecker;

/// When a client may ask again while the node stops or starts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The recorder of the process's metrics, installed by the first node of the process.
fn recorder() -> PrometheusHandle {
    static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics was installed before; /metrics stays empty");
        }
        handle
    });
    RECORDER.clone()
}

/// Answers requests from the sequencer.
#[derive(Debug)]
pub struct NodeBackend {
    deployment: Deployment,
    sequencer: SequencerHandle,
    signatures: SignatureChecker,
    metrics: PrometheusHandle,
}

impl NodeBackend {
    /// A backend of this sequencer.
    #[must_use]
    pub fn new(deployment: Deployment, sequencer: SequencerHandle, signatures: SignatureChecker) -> Self {
        Self { deployment, sequencer, signatures, metrics: recorder() }
    }

    async fn submit_one(&self, transaction: SignedTransaction) -> Result<Submission, SubmitError> {
        let id = transaction.transaction.id(&self.deployment.domain);
        if let Some(view) = self.transaction(id).await? {
            return Ok(Submission::Known(view));
        }
        let checked = self.signatures.check(transaction).await.ok_or_else(|| BackendError::NotReady {
            reason: "it is stopping".to_owned(),
            retry_after: RETRY_AFTER,
        })??;
        self.sequencer.call(|sequencer| sequencer.submit(checked)).await?
    }

    fn withdrawal_view(
        &self,
        batch: u32,
        status: weft_api::Finality,
        all: &[Withdrawal],
        position: usize,
    ) -> WithdrawalView {
        let withdrawal = all[position];
        let path = Withdrawal::path(all, position);
        let position = u32::try_from(position).expect("a batch has at most 4,096 records");
        let claim = claimCall {
            number: batch,
            position,
            owner: withdrawal.owner.0.into(),
            asset: withdrawal.asset.0,
            amount: withdrawal.amount.get(),
            path: path.iter().map(|sibling| (*sibling).into()).collect(),
        };
        WithdrawalView {
            batch,
            position,
            status,
            owner: withdrawal.owner,
            asset: withdrawal.asset.0,
            amount: withdrawal.amount,
            path: path.into_iter().map(FixedBytes).collect(),
            claim: Call { to: self.deployment.contract, data: HexBytes(claim.abi_encode()), value: Amount::ZERO },
        }
    }
}

impl Backend for NodeBackend {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    async fn submit(&self, transactions: Vec<SignedTransaction>) -> Vec<Result<Submission, SubmitError>> {
        let mut results = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            results.push(self.submit_one(transaction).await);
        }
        results
    }

    async fn transaction(&self, id: Digest) -> Result<Option<TransactionView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.transaction(&id)).await
    }

    async fn account(&self, index: AccountIndex) -> Result<Option<AccountView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.account(index)).await
    }

    async fn receipt(&self, _: Digest) -> Result<Option<FileBody>, BackendError> {
        Ok(None)
    }

    async fn accounts(&self, filter: AccountFilter, page: PageRequest) -> Result<Vec<AccountView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.accounts(filter, page)).await
    }

    async fn account_proof(
        &self,
        index: AccountIndex,
        batch: Option<u32>,
    ) -> Result<StateAt<AccountProofView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.account_proof(index, batch)).await
    }

    async fn account_transactions(
        &self,
        index: AccountIndex,
        page: PageRequest,
    ) -> Result<Vec<(u64, TransactionView)>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.account_transactions(index, page)).await
    }

    async fn batch(&self, selector: BatchSelector) -> Result<Option<BatchView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batch(selector)).await
    }

    async fn batches(&self, page: PageRequest) -> Result<Vec<BatchView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batches(page)).await
    }

    async fn batch_transactions(&self, number: u32, page: PageRequest) -> Result<Vec<TransactionView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batch_transactions(number, page)).await
    }

    async fn batch_records(&self, number: u32) -> Result<Option<Vec<Record>>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batch_records(number)).await
    }

    async fn proof(&self, number: u32) -> Result<Option<FileBody>, BackendError> {
        let bytes = self.sequencer.call(move |sequencer| sequencer.proof(number)).await?;
        Ok(bytes.map(|bytes| FileBody { content_type: "application/json", bytes }))
    }

    async fn proof_tree(&self, number: u32) -> Result<Option<ProofTreeView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.proof_tree(number)).await
    }

    async fn withdrawals(&self, number: u32, page: PageRequest) -> Result<Vec<WithdrawalView>, BackendError> {
        let batch = self.sequencer.call(move |sequencer| sequencer.withdrawals(number)).await?;
        let Some(batch) = batch else { return Ok(Vec::new()) };
        let first = page.after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
        let positions = (first..batch.withdrawals.len()).take(page.limit);
        let view = |position| self.withdrawal_view(number, batch.status, &batch.withdrawals, position);
        Ok(positions.map(view).collect())
    }

    async fn queue(&self, page: PageRequest) -> Result<Vec<QueueEntryView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.queue_entries(page)).await
    }

    async fn jobs(&self, _: Option<JobStateName>, _: PageRequest) -> Result<Vec<JobView>, BackendError> {
        Ok(Vec::new())
    }

    async fn workers(&self) -> Result<WorkersView, BackendError> {
        Ok(WorkersView { workers: Vec::new(), quarantined: Vec::new() })
    }

    fn minimum_fees(&self) -> Vec<KindFee> {
        [TransactionKindName::Transfer, TransactionKindName::Withdraw].map(|kind| KindFee { kind, fee: Amount::ZERO }).to_vec()
    }

    async fn config(&self) -> Result<ConfigView, BackendError> {
        self.sequencer.call(|sequencer| sequencer.config()).await
    }

    async fn status(&self) -> Result<StatusView, BackendError> {
        self.sequencer.call(|sequencer| sequencer.status()).await?
    }

    async fn readiness(&self) -> Vec<CheckView> {
        let check = self.sequencer.call(|sequencer| sequencer.check()).await;
        let stopped = |error: BackendError| CheckView { name: "sequencer".into(), ok: false, detail: error.to_string() };
        vec![check.unwrap_or_else(stopped)]
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}
