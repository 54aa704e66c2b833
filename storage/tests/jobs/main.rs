//! Both stores of jobs do what every store does, and the one on the disk what the one in memory does.

mod crash;
mod model;

use std::path::Path;
use std::time::Duration;

use weft_storage::jobs::conformance::{BUDGETS, Case};
use weft_storage::jobs::{
    Claimant, JobKey, JobState, JobStore, MemoryJobStore, Millis, NewJob, RocksJobStore, StoreError, WorkerId,
};

const CIRCUITS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

fn open(dir: &Path) -> RocksJobStore {
    RocksJobStore::open(dir, BUDGETS).expect("the folder is free")
}

fn key(n: u32) -> JobKey {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    JobKey(key)
}

fn job(n: u32, batch: u32, children: &[u32]) -> NewJob {
    NewJob {
        key: key(n),
        batch,
        name: format!("job {n}"),
        kind: "lift".to_owned(),
        circuit: CIRCUITS[n as usize % 2],
        height: 3,
        memory_mib: 100,
        lease_max: Duration::from_secs(60),
        children: children.iter().map(|&child| key(child)).collect(),
        payload: n.to_be_bytes().repeat(20),
    }
}

fn claimant(worker: u64) -> Claimant {
    Claimant { worker: WorkerId(worker), circuits: CIRCUITS.to_vec(), memory_mib: 1000, running: 0, workers: 2 }
}

#[tokio::test]
async fn memory_conforms() {
    for case in Case::ALL {
        println!("{case:?}");
        case.run(&MemoryJobStore::new(BUDGETS)).await;
    }
}

#[tokio::test]
async fn rocks_conforms() {
    for case in Case::ALL {
        println!("{case:?}");
        let dir = tempfile::tempdir().expect("there is room");
        case.run(&open(dir.path())).await;
    }
}

/// After a restart leases go on, end as usual, and no id is given again.
#[tokio::test]
async fn leases_outlive_a_restart() {
    let dir = tempfile::tempdir().expect("there is room");
    let store = open(dir.path());
    store.insert(Millis(0), vec![job(1, 1, &[]), job(2, 1, &[])]).await.expect("the store works");
    let worker = store.new_worker().await.expect("the store works");
    let record = store.claim(Millis(0), &claimant(worker.0)).await.expect("the store works").expect("there are jobs");
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.job(&key(1)).await.expect("the store works"), Some(record.clone()));
    let JobState::Leased(lease) = record.state else { unreachable!("it was claimed") };
    assert_ne!(store.new_worker().await.expect("the store works"), worker);
    let second = store.claim(Millis(0), &claimant(9)).await.expect("the store works").expect("there is a second job");
    let JobState::Leased(second) = second.state else { unreachable!("it was claimed") };
    assert!(second.id > lease.id);
    let lost = store.lose_worker(Millis(1), worker).await.expect("the store works");
    assert_eq!(lost.len(), 1);
    assert_eq!(store.expire(second.until).await.expect("the store works").len(), 1);
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("there is room");
    let _store = open(dir.path());
    let second = RocksJobStore::open(dir.path(), BUDGETS);
    assert!(matches!(second, Err(StoreError::Backend(_))), "{second:?}");
}
