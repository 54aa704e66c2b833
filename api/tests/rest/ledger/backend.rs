//! The ledger as a backend.

use std::time::Duration;

use weft_api::{
    AccountFilter, AccountProofView, AccountView, AssetView, Backend, BackendError, BatchSelector, BatchView, Bytes,
    Call, CheckView, Circuit, ConfigView, Deployment, FileBody, FixedBytes, HexBytes, JobCounts, JobStateName, JobView,
    KindFee, Lags, NodeLimits, PageRequest, ProofTreeView, Proofs, QueueEntryView, QueueView, SecurityView, StateAt,
    StatusView, Submission, SubmitError, TransactionKindName, TransactionView, WithdrawalView, WorkersView,
};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Amount, AssetId, Object, Record, SignedTransaction, Withdrawal};

use super::{BATCH_COUNT, Fault, Ledger, MINIMUM_FEE, OPEN, PROOF, PROVING, VERIFIED, amount, data, owner, view};

fn account_view((index, object): (&u32, &Object)) -> AccountView {
    AccountView::new(AccountIndex(*index), object, object.nonce)
}

/// The part of an ordered list that a page asks for.
fn page_of<T>(all: Vec<T>, page: PageRequest, is_after: impl Fn(&T, u64) -> bool) -> Vec<T> {
    all.into_iter().filter(|item| page.after.is_none_or(|after| is_after(item, after))).take(page.limit).collect()
}

impl Ledger {
    fn submit_one(&self, signed: &SignedTransaction) -> Result<Submission, SubmitError> {
        let domain = self.deployment.domain;
        let id = signed.transaction.id(&domain);
        let mut state = self.lock();
        if let Some(known) = state.transactions.get(&id) {
            return Ok(Submission::Known(known.clone()));
        }
        state.execute(signed, domain)?;
        let sequence = u64::try_from(state.transactions.len()).expect("a few");
        let view = view(id, signed, sequence);
        state.transactions.insert(id, view.clone());
        Ok(Submission::Accepted(view))
    }

    fn list(&self, fits: impl Fn(&TransactionView) -> bool) -> Vec<(u64, TransactionView)> {
        let state = self.lock();
        let sequence = |view: &TransactionView| view.soft_receipt.as_ref().map_or(0, |receipt| receipt.sequence);
        let mut list: Vec<_> = state.transactions.values().filter(|view| fits(view)).cloned().collect();
        list.sort_by_key(|view| std::cmp::Reverse(sequence(view)));
        list.into_iter().map(|view| (sequence(&view), view)).collect()
    }
}

impl Backend for Ledger {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    async fn submit(&self, transactions: Vec<SignedTransaction>) -> Vec<Result<Submission, SubmitError>> {
        transactions.iter().map(|signed| self.submit_one(signed)).collect()
    }

    async fn transaction(&self, id: Digest) -> Result<Option<TransactionView>, BackendError> {
        Ok(self.lock().transactions.get(&id).cloned())
    }

    async fn receipt(&self, id: Digest) -> Result<Option<FileBody>, BackendError> {
        let file = FileBody { content_type: "application/json", bytes: Bytes::from_static(PROOF) };
        let state = self.lock();
        Ok(state.transactions.get(&id).filter(|view| view.is_final()).map(|_| file))
    }

    async fn account(&self, index: AccountIndex) -> Result<Option<AccountView>, BackendError> {
        let state = self.lock();
        Ok(state.objects.get_key_value(&index.0).map(account_view))
    }

    async fn accounts(&self, filter: AccountFilter, page: PageRequest) -> Result<Vec<AccountView>, BackendError> {
        let state = self.lock();
        let fits = |account: &AccountView| {
            filter.owner.is_none_or(|owner| account.owner == owner) && filter.key.is_none_or(|key| account.key == key)
        };
        let all = state.objects.iter().map(account_view).filter(fits);
        Ok(page_of(all.collect(), page, |account, after| u64::from(account.index) > after))
    }

    async fn account_proof(
        &self,
        index: AccountIndex,
        batch: Option<u32>,
    ) -> Result<StateAt<AccountProofView>, BackendError> {
        let state = self.lock();
        let batch = batch.unwrap_or(OPEN - 1);
        Ok(match batch {
            ..VERIFIED => StateAt::Gone { oldest: VERIFIED },
            OPEN.. => StateAt::NotSealed,
            _ => StateAt::Found(data::account_proof(&state, index, batch)),
        })
    }

    async fn account_transactions(
        &self,
        index: AccountIndex,
        page: PageRequest,
    ) -> Result<Vec<(u64, TransactionView)>, BackendError> {
        let concerns =
            |view: &TransactionView| view.transaction.sender == index.0 || view.transaction.to == Some(index.0);
        Ok(page_of(self.list(concerns), page, |(sequence, _), after| *sequence < after))
    }

    async fn batch(&self, selector: BatchSelector) -> Result<Option<BatchView>, BackendError> {
        let number = match selector {
            BatchSelector::Number(number) => number,
            BatchSelector::Latest => BATCH_COUNT,
            BatchSelector::Proven | BatchSelector::Verified => VERIFIED,
        };
        let state = self.lock();
        Ok((1..=BATCH_COUNT).contains(&number).then(|| data::batch_view(number, &state)))
    }

    async fn batches(&self, page: PageRequest) -> Result<Vec<BatchView>, BackendError> {
        let state = self.lock();
        let all = (1..=BATCH_COUNT).rev().map(|number| data::batch_view(number, &state)).collect();
        Ok(page_of(all, page, |batch, after| u64::from(batch.number) < after))
    }

