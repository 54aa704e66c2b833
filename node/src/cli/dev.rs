//! `weft dev`.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy::primitives::hex;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};

use super::Context;
use super::exit::Exit;
use super::profile::Profile;
use crate::circuits;
use crate::config::NodeConfig;
use crate::deployment::RECORD_FILE;
use crate::devnet::{Devnet, OPERATOR, fee_collector};
use crate::node::{Node, NodeParts};

/// File in the data folder that says where everything is.
const ENDPOINTS_FILE: &str = "endpoints.json";
/// File in the data folder with options for the other commands.
const PROFILE_FILE: &str = "profile.toml";
/// Folder in the data folder with the keys of the dev accounts.
const KEYS: &str = "keys";
/// Dev account whose key the profile names.
const USER: u32 = 1;

const EXAMPLES: &str = "\
Examples:
  weft dev
  weft dev --data-dir chain --port 7100 --json
  weft --profile chain/profile.toml status";

/// Arguments of `weft dev`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DevArgs {
    /// Folder for everything: chain, contracts, state, and endpoints.json, which says where it is served. A folder that was
    /// used before goes on. Default: a new temporary one.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Port of the REST API on the loopback interface. Default: a free one.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Port of the L1's JSON-RPC on the loopback interface. Default: a free one.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    l1_port: u16,
}

pub(super) fn run(args: &DevArgs, context: &Context) -> Result<Exit> {
    let temporary = tempfile::Builder::new().prefix("weft-dev-").tempdir().context("cannot make a temporary folder")?;
    let folder = args.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let circuits = Arc::new(circuits::load(context.circuit_cache.as_deref()));
    super::block_on(async {
        let chain =
            EmbeddedChain::open(&EmbeddedConfig::default(), &folder.join("l1")).context("cannot open the chain")?;
        let net = Devnet::embedded(&chain, Some(&folder.join(RECORD_FILE))).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.l1_port)).await;
        let listener = listener.context("cannot listen on the port of L1")?;
        let l1_url = format!("http://{}", listener.local_addr().context("the listener has no address")?);
        let node = Node::start(NodeParts {
            config: NodeConfig::default(),
            circuits,
            rollup: net.rollup_as(OPERATOR),
            operator: dev_signer(OPERATOR).address(),
            first_block: net.first_block,
            genesis_salt: net.genesis_salt,
            fee_collector: fee_collector(),
            data: folder.join("node"),
            listen: (Ipv4Addr::LOCALHOST, args.port).into(),
            tokens: weft_aggregator::gateway::Tokens::default(),
            workers_listen: None,
        })
        .await?;
        let (stop_l1, l1_stopped) = oneshot::channel::<()>();
        let l1 = tokio::spawn(async move {
            // A dropped sender stops the server as well.
            chain.serve(listener, async { drop(l1_stopped.await) }).await
        });
        let endpoints = endpoints(&node, &net, &l1_url);
        write_keys(&folder)?;
        write_profile(&folder, &node, l1_url)?;
        let file = folder.join(ENDPOINTS_FILE);
        fs::write(&file, format!("{endpoints:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
        context.output.result(&endpoints, || text(&endpoints, &folder));
        super::signals::stop().await?;
        drop(stop_l1);
        node.stop().await?;
        l1.await.context("the L1 server panicked")?.context("the L1 server failed")?;
        Ok(Exit::Done)
    })
}

fn endpoints(node: &Node, net: &Devnet, l1_url: &str) -> Value {
    let accounts = (0..EmbeddedConfig::default().dev_accounts).map(|index| {
        let signer = dev_signer(index);
        json!({ "address": signer.address().to_string(), "private_key": hex::encode_prefixed(signer.to_bytes()) })
    });
    json!({
        "api": node.url(),
        "l1_rpc": l1_url,
        "chain_id": node.deployment().chain_id,
        "contract": net.rollup.to_string(),
        "token": net.token.to_string(),
        "domain": node.deployment().domain.0.to_string(),
        "dev_accounts": accounts.collect::<Vec<_>>(),
    })
}

/// The keys of the dev accounts, as files that other commands take.
fn write_keys(folder: &Path) -> Result<()> {
    let keys = folder.join(KEYS);
    fs::create_dir_all(&keys).with_context(|| format!("cannot make the folder {}", keys.display()))?;
    for index in 0..EmbeddedConfig::default().dev_accounts {
        let path = key_file(folder, index);
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(file, "{}", hex::encode_prefixed(dev_signer(index).to_bytes()))?;
    }
    Ok(())
}

fn key_file(folder: &Path, index: u32) -> PathBuf {
    folder.join(KEYS).join(format!("{index}.hex"))
}

fn write_profile(folder: &Path, node: &Node, l1: String) -> Result<()> {
    let deployment = node.deployment();
    let profile = Profile {
        chain_id: Some(deployment.chain_id),
        contract: Some(deployment.contract.0.into()),
        api: Some(node.url()),
        l1: Some(l1),
        l1_key_file: Some(key_file(Path::new(""), USER)),
        ..Profile::default()
    };
    let path = folder.join(PROFILE_FILE);
    let text = toml::to_string(&profile).context("a profile has a form in TOML")?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn text(endpoints: &Value, folder: &Path) -> String {
    let of = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "REST API    {}\nL1 JSON-RPC {} (chain {})\ncontract    {}\ntest token  {} (asset 2)\nall of it   {}\n\
        for others  weft --profile {} status\n\
        dev accounts on L1, 10,000 ETH each; the first is the operator; their keys are public:\n",
        of(endpoints, "api"),
        of(endpoints, "l1_rpc"),
        endpoints["chain_id"],
        of(endpoints, "contract"),
        of(endpoints, "token"),
        folder.join(ENDPOINTS_FILE).display(),
        folder.join(PROFILE_FILE).display(),
    );
    for account in endpoints["dev_accounts"].as_array().into_iter().flatten() {
        text += &format!("  {}  {}\n", of(account, "address"), of(account, "private_key"));
    }
    text + "stop with Ctrl-C"
}
