//! A backend in memory. It executes what it accepts at once, by the rules of the protocol, and proves nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use weft_api::{
    AccountView, Backend, BackendError, BatchSelector, BatchView, Bytes, Call, Circuit, Deployment, Finality,
    FixedBytes, HexBytes, Holder, L1Transaction, L1View, PageRequest, Progress, ProofFile, Proofs, QueueView,
    StatusView, Step, Submission, SubmitError, Time, TransactionFields, TransactionView, WithdrawalView,
};
use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Environment, Fee, FeeAsset, FeeSums, Lane, Object, Reject,
    SignedTransaction, Slot, Timestamp, Transaction, TransactionKind, Withdrawal,
};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const BATCH_COUNT: u32 = 7;
pub(crate) const VERIFIED: u32 = 4;
pub(crate) const PROOF: &[u8] = b"{\"proof\":\"0x00\"}";
/// Transactions that the ledger takes before it is full.
const POOL_MAX: usize = 3;

/// What happens to a request for the status.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    NotReady,
    Internal,
    Panic,
    Hang,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    deployment: Deployment,
    state: Mutex<State>,
    fault: Option<Fault>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct State {
    objects: BTreeMap<u32, Object>,
    fee_sums: FeeSums,
    transactions: BTreeMap<Digest, TransactionView>,
}

pub(crate) fn amount(value: u64) -> Amount {
    Amount::new(value).expect("the tests' amounts are below 2^62")
}

pub(crate) fn owner(index: u32) -> Address {
    Address([u8::try_from(index).expect("a small index"); 20])
}

pub(crate) fn key(index: u32) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(index).expect("a small index"); 32])
}

pub(crate) fn deployment() -> Deployment {
    let contract = Address([0xc0; 20]);
    Deployment {
        chain_id: 31_337,
        contract,
        domain: Domain::new(31_337, &contract, &Digest::ZERO).expect("a small chain id"),
    }
}

/// Account 1 pays 10 to account 2.
pub(crate) fn transfer() -> Transaction {
    Transaction {
        kind: TransactionKind::Transfer { to: AccountIndex(2) },
        sender: AccountIndex(1),
        lane: Lane::Main,
        asset: AssetId(2),
        amount: amount(10),
        fee_asset: FeeAsset::default(),
        fee: Fee::at_least(amount(3)).expect("a small fee"),
        named_address: owner(2),
        group: Digest::ZERO,
        nonce: 0,
        expiry: Timestamp::new(NOW + 60).expect("below 2^40"),
    }
}

pub(crate) fn withdrawal() -> Transaction {
    Transaction { kind: TransactionKind::Withdraw, named_address: owner(1), ..transfer() }
}

/// Signed by account 1.
pub(crate) fn signed(transaction: Transaction) -> SignedTransaction {
    transaction.sign(&deployment().domain, &key(1))
}

impl Ledger {
    /// Accounts 1 to 3, each with 1,000 of assets 1 and 2; the owner of account 3 is that of account 1.
    pub(crate) fn new() -> Self {
        let account = |index: u32, owner: Address| {
            let credit = |object: Object, asset| object.credited(AssetId(asset), amount(1000), 8);
            let object = Object::account(owner, key(index).public_key().digest());
            let object = credit(object, 1).and_then(|object| credit(object, 2));
            (index, object.expect("there is room"))
        };
        let accounts = [account(1, owner(1)), account(2, owner(2)), account(3, owner(1))];
        let state = State { objects: accounts.into(), ..State::default() };
        Self { deployment: deployment(), state: Mutex::new(state), fault: None }
    }

    pub(crate) fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::new() }
    }

    /// Everything that a transaction could change.
    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the lock")
    }
}

impl State {
    fn execute(&mut self, signed: &SignedTransaction, domain: Domain) -> Result<(), SubmitError> {
        if self.transactions.len() == POOL_MAX {
            let retry_after = Duration::from_millis(1500);
            return Err(SubmitError::PoolFull { retry_after });
        }
        if !signed.signature_is_valid(&domain) {
            return Err(Reject::BadSignature.into());
        }
        let environment = Environment { domain, batch_number: 1, timestamp: Timestamp::new(NOW).expect("below 2^40") };
        let slot = Slot::Signed(signed.clone());
        let object = |index: Option<AccountIndex>| index.and_then(|i| self.objects.get(&i.0));
        let [a, b] = [object(slot.a()), object(slot.b())];
        let effects = slot.apply(&environment, a, b, self.fee_sums)?;
        let after = [(slot.a(), effects.a_after), (slot.b(), effects.b_after)];
        for (index, object) in after {
            if let (Some(index), Some(object)) = (index, object) {
                self.objects.insert(index.0, object);
            }
        }
        self.fee_sums = effects.fee_sums;
        Ok(())
    }
}

fn view(id: Digest, signed: &SignedTransaction) -> TransactionView {
    let at = Time::from_unix_ms(NOW * 1000);
    let steps = [Finality::Accepted, Finality::Executed].map(|step| Step { step, at });
    TransactionView {
        id,
        status: Finality::Executed,
        transaction: TransactionFields::from(&signed.transaction),
        rejected: None,
        batch: Some(1),
        slot: Some(0),
        proving: None,
        steps: steps.to_vec(),
        l1: L1View::default(),
    }
}

