//! What only the tables show: that nothing stays behind, and that damage and other formats are told.

use std::time::Duration;

use rocksdb::{DB, Options, WriteBatch};
use tempfile::TempDir;

use super::super::{Budgets, Claimant, Failure, JobKey, JobState, JobStore, Millis, NewJob, StoreError, WorkerId};
use super::tables::{FAMILIES, RECORDS};
use super::{RocksJobStore, tables};

const CIRCUIT: [u8; 32] = [1; 32];

fn open() -> (TempDir, RocksJobStore) {
    let dir = tempfile::tempdir().expect("there is room");
    let store = RocksJobStore::open(dir.path(), Budgets::default()).expect("the folder is free");
    (dir, store)
}

fn job(n: u8, children: &[u8]) -> NewJob {
    NewJob {
        key: JobKey([n; 32]),
        batch: 4,
        name: format!("job {n}"),
        kind: "lift".to_owned(),
        circuit: CIRCUIT,
        height: 0,
        memory_mib: 1,
        lease_max: Duration::from_secs(60),
        children: children.iter().map(|&child| JobKey([child; 32])).collect(),
        payload: vec![n; 100],
    }
}

#[tokio::test]
async fn nothing_stays_of_what_is_forgotten() {
    let (_dir, store) = open();
    let jobs = vec![job(1, &[]), job(2, &[]), job(3, &[1, 2, 2])];
    store.insert(Millis(0), jobs).await.expect("the store works");
    let claimant = Claimant { worker: WorkerId(1), circuits: vec![CIRCUIT], memory_mib: 9, running: 0, workers: 2 };
    for now in 0..2 {
        let record = store.claim(Millis(now), &claimant).await.expect("the store works").expect("two are ready");
        let JobState::Leased(lease) = record.state else { unreachable!("it was claimed") };
        store.beat(Millis(5), lease.holder(), "prove").await.expect("the store works");
        if now == 0 {
            let failure = Failure::Error("no".to_owned());
            store.fail(Millis(6), lease.holder(), failure).await.expect("the store works");
        }
    }
    store.forget(4).await.expect("the store works");
    assert!(store.expire(Millis(u64::MAX)).await.expect("the store works").is_empty());
    for family in FAMILIES {
        assert_eq!(store.store.tables.scan(family, &[]).count(), 0, "{family}");
    }
}

#[tokio::test]
async fn damage_names_the_record() {
    let (_dir, store) = open();
    store.insert(Millis(0), vec![job(7, &[])]).await.expect("the store works");
    let tables = &store.store.tables;
    let mut batch = WriteBatch::default();
    batch.put_cf(tables.family(RECORDS), [7; 32], [1, 2, 3]);
    tables.write(batch).expect("the store works");
    let error = store.job(&JobKey([7; 32])).await.expect_err("it does not decode");
    assert!(matches!(error, StoreError::Damaged { .. }));
    assert!(error.to_string().contains(&format!("{RECORDS}/0707")), "{error}");
}

#[test]
fn another_format_is_refused() {
    let (dir, store) = open();
    drop(store);
    let db = DB::open_cf(&Options::default(), dir.path(), FAMILIES).expect("the folder is free");
    db.put(tables::FORMAT, 99_u64.to_be_bytes()).expect("there is room");
    drop(db);
    let refused = RocksJobStore::open(dir.path(), Budgets::default());
    assert!(matches!(refused, Err(StoreError::OtherFormat { found: 99, .. })), "{refused:?}");
}
