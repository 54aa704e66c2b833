//! `weft deposit`.

use alloy::primitives::{Address as L1Address, U256};
use alloy::providers::{DynProvider, PendingTransactionBuilder};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolEvent;
use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use weft_api::{AccountView, AssetView, Deployment, QueueEntryView, QueueState};
use weft_contract::bindings::IRollup::DepositQueued;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount};

use super::Context;
use super::assets::{AssetName, Assets, Units};
use super::confirm::ConfirmOptions;
use super::exit::{Exit, Refused, Usage};
use super::identity::ContractOptions;
use super::options::{ApiOptions, KeyOptions, L1KeyOptions, L1Options};
use super::output::{row, table};
use super::token::IToken::ITokenInstance;
use super::wait::{Milestone, WaitOptions};
use crate::client::Client;
use crate::deployment::BLOCK_WITHIN;
use crate::l1::{Rollup, word};
use crate::wallet::{Party, Terms, find};

const EXAMPLES: &str = "\
Examples:
  weft deposit 2 --key alice.json --l1-key-file dev.hex --wait executed
  weft deposit 500 --asset 2 --account 7 --l1-key alice-l1.json
  weft deposit 1 --key-digest 0x1b… --owner 0x7099… --l1-key-file dev.hex --yes --json
Without --account the deposit opens one, with the key of --key or --key-digest.
What is paid, and to whom, is shown before; scripts give --yes.";

/// How often the node is asked how far a deposit is.
const POLL: std::time::Duration = std::time::Duration::from_millis(250);

/// Arguments of `weft deposit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DepositArgs {
    /// How much, in units of the asset, such as 1.5.
    amount: String,
    /// What: eth, the id of an asset, or the address of a token's contract.
    #[arg(long, default_value = "eth")]
    asset: AssetName,
    /// The amount is in base units of the rollup.
    #[arg(long)]
    base_units: bool,
    /// Pay into this account instead of opening one.
    #[arg(long, value_name = "ACCOUNT", conflicts_with_all = ["key_digest", "owner"])]
    account: Option<Party>,
    /// Open the account with the key of this digest instead of that of --key.
    #[arg(long, value_name = "DIGEST")]
    key_digest: Option<Digest>,
    /// L1 address that will own the new account. Default: that of the L1 key.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<L1Address>,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    l1_key: L1KeyOptions,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    l1: L1Options,
    #[command(flatten)]
    contract: ContractOptions,
    #[command(flatten)]
    confirm: ConfirmOptions,
    #[command(flatten)]
    wait: WaitOptions,
}

/// Who gets a deposit.
#[derive(Clone, Copy, Debug)]
enum Target {
    Existing { index: u32, owner: Address },
    New { key: Digest, owner: L1Address },
}

/// What became of a deposit.
#[derive(Debug, Serialize)]
struct Report {
    /// L1 transaction that paid.
    transaction: String,
    /// Position in the L1 queue.
    entry: u64,
    /// Asset.
    asset: u16,
    /// Amount in base units.
    amount: String,
    /// Index of the account, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<u32>,
    /// How far it is.
    state: QueueState,
    /// Batch that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u32>,
}

pub(super) async fn run(args: &DepositArgs, context: &Context) -> Result<Exit> {
    args.confirm.can_ask()?;
    let client = args.api.client(&context.profile)?;
    let Terms { deployment, assets } = args.contract.terms(&client, &args.l1, context).await?;
    let assets = Assets::new(assets, args.l1.reader(&context.profile)?);
    let asset = assets.find(&args.asset)?;
    let units = if args.base_units { Units::Base } else { Units::Asset };
    let amount = assets.parse(&args.amount, &asset, units).await?;
    if amount.is_zero() {
        return Err(Usage("an amount of 0 pays nothing".to_owned()).into());
    }
    let signer = args.l1_key.open(&context.profile, args.key.passphrase())?;
    let payer = signer.address();
    let target = target(args, &client, payer, context).await?;
    let provider = args.l1.signer(&context.profile, signer, &deployment).await?;
    let contract = L1Address::from(deployment.contract.0);
    let deposit = Deposit { contract, payer, asset, amount, target };
    args.confirm.agree(&deposit.description(deployment.chain_id, &assets).await?, context.output)?;
    let receipt = pay(&provider, &deposit).await?;
    let entry = entry_of(&receipt, &deployment)?;
    let mut report = Report {
        transaction: receipt.transaction_hash.to_string(),
        entry,
        asset: asset.id,
        amount: amount.to_string(),
        account: None,
        state: QueueState::Waiting,
        batch: None,
    };
    if let Some(milestone) = args.wait.milestone() {
        let what = format!("deposit {entry} is not {}", milestone.step());
        let (view, account) = args.wait.within(&what, follow(&client, entry, milestone, target)).await?;
        report.state = view.state;
        report.batch = view.batch;
        report.account = account.map(|account| account.index);
    }
    context.output.result(&report, || text(&report));
    Ok(Exit::Done)
}

async fn target(args: &DepositArgs, client: &Client, payer: L1Address, context: &Context) -> Result<Target> {
    if let Some(party) = args.account {
        let AccountView { index, owner, .. } = find(client, party).await?;
        return Ok(Target::Existing { index, owner });
    }
    let owner = args.owner.unwrap_or(payer);
    if owner.is_zero() {
        return Err(Usage("--owner: nobody has the zero address".to_owned()).into());
    }
    let key = match args.key_digest {
        Some(key) => key,
        // The file is opened although only its public part is needed: nothing else shows that this part is authentic.
        None => args.key.open(&context.profile)?.public_key().digest(),
    };
    Ok(Target::New { key, owner })
}

