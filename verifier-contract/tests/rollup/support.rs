//! A deployed rollup with users, and builders of batches.

use alloy::contract::{CallBuilder, CallDecoder, Error as CallError};
use alloy::primitives::{Address, B256, Bytes, U256, address};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolEvent;
use weft_contract::bindings::IRollup::{BatchCommitted, IRollupErrors, IRollupInstance};
use weft_contract::bindings::{Commitment, Header, ITestToken, RollupParameters};
use weft_contract::deploy::{deploy, deploy_rollup, deploy_test_token};
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    AccountIndex, Amount, AssetId, Context, DataPoint, Deposit, Domain, Environment, Kind, OpeningDeposit, Outcome,
    QueueEntry, QueueOperation, Record, RecordFields, SealStatement, Timestamp, Withdrawal, chain_records,
    evaluate_data, withdrawals_root,
};

/// Test double of the verifier: accepts exactly the "proof" that repeats the public inputs, so that a test sees which
/// inputs the rollup hands over. `keccak(inputs) == keccak(proof)`, both read at their places in the calldata.
pub(crate) const REPEATS_INPUTS: &str = "608060245f3760805f20608060c45f3760805f20145f5260205ff3";

/// A contract that answers every call with 1: as a token it claims success and moves nothing.
pub(crate) const ANSWERS_ONE: &str = "60015f5260205ff3";

pub(crate) const GWEI: u64 = 1_000_000_000;
pub(crate) const ETH: u16 = 1;
pub(crate) const TOKEN: u16 = 2;
/// L1 units of one rollup unit of the test token.
pub(crate) const TOKEN_SCALE: u64 = 10_000_000_000;
pub(crate) const GENESIS_ROOT: B256 = B256::new([7; 32]);
pub(crate) const GENESIS_SALT: B256 = B256::new([9; 32]);
/// Somebody who never signs anything.
pub(crate) const STRANGER: Address = address!("00000000000000000000000000000000005712a6");

pub(crate) type Rollup = IRollupInstance<DynProvider>;

/// A rollup on a chain of its own. Dev account 0 is operator and lister.
pub(crate) struct Fixture {
    pub(crate) chain: EmbeddedChain,
    pub(crate) rollup: Rollup,
    pub(crate) token: Address,
    pub(crate) domain: Domain,
}