fn account_view((index, object): (&u32, &Object)) -> AccountView {
    AccountView::new(AccountIndex(*index), object, object.nonce)
}

fn batch_view(number: u32) -> BatchView {
    let commit = L1Transaction { hash: FixedBytes([7; 32]), gas: 900_000, data_bytes: 2100 };
    let is_verified = number <= VERIFIED;
    BatchView {
        number,
        status: if is_verified { Finality::Withdrawable } else { Finality::Proving },
        timestamp: Time::from_unix_ms(NOW * 1000),
        root_before: Digest::ZERO,
        root: Digest::ZERO,
        slots: 100,
        records: 100,
        segments: 2,
        withdrawals: 5,
        proving: Some(Progress { done: 1, total: 2 }),
        steps: Vec::new(),
        l1: L1View { commit: is_verified.then_some(commit), prove: None },
        cpu_seconds: Some(1.5),
    }
}

/// The part of an ordered list that a page asks for.
fn page_of<T>(all: Vec<T>, page: PageRequest, is_after: impl Fn(&T, u32) -> bool) -> Vec<T> {
    all.into_iter().filter(|item| page.after.is_none_or(|after| is_after(item, after))).take(page.limit).collect()
}

impl Backend for Ledger {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    async fn submit(&self, signed: SignedTransaction) -> Result<Submission, SubmitError> {
        let domain = self.deployment.domain;
        let id = signed.transaction.id(&domain);
        let mut state = self.lock();
        if let Some(known) = state.transactions.get(&id) {
            return Ok(Submission::Known(known.clone()));
        }
        state.execute(&signed, domain)?;
        let view = view(id, &signed);
        state.transactions.insert(id, view.clone());
        Ok(Submission::Accepted(view))
    }

    async fn transaction(&self, id: Digest) -> Result<Option<TransactionView>, BackendError> {
        Ok(self.lock().transactions.get(&id).cloned())
    }

    async fn account(&self, index: AccountIndex) -> Result<Option<AccountView>, BackendError> {
        let state = self.lock();
        Ok(state.objects.get_key_value(&index.0).map(account_view))
    }

    async fn accounts(&self, holder: Holder, page: PageRequest) -> Result<Vec<AccountView>, BackendError> {
        let state = self.lock();
        let all = state.objects.iter().map(account_view);
        let held = all.filter(|account| match holder {
            Holder::Owner(owner) => account.owner == owner,
            Holder::Key(key) => account.key == key,
        });
        Ok(page_of(held.collect(), page, |account, after| account.index > after))
    }

    async fn batch(&self, selector: BatchSelector) -> Result<Option<BatchView>, BackendError> {
        let number = match selector {
            BatchSelector::Number(number) => number,
            BatchSelector::Latest => BATCH_COUNT,
            BatchSelector::Verified => VERIFIED,
        };
        Ok((1..=BATCH_COUNT).contains(&number).then(|| batch_view(number)))
    }

    async fn batches(&self, page: PageRequest) -> Result<Vec<BatchView>, BackendError> {
        let all = (1..=BATCH_COUNT).rev().map(batch_view).collect();
        Ok(page_of(all, page, |batch, after| batch.number < after))
    }

    async fn proof(&self, number: u32) -> Result<Option<ProofFile>, BackendError> {
        let file = ProofFile { content_type: "application/json", bytes: Bytes::from_static(PROOF) };
        Ok((number <= VERIFIED).then_some(file))
    }

    async fn withdrawals(&self, number: u32, page: PageRequest) -> Result<Vec<WithdrawalView>, BackendError> {
        let withdrawals: Vec<_> = (1..=5)
            .map(|index| Withdrawal { owner: owner(index), asset: AssetId(1), amount: amount(u64::from(index)) })
            .collect();
        let view = |(position, withdrawal): (usize, &Withdrawal)| WithdrawalView {
            batch: number,
            position: u32::try_from(position).expect("there are five"),
            status: batch_view(number).status,
            owner: withdrawal.owner,
            asset: withdrawal.asset.0,
            amount: withdrawal.amount,
            path: Withdrawal::path(&withdrawals, position).into_iter().map(FixedBytes).collect(),
            claim: Call { to: self.deployment.contract, data: HexBytes(vec![0xde, 0xad]) },
        };
        let all = withdrawals.iter().enumerate().map(view).collect();
        Ok(page_of(all, page, |withdrawal, after| withdrawal.position > after))
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
        Ok(StatusView {
            deployment: self.deployment,
            assets: Vec::new(),
            l1_head: 12,
            queue: QueueView { head: 3, executed: 4, next: 5 },
            root: Digest::ZERO,
            last_sealed: BATCH_COUNT,
            last_proven: VERIFIED,
            last_verified: VERIFIED,
            pending_transactions: 0,
            proofs: Proofs::Real,
            circuits: vec![circuit],
        })
    }
}
