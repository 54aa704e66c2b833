//! `weft dev`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use alloy::primitives::hex;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};

use crate::circuits;
use crate::config::NodeConfig;
use crate::devnet::{Devnet, OPERATOR, fee_collector};
use crate::node::{Node, NodeParts};

/// File in the data folder that says where everything is.
const ENDPOINTS_FILE: &str = "endpoints.json";

/// Arguments of `weft dev`.
#[derive(Debug, Args)]
pub(super) struct DevArgs {
    /// Folder for the file endpoints.json, which says where everything is. Default: a new temporary one. The state itself
    /// lives in memory and ends with the process.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Port of the REST API on the loopback interface. Default: a free one.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Port of the L1's JSON-RPC on the loopback interface. Default: a free one.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    l1_port: u16,
    /// Print one JSON object when everything is ready.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DevArgs, cache: Option<&Path>) -> Result<ExitCode> {
    let temporary = tempfile::Builder::new().prefix("weft-dev-").tempdir().context("cannot make a temporary folder")?;
    let folder = args.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let circuits = Arc::new(circuits::load(cache));
    super::block_on(async {
        let chain = EmbeddedChain::new(&EmbeddedConfig::default());
        let net = Devnet::embedded(&chain, None).await?;
        let parts = NodeParts {
            config: NodeConfig::default(),
            circuits,
            rollup: net.rollup_as(OPERATOR),
            operator: dev_signer(OPERATOR).address(),
            first_block: net.first_block,
            genesis_salt: net.genesis_salt,
            fee_collector: fee_collector(),
            data: folder.join("node"),
            listen: (Ipv4Addr::LOCALHOST, args.port).into(),
            token: None,
        };
        let address = (Ipv4Addr::LOCALHOST, args.l1_port);
        let listener = TcpListener::bind(address).await.context("cannot listen on the port of L1")?;
        let l1_url = format!("http://{}", listener.local_addr().context("the listener has no address")?);
        let node = Node::start(parts).await?;
        let (stop_l1, l1_stopped) = oneshot::channel::<()>();
        let l1 = tokio::spawn(async move {
            // A dropped sender stops the server as well.
            chain.serve(listener, async { drop(l1_stopped.await) }).await
        });
        let endpoints = endpoints(&node, &net, &l1_url);
        let file = folder.join(ENDPOINTS_FILE);
        fs::write(&file, format!("{endpoints:#}\n")).with_context(|| format!("cannot write {}", file.display()))?;
        if args.json {
            println!("{endpoints}");
        } else {
            print(&endpoints, &file);
        }
        tokio::signal::ctrl_c().await.context("cannot wait for the signal to stop")?;
        drop(stop_l1);
        node.stop().await?;
        l1.await.context("the L1 server panicked")?.context("the L1 server failed")?;
        Ok(ExitCode::SUCCESS)
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

fn print(endpoints: &Value, file: &Path) {
    let text = |name: &str| endpoints[name].as_str().unwrap_or_default().to_owned();
    println!("REST API    {}", text("api"));
    println!("L1 JSON-RPC {} (chain {})", text("l1_rpc"), endpoints["chain_id"]);
    println!("contract    {}", text("contract"));
    println!("test token  {} (asset 2)", text("token"));
    println!("all of it   {}", file.display());
    println!("dev accounts on L1, 10,000 ETH each; the first is the operator; their keys are public:");
    for account in endpoints["dev_accounts"].as_array().into_iter().flatten() {
        let text = |name: &str| account[name].as_str().unwrap_or_default();
        println!("  {}  {}", text("address"), text("private_key"));
    }
    println!("stop with Ctrl-C");
}
