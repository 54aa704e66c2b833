//! `weft claim`.

use alloy::primitives::{Address as L1Address, Bytes};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use anyhow::{Context as _, Result};
use clap::{Args, value_parser};
use serde::Serialize;
use weft_api::{Deployment, Finality, WithdrawalView};
use weft_contract::bindings::IRollup::claimCall;
use weft_protocol::Address;

use super::Context;
use super::assets::Assets;
use super::deposit::confirm;
use super::exit::{Exit, Refused};
use super::identity::ContractOptions;
use super::options::{ApiOptions, L1KeyOptions, L1Options};
use super::output::{row, table};
use super::passphrase::PassphraseOptions;
use super::wait::WaitOptions;
use crate::client::Client;
use crate::l1::Rollup;
use crate::wallet::Terms;

const EXAMPLES: &str = "\
Examples:
  weft claim 12 --l1-key-file dev.hex
  weft claim 12 --owner 0x7099… --wait verified --json
  weft claim 12 --position 0 --l1-key-file dev.hex
Anyone may send the claim of anyone: it always pays the owner. What was paid already is left alone.";

/// Arguments of `weft claim`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ClaimArgs {
    /// Number of the batch with the withdrawals; `weft tx` tells it.
    #[arg(value_parser = value_parser!(u32).range(1..))]
    batch: u32,
    /// Only the withdrawal at this position of the batch.
    #[arg(long, value_name = "N")]
    position: Option<u32>,
    /// Only withdrawals to this L1 address.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Address>,
    #[command(flatten)]
    l1_key: L1KeyOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    l1: L1Options,
    #[command(flatten)]
    contract: ContractOptions,
    #[command(flatten)]
    wait: WaitOptions,
}

/// What became of a withdrawal.
#[derive(Debug, Serialize)]
struct Claimed {
    /// Position in the batch.
    position: u32,
    /// Who is paid.
    owner: String,
    /// Asset.
    asset: u16,
    /// Amount in base units.
    amount: String,
    /// L1 transaction that paid; absent if it was paid before.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
}

pub(super) async fn run(args: &ClaimArgs, context: &Context) -> Result<Exit> {
    let client = args.api.client(&context.profile)?;
    let Terms { deployment, assets } = args.contract.terms(&client, &args.l1, context).await?;
    if let Some(milestone) = args.wait.milestone() {
        let what = format!("batch {} is not {}", args.batch, milestone.step());
        args.wait.within(&what, super::batch::reach(&client, args.batch, milestone.step())).await?;
    }
    let withdrawals = wanted(args, &client).await?;
    let signer = args.l1_key.open(&context.profile, &args.passphrase)?;
    let provider = args.l1.signer(&context.profile, signer, &deployment).await?;
    let assets = Assets::new(assets, args.l1.reader(&context.profile)?);
    let mut claimed = Vec::new();
    let mut rows = vec![row!["position", "owner", "amount", "L1 transaction"]];
    for withdrawal in withdrawals {
        let transaction = claim(&provider, &deployment, &withdrawal).await?;
        let WithdrawalView { position, owner, asset, amount, .. } = withdrawal;
        let words = assets.format(amount, asset).await?;
        rows.push(row![position, owner, words, transaction.as_deref().unwrap_or("paid before")]);
        let (owner, amount) = (owner.to_string(), amount.to_string());
        claimed.push(Claimed { position, owner, asset, amount, transaction });
    }
    context.output.result(&claimed, || table(&rows));
    Ok(Exit::Done)
}

async fn wanted(args: &ClaimArgs, client: &Client) -> Result<Vec<WithdrawalView>> {
    let mut withdrawals = client.withdrawals(args.batch).await?;
    withdrawals.retain(|withdrawal| args.owner.is_none_or(|owner| owner == withdrawal.owner));
    withdrawals.retain(|withdrawal| args.position.is_none_or(|position| position == withdrawal.position));
    if withdrawals.is_empty() {
        return Err(Refused(format!("batch {} has no such withdrawal", args.batch)).into());
    }
    if let Some(early) = withdrawals.iter().find(|withdrawal| withdrawal.status < Finality::Verified) {
        let reason =
            format!("batch {} is only {}: L1 pays once it is verified (--wait verified)", args.batch, early.status);
        return Err(Refused(reason).into());
    }
    Ok(withdrawals)
}

/// Sends a claim, unless it was paid; returns the L1 transaction.
async fn claim(provider: &DynProvider, deployment: &Deployment, withdrawal: &WithdrawalView) -> Result<Option<String>> {
    let contract = L1Address::from(deployment.contract.0);
    let rollup = Rollup::new(contract, provider.clone());
    let WithdrawalView { batch, position, .. } = *withdrawal;
    if rollup.isClaimed(batch, position).call().await.context("cannot ask the contract for claims")? {
        return Ok(None);
    }
    check_call(deployment, withdrawal)?;
    let data = Bytes::from(withdrawal.claim.data.0.clone());
    let request = TransactionRequest::default().to(contract).input(data.into());
    let pending = provider.send_transaction(request).await.context("L1 refuses the claim")?;
    Ok(Some(confirm(pending).await?.transaction_hash.to_string()))
}

/// The node's call is signed only if it is what the withdrawal says.
fn check_call(deployment: &Deployment, withdrawal: &WithdrawalView) -> Result<()> {
    let WithdrawalView { batch, position, owner, asset, amount, .. } = *withdrawal;
    let call = claimCall::abi_decode(&withdrawal.claim.data.0).ok();
    let is_right = call.is_some_and(|call| {
        call.number == batch
            && call.position == position
            && call.owner.into_array() == owner.0
            && call.asset == asset
            && call.amount == amount.get()
    });
    if withdrawal.claim.to != deployment.contract || !is_right {
        return Err(Refused(format!("the node's call for withdrawal {position} does not claim it")).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use weft_api::{Call, HexBytes};
    use weft_protocol::crypto::Digest;
    use weft_protocol::{Amount, Domain};

    use super::*;

    #[test]
    fn only_the_claim_itself_is_signed() {
        let contract = Address([0xc0; 20]);
        let deployment =
            Deployment { chain_id: 1, contract, domain: Domain::new(1, &contract, &Digest::ZERO).unwrap() };
        let owner = Address([7; 20]);
        let call = claimCall { number: 3, position: 1, owner: owner.0.into(), asset: 2, amount: 9, path: vec![] };
        let withdrawal = |to, call: &claimCall| WithdrawalView {
            batch: 3,
            position: 1,
            status: Finality::Withdrawable,
            owner,
            asset: 2,
            amount: Amount::new(9).unwrap(),
            path: vec![],
            claim: Call { to, data: HexBytes(call.abi_encode()), value: Amount::ZERO },
        };
        assert!(check_call(&deployment, &withdrawal(contract, &call)).is_ok());
        assert!(check_call(&deployment, &withdrawal(owner, &call)).is_err());
        for wrong in [
            claimCall { number: 4, ..call.clone() },
            claimCall { position: 0, ..call.clone() },
            claimCall { owner: contract.0.into(), ..call.clone() },
            claimCall { asset: 1, ..call.clone() },
            claimCall { amount: 8, ..call },
        ] {
            assert!(check_call(&deployment, &withdrawal(contract, &wrong)).is_err(), "{wrong:?}");
        }
    }
}
