use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::l1::testing::{Answer, World};

const NOTHING: QueueCursor = QueueCursor { block: 0, next: 0, chain: [0; 32] };

/// What a watcher has reported.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<L1News>>>);

impl Reports {
    fn watcher(&self, rollup: Rollup, known: QueueCursor) -> Watcher {
        let reports = Arc::clone(&self.0);
        Watcher::new(rollup, 0, known, move |news| reports.lock().unwrap().push(news))
    }

    /// Positions of the entries, as they came.
    fn entries(&self) -> Vec<u64> {
        let reports = self.0.lock().unwrap();
        let found =
            reports.iter().filter_map(|news| if let L1News::Found(entries, _) = news { Some(entries) } else { None });
        found.flatten().map(|entry| entry.position).collect()
    }

    /// How often all was read.
    fn heads(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|news| matches!(news, L1News::Head(_))).count()
    }
}

/// An L1 that answers badly when told.
struct Fault(Arc<AtomicBool>);

impl Fault {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An L1 whose next answer lacks its first deposit, and what is no deposit.
    fn drops_the_first_event(&self, world: &World) -> Rollup {
        let flag = Arc::clone(&self.0);
        world.seen_through(move |chain, method, params| {
            if method != "eth_getLogs" || !flag.swap(false, Ordering::Relaxed) {
                return Answer::Honest;
            }
            let logs = chain.call(method, params.clone()).unwrap();
            let logs = logs.as_array().unwrap();
            let deposits = logs.iter().filter(|log| log["topics"][0] == json!(DepositQueued::SIGNATURE_HASH));
            Answer::Other(deposits.skip(1).cloned().collect())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_an_answer_lacks_is_read_later() {
    let (world, fault, reports) = (World::new().await, Fault::new(), Reports::default());
    let mut watcher = reports.watcher(fault.drops_the_first_event(&world), NOTHING);
    world.deposit().await;
    fault.set();
    let result = watcher.read().await;
    assert!(matches!(result, Err(WatchError::Missed { known: 0, queued: 1 })), "{result:?}");
    assert!(result.unwrap_err().passes());
    assert_eq!((reports.entries(), reports.heads()), (vec![], 0), "the block does not count as read");
    watcher.read().await.unwrap();
    assert_eq!((reports.entries(), reports.heads()), (vec![0], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_behind_a_gap_wait_for_the_ones_before_them() {
    let (world, fault, reports) = (World::new().await, Fault::new(), Reports::default());
    let mut watcher = reports.watcher(fault.drops_the_first_event(&world), NOTHING);
    world.deposit().await;
    watcher.read().await.unwrap();
    world.deposit().await;
    world.deposit().await;
    // Blocks that are complete are not read again: the first event is that of entry 1.
    fault.set();
    let result = watcher.read().await;
    assert!(matches!(result, Err(WatchError::Missed { known: 1, queued: 3 })), "{result:?}");
    watcher.read().await.unwrap();
    assert_eq!(reports.entries(), [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_skipped_is_found_at_the_next_start() {
    let (world, reports) = (World::new().await, Reports::default());
    world.deposit().await;
    let block = world.rollup.provider().get_block_number().await.unwrap();
    let mut watcher = reports.watcher(world.rollup.clone(), QueueCursor { block, ..NOTHING });
    watcher.read().await.unwrap();
    assert_eq!(reports.entries(), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_pass_and_are_not_taken_for_answers() {
    for refused in ["eth_getBlockByNumber", "eth_call", "eth_getLogs"] {
        let (world, reports) = (World::new().await, Reports::default());
        world.deposit().await;
        let first = AtomicBool::new(true);
        let rollup = world.seen_through(move |_, method, _| {
            if method == refused && first.swap(false, Ordering::Relaxed) { Answer::Refused } else { Answer::Honest }
        });
        let mut watcher = reports.watcher(rollup, NOTHING);
        assert!(watcher.read().await.unwrap_err().passes(), "{refused}");
        assert_eq!(reports.heads(), 0, "{refused}");
        watcher.read().await.unwrap();
        assert_eq!((reports.entries(), reports.heads()), (vec![0], 1), "{refused}");
    }
}