    async fn batch_transactions(&self, number: u32, page: PageRequest) -> Result<Vec<TransactionView>, BackendError> {
        let of_batch = self.list(|view| view.batch == Some(number)).into_iter().rev();
        let views = of_batch.map(|(sequence, view)| TransactionView { slot: u32::try_from(sequence).ok(), ..view });
        Ok(page_of(views.collect(), page, |view, after| view.slot.map(u64::from) > Some(after)))
    }

    async fn batch_records(&self, number: u32) -> Result<Option<Vec<Record>>, BackendError> {
        Ok((number < OPEN).then(|| data::records(number)))
    }

    async fn proof(&self, number: u32) -> Result<Option<FileBody>, BackendError> {
        let file = FileBody { content_type: "application/json", bytes: Bytes::from_static(PROOF) };
        Ok((number <= VERIFIED).then_some(file))
    }

    async fn proof_tree(&self, number: u32) -> Result<Option<ProofTreeView>, BackendError> {
        Ok(Some(data::proof_tree(number, &self.lock())))
    }

    async fn withdrawals(&self, number: u32, page: PageRequest) -> Result<Vec<WithdrawalView>, BackendError> {
        let withdrawals: Vec<_> = (1..=5)
            .map(|index| Withdrawal { owner: owner(index), asset: AssetId(1), amount: amount(u64::from(index)) })
            .collect();
        let status = data::batch_view(number, &self.lock()).status;
        let view = |(position, withdrawal): (usize, &Withdrawal)| WithdrawalView {
            batch: number,
            position: u32::try_from(position).expect("there are five"),
            status,
            owner: withdrawal.owner,
            asset: withdrawal.asset.0,
            amount: withdrawal.amount,
            path: Withdrawal::path(&withdrawals, position).into_iter().map(FixedBytes).collect(),
            claim: Call { to: self.deployment.contract, data: HexBytes(vec![0xde, 0xad]), value: Amount::ZERO },
        };
        let all = withdrawals.iter().enumerate().map(view).collect();
        Ok(page_of(all, page, |withdrawal, after| u64::from(withdrawal.position) > after))
    }

    async fn queue(&self, page: PageRequest) -> Result<Vec<QueueEntryView>, BackendError> {
        Ok(page_of(data::queue(), page, |entry, after| entry.position > after))
    }

    async fn jobs(&self, state: Option<JobStateName>, page: PageRequest) -> Result<Vec<JobView>, BackendError> {
        let jobs = self.lock().jobs.clone();
        let fitting = jobs.into_iter().filter(|job| state.is_none_or(|state| job.state == state)).collect();
        Ok(page_of(fitting, page, |job, after| job.key() > after))
    }

    async fn workers(&self) -> Result<WorkersView, BackendError> {
        let jobs = self.lock().jobs.clone();
        let quarantined = jobs.into_iter().filter(|job| job.state == JobStateName::Quarantined).collect();
        Ok(WorkersView { workers: vec![data::worker()], quarantined })
    }

    fn minimum_fees(&self) -> Vec<KindFee> {
        let kinds = [TransactionKindName::Transfer, TransactionKindName::Withdraw];
        kinds.map(|kind| KindFee { kind, fee: amount(MINIMUM_FEE) }).to_vec()
    }

    async fn config(&self) -> Result<ConfigView, BackendError> {
        Ok(ConfigView {
            deployment: self.deployment,
            genesis_salt: Digest::ZERO,
            sequencer: Some(owner(9)),
            assets: vec![AssetView { id: 1, token: None, scale: amount(1) }],
            circuits: vec![Circuit { name: "wrap".to_owned(), digest: FixedBytes([0; 32]) }],
            security: SecurityView { conjectured_bits: 100, proven_bits: 59 },
            limits: NodeLimits {
                pool_transactions: 3,
                pool_transactions_per_account: 2,
                batch_slots: 100,
                batch_records: 4096,
                batch_milliseconds: 5000,
                unverified_batches: 8,
            },
        })
    }

    #[expect(clippy::panic, reason = "one of the faults is a panic")]
    async fn status(&self) -> Result<StatusView, BackendError> {
        match self.fault {
            None => {}
            Some(Fault::NotReady) => {
                return Err(BackendError::NotReady {
                    reason: "L1 is away".to_owned(),
                    retry_after: Duration::from_secs(5),
                });
            }
            Some(Fault::Internal) => {
                let source = "disk 7 is on fire".into();
                return Err(BackendError::Internal { source });
            }
            Some(Fault::Panic) => panic!("a fault of the backend"),
            Some(Fault::Hang) => std::future::pending().await,
        }
        let circuit = Circuit { name: "wrap".to_owned(), digest: FixedBytes([0; 32]) };
        let lags = Lags { unproven_batches: OPEN - PROVING, proving_seconds: 12.0, ..Lags::default() };
        Ok(StatusView {
            deployment: self.deployment,
            assets: Vec::new(),
            l1_head: 12,
            queue: QueueView { head: 3, executed: 4, next: 5 },
            root: Digest::ZERO,
            last_sealed: OPEN - 1,
            last_proven: VERIFIED,
            last_verified: VERIFIED,
            pending_transactions: 0,
            jobs: JobCounts { waiting: 1, ready: 0, leased: 1, quarantined: 1 },
            workers: 1,
            lags,
            bottleneck: lags.bottleneck(),
            proofs: Proofs::Real,
            circuits: vec![circuit],
        })
    }

    async fn readiness(&self) -> Vec<CheckView> {
        let check = |name: &str, ok, detail: &str| CheckView { name: name.to_owned(), ok, detail: detail.to_owned() };
        let l1 = check("l1", self.fault.is_none(), "no answer for 70 s");
        vec![check("store", true, "it answers"), l1]
    }

    fn metrics(&self) -> String {
        "# TYPE weft_ledger_transactions gauge\nweft_ledger_transactions 0\n".to_owned()
    }
}
