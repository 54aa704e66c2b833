//! A backend in memory. It executes what it accepts at once, by the rules of the protocol, and proves nothing.

mod backend;
mod data;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use weft_api::{
    Deployment, Finality, FixedBytes, JobView, L1View, Progress, SoftReceipt, Step, SubmitError, Time,
    TransactionFields, TransactionView,
};
use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Environment, Fee, FeeAsset, FeeSums, Lane, Object, Reject,
    SignedTransaction, Slot, Timestamp, Transaction, TransactionKind,
};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const BATCH_COUNT: u32 = 7;
pub(crate) const VERIFIED: u32 = 4;
/// The batch that still grows.
pub(crate) const OPEN: u32 = BATCH_COUNT;
pub(crate) const MINIMUM_FEE: u64 = 1;
pub(crate) const PROOF: &[u8] = b"{\"proof\":\"0x00\"}";
/// Transactions that the ledger takes before it is full.
const POOL_MAX: usize = 3;
/// Of those, of account 2.
const ACCOUNT_MAX: usize = 2;

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
    /// Jobs of the batch that is being proved.
    jobs: Vec<JobView>,
    /// What its steps are.
    pub(crate) steps: Vec<Step>,
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

/// The batch whose proof is in work.
pub(crate) const PROVING: u32 = VERIFIED + 1;

pub(crate) fn now() -> Time {
    Time::from_unix_ms(NOW * 1000)
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
        let state =
            State { objects: accounts.into(), jobs: data::jobs(), steps: data::steps(PROVING), ..State::default() };
        Self { deployment: deployment(), state: Mutex::new(state), fault: None }
    }

    pub(crate) fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::new() }
    }

    /// A transaction reaches a step.
    pub(crate) fn advance(&self, id: &Digest, step: Finality) {
        let mut state = self.lock();
        let view = state.transactions.get_mut(id).expect("the test has submitted it");
        view.status = step;
        view.proving = Some(Progress { done: 1, total: 2 });
        view.steps.push(Step { step, at: now() });
    }

    /// A job of the batch that is being proved changes, and the batch with the last one.
    pub(crate) fn change_job(&self, position: usize, change: impl FnOnce(&mut JobView)) {
        change(&mut self.lock().jobs[position]);
    }

    /// The batch that is being proved reaches a step.
    pub(crate) fn advance_batch(&self, step: Finality) {
        self.lock().steps.push(Step { step, at: now() });
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
        let sender = signed.transaction.sender.0;
        let is_of_sender = |view: &&TransactionView| view.transaction.sender == sender;
        let pending = self.transactions.values().filter(is_of_sender).count();
        if sender == 2 && pending == ACCOUNT_MAX {
            let retry_after = Duration::from_secs(7);
            return Err(SubmitError::AccountFull { pending: 2, retry_after });
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

fn view(id: Digest, signed: &SignedTransaction, sequence: u64) -> TransactionView {
    let at = now();
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
        returned: None,
        soft_receipt: Some(SoftReceipt {
            transaction: id,
            sequence,
            accepted_at: at,
            sequencer: owner(9),
            signature: FixedBytes([0x5a; 65]),
        }),
        l1: L1View::default(),
    }
}
