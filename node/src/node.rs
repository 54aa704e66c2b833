//! A running node: sequencer, provers, L1 client and REST API, put together.
//!
//! A start reads what is on the disk, does the rest of the log once more, compares itself with L1, and only then serves;
//! the API answers meanwhile that it is not ready.

mod agree;
mod lapsed;
mod open;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use alloy::primitives::Address as L1Address;
use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use weft_aggregator::FleetEvent;
use weft_aggregator::gateway::{self, Tokens};
use weft_aggregator::worker::Local;
use weft_api::{Circuit, Deployment, Door, FixedBytes, Limits};
use weft_circuits::recursion::CircuitSummary;
use weft_protocol::crypto::Digest;
use weft_prover::CircuitSet;

use crate::backend::{NodeBackend, ReceiptSigner};
use crate::clock::Clock;
use crate::compute::Compute;
use crate::config::NodeConfig;
use crate::dispatch::Dispatcher;
use crate::fleet::{Collector, Fleet, FleetOutlets, NodeCoordinator};
use crate::journal::{Failure, Journal};
use crate::l1::{L1News, PostCommand, PostNews, Poster, Rollup, Watcher, read_assets};
use crate::proving::JobCost;
use crate::sequencer::{FeeCollector, Inbox, Opening, Phase, QueueCursor, Sequencer, SequencerHandle, Settings};
use crate::signatures::SignatureChecker;
use crate::supervise::{Watchdog, endless};
use agree::OnL1;
use lapsed::take_back;

/// How long the node waits for the deposit that opens the account of fees.
const FEE_ACCOUNT_TIME_MAX: Duration = Duration::from_secs(60);
/// How often it looks.
const FEE_ACCOUNT_POLL: Duration = Duration::from_millis(20);
/// Connections of external workers at the same time; each worker has a few. All may come from one address.
const WORKER_CONNECTIONS_MAX: usize = 1024;

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeParts {
    /// Limits and times.
    pub config: NodeConfig,
    /// The circuits.
    pub circuits: Arc<CircuitSet>,
    /// The contract, with a provider that signs for the operator.
    pub rollup: Rollup,
    /// The operator's L1 account.
    pub operator: L1Address,
    /// Block of the contract's deployment, or an earlier one.
    pub first_block: u64,
    /// Salt with which the contract was deployed.
    pub genesis_salt: Digest,
    /// Whose account collects fees; a deposit opens it on L1.
    pub fee_collector: FeeCollector,
    /// Folder of everything that the node keeps.
    pub data: PathBuf,
    /// Where the API listens; port 0: a free one.
    pub listen: SocketAddr,
    /// The tokens of external workers and of operators.
    pub tokens: Tokens,
    /// Where workers find a door of their own, besides the one of the API, if there are external ones; port 0: a free one.
    pub workers_listen: Option<SocketAddr>,
}

/// A node that serves its API until it is stopped.
#[derive(Debug)]
pub struct Node {
    deployment: Deployment,
    sequencer: SequencerHandle,
    server: Server,
    workers: Option<Server>,
    engine: Engine,
}

/// A door that is served.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// All that works behind the API.
#[derive(Debug)]
struct Engine {
    fleet: Fleet,
    tasks: Vec<JoinHandle<()>>,
    /// In the order in which they end: each ends with what the one before it holds.
    threads: Vec<thread::JoinHandle<()>>,
}

/// What the parts of a node that starts have in common.
#[derive(Clone)]
struct Wiring {
    sequencer: SequencerHandle,
    failure: Failure,
    compute: Compute,
    coordinator: Arc<NodeCoordinator>,
}

