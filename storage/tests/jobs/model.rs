//! Random operations on the store on the disk, opened again now and then, and on the store in memory: both answer the same,
//! and what must always hold does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime;
use weft_storage::blobs::BlobId;
use weft_storage::jobs::conformance::BUDGETS;
use weft_storage::jobs::{
    BARRED, Claimant, DoneJob, Failure, Holder, JobKey, JobRecord, JobState, JobStore, LeaseId, MemoryJobStore, Millis,
    NewJob, RocksJobStore, WorkerId,
};

use crate::{CIRCUITS, claimant, job, key, open};

const JOBS: u32 = 12;
const BATCHES: u32 = 4;
const WORKERS: u64 = 3;

#[derive(Clone, Debug)]
enum Step {
    /// A job with some of those before it as children, perhaps unknown ones.
    Insert {
        jobs: Vec<(u32, u32, u16, Vec<u32>)>,
    },
    Claim {
        worker: u64,
        circuits: usize,
        memory_mib: u32,
        running: u32,
        workers: u32,
    },
    Beat {
        lease: usize,
        stage: bool,
        by: By,
    },
    Settle {
        job: u32,
        proof: u8,
    },
    Fail {
        lease: usize,
        kind: u8,
        by: By,
    },
    Release {
        lease: usize,
        by: By,
    },
    Expire,
    LoseWorker {
        worker: u64,
    },
    Cancel {
        batch: u32,
    },
    Retry {
        job: u32,
    },
    Forget {
        batch: u32,
    },
    Wait {
        millis: u64,
    },
    Reopen,
}

/// Who speaks for a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Holder,
    Other,
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![5 => Just(By::Holder), 1 => Just(By::Other)]
}

fn step() -> impl Strategy<Value = Step> {
    let new = (0..JOBS, 0..BATCHES, 0..3_u16, vec(0..JOBS, 0..4));
    let claim = (0..WORKERS, 0..3_usize, 50..400_u32, 0..2_u32, 1..4_u32);
    prop_oneof![
        6 => vec(new, 1..4).prop_map(|jobs| Step::Insert { jobs }),
        12 => claim.prop_map(|(worker, circuits, memory_mib, running, workers)| {
            Step::Claim { worker, circuits, memory_mib, running, workers }
        }),
        3 => (0..4_usize, any::<bool>(), by()).prop_map(|(lease, stage, by)| Step::Beat { lease, stage, by }),
        4 => (0..JOBS, any::<u8>()).prop_map(|(job, proof)| Step::Settle { job, proof }),
        6 => (0..4_usize, 0..4_u8, by()).prop_map(|(lease, kind, by)| Step::Fail { lease, kind, by }),
        1 => (0..4_usize, by()).prop_map(|(lease, by)| Step::Release { lease, by }),
        3 => Just(Step::Expire),
        1 => (0..WORKERS).prop_map(|worker| Step::LoseWorker { worker }),
        1 => (0..BATCHES).prop_map(|batch| Step::Cancel { batch }),
        1 => (0..JOBS).prop_map(|job| Step::Retry { job }),
        1 => (0..BATCHES).prop_map(|batch| Step::Forget { batch }),
        4 => prop_oneof![1..20_000_u64, 20_000..150_000_u64].prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Reopen),
    ]
}

/// Both stores. They give different ids to leases: a lease is known by the order in which it was given.
struct Pair<'a> {
    dir: &'a Path,
    rocks: Option<RocksJobStore>,
    memory: MemoryJobStore,
    leases: Vec<(LeaseId, LeaseId, WorkerId)>,
    now: Millis,
    /// Proofs that were taken.
    proofs: BTreeMap<JobKey, DoneJob>,
}

/// Asks both stores the same and expects the same answer.
macro_rules! both {
    ($pair:expr, $method:ident($($argument:expr),*)) => {{
        let rocks = $pair.rocks().$method($($argument),*).await;
        let memory = $pair.memory.$method($($argument),*).await;
        assert_eq!(format!("{rocks:?}"), format!("{memory:?}"));
        rocks
    }};
}

