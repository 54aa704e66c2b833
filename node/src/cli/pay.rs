//! `weft transfer` and `weft withdraw`.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;
use clap::{Args, value_parser};
use serde_json::json;
use weft_api::TransactionKindName;
use weft_protocol::FeeAsset;

use super::assets::{AssetName, Assets, Units};
use super::confirm::ConfirmOptions;
use super::exit::{Exit, Usage};
use super::identity::ContractOptions;
use super::options::{ApiOptions, KeyOptions, L1Options};
use super::output::{row, table};
use super::wait::{self, WaitOptions};
use super::{Context, transaction_text};
use crate::client::Client;
use crate::clock;
use crate::wallet::{Draft, Party, Payment, Summary, Terms};

/// Most seconds for which a transaction may be valid: what was signed and forgotten must not be executed years later.
const VALID_FOR_MAX: u64 = 366 * 24 * 3600;

const TRANSFER_EXAMPLES: &str = "\
Examples:
  weft transfer 1.5 --to 7 --key alice.json
  weft transfer 0.25 --to 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 --asset eth --wait verified
  weft transfer 1000 --base-units --asset 2 --to 7 --fee 0.00001 --yes --json
What is signed is shown before, and asked for; scripts give --yes. An L1 address as recipient is part of what is signed; of
an index or a key, the address that is shown is what the node says.";

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  weft withdraw 0.5 --key alice.json --wait verified
  weft withdraw 250 --asset 2 --from 3 --yes --json
What is withdrawn is paid on L1 to the owner of the account: see weft claim.
What is signed is shown before, and asked for; scripts give --yes.";

/// Arguments of `weft transfer`.
#[derive(Debug, Args)]
#[command(after_help = TRANSFER_EXAMPLES)]
pub(super) struct TransferArgs {
    /// How much, in units of the asset, such as 1.5.
    amount: String,
    /// Who is paid: index of an account, or L1 address or key digest of somebody with one account.
    #[arg(long, value_name = "ACCOUNT")]
    to: Party,
    #[command(flatten)]
    payment: PaymentOptions,
}

/// Arguments of `weft withdraw`.
#[derive(Debug, Args)]
#[command(after_help = WITHDRAW_EXAMPLES)]
pub(super) struct WithdrawArgs {
    /// How much, in units of the asset, such as 0.5.
    amount: String,
    #[command(flatten)]
    payment: PaymentOptions,
}

#[derive(Debug, Args)]
struct PaymentOptions {
    /// What is paid: eth, the id of an asset, or the address of a token's contract.
    #[arg(long, default_value = "eth")]
    asset: AssetName,
    /// The amounts are in base units of the rollup.
    #[arg(long)]
    base_units: bool,
    /// Account that pays. Default: the one account of the key.
    #[arg(long, value_name = "INDEX")]
    from: Option<u32>,
    /// The fee, in units of its asset; raised to the next one that can be written. Default: the least that the node takes,
    /// if that is at most 10,000 base units, or a hundredth of the amount and at most 1,000,000.
    #[arg(long, value_name = "AMOUNT")]
    fee: Option<String>,
    /// Asset of the fee.
    #[arg(long, value_name = "ASSET", default_value = "eth")]
    fee_asset: AssetName,
    /// Nonce. Default: the next one.
    #[arg(long)]
    nonce: Option<u32>,
    /// Seconds for which the transaction can be executed.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = value_parser!(u64).range(1..=VALID_FOR_MAX))]
    valid_for: u64,
    #[command(flatten)]
    key: KeyOptions,
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

pub(super) async fn transfer(args: &TransferArgs, context: &Context) -> Result<Exit> {
    pay(&args.amount, Some(args.to), &args.payment, context).await
}

pub(super) async fn withdraw(args: &WithdrawArgs, context: &Context) -> Result<Exit> {
    pay(&args.amount, None, &args.payment, context).await
}

async fn pay(amount: &str, to: Option<Party>, options: &PaymentOptions, context: &Context) -> Result<Exit> {
    options.confirm.can_ask()?;
    let client = options.api.client(&context.profile)?;
    let terms = options.contract.terms(&client, &options.l1, context).await?;
    let assets = Assets::new(terms.assets.clone(), options.l1.reader(&context.profile)?);
    let now = clock::now_seconds();
    let payment = payment(amount, to, options, &assets, now).await?;
    let secret = options.key.open(&context.profile)?;
    let draft = Draft::new(&client, &terms, &secret.public_key().digest(), &payment, now).await?;
    options.confirm.agree(&description(&draft, &terms, &assets).await?, context.output)?;
    let sent = draft.submit(&client, &secret).await?;
    finish(&client, &sent.id, options, context).await
}

async fn payment(
    amount: &str,
    to: Option<Party>,
    options: &PaymentOptions,
    assets: &Assets,
    now: u64,
) -> Result<Payment> {
    let units = if options.base_units { Units::Base } else { Units::Asset };
    let (asset, fee_asset) = (assets.find(&options.asset)?, assets.find(&options.fee_asset)?);
    let id = weft_protocol::AssetId(fee_asset.id);
    let not_for_fees = |_| Usage(format!("fees are paid in assets 1 to 4, not in {}", fee_asset.id));
    Ok(Payment {
        to,
        asset: weft_protocol::AssetId(asset.id),
        amount: assets.parse(amount, &asset, units).await?,
        fee_asset: FeeAsset::from_asset(id).map_err(not_for_fees)?,
        fee: match &options.fee {
            Some(fee) => Some(assets.parse(fee, &fee_asset, units).await?),
            None => None,
        },
        from: options.from,
        nonce: options.nonce,
        expiry: now.saturating_add(options.valid_for),
    })
}

/// What is about to be signed, in words.
async fn description(draft: &Draft, terms: &Terms, assets: &Assets) -> Result<String> {
    let transaction = draft.transaction();
    let Summary { kind, from, payer, to, owner, nonce, expiry } = draft.summary();
    let amount = assets.format_both(transaction.amount, transaction.asset.0).await?;
    let fee = assets.format_both(transaction.fee.value(), transaction.fee_asset.asset().0).await?;
    let (what, to) = match (kind, to) {
        (TransactionKindName::Transfer, Some(to)) => ("transfer", format!("account {to} of {owner}")),
        (TransactionKindName::Transfer | TransactionKindName::Withdraw, _) => ("withdrawal", format!("{owner} on L1")),
    };
    let expiry = UNIX_EPOCH.checked_add(Duration::from_secs(expiry)).map_or_else(String::new, httpdate::fmt_http_date);
    let (contract, chain) = (terms.deployment.contract, terms.deployment.chain_id);
    let rows = [
        row!["signs", format!("a {what} in the rollup {contract} on chain {chain}")],
        row!["  from", format!("account {from} of {payer}")],
        row!["  to", to],
        row!["  amount", amount],
        row!["  fee", fee],
        row!["  nonce", nonce],
        row!["  deadline", expiry],
    ];
    Ok(table(&rows))
}

async fn finish(
    client: &Client,
    id: &weft_protocol::crypto::Digest,
    options: &PaymentOptions,
    context: &Context,
) -> Result<Exit> {
    let view = wait::transaction(client, id, &options.wait, context.output).await?;
    context.output.result(&json!(view), || transaction_text(&view));
    Ok(Exit::Done)
}