/// A deposit, ready to be paid.
struct Deposit {
    contract: L1Address,
    payer: L1Address,
    asset: AssetView,
    amount: Amount,
    target: Target,
}

impl Deposit {
    /// What is about to be sent, in words.
    async fn description(&self, chain_id: u64, assets: &Assets) -> Result<String> {
        let to = match self.target {
            Target::Existing { index, owner } => format!("account {index} of {owner}"),
            Target::New { key, owner } => format!("a new account of {owner} with key {key}"),
        };
        let units = format!("{} units of L1", on_l1(self.amount, &self.asset));
        let rows = [
            row!["pays on L1", format!("{} ({units})", assets.format_both(self.amount, self.asset.id).await?)],
            row!["  from", self.payer],
            row!["  through", format!("contract {} on chain {chain_id}", self.contract)],
            row!["  to", to],
        ];
        Ok(table(&rows))
    }
}

/// What an amount of the rollup is on L1.
fn on_l1(amount: Amount, asset: &AssetView) -> U256 {
    U256::from(amount.get()) * U256::from(asset.scale.get())
}

async fn pay(provider: &DynProvider, deposit: &Deposit) -> Result<TransactionReceipt> {
    let Deposit { contract, payer, asset, amount, target } = *deposit;
    let on_l1 = on_l1(amount, &asset);
    let value = match asset.token {
        None => on_l1,
        Some(token) => {
            approve(provider, L1Address::from(token.0), payer, contract, on_l1).await?;
            U256::ZERO
        }
    };
    let rollup = Rollup::new(contract, provider.clone());
    let pending = match target {
        Target::Existing { index, owner } => {
            rollup.deposit(asset.id, on_l1, index, owner.0.into()).value(value).send().await
        }
        Target::New { key, owner } => rollup.depositOpen(asset.id, on_l1, owner, word(&key)).value(value).send().await,
    };
    confirm(pending.context("the contract refuses the deposit")?).await
}

/// Lets the contract take the tokens, if it may not yet.
async fn approve(
    provider: &DynProvider,
    token: L1Address,
    payer: L1Address,
    contract: L1Address,
    amount: U256,
) -> Result<()> {
    let token = ITokenInstance::new(token, provider);
    let held = token.balanceOf(payer).call().await.context("cannot ask the token for a balance")?;
    if held < amount {
        return Err(Refused(format!("{payer} has {held} of the token's smallest units, {amount} are needed")).into());
    }
    if token.allowance(payer, contract).call().await.context("cannot ask the token for an allowance")? < amount {
        confirm(token.approve(contract, amount).send().await.context("the token refuses to be approved")?).await?;
    }
    Ok(())
}

/// Waits for the block of a transaction, which must not fail.
pub(super) async fn confirm(
    pending: PendingTransactionBuilder<alloy::network::Ethereum>,
) -> Result<TransactionReceipt> {
    let hash = *pending.tx_hash();
    let pending = pending.with_timeout(Some(BLOCK_WITHIN));
    let receipt = pending.get_receipt().await;
    let receipt = receipt.with_context(|| format!("L1 transaction {hash} was sent and is in no block yet"))?;
    if !receipt.status() {
        return Err(Refused(format!("L1 transaction {} failed", receipt.transaction_hash)).into());
    }
    Ok(receipt)
}

/// Position in the queue, out of the contract's event.
fn entry_of(receipt: &TransactionReceipt, deployment: &Deployment) -> Result<u64> {
    let ours = receipt.inner.logs().iter().filter(|log| log.address().into_array() == deployment.contract.0);
    let event = ours.filter_map(|log| DepositQueued::decode_log(&log.inner).ok()).next();
    Ok(event.context("the contract took the deposit without saying so")?.data.entry)
}

/// Waits for a deposit; returns its entry and the account that was paid.
async fn follow(
    client: &Client,
    entry: u64,
    milestone: Milestone,
    target: Target,
) -> Result<(QueueEntryView, Option<AccountView>)> {
    while client.status().await?.queue.executed <= entry {
        tokio::time::sleep(POLL).await;
    }
    let unknown = || anyhow::anyhow!("the node has executed entry {entry} and does not know it");
    let view = client.queue_entry(entry).await?.ok_or_else(unknown)?;
    let view = match (milestone, view.batch) {
        (Milestone::Proven | Milestone::Verified, Some(batch)) => {
            super::batch::reach(client, batch, milestone.step()).await?;
            client.queue_entry(entry).await?.ok_or_else(unknown)?
        }
        (Milestone::Executed | Milestone::Proven | Milestone::Verified, _) => view,
    };
    Ok((view, account(client, target).await?))
}

/// The account that was paid: of a new key, the first that owner and key have.
async fn account(client: &Client, target: Target) -> Result<Option<AccountView>> {
    match target {
        Target::Existing { index, .. } => Ok(Some(client.account(index).await?)),
        Target::New { key, owner } => {
            let accounts = client.accounts_with(&key).await?;
            Ok(accounts.into_iter().rev().find(|account| account.owner.0 == owner.into_array()))
        }
    }
}

fn text(report: &Report) -> String {
    let Report { transaction, entry, account, state, batch, .. } = report;
    let mut text = format!("deposit {entry} of the L1 queue, paid in {transaction}");
    if let Some(batch) = batch {
        text += &format!("\nin batch {batch}");
    }
    match (account, state) {
        (Some(account), _) => text += &format!("\naccount {account}"),
        (None, QueueState::Waiting) => text += "\nwaits for a batch; --wait executed tells the account",
        (None, QueueState::Executed | QueueState::Verified) => {
            text += "\nbut no account was credited: it bounced, and is paid back as a withdrawal of its batch";
        }
    }
    text
}
