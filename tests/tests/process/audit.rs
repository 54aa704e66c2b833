//! What must be true in the end: everything that was acknowledged is verified by the contract, once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use alloy::consensus::Transaction as _;
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, ensure};
use weft_api::Finality;
use weft_contract::bindings::IRollup::{BatchCommitted, BatchProven, commitCall};
use weft_node::devnet::OPERATOR;
use weft_node::l1::word;
use weft_protocol::{AccountIndex, AssetId, Kind, RECORD_BYTES, Record};

use crate::load::{Acknowledged, Transfer};
use crate::stage::{PAID_IN, Stage};

/// Waits until the contract has verified all of it, then compares the contract's records, the API and the books.
pub(crate) async fn check(stage: &mut Stage, acknowledged: &[Acknowledged]) -> Result<()> {
    let mut places = BTreeSet::new();
    for Acknowledged { id, .. } in acknowledged {
        let verified = stage.until("a transfer is verified", async |stage| {
            let view = stage.client.transaction(id).await?;
            ensure!(view.status != Finality::Rejected, "transfer {id} was rejected");
            Ok((view.status >= Finality::Verified).then_some((view.batch, view.slot)))
        });
        let place = verified.await?;
        ensure!(places.insert(place), "two transfers are at the place {place:?}");
    }
    let mut expected: Vec<_> = acknowledged.iter().map(|sent| sent.transfer).collect();
    expected.sort_unstable();
    let mut verified = transfers_on_l1(stage).await?;
    verified.sort_unstable();
    ensure!(verified == expected, "the contract has verified {verified:?} instead of {expected:?}");
    check_accounts(stage, &expected).await
}

/// The transfers in the data of all batches that the contract has verified.
async fn transfers_on_l1(stage: &Stage) -> Result<Vec<Transfer>> {
    let provider = stage.net.provider(OPERATOR);
    let filter = Filter::new().address(stage.net.rollup).from_block(0);
    let mut data = BTreeMap::new();
    for log in provider.get_logs(&filter.clone().event_signature(BatchCommitted::SIGNATURE_HASH)).await? {
        let event = BatchCommitted::decode_log(&log.inner)?;
        data.insert(event.commitment, log.transaction_hash.context("a log is of a transaction")?);
    }
    let mut transfers = Vec::new();
    for (number, log) in (1..).zip(provider.get_logs(&filter.event_signature(BatchProven::SIGNATURE_HASH)).await?) {
        let event = BatchProven::decode_log(&log.inner)?;
        ensure!(event.number == number, "batch {} was proven when {number} was due", event.number);
        let transaction = data.get(&event.commitment).context("what is proven was committed")?;
        let transaction = provider.get_transaction_by_hash(*transaction).await?.context("a transaction has its log")?;
        let call = commitCall::abi_decode(transaction.input())?;
        let (records, rest) = call.data.as_chunks::<RECORD_BYTES>();
        ensure!(rest.is_empty(), "the data are whole records");
        // Records that go on from the one before have no fields of their own.
        let fields = records.iter().filter_map(|record| Record::from_bytes(record).fields().ok());
        transfers.extend(fields.filter(|fields| fields.kind == Kind::Transfer).map(|fields| Transfer {
            from: fields.a,
            to: fields.b,
            amount: fields.amount.get(),
            fee: fields.fee.value().get(),
        }));
    }
    Ok(transfers)
}

/// Accounts as the API shows them, and the contract's root.
async fn check_accounts(stage: &Stage, transfers: &[Transfer]) -> Result<()> {
    let mut owned: BTreeMap<AccountIndex, u64> = stage.users.iter().map(|user| (user.index, PAID_IN)).collect();
    // The operator has opened the account of fees with one unit.
    let fees = owned.entry(AccountIndex(0)).or_insert(1);
    *fees += transfers.iter().map(|transfer| transfer.fee).sum::<u64>();
    for Transfer { from, to, amount, fee } in transfers {
        *owned.entry(*from).or_default() -= amount + fee;
        *owned.entry(*to).or_default() += amount;
    }
    for (index, expected) in owned {
        let account = stage.client.account(index.0).await?;
        let eth = account.balances.iter().find(|balance| balance.asset == AssetId::ETH.0);
        let got = eth.map_or(0, |balance| balance.amount.get());
        ensure!(got == expected, "account {index} owns {got} instead of {expected}");
        let sent = transfers.iter().filter(|transfer| transfer.from == index).count();
        ensure!(usize::try_from(account.nonce)? == sent, "account {index} has nonce {}", account.nonce);
    }
    let status = stage.client.status().await?;
    let root = stage.net.rollup_as(OPERATOR).root().call().await?;
    ensure!(root == word(&status.root), "the contract's root is {root}, that of the node {}", status.root);
    Ok(())
}
