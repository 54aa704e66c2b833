//! `weft deploy`.

use std::io::Write;
use std::path::PathBuf;

use alloy::primitives::Address as L1Address;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use toml::Table;
use weft_protocol::Address;
use weft_protocol::crypto::Digest;

use super::Context;
use super::exit::{Exit, Usage};
use super::options::{KeyOptions, L1KeyOptions, L1Options};
use crate::config::Settings;
use crate::deployment::{DeployOptions, Deployed, deploy};
use crate::sequencer::FeeCollector;

const EXAMPLES: &str = "\
Examples:
  weft deploy --l1 http://127.0.0.1:8545 --l1-key operator.json --key fees.json --config node.toml
  weft deploy --l1 http://127.0.0.1:8545 --l1-key-file dev.hex --fee-key-digest 0x1b… --test-token --json
An interrupted deployment goes on where its record says; nothing is deployed twice.";

/// Arguments of `weft deploy`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DeployArgs {
    /// L1 address that commits and proves batches. Default: the one that deploys.
    #[arg(long, value_name = "ADDRESS")]
    operator: Option<L1Address>,
    /// L1 address that owns the account of fees. Default: the one that deploys.
    #[arg(long, value_name = "ADDRESS")]
    fee_owner: Option<L1Address>,
    /// Digest of the key of the account of fees. Default: that of --key.
    #[arg(long, value_name = "DIGEST")]
    fee_key_digest: Option<Digest>,
    /// Salt of the rollup's domain. Default: a random one, or that of the record.
    #[arg(long, value_name = "DIGEST")]
    salt: Option<Digest>,
    /// Deploy and list a token that anyone may mint; for development.
    #[arg(long)]
    test_token: bool,
    /// File that records what is deployed.
    #[arg(long, value_name = "FILE", default_value = crate::deployment::RECORD_FILE)]
    record: PathBuf,
    /// Write settings for `weft node` to this new file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    l1_key: L1KeyOptions,
    #[command(flatten)]
    l1: L1Options,
}

pub(super) async fn run(args: &DeployArgs, context: &Context) -> Result<Exit> {
    let url = args.l1.required(&context.profile)?;
    let signer = args.l1_key.open(&context.profile, args.key.passphrase())?;
    let deployer = signer.address();
    let fee_owner = args.fee_owner.unwrap_or(deployer);
    let key = match args.fee_key_digest {
        Some(key) => key,
        None => args.key.open(&context.profile)?.public_key().digest(),
    };
    let options = DeployOptions {
        deployer,
        operator: args.operator.unwrap_or(deployer),
        fee_collector: FeeCollector { owner: Address(fee_owner.into_array()), key },
        salt: salt(args)?,
        test_token: args.test_token,
    };
    if let Some(path) = args.config.as_ref().filter(|path| path.exists()) {
        return Err(Usage(format!("{} exists already", path.display())).into());
    }
    let provider = super::options::signing(url.clone(), signer)?;
    let deployed = deploy(&provider, &options, Some(&args.record)).await?;
    let file = settings(&options, &deployed, url.as_str());
    if let Some(path) = &args.config {
        let mut new = std::fs::File::create_new(path).with_context(|| format!("cannot write {}", path.display()))?;
        new.write_all(file.to_string().as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let object = json!({
        "contract": deployed.rollup, "token": deployed.token, "genesis_salt": deployed.salt.to_string(),
        "first_block": deployed.block, "operator": options.operator, "fees_owner": fee_owner,
        "fees_key": key.to_string(),
    });
    context.output.result(&object, || format!("# settings for weft node; add data_dir and l1.operator_key\n{file}"));
    Ok(Exit::Done)
}

/// The salt that was asked for, that of the record, or a random one.
fn salt(args: &DeployArgs) -> Result<Digest> {
    if let Some(salt) = args.salt {
        return Ok(salt);
    }
    if let Some(salt) = crate::deployment::recorded_salt(&args.record)? {
        return Ok(salt);
    }
    loop {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("no randomness")?;
        // All but one in 2^30 of random words are those of a digest.
        if let Some(salt) = Digest::from_bytes(&bytes) {
            return Ok(salt);
        }
    }
}

/// The part of a node's settings that the deployment decides.
fn settings(options: &DeployOptions, deployed: &Deployed, url: &str) -> Table {
    let mut settings = Settings::default();
    settings.l1.url = url.to_owned();
    settings.l1.contract = deployed.rollup.to_string();
    settings.l1.first_block = deployed.block;
    settings.l1.genesis_salt = deployed.salt.to_string();
    settings.fees.owner = options.fee_collector.owner.to_string();
    settings.fees.key = options.fee_collector.key.to_string();
    let mut table = Table::try_from(&settings).expect("settings have a form in TOML");
    table.retain(|name, _| matches!(name, "l1" | "fees"));
    if let Some(l1) = table.get_mut("l1").and_then(toml::Value::as_table_mut) {
        l1.retain(|name, _| !matches!(name, "operator_key" | "poll_ms"));
    }
    table
}
