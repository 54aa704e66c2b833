//! The node behind the REST API.

mod provers;
mod reads;
mod recorder;
mod soft_receipts;

use std::sync::Arc;
use std::time::Duration;

use alloy::sol_types::SolCall;
use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use weft_api::{
    AccountFilter, AccountProofView, AccountView, Backend, BackendError, BatchSelector, BatchView, Call, CheckView,
    ConfigView, Deployment, FileBody, FixedBytes, HexBytes, JobStateName, JobView, KindFee, PageRequest, ProofTreeView,
    QueueEntryView, StateAt, StatusView, Submission, SubmitError, Time, TransactionKindName, TransactionView,
    WithdrawalView, WorkersView,
};
use weft_contract::bindings::IRollup::claimCall;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Amount, Record, SignedTransaction, Withdrawal};

use crate::fleet::NodeCoordinator;
use crate::receipt::{Receipt, ReceiptError};
use crate::sequencer::{Fate, Sequencer, SequencerHandle, Shelf};
use crate::signatures::SignatureChecker;
use provers::internal;
use reads::Reads;
use recorder::recorder;

pub use soft_receipts::{ReceiptSigner, signing_hash};

/// When a client may ask again while the node stops or starts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Answers requests from the sequencer and the coordinator.
#[derive(Debug)]
pub struct NodeBackend {
    deployment: Deployment,
    sequencer: SequencerHandle,
    signatures: SignatureChecker,
    coordinator: Arc<NodeCoordinator>,
    receipts: ReceiptSigner,
    fee_minimum: Amount,
    metrics: PrometheusHandle,
    reads: Reads,
}

impl NodeBackend {
    /// A backend of this sequencer and these provers.
    #[must_use]
    pub fn new(
        sequencer: SequencerHandle,
        signatures: SignatureChecker,
        coordinator: Arc<NodeCoordinator>,
        receipts: ReceiptSigner,
    ) -> Self {
        let deployment = *receipts.deployment();
        Self {
            deployment,
            sequencer,
            signatures,
            coordinator,
            receipts,
            fee_minimum: Amount::ZERO,
            metrics: recorder(),
            reads: Reads::default(),
        }
    }

    /// The same with a least fee of all transactions; without, they may be free.
    #[must_use]
    pub fn with_fee_minimum(self, fee_minimum: Amount) -> Self {
        Self { fee_minimum, ..self }
    }

    /// The view with its soft receipt.
    fn with_receipt(&self, mut view: TransactionView, place: Option<(u64, Time)>) -> TransactionView {
        view.soft_receipt = place.map(|(sequence, accepted_at)| self.receipts.sign(view.id, sequence, accepted_at));
        view
    }

    /// Takes what was not known before: signatures are checked at once, then all go to the sequencer in their order.
    async fn submit_new(&self, transactions: Vec<SignedTransaction>) -> Vec<Result<Submission, SubmitError>> {
        let checks = transactions.into_iter().map(|transaction| self.signatures.check(transaction));
        let checked = join_all(checks).await.into_iter().map(|checked| match checked {
            Some(checked) => checked.map_err(SubmitError::from),
            None => Err(not_ready("it is stopping").into()),
        });
        let checked: Vec<_> = checked.collect();
        let count = checked.len();
        let submit = move |sequencer: &mut Sequencer| {
            let submit = |checked: Result<_, SubmitError>| {
                let submission = sequencer.submit(checked?)?;
                let id = match &submission {
                    Submission::Accepted(view) | Submission::Known(view) => view.id,
                };
                let place = sequencer.now(|sequencer, shelf| sequencer.place(&id, shelf));
                Ok((submission, place))
            };
            checked.into_iter().map(submit).collect::<Vec<_>>()
        };
        match self.sequencer.call(submit).await {
            Ok(results) => results.into_iter().map(|result| result.map(|done| self.receipted(done))).collect(),
            Err(error) => each(count, &error),
        }
    }

