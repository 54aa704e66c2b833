//! The store of log and state on a real disk: order, atomicity, crashes, damage.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod crash;
mod damage;
mod log;
mod model;
mod open;
mod state;

use std::path::Path;

use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{AccountIndex, Address, Object};
use weft_storage::rollup::{Applied, Change, IndexedTransaction, Opened, RollupStore, Standing, StateCommit};

const IDENTITY: &[u8] = b"deployment 1";

/// A commit whose records are texts.
type Commit = StateCommit<String, String, u32>;

fn open(dir: &Path) -> (RollupStore, Opened) {
    RollupStore::open(dir, IDENTITY).expect("the store opens")
}

fn object(seed: u32) -> Object {
    let mut object = Object::account(Address([7; 20]), digest(seed));
    object.nonce = seed;
    object
}

fn digest(seed: u32) -> Digest {
    Digest([1, 2, 3, 4].map(|factor| Goldilocks::from_u64(factor * u64::from(seed))))
}

fn id(batch: u32, place: u32) -> [u8; 32] {
    let mut id = [0xaa; 32];
    id[..4].copy_from_slice(&batch.to_be_bytes());
    id[4..8].copy_from_slice(&place.to_be_bytes());
    id
}

fn change(index: u32, before: Option<u32>, after: Option<u32>) -> Change {
    Change { index: AccountIndex(index), before: before.map(object), after: after.map(object) }
}

/// Batch `batch` with these changes, and one transaction for each list of accounts.
fn commit(batch: u32, log_next: u64, changes: Vec<Change>, accounts: &[&[u32]]) -> Commit {
    let transactions = accounts.iter().zip(0..).map(|(accounts, place)| IndexedTransaction {
        id: id(batch, place),
        record: format!("transaction {place} of {batch}"),
        accounts: accounts.iter().map(|&index| AccountIndex(index)).collect(),
    });
    StateCommit {
        standing: Standing { applied: Applied { batch, root: digest(batch), log_next }, checkpoint: batch },
        changes,
        record: format!("batch {batch}"),
        transactions: transactions.collect(),
    }
}
