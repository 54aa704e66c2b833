//! An L1 in the test's process, a node in one of its own, users.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alloy::primitives::{U256, hex};
use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_node::client::Client;
use weft_node::demo::User;
use weft_node::devnet::{Devnet, ETH_SCALE, OPERATOR, confirm, fee_collector};
use weft_node::l1::word;
use weft_protocol::{AccountIndex, AssetId};
use weft_tests::{Weft, free_port};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_weft-under-test");
/// Users, each with an account.
pub(crate) const USERS: u32 = 4;
/// What each user pays in, in rollup units of ETH.
pub(crate) const PAID_IN: u64 = 1_000_000_000;
/// Longest time until a node serves: it loads circuits and reads its data.
const START_TIME_MAX: Duration = Duration::from_secs(90);
/// Longest time until what was asked for is proved and verified.
const PROOF_TIME_MAX: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(10);
/// How often the node asks L1 for news, and for the block of what it has sent: between data and proof there is time to kill
/// it.
const L1_POLL_MS: &str = "200";
/// Token of the fleet: as long as one must be, and worth nothing.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Everything of a test.
pub(crate) struct Stage {
    pub(crate) net: Devnet,
    pub(crate) users: Vec<User>,
    pub(crate) client: Client,
    pub(crate) chain: EmbeddedChain,
    url: String,
    workers_url: String,
    arguments: Vec<String>,
    folder: TempDir,
    node: Option<Weft>,
    l1: JoinHandle<std::io::Result<()>>,
}

/// Who proves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provers {
    InTheNode,
    External,
}

impl Stage {
    /// Deploys the contracts, pays in for the users, and starts a node that seals its batch so long after the first slot.
    pub(crate) async fn set(seal_after: Duration, provers: Provers) -> Result<Self> {
        let chain = EmbeddedChain::new(&EmbeddedConfig::default());
        let net = Devnet::embedded(&chain, None).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let l1_url = format!("http://{}", listener.local_addr()?);
        let served = chain.clone();
        let l1 = tokio::spawn(async move { served.serve(listener, std::future::pending()).await });

        let folder = tempfile::tempdir()?;
        let [port, workers_port] = [free_port()?, free_port()?];
        let mut stage = Self {
            arguments: arguments(&net, &l1_url, [port, workers_port], folder.path())?,
            url: format!("http://127.0.0.1:{port}"),
            workers_url: format!("http://127.0.0.1:{workers_port}"),
            client: Client::new(format!("http://127.0.0.1:{port}")),
            users: (1..=USERS).map(User::new).collect(),
            net,
            chain,
            folder,
            node: None,
            l1,
        };
        let local_workers = u32::from(provers == Provers::InTheNode);
        stage.arguments.extend([
            format!("--batch-seal-after-ms={}", seal_after.as_millis()),
            format!("--provers-local-workers={local_workers}"),
        ]);
        stage.pay_in().await?;
        stage.start_node().await?;
        Ok(stage)
    }

    /// Each user's account is opened by a deposit; the account of fees was the first.
    async fn pay_in(&mut self) -> Result<()> {
        let eth = U256::from(PAID_IN) * U256::from(ETH_SCALE);
        for (index, user) in (1..).zip(&mut self.users) {
            let rollup = self.net.rollup_as(user.dev_account);
            let open = rollup.depositOpen(AssetId::ETH.0, eth, user.owner.0.into(), word(&user.key()));
            confirm(open.value(eth).send().await?).await?;
            user.index = AccountIndex(index);
        }
        Ok(())
    }

    /// Starts the node and waits until it serves.
    pub(crate) async fn start_node(&mut self) -> Result<()> {
        ensure!(self.node.is_none(), "the node runs already");
        let log = self.folder.path().join("node.log");
        self.node = Some(Weft::start(Path::new(PROGRAM), &self.arguments, &log)?);
        let began = Instant::now();
        while reqwest::get(format!("{}/readyz", self.url)).await.ok().map(|answer| answer.status())
            != Some(StatusCode::OK)
        {
            ensure!(began.elapsed() < START_TIME_MAX, "the node does not serve: {}", self.log_tail());
            self.require_node()?;
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Where the API is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A folder for whatever the test needs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the node in whatever it does.
    pub(crate) fn kill_node(&mut self) -> Result<()> {
        self.node.take().context("no node runs")?.kill()
    }

    /// A folder of what the node keeps.
    pub(crate) fn kept(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    /// Starts a worker in a process of its own.
    pub(crate) fn start_worker(&self, name: &str) -> Result<Weft> {
        let token = token_file(self.folder.path());
        let arguments = ["worker", "--coordinator", &self.workers_url, "--name", name, "--token-file", &token];
        Weft::start(Path::new(PROGRAM), &arguments, &self.folder.path().join(format!("{name}.log")))
    }

    /// Waits until there is an answer; the node must not end meanwhile.
    pub(crate) async fn until<T>(&mut self, what: &str, ask: impl AsyncFn(&Self) -> Result<Option<T>>) -> Result<T> {
        let began = Instant::now();
        loop {
            if let Some(answer) = ask(self).await? {
                return Ok(answer);
            }
            self.require_node()?;
            ensure!(began.elapsed() < PROOF_TIME_MAX, "waited in vain until {what}: {}", self.log_tail());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Jobs of provers in this state, as the API shows them.
    pub(crate) async fn jobs(&self, state: &str) -> Result<Vec<Value>> {
        let page: Value = reqwest::get(format!("{}/v1/prover/jobs?state={state}", self.url)).await?.json().await?;
        Ok(page["items"].as_array().context("a page has items")?.clone())
    }

    fn require_node(&mut self) -> Result<()> {
        let running = self.node.as_mut().context("no node runs")?.is_running()?;
        ensure!(running, "the node has ended: {}", self.log_tail());
        Ok(())
    }

    fn log_tail(&self) -> String {
        self.node.as_ref().map(Weft::log_tail).unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.l1.abort();
    }
}

fn token_file(folder: &Path) -> String {
    folder.join("token").display().to_string()
}

fn arguments(net: &Devnet, l1_url: &str, [port, workers_port]: [u16; 2], folder: &Path) -> Result<Vec<String>> {
    let operator = folder.join("operator.key");
    fs::write(&operator, hex::encode_prefixed(dev_signer(OPERATOR).to_bytes()))?;
    fs::write(token_file(folder), TOKEN)?;
    for file in [&operator, &folder.join("token")] {
        only_for_the_owner(file)?;
    }
    let fees = fee_collector();
    let settings = [
        ("data-dir", folder.join("data").display().to_string()),
        ("l1-url", l1_url.to_owned()),
        ("l1-contract", net.rollup.to_string()),
        ("l1-first-block", net.first_block.to_string()),
        ("l1-genesis-salt", net.genesis_salt.to_string()),
        ("l1-operator-key", operator.display().to_string()),
        ("l1-poll-ms", L1_POLL_MS.to_owned()),
        ("api-listen", format!("127.0.0.1:{port}")),
        ("fees-owner", fees.owner.to_string()),
        ("fees-key", fees.key.to_string()),
        ("provers-token-file", token_file(folder)),
        ("provers-listen", format!("127.0.0.1:{workers_port}")),
    ];
    let flags = settings.map(|(name, value)| format!("--{name}={value}"));
    Ok(["node".to_owned()].into_iter().chain(flags).collect())
}

/// Secrets that others can read are refused.
fn only_for_the_owner(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o600))?)
}