    fn receipted(&self, (submission, place): (Submission, Option<(u64, Time)>)) -> Submission {
        match submission {
            Submission::Accepted(view) => Submission::Accepted(self.with_receipt(view, place)),
            Submission::Known(view) => Submission::Known(self.with_receipt(view, place)),
        }
    }

    /// Jobs of the batches that are not proven.
    async fn open_jobs(&self) -> Result<Vec<JobView>, BackendError> {
        let mut jobs = Vec::new();
        for batch in self.sequencer.call(|sequencer| sequencer.unproven()).await? {
            jobs.extend(provers::jobs(&self.coordinator, batch).await.map_err(internal)?);
        }
        Ok(jobs)
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
        let ids: Vec<_> = transactions.iter().map(|signed| signed.transaction.id(&self.deployment.domain)).collect();
        let count = ids.len();
        let look = move |sequencer: &mut Sequencer, shelf: &mut Shelf| {
            let known = |id: &Digest| Some((sequencer.transaction(id, shelf)?, sequencer.place(id, shelf)));
            ids.iter().map(known).collect::<Vec<_>>()
        };
        let known = match self.look(look).await {
            Ok(known) => known,
            Err(error) => return each(count, &error),
        };
        let is_new = known.iter().map(Option::is_none);
        let new =
            transactions.into_iter().zip(is_new).filter_map(|(signed, is_new)| is_new.then_some(signed)).collect();
        let mut submitted = self.submit_new(new).await.into_iter();
        let result = |known: Option<(TransactionView, _)>| match known {
            Some((view, place)) => Ok(Submission::Known(self.with_receipt(view, place))),
            None => submitted.next().expect("one result for each transaction that is new"),
        };
        known.into_iter().map(result).collect()
    }

    async fn transaction(&self, id: Digest) -> Result<Option<TransactionView>, BackendError> {
        let look = move |sequencer: &mut Sequencer, shelf: &mut Shelf| {
            Some((sequencer.transaction(&id, shelf)?, sequencer.place(&id, shelf)))
        };
        let found = self.look(look).await?;
        Ok(found.map(|(view, place)| self.with_receipt(view, place)))
    }

    async fn receipt(&self, id: Digest) -> Result<Option<FileBody>, BackendError> {
        let look = move |sequencer: &mut Sequencer, shelf: &mut Shelf| {
            let record = sequencer.record(&id, shelf)?.into_owned();
            let Fate::Executed { batch, slot, .. } = record.fate else { return None };
            Some((record.signed, slot, batch, sequencer.batch_of(batch, shelf)?.l1()))
        };
        let Some((signed, slot, batch, l1)) = self.look(look).await? else { return Ok(None) };
        let Some(proof) = self.proof_file(batch).await? else { return Ok(None) };
        match Receipt::new(signed, slot, &proof, &l1) {
            Ok(receipt) => Ok(Some(FileBody { content_type: "application/json", bytes: receipt.to_bytes().into() })),
            Err(ReceiptError::NotVerified) => Ok(None),
            Err(error) => Err(internal(error)),
        }
    }