impl Node {
    /// Starts a node and waits until it can take transactions. It goes on where the data folder ends.
    ///
    /// # Errors
    /// L1 does not answer; the contract is another one than the node works for, or stands elsewhere than the data; the
    /// data cannot be used; or the port is taken.
    pub async fn start(parts: NodeParts) -> Result<Self> {
        let (deployment, on_l1) = agree::deployment_of(&parts.rollup, &parts.genesis_salt).await?;
        let listener = listen(parts.listen).await?;
        let for_workers = match (&parts.tokens.workers, parts.workers_listen) {
            (Some(_), Some(address)) => Some(listen(address).await?),
            _ => None,
        };

        let (failure, compute) = (Failure::default(), Compute::new()?);
        let (sequencer, inbox) = SequencerHandle::new(failure.clone());
        let (circuits, data) = (Arc::clone(&parts.circuits), parts.data.clone());
        let workers = parts.tokens.workers.clone();
        let opened = spawn_blocking(move || Fleet::open(circuits, &data, workers.as_ref())).await;
        let (coordinator, events) = opened.context("the jobs were not opened")??;
        let signatures = SignatureChecker::start(deployment.domain, compute.clone(), failure.clone());
        let receipts = ReceiptSigner::open(&parts.data, deployment)?;
        let backend = NodeBackend::new(sequencer.clone(), signatures, Arc::clone(&coordinator), receipts)
            .with_fee_minimum(parts.config.fee_minimum);
        let gateway = gateway::router(Local(Arc::clone(&coordinator)), parts.tokens.clone());
        let door = |listener| {
            Server::start(listener, &failure, |listener, stop| {
                Door::new(gateway.clone(), limits_of_workers()).serve(listener, stop)
            })
        };
        let workers = for_workers.map(door).transpose()?;
        let api = weft_api::Server::with_limits(Arc::new(backend), parts.config.api).merge(gateway);
        let server = Server::start(listener, &failure, |listener, stop| api.serve(listener, stop))?;

        let wiring = Wiring { sequencer: sequencer.clone(), failure, compute, coordinator };
        match Engine::start(parts, deployment, on_l1, (wiring, inbox, events)).await {
            Ok(engine) => {
                sequencer.enter(Phase::Serving);
                Ok(Self { deployment, sequencer, server, workers, engine })
            }
            Err(error) => {
                for server in [Some(server), workers].into_iter().flatten() {
                    server.task.abort();
                }
                Err(error)
            }
        }
    }

    /// Where the API is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Where workers have a door of their own.
    #[must_use]
    pub fn workers_url(&self) -> Option<String> {
        self.workers.as_ref().map(|server| format!("http://{}", server.address))
    }

    /// Which rollup it serves.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The provers.
    #[must_use]
    pub fn coordinator(&self) -> &Arc<NodeCoordinator> {
        self.engine.fleet.coordinator()
    }

    /// Ends the batch in work, if it has slots.
    ///
    /// # Errors
    /// The sequencer has ended.
    pub async fn seal(&self) -> Result<()> {
        self.sequencer.ask(Sequencer::seal).await.context("the sequencer does not answer")
    }

    /// What the jobs of a batch took; empty before it is proved.
    ///
    /// # Errors
    /// The sequencer has ended.
    pub async fn costs(&self, batch: u32) -> Result<Vec<JobCost>> {
        self.sequencer
            .ask(move |sequencer| sequencer.now(|sequencer, shelf| sequencer.costs(batch, shelf)))
            .await
            .context("the sequencer does not answer")
    }

    /// Why the node has halted, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.sequencer.failure()
    }

    /// Stops: requests under way are answered, local workers finish or give back what they do, and everything is written.
    ///
    /// # Errors
    /// The server had failed.
    pub async fn stop(self) -> Result<()> {
        let served = self.server.stop().await;
        if let Some(workers) = self.workers {
            workers.stop().await?;
        }
        self.engine.stop(&self.sequencer).await;
        served
    }
}

/// Ends when a server is to stop.
type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

