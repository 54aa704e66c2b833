//! A sequencer over a real store, with provers and L1 that only take notes.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use weft_api::{Deployment, Finality, FixedBytes, L1Transaction, Submission, SubmitError, TransactionView};
use weft_circuits::digest::CircuitDigest;
use weft_circuits::recursion::SealCapacity;
use weft_executor::check_signatures;
use weft_protocol::crypto::Digest;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Domain, Fee, FeeAsset, Lane, OpeningDeposit, QueueEntry, QueueOperation,
    SignedTransaction, Timestamp, Transaction, TransactionKind,
};
use weft_prover::{CircuitSizes, SegmentSize};
use weft_storage::RollupStore;

use super::super::*;
use crate::clock::{self, Clock};
use crate::compute::Compute;
use crate::config::BatchLimits;
use crate::dispatch::{Dispatcher, Outlets};
use crate::journal::{Failure, Order};
use crate::l1::{Lapse, QueueEvent};
use crate::proving::{BatchClaim, CheckedProof, SegmentOrder};

pub(super) const SMALL: usize = 3;
pub(super) const LARGE: usize = 8;
pub(super) const LIMITS: BatchLimits =
    BatchLimits { slots_max: 100, seal_after: Duration::from_secs(3600), unverified_max: 2 };

/// What was ordered, in order.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) segments: Vec<SegmentOrder>,
    pub(super) claims: Vec<BatchClaim>,
    pub(super) posts: Vec<PostOrder>,
    pub(super) released: Vec<u32>,
    pub(super) abandoned: Vec<Environment>,
    /// Orders to provers that are taken before one fails.
    pub(super) fail_after: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(pub(super) Arc<Mutex<Notes>>);

impl Recorder {
    fn take(&self, note: impl FnOnce(&mut Notes)) -> anyhow::Result<()> {
        let mut notes = self.0.lock().unwrap();
        if let Some(left) = &mut notes.fail_after {
            anyhow::ensure!(*left > 0, "no more orders are taken");
            *left -= 1;
        }
        note(&mut notes);
        Ok(())
    }
}

impl Outlets for Recorder {
    fn segment(&mut self, order: SegmentOrder) -> anyhow::Result<()> {
        self.take(|notes| notes.segments.push(order))
    }

    fn finish(&mut self, claim: BatchClaim) -> anyhow::Result<()> {
        self.take(|notes| notes.claims.push(claim))
    }

    fn post(&mut self, order: PostOrder) {
        self.0.lock().unwrap().posts.push(order);
    }

    fn abandon(&mut self, batch: &Environment) -> anyhow::Result<()> {
        self.take(|notes| notes.abandoned.push(*batch))
    }

    fn release(&mut self, batch: u32) -> anyhow::Result<()> {
        self.take(|notes| notes.released.push(batch))
    }
}

pub(super) struct World {
    pub(super) sequencer: Sequencer,
    pub(super) recorder: Recorder,
    pub(super) failure: Failure,
    dispatcher: Dispatcher<Recorder>,
    orders: Receiver<Order>,
    /// Behind the sequencer, whose end it waits for.
    journal: JournalThread,
    dir: Arc<TempDir>,
    limits: BatchLimits,
}

/// The journal's thread. A test waits for its end: a process that ends while RocksDB is being closed is aborted.
struct JournalThread(Option<JoinHandle<()>>);

impl Drop for JournalThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic of the journal has been printed; another one while a test unwinds would hide its reason.
            drop(thread.join());
        }
    }
}

pub(super) fn key(index: u32) -> SecretKey {
    let mut seed = [5; 32];
    seed[..4].copy_from_slice(&index.to_be_bytes());
    SecretKey::from_seed(&seed)
}

pub(super) fn owner(index: u32) -> Address {
    Address([u8::try_from(index).unwrap() + 1; 20])
}

pub(super) fn amount(value: u64) -> Amount {
    Amount::new(value).unwrap()
}

pub(super) fn l1_transaction(number: u8) -> L1Transaction {
    L1Transaction { hash: FixedBytes([number; 32]), gas: 1, data_bytes: 1 }
}

