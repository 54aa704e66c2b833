//! Gas of the operations, against the committed snapshot.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::B256;
use weft_contract::bindings::IRollup::claimCall;
use weft_protocol::Withdrawal;

use crate::support::*;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/gas.json");
const UPDATE: &str = "WEFT_UPDATE_SNAPSHOTS";
/// Transfers of the batch whose commitment is measured.
const TRANSFERS: u32 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn gas_is_as_in_the_snapshot() {
    let fixture = Fixture::new().await;
    let measured = BTreeMap::from([
        ("deposit", deposit(&fixture).await),
        ("commit_per_transfer", commit_per_transfer(&fixture).await),
        ("claim", claim(&fixture).await),
    ]);
    let path = Path::new(SNAPSHOT);
    let mut snapshot: BTreeMap<String, u64> = match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => BTreeMap::new(),
    };
    if std::env::var_os(UPDATE).is_some() {
        // Other figures in the file are measured elsewhere.
        snapshot.extend(measured.into_iter().map(|(name, gas)| (name.to_owned(), gas)));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, serde_json::to_string_pretty(&snapshot).unwrap() + "\n").unwrap();
        return;
    }
    for (name, gas) in measured {
        assert_eq!(snapshot.get(name), Some(&gas), "{name}: set {UPDATE}=1 to accept");
    }
}

/// A deposit of ETH to an account, when it is neither the first of its asset nor of its queue.
async fn deposit(fixture: &Fixture) -> u64 {
    fixture.deposit(1, 5, user(1), 1_000).await;
    let amount = alloy::primitives::U256::from(123_456_789 * GWEI);
    send(fixture.as_user(2).deposit(ETH, amount, 0x0123_4567, user(2)).value(amount)).await.gas_used
}

/// All gas of a commitment, its fixed part too, per transfer.
async fn commit_per_transfer(fixture: &Fixture) -> u64 {
    let records = (0..TRANSFERS).map(|index| {
        // Amount and fee fill their bytes, as true ones do.
        let mut bytes = transfer(0x0123_4567 ^ index).to_bytes();
        bytes[11..20].fill(0xa7);
        weft_protocol::Record::from_bytes(&bytes)
    });
    let batch = fixture.batch(records.collect(), 0).await;
    let receipt = send(fixture.rollup.commit(batch.header.clone(), data(&batch.records))).await;
    receipt.gas_used / u64::from(TRANSFERS)
}

/// A claim of ETH to an account that exists, by a path of four siblings.
async fn claim(fixture: &Fixture) -> u64 {
    let (records, withdrawals): (Vec<_>, Vec<_>) = (0..16).map(|index| withdraw(user(1), ETH, 10 + index)).unzip();
    fixture.process(&fixture.batch(records.concat(), 0).await).await;
    let position = 7;
    let claim = claimCall {
        number: 1,
        position: 7,
        owner: user(1),
        asset: ETH,
        amount: withdrawals[position].amount.get(),
        path: Withdrawal::path(&withdrawals, position).into_iter().map(B256::from).collect(),
    };
    send(fixture.rollup.call_builder(&claim)).await.gas_used
}