fn limits_of_workers() -> Limits {
    Limits {
        connections_max: WORKER_CONNECTIONS_MAX,
        client_connections_max: WORKER_CONNECTIONS_MAX,
        ..Limits::default()
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

impl Server {
    fn start<F>(listener: TcpListener, failure: &Failure, serve: impl FnOnce(TcpListener, Stopped) -> F) -> Result<Self>
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let address = listener.local_addr().context("the listener has no address")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let until_stopped = async move {
            // A dropped sender stops the server as well.
            let _ = stopped.await;
        };
        let (failure, serving) = (failure.clone(), serve(listener, Box::pin(until_stopped)));
        let task = tokio::spawn(async move {
            let _watchdog = Watchdog::new("a server", failure.clone());
            serving.await.inspect_err(|error| failure.set(format!("the server at {address} has failed: {error}")))
        });
        Ok(Self { address, stop, task })
    }

    /// Requests under way are answered before.
    async fn stop(self) -> Result<()> {
        // The server may have ended by itself; then its result says why.
        let _ = self.stop.send(());
        self.task.await.context("the server panicked")?.context("the server failed")
    }
}

impl Engine {
    async fn start(
        parts: NodeParts,
        deployment: Deployment,
        on_l1: OnL1,
        (wiring, inbox, events): (Wiring, Inbox, mpsc::UnboundedReceiver<FleetEvent>),
    ) -> Result<Self> {
        let NodeParts { ref rollup, operator, .. } = parts;
        let sequencer = wiring.sequencer.clone();
        let settings = settings(&parts, deployment, on_l1.number);
        sequencer.enter(Phase::Starting("it reads its data"));
        let (posts, orders) = mpsc::unbounded_channel();
        let outlets = FleetOutlets::new(Arc::clone(&wiring.coordinator), posts, Handle::current());
        let (data, compute) = (parts.data.clone(), wiring.compute.clone());
        let opened = spawn_blocking(move || open::open(&data, &settings, &compute, outlets)).await;
        let (opening, dispatcher) = opened.context("the data were not opened")??;
        sequencer.enter(Phase::Starting("it compares itself with L1"));
        let on_l1 = agree::check(&opening, rollup).await?;
        let threads = serve(opening, dispatcher, &wiring, inbox)?;

        let assets = read_assets(rollup).await?;
        let known = sequencer.ask(move |sequencer| {
            sequencer.list_assets(assets);
            sequencer.queue_cursor()
        });
        let watcher = watcher(&parts, &sequencer, known.await?);
        agree::catch_up(rollup, &sequencer, on_l1.number).await?;
        let verified = sequencer.ask(|sequencer| sequencer.last_verified()).await?;
        let Wiring { failure, compute, coordinator, .. } = wiring;
        let fleet = Fleet::start(Arc::clone(&coordinator), verified + 1, &parts.config.provers, &failure).await?;
        let collector = Collector::new(coordinator, Arc::clone(&parts.circuits), sequencer.clone(), compute);
        for batch in sequencer.ask(|sequencer| sequencer.unverified()).await? {
            collector.look(batch).await?;
        }
        let poster = post(rollup.clone(), operator, sequencer.clone(), orders);
        let watching = watch(watcher, parts.config.l1_poll, sequencer.clone());
        let tasks = vec![
            tokio::spawn(endless("the collector of proofs", failure.clone(), collector.run(events))),
            tokio::spawn(endless("the watcher of L1", failure.clone(), watching)),
            tokio::spawn(endless("the poster", failure.clone(), poster)),
            tokio::spawn(endless(
                "the look-out for lapsed batches",
                failure,
                take_back(rollup.clone(), sequencer.clone()),
            )),
        ];
        sequencer.enter(Phase::Starting("it waits for the account of fees"));
        let engine = Self { fleet, tasks, threads };
        wait_for_fee_account(&sequencer).await?;
        Ok(engine)
    }

    async fn stop(self, sequencer: &SequencerHandle) {
        self.fleet.stop().await;
        for task in self.tasks {
            task.abort();
            // What it holds is free once it has ended.
            drop(task.await);
        }
        sequencer.stop();
        let joined = spawn_blocking(move || self.threads.into_iter().try_for_each(thread::JoinHandle::join));
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("a thread of the node panicked");
        }
    }
}

