//! A process that puts jobs in and settles them is killed again and again. Whatever it said was settled is done, and
//! every job waits for exactly the children that are not done.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use weft_storage::blobs::BlobId;
use weft_storage::jobs::{DoneJob, JobRecord, JobState, JobStore, Millis, RocksJobStore, Settled};

use crate::{claimant, job, key, open};

/// Tells the process that it is the one to be killed, and where to write.
const WRITER: &str = "WEFT_STORAGE_JOBS_CRASH_WRITER";
const ROUNDS: u64 = 24;
/// Jobs of a batch: so many without children, a parent to each pair of them, and one above all.
const LEAVES: u32 = 8;
const JOBS: u32 = LEAVES + LEAVES / 2 + 1;

fn jobs_of(batch: u32) -> Vec<weft_storage::jobs::NewJob> {
    let first = batch * JOBS;
    let leaves = (0..LEAVES).map(|n| job(first + n, batch, &[]));
    let pair = |n: u32| job(first + LEAVES + n, batch, &[first + 2 * n, first + 2 * n + 1]);
    let parents: Vec<u32> = (first + LEAVES..first + JOBS - 1).collect();
    let last = job(first + JOBS - 1, batch, &parents);
    leaves.chain((0..LEAVES / 2).map(pair)).chain([last]).collect()
}

fn done(n: u32) -> DoneJob {
    let proof = BlobId::of(&n.to_be_bytes());
    DoneJob { proof, worker: claimant(1).worker, at: Millis(1), wall: Duration::ZERO, cpu: Duration::ZERO }
}

fn number(record: &JobRecord) -> u32 {
    u32::from_be_bytes(*record.job.key.0.first_chunk().expect("a key is longer"))
}

/// Goes on where the last writer was killed, and says what is done when it is done.
async fn write_until_killed(store: &RocksJobStore) -> io::Result<()> {
    let mut out = io::stdout();
    let last = store.batches().await.expect("the store works").last().copied();
    for batch in last.unwrap_or(0).. {
        store.insert(Millis(0), jobs_of(batch)).await.expect("the disk takes it");
        writeln!(out, "\ninserted {batch}")?;
        // A writer that was killed has left leases behind.
        store.expire(Millis(u64::MAX)).await.expect("the store works");
        while let Some(record) = store.claim(Millis(u64::MAX), &claimant(1)).await.expect("the store works") {
            let JobState::Leased(lease) = &record.state else { unreachable!("it was claimed") };
            store.beat(Millis(2), lease.holder(), "prove").await.expect("the store works");
            let n = number(&record);
            assert_eq!(store.settle(&key(n), done(n)).await.expect("the disk takes it"), Settled::First);
            writeln!(out, "\nsettled {n}")?;
            out.flush()?;
        }
    }
    Ok(())
}

/// What the killed process said.
#[derive(Default)]
struct Said {
    settled: BTreeSet<u32>,
    inserted: Option<u32>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((what, number)) = line.trim().split_once(' ') else { return };
        let Ok(number) = number.parse() else { return };
        match what {
            "settled" => drop(self.settled.insert(number)),
            "inserted" => self.inserted = self.inserted.max(Some(number)),
            _ => {}
        }
    }
}

fn run_and_kill(dir: &Path, after: Duration, said: &mut Said) {
    let mut writer = Command::new(env::current_exe().expect("a test is a file"))
        .args(["--exact", "crash::what_was_settled_is_done_after_a_crash", "--nocapture"])
        .env(WRITER, dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test can run itself");
    let output = writer.stdout.take().expect("it is piped");
    let killer = thread::spawn(move || {
        thread::sleep(after);
        writer.kill().expect("it is ours");
        writer.wait().expect("it is ours")
    });
    let mut lines = BufReader::new(output).split(b'\n').map_while(Result::ok).collect::<Vec<_>>();
    // What was cut short was not said.
    lines.pop();
    for line in lines {
        said.hear(&String::from_utf8_lossy(&line));
    }
    killer.join().expect("it only waits");
}

async fn check(store: &RocksJobStore, said: &Said) {
    let batches = store.batches().await.expect("the store works");
    assert!(said.inserted <= batches.last().copied());
    let mut all_done = BTreeSet::new();
    for batch in batches {
        let records = store.batch(batch).await.expect("the store works");
        assert_eq!(records.len(), JOBS as usize, "batch {batch} was put in whole or not at all");
        let is_done = |record: &&JobRecord| matches!(record.state, JobState::Done(_));
        let done_keys: BTreeSet<_> = records.iter().filter(is_done).map(|record| record.job.key).collect();
        for record in &records {
            let open = record.job.children.iter().filter(|child| !done_keys.contains(child)).count();
            match record.state {
                JobState::Waiting(n) => assert_eq!(n as usize, open, "{record:?}"),
                JobState::Ready(_) | JobState::Leased(_) | JobState::Done(_) => assert_eq!(open, 0, "{record:?}"),
                JobState::Quarantined { .. } | JobState::Cancelled => unreachable!("{record:?}"),
            }
        }
        all_done.extend(records.iter().filter(is_done).map(number));
    }
    assert!(said.settled.is_subset(&all_done), "{:?} are lost", said.settled.difference(&all_done));
}

#[test]
fn what_was_settled_is_done_after_a_crash() {
    let runtime = runtime::Builder::new_current_thread().build().expect("there are threads");
    if let Some(dir) = env::var_os(WRITER) {
        runtime.block_on(write_until_killed(&open(Path::new(&dir)))).expect("the parent reads until it kills");
        return;
    }
    let dir = tempfile::tempdir().expect("there is room");
    let mut said = Said::default();
    for round in 0..ROUNDS {
        // Between a start that is too short to open the store and some batches.
        run_and_kill(dir.path(), Duration::from_millis(10 + 97 * round % 400), &mut said);
        runtime.block_on(check(&open(dir.path()), &said));
    }
    assert!(said.settled.len() > 2 * JOBS as usize, "only {} were settled", said.settled.len());
}
