use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// A log in memory whose writes can be held up and can fail.
#[derive(Clone, Default)]
struct Memory {
    entries: Arc<Mutex<Vec<LogEntry>>>,
    appends: Arc<Mutex<Vec<usize>>>,
    /// Appends that work.
    fail_after: Option<usize>,
    /// Each append waits for a word.
    gate: Option<Arc<Mutex<Receiver<()>>>>,
}

impl Log for Memory {
    fn append(&self, entries: &[LogEntry]) -> Result<Range<u64>, StoreError> {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap().recv().unwrap();
        }
        let mut appends = self.appends.lock().unwrap();
        if self.fail_after.is_some_and(|limit| appends.len() >= limit) {
            return Err(StoreError::Halted { path: "/disk".into() });
        }
        let mut kept = self.entries.lock().unwrap();
        let start = u64::try_from(kept.len()).unwrap();
        kept.extend_from_slice(entries);
        appends.push(entries.len());
        Ok(start..u64::try_from(kept.len()).unwrap())
    }
}

fn parcel(entries: usize, effect: impl FnOnce() + Send + 'static) -> Parcel {
    Parcel { entries: vec![LogEntry::BatchDropped; entries], effects: vec![Effect::Reply(Box::new(effect))] }
}

fn start(log: &Memory) -> (Journal, JoinHandle<()>, Receiver<Order>) {
    let (orders, arrivals) = channel();
    let (journal, thread) = Journal::start(log.clone(), 0, orders, Failure::default()).unwrap();
    (journal, thread, arrivals)
}

#[test]
fn effects_come_in_order_and_after_all_entries_before_them() {
    let log = Memory::default();
    let (journal, thread, orders) = start(&log);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut handed_in = 0;
    for number in 0..200 {
        let count = number % 3;
        handed_in += count;
        let (entries, seen) = (Arc::clone(&log.entries), Arc::clone(&seen));
        let mut parcel = parcel(count, move || {
            assert!(entries.lock().unwrap().len() >= handed_in, "the answer tells of what is on the disk");
            seen.lock().unwrap().push(number);
        });
        parcel.effects.push(Effect::Order(Order::Release(u32::try_from(number).unwrap())));
        journal.submit(parcel);
    }
    drop(journal);
    thread.join().unwrap();
    assert!(seen.lock().unwrap().iter().copied().eq(0..200));
    let released: Vec<_> = orders.iter().map(|order| matches!(order, Order::Release(_))).collect();
    assert_eq!(released.len(), 200);
    assert_eq!(log.entries.lock().unwrap().len(), handed_in);
}

#[test]
fn what_comes_while_the_disk_works_is_one_append() {
    let (go, gate) = channel();
    let log = Memory { gate: Some(Arc::new(Mutex::new(gate))), ..Memory::default() };
    let (journal, thread, _orders) = start(&log);
    let (sender, answers) = channel();
    for number in 0..50 {
        let sender = sender.clone();
        journal.submit(parcel(1, move || sender.send(number).unwrap()));
    }
    assert!(answers.try_recv().is_err(), "nothing is answered before it is written");
    go.send(()).unwrap();
    go.send(()).unwrap();
    let answered: Vec<_> = answers.iter().take(50).collect();
    assert!(answered.into_iter().eq(0..50));
    drop(journal);
    thread.join().unwrap();
    let appends = log.appends.lock().unwrap().clone();
    assert!(appends.len() <= 2 && appends.iter().sum::<usize>() == 50, "{appends:?}");
}

#[test]
fn a_failed_write_ends_it_and_nothing_is_acknowledged() {
    let log = Memory { fail_after: Some(1), ..Memory::default() };
    let (journal, thread, orders) = start(&log);
    let (sender, answers) = channel();
    let first = sender.clone();
    journal.submit(parcel(1, move || first.send("written").unwrap()));
    assert_eq!(answers.recv().unwrap(), "written");
    let second = sender.clone();
    let mut parcel_with_order = parcel(1, move || second.send("not written").unwrap());
    parcel_with_order.effects.push(Effect::Order(Order::Release(1)));
    journal.submit(parcel_with_order);
    journal.submit(parcel(0, move || sender.send("after it").unwrap()));
    thread.join().unwrap();
    assert_eq!(answers.iter().count(), 0, "neither the failed parcel nor a later one is answered");
    assert_eq!(orders.iter().count(), 0);
    let reason = journal.failure().get().expect("it says why");
    assert!(reason.contains("/disk"), "{reason}");
}

#[test]
fn positions_are_those_that_the_sequencer_counts() {
    let log = Memory::default();
    log.append(&[LogEntry::BatchDropped]).unwrap();
    let (journal, thread, _orders) = start(&log);
    let (sender, answers) = channel::<()>();
    journal.submit(parcel(1, move || sender.send(()).unwrap()));
    thread.join().unwrap();
    assert_eq!(answers.iter().count(), 0);
    assert!(journal.failure().get().expect("it says why").contains("was written as entry 1"));
}