impl Pair<'_> {
    fn rocks(&self) -> &RocksJobStore {
        self.rocks.as_ref().expect("it is open between steps")
    }

    /// One of the last leases, or one that was never given.
    fn lease(&self, back: usize, by: By) -> (Holder, Holder) {
        let never = (LeaseId(0), LeaseId(0), WorkerId(0));
        let (rocks, memory, holder) = self.leases.iter().rev().nth(back).copied().unwrap_or(never);
        let worker = if by == By::Holder { holder } else { WorkerId(WORKERS) };
        (Holder { worker, lease: rocks }, Holder { worker, lease: memory })
    }

    async fn claim(&mut self, claimant: &Claimant) {
        let expected = first_rank(&self.records().await, self.now, claimant);
        let rocks = self.rocks().claim(self.now, claimant).await.expect("the store works");
        let memory = self.memory.claim(self.now, claimant).await.expect("the store works");
        match (rocks, memory) {
            // A worker that does something else may have to wait until it is idle.
            (None, None) => assert!(expected.is_none() || claimant.running > 0, "{expected:?} was not claimed"),
            (Some(rocks), Some(memory)) => {
                assert_eq!(Some((rocks.job.batch, rocks.job.height)), expected, "claim order");
                let pair = (lease_of(&rocks), lease_of(&memory), claimant.worker);
                assert!(self.leases.iter().all(|known| known.0 < pair.0), "ids rise");
                self.leases.push(pair);
                assert_eq!(self.unnumbered(rocks), self.unnumbered(memory));
            }
            (rocks, memory) => unreachable!("the disk gives {rocks:?}, memory {memory:?}"),
        }
    }

    async fn fail(&mut self, lease: usize, kind: u8, by: By) {
        let reason = "it broke".to_owned();
        let failure = match kind {
            0 => Failure::Error(reason),
            1 => Failure::Crashed(reason),
            2 => Failure::OutOfMemory(reason),
            _ => Failure::InvalidProof(reason),
        };
        let (rocks, memory) = self.lease(lease, by);
        let rocks = self.rocks().fail(self.now, rocks, failure.clone()).await.expect("the store works");
        assert_eq!(rocks, self.memory.fail(self.now, memory, failure).await.expect("the store works"));
    }

    async fn settle(&mut self, job: u32, proof: u8) {
        let done = DoneJob {
            proof: BlobId([proof; 32]),
            worker: WorkerId(0),
            at: self.now,
            wall: Duration::from_millis(5),
            cpu: Duration::from_millis(9),
        };
        let _ = both!(self, settle(&key(job), done.clone()));
    }

    async fn apply(&mut self, step: Step) {
        match step {
            Step::Insert { jobs } => {
                let jobs: Vec<NewJob> = jobs.into_iter().map(new_job).collect();
                let _ = both!(self, insert(self.now, jobs.clone()));
            }
            Step::Claim { worker, circuits, memory_mib, running, workers } => {
                let circuits = CIRCUITS[..circuits.min(CIRCUITS.len())].to_vec();
                self.claim(&Claimant { circuits, memory_mib, running, workers, ..claimant(worker) }).await;
            }
            Step::Beat { lease, stage, by } => {
                let (rocks, memory) = self.lease(lease, by);
                let stage = if stage { "prove" } else { "witness" };
                let rocks = self.rocks().beat(self.now, rocks, stage).await.expect("the store works");
                assert_eq!(rocks, self.memory.beat(self.now, memory, stage).await.expect("the store works"));
            }
            Step::Settle { job, proof } => self.settle(job, proof).await,
            Step::Fail { lease, kind, by } => self.fail(lease, kind, by).await,
            Step::Release { lease, by } => {
                let (rocks, memory) = self.lease(lease, by);
                let rocks = self.rocks().release(self.now, rocks).await.expect("the store works");
                assert_eq!(rocks, self.memory.release(self.now, memory).await.expect("the store works"));
                assert!(by == By::Holder || !rocks, "it was another's");
            }
            Step::Expire => {
                let _ = both!(self, expire(self.now));
                for record in self.records().await {
                    let JobState::Leased(lease) = record.state else { continue };
                    assert!(lease.until > self.now, "a lease has outlived its deadline: {lease:?}");
                    let longest = record.job.lease_max.as_millis();
                    assert!(u128::from(lease.until.0 - lease.since.0) <= longest, "longer than any: {lease:?}");
                }
            }
            Step::LoseWorker { worker } => drop(both!(self, lose_worker(self.now, WorkerId(worker)))),
            Step::Cancel { batch } => drop(both!(self, cancel(batch))),
            Step::Retry { job } => drop(both!(self, retry(self.now, &key(job)))),
            Step::Forget { batch } => {
                let _ = both!(self, forget(batch));
                let known: Vec<JobKey> = self.records().await.iter().map(|record| record.job.key).collect();
                self.proofs.retain(|key, _| known.contains(key));
            }
            Step::Wait { millis } => self.now.0 += millis,
            Step::Reopen => {
                self.rocks = None;
                self.rocks = Some(open(self.dir));
            }
        }
    }

    /// All jobs, by key.
    async fn records(&self) -> Vec<JobRecord> {
        let mut records: Vec<JobRecord> = Vec::new();
        for n in 0..JOBS {
            records.extend(self.rocks().job(&key(n)).await.expect("the store works"));
        }
        records
    }

    /// A record without what differs between stores: leases by the order in which they were given.
    fn unnumbered(&self, mut record: JobRecord) -> JobRecord {
        if let JobState::Leased(lease) = &mut record.state {
            let place = self.leases.iter().position(|pair| pair.0 == lease.id || pair.1 == lease.id);
            lease.id = LeaseId(place.expect("the lease was given") as u64);
        }
        record
    }

    async fn check(&mut self) {
        let batches = both!(self, batches()).expect("the store works");
        for batch in 0..BATCHES {
            let rocks = self.rocks().batch(batch).await.expect("the store works");
            let memory = self.memory.batch(batch).await.expect("the store works");
            let plain = |records: Vec<JobRecord>| records.into_iter().map(|r| self.unnumbered(r)).collect::<Vec<_>>();
            assert_eq!(batches.contains(&batch), !rocks.is_empty());
            assert_eq!(plain(rocks), plain(memory), "batch {batch}");
        }
        let states: BTreeMap<JobKey, JobState> =
            self.records().await.into_iter().map(|record| (record.job.key, record.state)).collect();
        for record in self.records().await {
            let children: BTreeSet<_> = record.job.children.iter().collect();
            let open = children.iter().filter(|child| !matches!(states.get(child), Some(JobState::Done(_)))).count();
            match record.state {
                JobState::Waiting(n) => assert_eq!(n as usize, open, "{record:?}"),
                JobState::Ready(_) | JobState::Leased(_) | JobState::Quarantined { .. } => {
                    assert_eq!(open, 0, "before its children: {record:?}");
                }
                JobState::Done(done) => {
                    let first = self.proofs.entry(record.job.key).or_insert_with(|| done.clone());
                    assert_eq!(*first, done, "done has changed");
                }
                JobState::Cancelled => {}
            }
        }
        for key in self.proofs.keys() {
            assert!(matches!(states.get(key), Some(JobState::Done(_))), "done is no more: {key:?}");
        }
    }
}