    async fn account(&self, index: AccountIndex) -> Result<Option<AccountView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.account(index)).await
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
        self.look(move |sequencer, shelf| sequencer.account_transactions(index, page, shelf)).await
    }

    async fn batch(&self, selector: BatchSelector) -> Result<Option<BatchView>, BackendError> {
        self.look(move |sequencer, shelf| sequencer.batch(selector, shelf)).await
    }

    async fn batches(&self, page: PageRequest) -> Result<Vec<BatchView>, BackendError> {
        self.look(move |sequencer, shelf| sequencer.batches(page, shelf)).await
    }

    async fn batch_transactions(&self, number: u32, page: PageRequest) -> Result<Vec<TransactionView>, BackendError> {
        self.look(move |sequencer, shelf| sequencer.batch_transactions(number, page, shelf)).await
    }

    async fn batch_records(&self, number: u32) -> Result<Option<Vec<Record>>, BackendError> {
        self.look(move |sequencer, shelf| sequencer.batch_records(number, shelf)).await
    }

    async fn proof(&self, number: u32) -> Result<Option<FileBody>, BackendError> {
        let bytes = self.proof_file(number).await?;
        Ok(bytes.map(|bytes| FileBody { content_type: "application/json", bytes }))
    }

    async fn proof_tree(&self, number: u32) -> Result<Option<ProofTreeView>, BackendError> {
        let status = self.look(move |sequencer, shelf| Some(sequencer.batch_of(number, shelf)?.status()));
        let Some(status) = status.await? else { return Ok(None) };
        provers::tree(&self.coordinator, number, status).await.map(Some).map_err(internal)
    }

    async fn withdrawals(&self, number: u32, page: PageRequest) -> Result<Vec<WithdrawalView>, BackendError> {
        let batch = self.look(move |sequencer, shelf| sequencer.withdrawals(number, shelf)).await?;
        let Some(batch) = batch else { return Ok(Vec::new()) };
        let first = page.after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
        let positions = (first..batch.withdrawals.len()).take(page.limit);
        let view = |position| self.withdrawal_view(number, batch.status, &batch.withdrawals, position);
        Ok(positions.map(view).collect())
    }

    async fn queue(&self, page: PageRequest) -> Result<Vec<QueueEntryView>, BackendError> {
        self.look(move |sequencer, shelf| sequencer.queue_entries(page, shelf)).await
    }

    async fn jobs(&self, state: Option<JobStateName>, page: PageRequest) -> Result<Vec<JobView>, BackendError> {
        let fits = |job: &JobView| {
            state.is_none_or(|state| job.state == state) && page.after.is_none_or(|after| job.key() > after)
        };
        Ok(self.open_jobs().await?.into_iter().filter(fits).take(page.limit).collect())
    }

    async fn workers(&self) -> Result<WorkersView, BackendError> {
        let jobs = self.open_jobs().await?.into_iter();
        let quarantined = jobs.filter(|job| job.state == JobStateName::Quarantined).collect();
        let workers = self.coordinator.worker_views().into_iter().map(provers::worker_view).collect();
        Ok(WorkersView { workers, quarantined })
    }

    fn minimum_fees(&self) -> Vec<KindFee> {
        let kinds = [TransactionKindName::Transfer, TransactionKindName::Withdraw];
        kinds.map(|kind| KindFee { kind, fee: self.fee_minimum }).to_vec()
    }

    async fn config(&self) -> Result<ConfigView, BackendError> {
        let config = self.sequencer.call(|sequencer| sequencer.config()).await?;
        Ok(ConfigView { sequencer: Some(self.receipts.address()), ..config })
    }

    async fn status(&self) -> Result<StatusView, BackendError> {
        let status = self.sequencer.call(|sequencer| sequencer.status()).await??;
        let jobs = provers::counts(&self.coordinator.counts().await.map_err(internal)?);
        Ok(StatusView { jobs, workers: provers::workers_at_work(&self.coordinator), ..status })
    }

    async fn readiness(&self) -> Vec<CheckView> {
        let node = |ok, detail| CheckView { name: "node".to_owned(), ok, detail };
        if let Some(reason) = self.sequencer.failure() {
            return vec![node(false, format!("it has halted: {reason}"))];
        }
        match self.sequencer.call(|sequencer| sequencer.checks()).await {
            Ok(checks) => [node(true, "it serves".to_owned())].into_iter().chain(checks).collect(),
            Err(error) => vec![node(false, error.to_string())],
        }
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }
}

fn not_ready(reason: impl Into<String>) -> BackendError {
    BackendError::NotReady { reason: reason.into(), retry_after: RETRY_AFTER }
}

/// The same answer for each of some transactions: the node cannot take any.
fn each(count: usize, error: &BackendError) -> Vec<Result<Submission, SubmitError>> {
    let reason = match error {
        BackendError::NotReady { reason, .. } => reason.clone(),
        BackendError::Internal { source } => {
            tracing::error!(error = source.as_ref(), "transactions cannot be taken");
            "it cannot take transactions".to_owned()
        }
    };
    (0..count).map(|_| Err(not_ready(reason.clone()).into())).collect()
}
