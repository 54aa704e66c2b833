use rocksdb::{ColumnFamilyDescriptor, DB, Options};
use weft_protocol::Timestamp;
use weft_storage::rollup::{APPEND_ENTRIES_MAX, Part, RollupStore, StoreError};

use crate::open;

fn replay(store: &RollupStore, from: u64) -> Vec<(u64, String)> {
    store.replay(from).collect::<Result<_, _>>().expect("the log is whole")
}

#[test]
fn entries_come_back_in_order_from_any_position() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<String> = (0..600).map(|i| format!("entry {i}")).collect();
    let (store, opened) = open(dir.path());
    assert_eq!((opened.log_next, store.log_next()), (0, 0));
    // Groups of growing size; their ends lie on both sides of 256, where little-endian keys would go astray.
    let mut next = 0;
    for size in 1.. {
        let end = (next + size).min(entries.len());
        assert_eq!(store.append(&entries[next..end]).unwrap(), next as u64..end as u64);
        next = end;
        if next == entries.len() {
            break;
        }
    }
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.log_next, 600);
    for from in [0, 1, 255, 256, 257, 599, 600, 601, u64::MAX] {
        let expected: Vec<_> = (from..600).map(|i| (i, format!("entry {i}"))).collect();
        assert_eq!(replay(&store, from), expected, "from {from}");
    }
}

#[test]
fn a_replay_sees_the_log_as_it_was_when_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&["a", "b"]).unwrap();
    let replay = store.replay::<String>(0);
    store.append(&["c"]).unwrap();
    assert_eq!(replay.count(), 2);
    assert_eq!(store.replay::<String>(0).count(), 3);
}

#[test]
fn an_append_of_nothing_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    assert_eq!(store.append::<String>(&[]).unwrap(), 0..0);
    assert_eq!(store.append(&["a"]).unwrap(), 0..1);
}

#[test]
fn an_append_of_too_many_is_refused_and_the_next_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let entries = vec![0_u8; APPEND_ENTRIES_MAX + 1];
    let error = store.append(&entries).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { got: 65_537, max: 65_536 }), "{error}");
    assert_eq!(store.append(&entries[1..]).unwrap(), 0..65_536);
}

#[test]
fn an_entry_of_another_type_is_an_error_and_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&[1_u8, 2, 3]).unwrap();
    let items: Vec<_> = store.replay::<[u64; 4]>(0).collect();
    assert!(matches!(items[..], [Err(StoreError::Damaged { part: Part::Log, .. })]), "{items:?}");
}

#[test]
fn a_missing_entry_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&["a", "b", "c", "d"]).unwrap();
    drop(store);
    let path = dir.path().join("log");
    let families = DB::list_cf(&Options::default(), &path).unwrap();
    let families = families.into_iter().map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
    let db = DB::open_cf_descriptors(&Options::default(), &path, families).unwrap();
    db.delete_cf(db.cf_handle("entries").unwrap(), 2_u64.to_be_bytes()).unwrap();
    drop(db);
    let (store, _) = open(dir.path());
    let items: Vec<_> = store.replay::<String>(0).collect();
    assert_eq!(items.len(), 3);
    let error = items[2].as_ref().unwrap_err().to_string();
    assert!(error.contains("entry 3 stands where 2 should") && error.contains("restore the folder"), "{error}");
}

#[test]
fn proof_files_outlive_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let [first, second] = [1_000, 2_000].map(|time| Timestamp::new(time).unwrap());
    assert_eq!(store.proof(3, first).unwrap(), None);
    store.put_proof(3, first, &[5; 100_000]).unwrap();
    store.put_proof(3, second, &[6; 10]).unwrap();
    store.append(&["a"]).unwrap();
    let store = store.reset_state().unwrap();
    drop(store);
    let (store, _) = open(dir.path());
    assert_eq!(store.proof(3, first).unwrap(), Some(vec![5; 100_000]));
    assert_eq!(store.proof(4, first).unwrap(), None);
    store.delete_proof(3, first).unwrap();
    store.delete_proof(3, first).unwrap();
    assert_eq!((store.proof(3, first).unwrap(), store.proof(3, second).unwrap()), (None, Some(vec![6; 10])));
    assert_eq!(replay(&store, 0), [(0, "a".to_owned())]);
}