/// Tells the sequencer what L1 has, from where it knows it.
fn watcher(parts: &NodeParts, sequencer: &SequencerHandle, known: QueueCursor) -> Watcher {
    let reports = sequencer.clone();
    Watcher::new(parts.rollup.clone(), parts.first_block, known, move |news| {
        reports.post(move |sequencer| match news {
            L1News::Found(entries, assets) => sequencer.take_from_l1(entries, assets),
            L1News::Head(head) => sequencer.observe_l1(head),
        });
    })
}

/// Reads L1, until the node stops or must halt.
async fn watch(watcher: Watcher, every: Duration, sequencer: SequencerHandle) {
    if let Err(error) = watcher.run(every).await {
        sequencer.halt(error.to_string());
    }
}

/// Posts what comes, until the node stops or must halt.
async fn post(
    rollup: Rollup,
    operator: L1Address,
    sequencer: SequencerHandle,
    orders: mpsc::UnboundedReceiver<PostCommand>,
) {
    let reports = sequencer.clone();
    let report = move |news| {
        reports.post(move |sequencer| match news {
            PostNews::Posted(batch, transaction) => sequencer.posted(&batch, transaction),
            PostNews::Verified(batch, transaction) => sequencer.verified(&batch, transaction),
            PostNews::Delayed(batch, reason) => sequencer.delayed(&batch, reason),
        });
    };
    if let Err(error) = Poster::new(rollup, operator, report).run(orders).await {
        sequencer.halt(error.to_string());
    }
}

/// Starts sequencer, journal and dispatcher.
fn serve(
    opening: Opening,
    dispatcher: Dispatcher<FleetOutlets>,
    wiring: &Wiring,
    inbox: Inbox,
) -> Result<Vec<thread::JoinHandle<()>>> {
    let (orders, arrivals) = blocking::channel();
    let log = Arc::clone(opening.store());
    let (journal, journal_thread) = Journal::start(log, opening.log_next(), orders, wiring.failure.clone())?;
    let sequencer = wiring.sequencer.clone();
    let report = move |done| sequencer.post(move |sequencer| sequencer.done(done));
    let dispatcher_thread = dispatcher.start(arrivals, report, wiring.failure.clone())?;
    let sequencer_thread = inbox.serve(opening.serve(journal))?;
    Ok(vec![sequencer_thread, journal_thread, dispatcher_thread])
}

fn settings(parts: &NodeParts, deployment: Deployment, proven_on_l1: u32) -> Settings {
    let summaries = parts.circuits.summaries();
    Settings {
        deployment,
        genesis_salt: parts.genesis_salt,
        fee_collector: parts.fee_collector,
        wrap_digest: parts.circuits.family().wrap.summary().digest,
        batch: parts.config.batch,
        sizes: *parts.circuits.sizes(),
        streamed: parts.config.streamed,
        pool_max: parts.config.pool_max,
        pool_per_account_max: parts.config.pool_per_account_max,
        circuits: summaries.iter().map(circuit_view).collect(),
        proven_on_l1,
        clock: Clock::default(),
    }
}

fn circuit_view(summary: &CircuitSummary) -> Circuit {
    Circuit { name: summary.name.name.to_owned(), digest: FixedBytes(summary.digest.0) }
}

async fn wait_for_fee_account(sequencer: &SequencerHandle) -> Result<()> {
    let wait = async {
        while sequencer.ask(|sequencer| sequencer.fee_account()).await?.is_none() {
            tokio::time::sleep(FEE_ACCOUNT_POLL).await;
        }
        anyhow::Ok(())
    };
    timeout(FEE_ACCOUNT_TIME_MAX, wait).await.context("no deposit has opened the account of fees")?
}
