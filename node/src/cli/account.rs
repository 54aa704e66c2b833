//! `weft account`.

use anyhow::{Context as _, Result};
use clap::{Args, value_parser};
use serde_json::{Value, json};
use weft_api::{AccountProofView, AccountView, ObjectView, TransactionKindName, TransactionView};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, Agent, AssetId, Entry, MerklePath, Object, TREE_DEPTH, Timestamp};

use super::Context;
use super::assets::Assets;
use super::exit::{Exit, Refused};
use super::identity::ContractOptions;
use super::options::{ApiOptions, L1Options};
use super::output::{row, table};
use crate::client::Client;
use crate::l1::{Rollup, word};
use crate::wallet::{Party, Terms, find};

const EXAMPLES: &str = "\
Examples:
  weft account 7
  weft account 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 --history 20
  weft account 7 --proof --at 12 --json
  weft account 7 --proof --l1 http://127.0.0.1:8545
With --proof the Merkle path is checked here; with --l1 too, that the contract holds or held its root is asked of L1.";

/// Arguments of `weft account`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AccountArgs {
    /// Which: its index, or L1 address or key digest of somebody with one account.
    account: Party,
    /// Show its last transactions, so many.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    history: Option<u32>,
    /// Show and check the Merkle path from the account to a state root.
    #[arg(long)]
    proof: bool,
    /// The state after this batch. Default: after the last sealed one.
    #[arg(long, value_name = "BATCH", requires = "proof")]
    at: Option<u32>,
    #[command(flatten)]
    api: ApiOptions,
    #[command(flatten)]
    l1: L1Options,
    #[command(flatten)]
    contract: ContractOptions,
}

pub(super) async fn run(args: &AccountArgs, context: &Context) -> Result<Exit> {
    let client = args.api.client(&context.profile)?;
    let account = find(&client, args.account).await?;
    let l1 = args.l1.reader(&context.profile)?;
    let Terms { deployment, assets } = args.contract.terms(&client, &args.l1, context).await?;
    let assets = Assets::new(assets, l1.clone());
    let mut object = json!({ "account": account });
    let mut text = describe(&account, &assets).await?;
    if let Some(limit) = args.history {
        let transactions = client.account_transactions(account.index, limit).await?;
        text += &format!("\n{}", history(&transactions, &assets).await?);
        object["transactions"] = json!(transactions);
    }
    if args.proof {
        let proof = client.account_proof(account.index, args.at).await?;
        check(&proof, &account)?;
        let rollup = l1.map(|l1| Rollup::new(deployment.contract.0.into(), l1));
        let seen = match rollup {
            Some(rollup) => Some(on_l1(&rollup, &client, &proof).await?),
            None => None,
        };
        text += &format!("\n{}", proof_text(&proof, seen));
        object["proof"] = json!(proof);
        object["proof_is_on_l1"] = seen.map_or(Value::Null, Value::from);
    }
    context.output.result(&object, || text);
    Ok(Exit::Done)
}

async fn describe(account: &AccountView, assets: &Assets) -> Result<String> {
    let AccountView { index, owner, key, nonce, pending_nonce, balances } = account;
    let mut rows = vec![row!["account", index], row!["owner", owner], row!["key", key]];
    let pending = if pending_nonce == nonce { String::new() } else { format!(" ({pending_nonce} with the pool)") };
    rows.push(row!["nonce", format!("{nonce}{pending}")]);
    for balance in balances {
        rows.push(row!["holds", assets.format(balance.amount, balance.asset).await?]);
    }
    Ok(table(&rows))
}

async fn history(transactions: &[TransactionView], assets: &Assets) -> Result<String> {
    let mut rows = vec![row!["transaction", "what", "status", "batch"]];
    for TransactionView { id, transaction, status, batch, .. } in transactions {
        let amount = assets.format(transaction.amount, transaction.asset).await?;
        let what = match (transaction.kind, transaction.to) {
            (TransactionKindName::Transfer, Some(to)) => format!("{} pays {to} {amount}", transaction.sender),
            (TransactionKindName::Transfer | TransactionKindName::Withdraw, _) => {
                format!("{} withdraws {amount}", transaction.sender)
            }
        };
        rows.push(row![id, what, status, batch.map_or_else(String::new, |batch| batch.to_string())]);
    }
    Ok(table(&rows))
}

