use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use weft_protocol::AccountIndex;
use weft_storage::rollup::{Applied, PAGE_MAX, Position, RollupStore, Standing, StoreError, UNDO_BATCHES};

use crate::{change, commit, digest, id, object, open};

const NO_ENTRIES: &[&[u32]] = &[];

fn history(store: &RollupStore, account: u32, before: Option<Position>, limit: usize) -> Vec<(u32, u32)> {
    let page = store.history(AccountIndex(account), before, limit).unwrap();
    for (position, got) in &page {
        assert_eq!(*got, id(position.batch, position.place));
    }
    page.iter().map(|(position, _)| (position.batch, position.place)).collect()
}

#[test]
fn a_batch_is_found_again_after_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    assert_eq!((opened.applied, store.applied()), (None, None));
    assert!(opened.objects.is_empty());
    store.append(&[0; 9]).unwrap();
    let first = commit(1, 4, vec![change(256, None, Some(1)), change(3, None, Some(2))], &[&[256, 3], &[3]]);
    let second = commit(2, 9, vec![change(256, Some(1), None), change(3, Some(2), Some(5))], &[&[256]]);
    store.apply(&first).unwrap();
    store.apply(&second).unwrap();
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.objects, [(AccountIndex(3), object(5))]);
    assert_eq!(opened.applied, Some(second.standing.applied));
    assert_eq!(store.applied(), Some(second.standing.applied));
    assert_eq!(store.batch(1).unwrap(), Some("batch 1".to_owned()));
    assert_eq!(store.batch::<String>(3).unwrap(), None);
    assert_eq!(store.transaction(&id(1, 1)).unwrap(), Some("transaction 1 of 1".to_owned()));
    assert_eq!(store.transaction::<String>(&id(9, 9)).unwrap(), None);
    assert_eq!(history(&store, 256, None, 10), [(2, 0), (1, 0)]);
}

#[test]
fn histories_are_paged_newest_first_and_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    for batch in 0..5 {
        store.apply(&commit(batch, 0, vec![], &[&[1, 2], &[2], &[u32::MAX], &[2, 2]])).unwrap();
    }
    let all: Vec<_> = (0..5).rev().flat_map(|batch| [(batch, 3), (batch, 1), (batch, 0)]).collect();
    assert_eq!(history(&store, 2, None, PAGE_MAX), all);
    // Page after page gives the same, whatever the size.
    for limit in 1..=16 {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = history(&store, 2, cursor, limit);
            assert!(page.len() <= limit);
            let Some(&(batch, place)) = page.last() else { break };
            cursor = Some(Position { batch, place });
            pages.extend(page);
        }
        assert_eq!(pages, all, "pages of {limit}");
    }
    assert_eq!(history(&store, 0, None, 10), []);
    assert_eq!(history(&store, 1, Some(Position { batch: 0, place: 0 }), 10), []);
    assert_eq!(history(&store, u32::MAX, None, 2), [(4, 2), (3, 2)]);
}

#[test]
fn batches_are_paged_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let numbers = |before, limit| -> Vec<u32> {
        let page: Vec<(u32, String)> = store.batches(before, limit).unwrap();
        assert!(page.iter().all(|(number, record)| *record == format!("batch {number}")));
        page.into_iter().map(|(number, _)| number).collect()
    };
    assert_eq!(numbers(None, 10), []);
    for batch in 254..260 {
        store.apply(&commit(batch, 0, vec![], NO_ENTRIES)).unwrap();
    }
    assert_eq!(numbers(None, 3), [259, 258, 257]);
    assert_eq!(numbers(Some(257), 3), [256, 255, 254]);
    assert_eq!(numbers(Some(255), 3), [254]);
    assert_eq!(numbers(Some(0), 3), []);
}

#[test]
fn a_page_has_a_largest_size() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let accounts: Vec<&[u32]> = vec![&[8]; PAGE_MAX + 1];
    store.apply(&commit(1, 0, vec![], &accounts)).unwrap();
    assert_eq!(history(&store, 8, None, usize::MAX).len(), PAGE_MAX);
}

#[test]
fn batches_out_of_order_and_beyond_the_log_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&[0; 10]).unwrap();
    store.apply(&commit(7, 5, vec![change(1, None, Some(1))], NO_ENTRIES)).unwrap();
    let refused = |batch, log_next| {
        let changes = vec![change(1, Some(1), Some(2))];
        store.apply(&commit(batch, log_next, changes, &[&[1]])).expect_err("it is out of order")
    };
    for batch in [0, 6, 7, 9] {
        let error = refused(batch, 5);
        assert!(matches!(error, StoreError::NotTheNext { expected: 8, got } if got == batch), "{error}");
    }
    for log_next in [4, 11] {
        let error = refused(8, log_next);
        assert!(matches!(error, StoreError::NotInLog { got, min: 5, max: 10 } if got == log_next), "{error}");
    }
    assert_eq!(store.applied().map(|applied| applied.batch), Some(7));
    assert_eq!(history(&store, 1, None, 10), []);
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.objects, [(AccountIndex(1), object(1))]);
    store.apply(&commit(8, 10, vec![], NO_ENTRIES)).unwrap();
}

