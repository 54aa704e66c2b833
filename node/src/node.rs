//! A running node: sequencer, provers, L1 client and REST API, put together.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alloy::providers::Provider;
use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use weft_api::{Circuit, Deployment, FixedBytes};
use weft_circuits::recursion::CircuitSummary;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Domain, RunningState};
use weft_prover::CircuitSet;

use crate::backend::NodeBackend;
use crate::compute::Compute;
use crate::config::NodeConfig;
use crate::l1::{Poster, Rollup, Watcher, word};
use crate::prover_bridge::ProverBridge;
use crate::proving::JobCost;
use crate::sequencer::{FeeCollector, Outlets, Sequencer, SequencerHandle, Settings};
use crate::signatures::SignatureChecker;

/// How long the node waits for the deposit that opens the account of fees.
const FEE_ACCOUNT_TIME_MAX: Duration = Duration::from_secs(60);
/// How often it looks.
const FEE_ACCOUNT_POLL: Duration = Duration::from_millis(20);

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeParts {
    /// Limits and times.
    pub config: NodeConfig,
    /// The circuits.
    pub circuits: Arc<CircuitSet>,
    /// The contract, with a provider that signs for the operator.
    pub rollup: Rollup,
    /// Salt with which the contract was deployed.
    pub genesis_salt: Digest,
    /// Whose account collects fees; a deposit opens it on L1.
    pub fee_collector: FeeCollector,
    /// Port of the API on the loopback interface; 0 for a free one.
    pub port: u16,
}

/// A node that serves its API until it is stopped.
#[derive(Debug)]
pub struct Node {
    address: SocketAddr,
    deployment: Deployment,
    sequencer: SequencerHandle,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// Starts a node for a contract that stands at genesis, and waits until it can take transactions.
    ///
    /// # Errors
    /// L1 does not answer, the contract is another one than the node works for, or the port is taken.
    pub async fn start(parts: NodeParts) -> Result<Self> {
        let deployment = deployment_of(&parts.rollup, &parts.genesis_salt).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, parts.port));
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr().context("the listener has no address")?;

        let compute = Compute::new()?;
        let (sequencer, inbox) = SequencerHandle::new();
        let bridge = ProverBridge::start(Arc::clone(&parts.circuits), sequencer.clone())?;
        let (posts, post_orders) = mpsc::unbounded_channel();
        let outlets = Outlets {
            proving: Box::new(move |order| bridge.order(order)),
            posting: Box::new(move |order| {
                // The poster is gone only after it has halted the node.
                let _ = posts.send(order);
            }),
        };
        inbox.serve(Sequencer::new(settings(&parts, deployment), compute.clone(), outlets))?;
        let watcher = Watcher::new(parts.rollup.clone(), sequencer.clone());
        let poster = Poster::new(parts.rollup.clone(), sequencer.clone());
        let tasks = vec![tokio::spawn(watcher.run(parts.config.l1_poll)), tokio::spawn(poster.run(post_orders))];
        wait_for_fee_account(&sequencer).await?;

        let signatures = SignatureChecker::start(deployment.domain, compute);
        let backend = Arc::new(NodeBackend::new(deployment, sequencer.clone(), signatures));
        let (stop, stopped) = oneshot::channel::<()>();
        let until_stopped = async move {
            // A dropped sender stops the server as well.
            let _ = stopped.await;
        };
        let server = tokio::spawn(weft_api::serve(listener, backend, until_stopped));
        Ok(Self { address, deployment, sequencer, stop, server, tasks })
    }

    /// Where the API is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Which rollup it serves.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Ends the batch in work, if it has slots.
    ///
    /// # Errors
    /// The sequencer has ended.
    pub async fn seal(&self) -> Result<()> {
        self.sequencer.call(Sequencer::seal).await.context("the sequencer does not answer")
    }

    /// What the jobs of a batch took; empty before it is proved.
    ///
    /// # Errors
    /// The sequencer has ended.
    pub async fn costs(&self, batch: u32) -> Result<Vec<JobCost>> {
        self.sequencer.call(move |sequencer| sequencer.costs(batch)).await.context("the sequencer does not answer")
    }

    /// Stops the API and everything that works for it.
    ///
    /// # Errors
    /// The server had failed.
    pub async fn stop(self) -> Result<()> {
        // The server may have ended by itself; then its result says why.
        let _ = self.stop.send(());
        let result = self.server.await.context("the server panicked")?;
        for task in self.tasks {
            task.abort();
        }
        result.context("the server failed")
    }
}

/// Reads the contract and checks that it is the one that this node can serve.
async fn deployment_of(rollup: &Rollup, salt: &Digest) -> Result<Deployment> {
    let chain_id = rollup.provider().get_chain_id().await.context("L1 does not answer")?;
    let contract = Address(rollup.address().into_array());
    let domain = Domain::new(chain_id, &contract, salt)?;
    let on_l1 = rollup.domain().call().await.with_context(|| format!("{contract} is no rollup contract"))?;
    ensure!(on_l1 == word(&domain.0), "the contract {contract} was deployed with another salt");
    let progress = rollup.progress().call().await?;
    if progress.number != 0 {
        bail!(
            "the contract has {} proven batches; a node that keeps its state in memory starts at genesis",
            progress.number
        );
    }
    let root = rollup.root().call().await?;
    ensure!(root == word(&RunningState::genesis().root), "the contract's genesis is not the empty state");
    Ok(Deployment { chain_id, contract, domain })
}

fn settings(parts: &NodeParts, deployment: Deployment) -> Settings {
    let summaries = parts.circuits.summaries();
    Settings {
        deployment,
        genesis_salt: parts.genesis_salt,
        fee_collector: parts.fee_collector,
        wrap_digest: parts.circuits.family().wrap().summary().digest,
        batch: parts.config.batch,
        sizes: *parts.circuits.sizes(),
        streamed: parts.config.streamed,
        pool_max: parts.config.pool_max,
        circuits: summaries.iter().map(circuit_view).collect(),
    }
}

fn circuit_view(summary: &CircuitSummary) -> Circuit {
    Circuit { name: summary.name.name.to_owned(), digest: FixedBytes(summary.digest.0) }
}

async fn wait_for_fee_account(sequencer: &SequencerHandle) -> Result<()> {
    let wait = async {
        while sequencer.call(|sequencer| sequencer.fee_account()).await?.is_none() {
            tokio::time::sleep(FEE_ACCOUNT_POLL).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(FEE_ACCOUNT_TIME_MAX, wait).await.context("no deposit has opened the account of fees")?
}
