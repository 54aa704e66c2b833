//! `weft node`.

use std::path::Path;
use std::sync::Arc;

use alloy::network::EthereumWallet;
use alloy::primitives::Address as L1Address;
use alloy::providers::{Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use weft_aggregator::gateway::{Token, Tokens};

use super::Context;
use super::exit::{Exit, Usage};
use super::options::{http_url, l1_key};
use super::passphrase::PassphraseOptions;
use super::settings::SettingsOptions;
use crate::circuits;
use crate::config::Settings;
use crate::keystore::read_private;
use crate::l1::{Rollup, http_client};
use crate::node::{Node, NodeParts};
use crate::sequencer::FeeCollector;

const EXAMPLES: &str = "\
Examples:
  weft node --config node.toml
  weft node --config node.toml --api-listen 0.0.0.0:7100 --provers-local-workers 0 --json
weft deploy writes such a file; weft config show --origin tells where each setting comes from.";

/// Arguments of `weft node`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct NodeArgs {
    #[command(flatten)]
    settings: SettingsOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

pub(super) fn run(args: &NodeArgs, context: &Context) -> Result<Exit> {
    let settings = args.settings.load()?.settings;
    require(&settings)?;
    let operator = l1_key(&settings.l1.operator_key, &args.passphrase)?;
    let rollup = rollup(&settings, &operator)?;
    let parts = NodeParts {
        config: settings.node(),
        circuits: Arc::new(circuits::load(context.circuit_cache.as_deref())),
        rollup,
        operator: operator.address(),
        first_block: settings.l1.first_block,
        genesis_salt: value("l1.genesis_salt", &settings.l1.genesis_salt)?,
        fee_collector: FeeCollector {
            owner: value("fees.owner", &settings.fees.owner.to_ascii_lowercase())?,
            key: value("fees.key", &settings.fees.key)?,
        },
        data: settings.data_dir.clone(),
        listen: settings.api.listen,
        tokens: Tokens {
            workers: token(&settings.provers.token_file)?,
            operator: token(&settings.provers.operator_token_file)?,
        },
        workers_listen: Some(settings.provers.listen),
    };
    std::fs::create_dir_all(&settings.data_dir)
        .with_context(|| format!("cannot make the folder {}", settings.data_dir.display()))?;
    super::block_on(serve(parts, context))
}

async fn serve(parts: NodeParts, context: &Context) -> Result<Exit> {
    let node = Node::start(parts).await?;
    let deployment = node.deployment();
    let (api, contract, chain_id) = (node.url(), deployment.contract.to_string(), deployment.chain_id);
    let workers = node.workers_url();
    let object = json!({ "api": api, "workers": workers, "contract": contract, "chain_id": chain_id });
    context.output.result(&object, || {
        let workers = workers.map_or_else(String::new, |url| format!("\nworkers  {url}"));
        format!("REST API {api}{workers}\nrollup   {contract} on chain {chain_id}")
    });
    super::signals::stop().await?;
    context.output.note("stops: what is under way is finished or given back");
    node.stop().await?;
    Ok(Exit::Done)
}

/// A deployment must name what no default can know.
fn require(settings: &Settings) -> Result<(), Usage> {
    let Settings { data_dir, l1, fees, .. } = settings;
    let missing: Vec<_> = [
        ("data_dir", data_dir.as_os_str().is_empty()),
        ("l1.url", l1.url.is_empty()),
        ("l1.contract", l1.contract.is_empty()),
        ("l1.genesis_salt", l1.genesis_salt.is_empty()),
        ("l1.operator_key", l1.operator_key.as_os_str().is_empty()),
        ("fees.owner", fees.owner.is_empty()),
        ("fees.key", fees.key.is_empty()),
    ]
    .into_iter()
    .filter_map(|(name, is_missing)| is_missing.then_some(name))
    .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Usage(format!("these settings have no default and are not set: {}", missing.join(", "))))
}

fn rollup(settings: &Settings, operator: &PrivateKeySigner) -> Result<Rollup> {
    let contract: L1Address = value("l1.contract", &settings.l1.contract)?;
    let url = http_url(&settings.l1.url, "l1.url")?;
    // Nonces are asked for each time: a refused transaction must not leave a gap.
    let provider = ProviderBuilder::new()
        .disable_recommended_fillers()
        .with_gas_estimation()
        .with_simple_nonce_management()
        .fetch_chain_id()
        .wallet(EthereumWallet::from(operator.clone()))
        .connect_reqwest(http_client().context("no client for L1")?, url)
        .erased();
    provider.client().set_poll_interval(std::time::Duration::from_millis(settings.l1.poll_ms));
    Ok(Rollup::new(contract, provider))
}

fn value<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, Usage> {
    text.parse().map_err(|error| Usage(format!("{name}: {text:?} is not taken: {error}")))
}

/// The token of a file that nobody else can read; none if no file is named.
pub(super) fn token(path: &Path) -> Result<Option<Token>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let bytes = read_private(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is no text", path.display()))?;
    let token = Token::new(text.trim().to_owned()).map_err(|error| Usage(format!("{}: {error}", path.display())))?;
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_listed() {
        let mut settings = Settings::default();
        settings.l1.url = "http://x".to_owned();
        let missing = require(&settings).unwrap_err().to_string();
        assert!(missing.ends_with("data_dir, l1.contract, l1.genesis_salt, l1.operator_key, fees.owner, fees.key"));
    }
}