/// Checks that the object has the leaf's digest, that the path leads from the leaf to the root, and that the object is of
/// the account that was asked for.
fn check(proof: &AccountProofView, account: &AccountView) -> Result<()> {
    let wrong = |what: &str| Refused(format!("the node's Merkle path is wrong: {what}"));
    let leaf = proof.object.as_ref().map_or(Some(Digest::ZERO), |view| Some(object_of(view)?.digest()));
    if leaf != Some(proof.leaf) {
        return Err(wrong("the leaf is not the digest of the object").into());
    }
    let siblings: Option<Vec<_>> = proof.siblings.iter().map(|sibling| Digest::from_bytes(&sibling.0)).collect();
    let siblings: [Digest; TREE_DEPTH] =
        siblings.and_then(|siblings| siblings.try_into().ok()).ok_or_else(|| wrong("it has not one digest a level"))?;
    let path = MerklePath { siblings };
    if proof.index != account.index || path.root(AccountIndex(proof.index), proof.leaf) != proof.root {
        return Err(wrong("it does not lead to the root").into());
    }
    Ok(())
}

/// The object with these fields, if they can be those of an object.
fn object_of(view: &ObjectView) -> Option<Object> {
    let entries: Vec<_> =
        view.entries.iter().map(|entry| Entry { asset: AssetId(entry.asset), amount: entry.amount }).collect();
    let agent = &view.agent;
    let expiry = Timestamp::new(agent.expiry.unix_ms() / 1000).ok()?;
    Some(Object {
        kind: view.kind,
        flags: view.flags,
        owner: view.owner,
        main_key: view.key,
        agent: Agent { key: agent.key, role: agent.role, expiry, nonce: agent.nonce },
        nonce: view.nonce,
        entries: entries.try_into().ok()?,
    })
}

/// Whether the contract verified a batch with this root.
async fn on_l1(rollup: &Rollup, client: &Client, proof: &AccountProofView) -> Result<bool> {
    let verified = rollup.progress().call().await.context("cannot ask the contract how far it is")?.number;
    if verified == proof.batch {
        return Ok(rollup.root().call().await.context("cannot ask the contract for its root")? == word(&proof.root));
    }
    if verified < proof.batch {
        return Ok(false);
    }
    // An older root is known by the event of the batch that had it.
    let batch = client.batch(proof.batch).await?;
    let Some(prove) = batch.l1.prove else { return Ok(false) };
    Ok(crate::verify::proven_root(rollup, proof.batch, prove.hash.0.into()).await? == Some(word(&proof.root)))
}

fn proof_text(proof: &AccountProofView, seen: Option<bool>) -> String {
    let AccountProofView { batch, root, leaf, siblings, .. } = proof;
    let l1 = match seen {
        None => "; whether L1 has verified it was not asked (--l1)",
        Some(true) => "; the contract has verified this root",
        Some(false) => "; the contract has not verified this root yet",
    };
    let count = siblings.len();
    format!("leaf   {leaf}\nroot   {root}\n{count} siblings lead from the leaf to the root after batch {batch}{l1}")
}

#[cfg(test)]
mod tests {
    use weft_protocol::{Address, Amount, Opening};

    use super::*;

    /// An account in a tree of its own, and its proof as a node gives it.
    fn proof() -> (AccountProofView, AccountView) {
        let mut object = Object { nonce: 3, ..Object::account(Address([7; 20]), Digest::ZERO) };
        object.entries[0] = Entry { asset: AssetId(1), amount: Amount::MAX };
        let path = MerklePath { siblings: std::array::from_fn(weft_protocol::empty_subtree) };
        let root = path.root(AccountIndex(5), object.digest());
        let opening = Opening { object: Some(object), path };
        let proof = AccountProofView::new(AccountIndex(5), 2, root, &opening);
        (proof, AccountView::new(AccountIndex(5), &object, 3))
    }

    #[test]
    fn a_path_that_leads_to_the_root_is_believed() {
        let (good, account) = proof();
        assert!(check(&good, &account).is_ok());
    }

    #[test]
    fn no_field_of_a_path_can_be_changed() {
        let (good, account) = proof();
        let changes: [fn(&mut AccountProofView); 7] = [
            |proof| proof.index = 4,
            |proof| proof.root = Digest::ZERO,
            |proof| proof.leaf = Digest::ZERO,
            |proof| proof.object = None,
            |proof| proof.siblings[27].0[31] ^= 1,
            |proof| proof.siblings.truncate(27),
            |proof| proof.object.as_mut().unwrap().entries[0].amount = Amount::ZERO,
        ];
        for change in changes {
            let mut proof = good.clone();
            change(&mut proof);
            let error = check(&proof, &account).unwrap_err();
            assert!(error.is::<Refused>(), "{error}");
        }
    }
}