/// A batch as its operator sees it.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) header: Header,
    pub(crate) records: Vec<Record>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let chain = EmbeddedChain::new(&EmbeddedConfig::default());
        let provider = chain.provider(dev_signer(0));
        let verifier = deploy(&provider, creation_code(REPEATS_INPUTS)).await.unwrap();
        let parameters = RollupParameters {
            verifier,
            genesisRoot: GENESIS_ROOT,
            genesisSalt: GENESIS_SALT,
            operator: user(0),
            lister: user(0),
        };
        let address = deploy_rollup(&provider, &parameters).await.unwrap();
        let token = deploy_test_token(&provider).await.unwrap();
        let rollup = IRollupInstance::new(address, provider);
        send(rollup.listAsset(token, TOKEN_SCALE.try_into().unwrap())).await;
        let domain = Domain::new(
            EmbeddedConfig::default().chain_id,
            &weft_protocol::Address(address.into_array()),
            &digest(GENESIS_SALT),
        );
        Self { chain, rollup, token, domain: domain.unwrap() }
    }

    /// The rollup as user `index` calls it.
    pub(crate) fn as_user(&self, index: u32) -> Rollup {
        IRollupInstance::new(*self.rollup.address(), self.chain.provider(dev_signer(index)))
    }

    /// Mints tokens to a user and lets the rollup take them.
    pub(crate) async fn mint(&self, index: u32, amount: u64) {
        let token = ITestToken::new(self.token, self.chain.provider(dev_signer(index)));
        let amount = U256::from(amount) * U256::from(TOKEN_SCALE);
        token.mint(user(index), amount).send().await.unwrap().get_receipt().await.unwrap();
        token.approve(*self.rollup.address(), amount).send().await.unwrap().get_receipt().await.unwrap();
    }

    /// User `sender` deposits `gwei` of ETH to account `account` of `owner`; the entry as the protocol sees it.
    pub(crate) async fn deposit(&self, sender: u32, account: u32, owner: Address, gwei: u64) -> QueueEntry {
        let amount = U256::from(gwei) * U256::from(GWEI);
        send(self.as_user(sender).deposit(ETH, amount, account, owner).value(amount)).await;
        let deposit = Deposit {
            account: AccountIndex(account),
            owner: weft_protocol::Address(owner.into_array()),
            asset: AssetId(ETH),
            amount: Amount::new(gwei).unwrap(),
            by_owner: user(sender) == owner,
        };
        entry(QueueOperation::Deposit(deposit), sender)
    }

    /// User `sender` opens an account for `owner`.
    pub(crate) async fn deposit_open(&self, sender: u32, owner: Address, key: B256, gwei: u64) -> QueueEntry {
        let amount = U256::from(gwei) * U256::from(GWEI);
        send(self.as_user(sender).depositOpen(ETH, amount, owner, key).value(amount)).await;
        let deposit = OpeningDeposit {
            owner: weft_protocol::Address(owner.into_array()),
            key: digest(key),
            asset: AssetId(ETH),
            amount: Amount::new(gwei).unwrap(),
        };
        entry(QueueOperation::OpeningDeposit(deposit), sender)
    }

    /// The next batch with these records, which take `entries` queue entries.
    pub(crate) async fn batch(&self, records: Vec<Record>, entries: u64) -> Batch {
        let progress = self.rollup.progress().call().await.unwrap();
        let queue_end = progress.queueHead + entries;
        let header = Header {
            number: progress.number + 1,
            timestamp: self.now().await.try_into().unwrap(),
            rootBefore: self.rollup.root().call().await.unwrap(),
            rootAfter: B256::repeat_byte(progress.number.to_be_bytes()[3] + 20),
            recordChain: chain_records(Digest::default(), &records).to_bytes().into(),
            queueStart: progress.queueHead,
            queueEnd: queue_end,
            queueChainStart: self.rollup.chainAt(progress.queueHead).call().await.unwrap(),
            queueChainEnd: self.rollup.chainAt(queue_end).call().await.unwrap(),
        };
        Batch { header, records }
    }

    /// What the contract must derive from a batch, computed by the protocol crate.
    pub(crate) fn expected(&self, batch: &Batch, withdrawals: &[Withdrawal]) -> Commitment {
        let (context, z, value) = self.evaluate(batch);
        let header = &batch.header;
        Commitment {
            number: header.number,
            timestamp: header.timestamp,
            recordCount: u16::try_from(batch.records.len()).unwrap(),
            queueStart: header.queueStart,
            queueEnd: header.queueEnd,
            context: context.0.to_bytes().into(),
            rootBefore: header.rootBefore,
            rootAfter: header.rootAfter,
            recordChain: header.recordChain,
            point: packed(z),
            value: packed(value),
            withdrawalsRoot: withdrawals_root(withdrawals).into(),
        }
    }

    /// What the test double accepts as the batch's proof: the statement's digest.
    pub(crate) fn proof(&self, batch: &Batch) -> Bytes {
        let (context, z, value) = self.evaluate(batch);
        let statement = SealStatement {
            context,
            root_before: digest(batch.header.rootBefore),
            root_after: digest(batch.header.rootAfter),
            chain: digest(batch.header.recordChain),
            record_count: u32::try_from(batch.records.len()).unwrap(),
            z,
            value,
        };
        let words = statement.digest().0.map(|element| U256::from(element.as_u64()).to_be_bytes::<32>());
        words.concat().into()
    }

    /// Commits a batch; the commitment's content as the event tells it.
    pub(crate) async fn commit(&self, batch: &Batch) -> Commitment {
        let receipt = send(self.rollup.commit(batch.header.clone(), data(&batch.records))).await;
        event::<BatchCommitted>(&receipt).content
    }

    /// Commits and proves a batch.
    pub(crate) async fn process(&self, batch: &Batch) {
        let content = self.commit(batch).await;
        send(self.rollup.prove(content, self.proof(batch))).await;
    }

    /// Time of the latest block.
    pub(crate) async fn now(&self) -> u64 {
        let block = self.rollup.provider().get_block_by_number(Default::default()).await.unwrap().unwrap();
        block.header.timestamp
    }

    fn evaluate(&self, batch: &Batch) -> (Context, DataPoint, DataPoint) {
        let environment = Environment {
            domain: self.domain,
            batch_number: batch.header.number,
            timestamp: Timestamp::new(batch.header.timestamp.to::<u64>()).unwrap(),
        };
        let context = environment.context();
        let z = DataPoint::of_batch(&context, &batch.records, &digest(batch.header.recordChain));
        (context, z, evaluate_data(&batch.records, z))
    }
}