pub(super) fn settings(limits: BatchLimits) -> Settings {
    let contract = Address([0xc0; 20]);
    let domain = Domain::new(31_337, &contract, &Digest::ZERO).unwrap();
    Settings {
        deployment: Deployment { chain_id: 31_337, contract, domain },
        genesis_salt: Digest::ZERO,
        fee_collector: FeeCollector { owner: owner(0), key: key(0).public_key().digest() },
        wrap_digest: CircuitDigest([7; 32]),
        batch: limits,
        sizes: CircuitSizes {
            small: NonZeroUsize::new(SMALL).unwrap(),
            large: NonZeroUsize::new(LARGE).unwrap(),
            openings_degree_bits: 10,
            records: SealCapacity::PROTOCOL,
        },
        streamed: SegmentSize::Small,
        pool_max: 3,
        pool_per_account_max: 2,
        circuits: Vec::new(),
        proven_on_l1: 0,
        clock: Clock::default(),
    }
}

/// Opens what is on the disk and does the log once more.
pub(super) fn open(
    dir: &Path,
    limits: BatchLimits,
    recorder: &Recorder,
) -> Result<(Opening, Dispatcher<Recorder>), OpeningError> {
    let settings = settings(limits);
    let (store, opened) = RollupStore::open(dir, &settings.deployment.domain.0.to_bytes()).unwrap();
    let mut opening = Opening::begin(settings, &Compute::new().unwrap(), store, opened)?;
    let mut dispatcher = Dispatcher::new(Arc::clone(opening.store()), recorder.clone());
    opening.replay(&mut dispatcher)?;
    Ok((opening, dispatcher))
}

impl World {
    /// Accounts 0 (which collects fees), 1 and 2 with 1,000 ETH units each, in batch 1.
    pub(super) fn new(limits: BatchLimits) -> Self {
        let mut world = Self::empty(limits);
        (0..3).for_each(|index| world.open(index, index));
        world
    }