#[test]
fn so_many_batches_can_be_taken_back_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let last = UNDO_BATCHES + 3;
    for batch in 0..=last {
        let before = batch.checked_sub(1);
        store.apply(&commit(batch, 0, vec![change(1, before, Some(batch))], &[&[1]])).unwrap();
    }
    for batch in (4..=last).rev() {
        assert_eq!(store.revert_last().unwrap().map(|applied| applied.batch), Some(batch - 1));
    }
    let error = store.revert_last().unwrap_err();
    assert!(matches!(error, StoreError::UnknownBatch { number: 3 }), "{error}");
    assert_eq!(store.transaction::<String>(&id(4, 0)).unwrap(), None);
    assert_eq!(store.batch::<String>(4).unwrap(), None);
    assert_eq!(history(&store, 1, None, 2), [(3, 0), (2, 0)]);
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!(opened.objects, [(AccountIndex(1), object(3))]);
    assert_eq!(opened.applied.map(|applied| applied.batch), Some(3));
    store.apply(&commit(4, 0, vec![], NO_ENTRIES)).unwrap();
}

#[test]
fn before_the_first_batch_there_is_nothing_to_take_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    assert!(matches!(store.revert_last(), Err(StoreError::UnknownBatch { .. })));
    // An index that is written twice gets back what was there first.
    let changes = vec![change(1, None, Some(1)), change(1, Some(1), Some(2))];
    store.apply(&commit(9, 0, changes, NO_ENTRIES)).unwrap();
    assert_eq!(store.revert_last().unwrap(), None);
    drop(store);
    let (_, opened) = open(dir.path());
    assert_eq!((opened.objects, opened.applied), (vec![], None));
}

#[test]
fn the_record_of_an_applied_batch_can_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let error = store.put_batch(1, &"verified").unwrap_err();
    assert!(matches!(error, StoreError::UnknownBatch { number: 1 }), "{error}");
    store.apply(&commit(1, 0, vec![], NO_ENTRIES)).unwrap();
    store.put_batch(1, &"verified").unwrap();
    assert_eq!(store.batch(1).unwrap(), Some("verified".to_owned()));
}

#[test]
fn a_state_that_is_reset_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&["a", "b"]).unwrap();
    let first = commit(1, 2, vec![change(1, None, Some(1))], &[&[1]]);
    store.apply(&first).unwrap();
    let store = store.reset_state().unwrap();
    assert_eq!((store.applied(), store.log_next()), (None, 2));
    assert_eq!(store.batch::<String>(1).unwrap(), None);
    assert_eq!(history(&store, 1, None, 10), []);
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!((opened.objects.len(), opened.applied, opened.log_next), (0, None, 2));
    store.apply(&first).unwrap();
    drop(store);
    assert_eq!(open(dir.path()).1.applied, Some(first.standing.applied));
}

#[test]
fn readers_see_whole_batches_while_others_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()).0);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            thread::spawn(move || {
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    let Some(applied) = store.applied() else { continue };
                    let number = applied.batch;
                    assert_eq!(store.batch(number).unwrap(), Some(format!("batch {number}")));
                    let newest = store.history(AccountIndex(1), None, 1).unwrap()[0].0;
                    assert!(newest.batch >= number && newest.place == 1, "half of a batch: {newest:?}");
                    seen = number;
                }
                seen
            })
        })
        .collect();
    for batch in 1..=500 {
        store.append(&[batch]).unwrap();
        store.apply(&commit(batch, u64::from(batch), vec![], &[&[1], &[1]])).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let seen: Vec<u32> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert!(seen.iter().any(|&number| number > 0), "no reader ran: {seen:?}");
}

#[test]
fn batches_are_rolled_back_together_and_others_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.append(&[0; 9]).unwrap();
    for batch in 1..=4u32 {
        let changes = vec![change(1, (batch > 1).then(|| batch - 1), Some(batch))];
        store.apply(&commit(batch, batch.into(), changes, &[&[1]])).unwrap();
    }
    let changed = store.changed(3).unwrap().unwrap();
    assert_eq!(changed.objects, [(AccountIndex(1), Some(object(2)))]);
    assert_eq!(changed.transactions, [id(3, 0)]);
    let standing =
        |batch, log_next| Standing { applied: Applied { batch, root: digest(batch), log_next }, checkpoint: 77 };
    let refused = |batch, log_next| store.roll_back(&standing(batch, log_next)).unwrap_err();
    assert!(matches!(refused(5, 9), StoreError::UnknownBatch { number: 5 }));
    for log_next in [3, 10] {
        assert!(matches!(refused(2, log_next), StoreError::NotInLog { min: 4, max: 9, .. }));
    }
    assert_eq!(store.applied().map(|applied| applied.batch), Some(4), "nothing has changed");
    // Also when it is done again, as after a restart.
    for _ in 0..2 {
        store.roll_back(&standing(2, 6)).unwrap();
        assert_eq!(store.applied(), Some(standing(2, 6).applied));
        assert_eq!(store.checkpoint().unwrap(), Some(77));
        assert_eq!(store.opened().unwrap().objects, [(AccountIndex(1), object(2))]);
        assert_eq!(history(&store, 1, None, 9), [(2, 0), (1, 0)]);
        assert_eq!((store.batch::<String>(3).unwrap(), store.changed(3).unwrap()), (None, None));
    }
    store.apply(&commit(3, 8, vec![change(1, Some(2), Some(9))], &[&[1], &[1]])).unwrap();
    assert_eq!(history(&store, 1, None, 9), [(3, 1), (3, 0), (2, 0), (1, 0)]);
    assert_eq!(store.revert_last().unwrap(), Some(standing(2, 6).applied), "what was rolled back stays so");
    assert_eq!(store.checkpoint().unwrap(), Some(77));
    // Before the first batch.
    store.roll_back(&standing(0, 9)).unwrap();
    drop(store);
    let (store, opened) = open(dir.path());
    assert_eq!((opened.objects, opened.applied), (vec![], Some(standing(0, 9).applied)));
    assert_eq!(history(&store, 1, None, 9), []);
}