fn lease_of(record: &JobRecord) -> LeaseId {
    let JobState::Leased(lease) = &record.state else { unreachable!("not leased: {record:?}") };
    lease.id
}

fn new_job((n, batch, height, children): (u32, u32, u16, Vec<u32>)) -> NewJob {
    // Children are jobs of smaller numbers, as in a batch: a job does not wait for itself.
    let children: Vec<u32> = children.into_iter().filter(|&child| child < n).collect();
    NewJob { height, memory_mib: 50 + 10 * n, ..job(n, batch, &children) }
}

/// Batch and height of the job that the claimant should be given, if not only once it is idle.
fn first_rank(records: &[JobRecord], now: Millis, claimant: &Claimant) -> Option<(u32, u16)> {
    let is_barred = |record: &JobRecord| {
        let failed = record.attempts.last_failure.filter(|(worker, _)| *worker == claimant.worker);
        failed.is_some_and(|(_, at)| u128::from(now.0 - at.0) < BARRED.as_millis())
    };
    let fits = |record: &&JobRecord| {
        matches!(record.state, JobState::Ready(since) if since <= now)
            && claimant.circuits.contains(&record.job.circuit)
            && !(claimant.workers > 1 && is_barred(record))
            && (record.job.memory_mib <= claimant.memory_mib || claimant.running > 0 && record.attempts.lost.len() >= 2)
    };
    let places: Vec<_> = records.iter().filter(fits).map(|record| (record.job.batch, record.job.height)).collect();
    let first = *places.iter().min()?;
    let last = *places.iter().filter(|place| place.0 == first.0).max()?;
    let left = places.iter().filter(|place| **place == last).count();
    Some(if left < claimant.workers as usize { last } else { first })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_disk_does_what_memory_does(steps in vec(step(), 1..120)) {
        let dir = tempfile::tempdir().expect("there is room");
        let mut pair = Pair {
            dir: dir.path(),
            rocks: Some(open(dir.path())),
            memory: MemoryJobStore::new(BUDGETS),
            leases: Vec::new(),
            now: Millis(0),
            proofs: BTreeMap::new(),
        };
        runtime::Builder::new_current_thread().build().expect("there are threads").block_on(async {
            for step in steps {
                pair.apply(step).await;
                pair.check().await;
            }
        });
    }
}