    pub(super) fn empty(limits: BatchLimits) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), limits)
    }

    pub(super) fn on(dir: Arc<TempDir>, limits: BatchLimits) -> Self {
        let (recorder, failure) = (Recorder::default(), Failure::default());
        let (opening, dispatcher) = open(dir.path(), limits, &recorder).unwrap();
        let (sender, orders) = channel();
        let log = Arc::clone(opening.store());
        let (journal, thread) = Journal::start(log, opening.log_next(), sender, failure.clone()).unwrap();
        let sequencer = opening.serve(journal);
        Self { sequencer, recorder, failure, dispatcher, orders, journal: JournalThread(Some(thread)), dir, limits }
    }

    /// The same again, from the disk.
    pub(super) fn restarted(self) -> Self {
        let limits = self.limits;
        Self::on(self.stopped(), limits)
    }

    /// Ends it as a killed process does: nothing is flushed that was not handed in.
    pub(super) fn stopped(self) -> Arc<TempDir> {
        let Self { sequencer, dispatcher, orders, journal, dir, .. } = self;
        drop(sequencer);
        drop(journal);
        drop((orders, dispatcher));
        dir
    }

    /// Everything that was handed in leaves through the journal and is done.
    pub(super) fn advance(&mut self) {
        self.sequencer.advance();
        self.wait_for_journal();
        while let Ok(order) = self.orders.try_recv() {
            if let Some(done) = self.dispatcher.perform(order).unwrap() {
                self.sequencer.done(done);
            }
        }
    }

    /// The log is on the disk, but nothing that follows was done.
    pub(super) fn wait_for_journal(&mut self) {
        let (sender, receiver) = channel();
        self.sequencer.reply(move || sender.send(()).unwrap());
        self.sequencer.advance();
        receiver.recv().unwrap();
    }

    /// Opens an account for the owner and with the key of these users.
    pub(super) fn open(&mut self, owner_of: u32, key_of: u32) {
        self.open_with(amount(1000), owner_of, key_of);
    }

    /// The same with an amount; nothing opens none.
    pub(super) fn open_with(&mut self, amount: Amount, owner_of: u32, key_of: u32) {
        let key = key(key_of).public_key().digest();
        let deposit = OpeningDeposit { owner: owner(owner_of), key, asset: AssetId::ETH, amount };
        let entry = QueueEntry { operation: QueueOperation::OpeningDeposit(deposit), sender: owner(owner_of) };
        let QueueCursor { next, chain, block } = self.sequencer.queue_cursor();
        let event = QueueEvent { position: next, entry, chain: entry.extend(&chain) };
        let timestamp = self.sequencer.l1.timestamp.max(clock::now_seconds());
        let head = L1Head { number: block + 1, timestamp, now: None };
        self.sequencer.take_from_l1(vec![event], Vec::new());
        self.sequencer.observe_l1(head);
        self.advance();
    }

    pub(super) fn transfer(&self, from: u32, to: u32, nonce: u32) -> SignedTransaction {
        let transaction = Transaction {
            kind: TransactionKind::Transfer { to: AccountIndex(to) },
            sender: AccountIndex(from),
            lane: Lane::Main,
            asset: AssetId::ETH,
            amount: amount(10),
            fee_asset: FeeAsset::default(),
            fee: Fee::at_least(amount(1)).unwrap(),
            named_address: owner(to),
            group: Digest::ZERO,
            nonce,
            expiry: Timestamp::MAX,
        };
        transaction.sign(&self.domain(), &key(from))
    }

    pub(super) fn domain(&self) -> Domain {
        self.sequencer.settings.deployment.domain
    }

    pub(super) fn submit(&mut self, signed: SignedTransaction) -> Result<Submission, SubmitError> {
        let checked = check_signatures(&self.domain(), vec![signed]).pop().unwrap().expect("the tests sign rightly");
        let result = self.sequencer.submit(checked);
        self.advance();
        result
    }

    pub(super) fn submit_transfer(&mut self, from: u32, to: u32, nonce: u32) -> Finality {
        match self.submit(self.transfer(from, to, nonce)).expect("it is taken") {
            Submission::Accepted(view) | Submission::Known(view) => view.status,
        }
    }

    pub(super) fn seal(&mut self) {
        self.sequencer.seal();
        self.advance();
    }

    /// A batch is proved. The proof is none: nobody here checks it.
    pub(super) fn prove(&mut self, number: u32) {
        self.sequencer.segments_proved(number, 1);
        let environment = self.environment(number);
        let proof = CheckedProof { environment, proof: vec![1], l1_proof: vec![2], costs: Vec::new() };
        self.sequencer.proven(&proof);
        self.advance();
    }

    pub(super) fn verify(&mut self, number: u32) {
        let batch = self.environment(number);
        self.sequencer.posted(&batch, l1_transaction(1));
        self.sequencer.verified(&batch, l1_transaction(2));
        self.advance();
    }

    pub(super) fn environment(&mut self, number: u32) -> Environment {
        let batch =
            |sequencer: &mut Sequencer, shelf: &mut Shelf| Some(*sequencer.batch_of(number, shelf)?.environment());
        self.sequencer.now(batch).expect("it has begun")
    }

    /// A transaction that was accepted.
    pub(super) fn view(&mut self, id: &Digest) -> TransactionView {
        self.sequencer.now(|sequencer, shelf| sequencer.transaction(id, shelf)).expect("it was accepted")
    }

    /// L1 will never verify a batch.
    pub(super) fn abandon(&mut self, number: u32) {
        let batch = self.environment(number);
        self.sequencer.abandon(&batch, Lapse::Uncommitted);
        self.advance();
    }

    /// L1's time runs ahead of the real clock, so that the next batch need not wait for a second to pass.
    pub(super) fn advance_l1(&mut self, seconds: u64) {
        let timestamp = self.sequencer.l1.timestamp.max(clock::now_seconds()) + seconds;
        let number = self.sequencer.l1.number + 1;
        self.sequencer.observe_l1(L1Head { number, timestamp, now: None });
        self.advance();
    }

    /// L1 says what time it is, and the node's clock says something else from now on.
    pub(super) fn tell_time(&mut self, on_l1: u64, own: u64) {
        self.sequencer.settings.clock = Clock::new(move || Time::from_unix_ms(own * 1000));
        let L1Head { number, timestamp, .. } = self.sequencer.l1;
        self.sequencer.observe_l1(L1Head { number, timestamp, now: Some(on_l1) });
        self.advance();
    }

    /// The segments and the claims of the batches so far.
    pub(super) fn ordered(&self) -> (Vec<SegmentOrder>, Vec<BatchClaim>) {
        let notes = self.recorder.0.lock().unwrap();
        (notes.segments.clone(), notes.claims.clone())
    }
}
