//! The node behind the REST API.

use std::time::Duration;

use alloy::sol_types::SolCall;
use weft_api::{
    AccountView, Backend, BackendError, BatchSelector, BatchView, Call, Deployment, FixedBytes, HexBytes, Holder,
    PageRequest, ProofFile, StatusView, Submission, SubmitError, TransactionView, WithdrawalView,
};
use weft_contract::bindings::IRollup::claimCall;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, SignedTransaction, Withdrawal};

use crate::sequencer::SequencerHandle;
use crate::signatures::SignatureChecker;

/// When a client may ask again while the node stops or starts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Answers requests from the sequencer.
#[derive(Debug)]
pub struct NodeBackend {
    deployment: Deployment,
    sequencer: SequencerHandle,
    signatures: SignatureChecker,
}

impl NodeBackend {
    /// A backend of this sequencer.
    #[must_use]
    pub fn new(deployment: Deployment, sequencer: SequencerHandle, signatures: SignatureChecker) -> Self {
        Self { deployment, sequencer, signatures }
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
            claim: Call { to: self.deployment.contract, data: HexBytes(claim.abi_encode()) },
        }
    }
}

impl Backend for NodeBackend {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    async fn submit(&self, transaction: SignedTransaction) -> Result<Submission, SubmitError> {
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

    async fn transaction(&self, id: Digest) -> Result<Option<TransactionView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.transaction(&id)).await
    }

    async fn account(&self, index: AccountIndex) -> Result<Option<AccountView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.account(index)).await
    }

    async fn accounts(&self, holder: Holder, page: PageRequest) -> Result<Vec<AccountView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.accounts(holder, page)).await
    }

    async fn batch(&self, selector: BatchSelector) -> Result<Option<BatchView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batch(selector)).await
    }

    async fn batches(&self, page: PageRequest) -> Result<Vec<BatchView>, BackendError> {
        self.sequencer.call(move |sequencer| sequencer.batches(page)).await
    }

    async fn proof(&self, number: u32) -> Result<Option<ProofFile>, BackendError> {
        let bytes = self.sequencer.call(move |sequencer| sequencer.proof(number)).await?;
        Ok(bytes.map(|bytes| ProofFile { content_type: "application/json", bytes }))
    }

    async fn withdrawals(&self, number: u32, page: PageRequest) -> Result<Vec<WithdrawalView>, BackendError> {
        let batch = self.sequencer.call(move |sequencer| sequencer.withdrawals(number)).await?;
        let Some(batch) = batch else { return Ok(Vec::new()) };
        let first = page.after.map_or(0, |after| usize::try_from(after).expect("32 bits").saturating_add(1));
        let positions = (first..batch.withdrawals.len()).take(page.limit);
        let view = |position| self.withdrawal_view(number, batch.status, &batch.withdrawals, position);
        Ok(positions.map(view).collect())
    }

    async fn status(&self) -> Result<StatusView, BackendError> {
        self.sequencer.call(|sequencer| sequencer.status()).await?
    }
}