/// Address of dev account `index`.
pub(crate) fn user(index: u32) -> Address {
    dev_signer(index).address()
}

/// Code that deploys `runtime` (hex) as it is.
pub(crate) fn creation_code(runtime: &str) -> Bytes {
    let runtime = alloy::hex::decode(runtime).unwrap();
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN
    let mut code = vec![0x61, length[0], length[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend(runtime);
    code.into()
}

/// The digest in a word.
pub(crate) fn digest(word: B256) -> Digest {
    Digest::from_bytes(&word.0).expect("canonical in these tests")
}

/// The records' bytes.
pub(crate) fn data(records: &[Record]) -> Bytes {
    records.iter().flat_map(Record::to_bytes).collect::<Vec<_>>().into()
}

/// A transfer of 5 units, different for each `index`.
pub(crate) fn transfer(index: u32) -> Record {
    let fields = RecordFields::new(Kind::Transfer, AccountIndex(index), AssetId(ETH), Amount::new(5).unwrap());
    RecordFields { b: AccountIndex(index.wrapping_mul(0x9e37_79b9)), ..fields }.record()
}

/// A withdrawal's two records and what it pays.
pub(crate) fn withdraw(owner: Address, asset: u16, amount: u64) -> (Vec<Record>, Withdrawal) {
    let owner = weft_protocol::Address(owner.into_array());
    let (asset, amount) = (AssetId(asset), Amount::new(amount).unwrap());
    let fields = RecordFields::new(Kind::Withdraw, AccountIndex(3), asset, amount);
    (vec![fields.record(), Record::address(&owner)], Withdrawal { owner, asset, amount })
}

/// The records that process a queue entry with this outcome; opening deposits get account `index`.
pub(crate) fn taken(entry: &QueueEntry, index: u32, outcome: Outcome) -> Vec<Record> {
    match &entry.operation {
        QueueOperation::Deposit(deposit) => deposit.records(outcome),
        QueueOperation::OpeningDeposit(deposit) => deposit.records(AccountIndex(index), outcome),
    }
}

/// What a bounced entry pays back.
pub(crate) fn refund(entry: &QueueEntry) -> Withdrawal {
    let (asset, amount) = match &entry.operation {
        QueueOperation::Deposit(deposit) => (deposit.asset, deposit.amount),
        QueueOperation::OpeningDeposit(deposit) => (deposit.asset, deposit.amount),
    };
    Withdrawal { owner: entry.sender, asset, amount }
}

/// The first event of a type in a receipt.
pub(crate) fn event<E: SolEvent>(receipt: &TransactionReceipt) -> E {
    receipt.decoded_log::<E>().expect("the event is emitted").data
}

/// Sends a call and expects it to succeed.
pub(crate) async fn send<P: Provider, D: CallDecoder>(call: CallBuilder<P, D>) -> TransactionReceipt {
    let receipt = call.send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status(), "the transaction succeeds");
    receipt
}

/// The rollup's error that a call ends with.
pub(crate) fn refusal<T>(result: Result<T, CallError>) -> IRollupErrors {
    let Err(error) = result else { panic!("the call is refused") };
    error.as_decoded_interface_error().unwrap_or_else(|| panic!("not an error of the rollup: {error}"))
}

fn packed(DataPoint([high, low]): DataPoint) -> u128 {
    u128::from(high.as_u64()) << 64 | u128::from(low.as_u64())
}

fn entry(operation: QueueOperation, sender: u32) -> QueueEntry {
    QueueEntry { operation, sender: weft_protocol::Address(user(sender).into_array()) }
}

/// A digest with one word that is not below p.
pub(crate) fn non_canonical(word: usize) -> B256 {
    let mut bytes = [0; 32];
    bytes[8 * word..8 * word + 8].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
    bytes.into()
}
