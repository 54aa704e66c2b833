//! What the stores add to a job: puts jobs in, claims each, beats three times, keeps a proof and settles it, one job after
//! the other, and prints the time that each part takes.
//!
//! `cargo run -p weft-storage --example job_overhead -- [JOBS] [DIR]`

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use weft_storage::blobs::{BlobStore, FileBlobs};
use weft_storage::jobs::{Budgets, Claimant, DoneJob, JobKey, JobState, JobStore, Millis, NewJob, RocksJobStore};

const PROOF_BYTES: usize = 200_000;
const PAYLOAD_BYTES: usize = 500;
const BEATS: u64 = 3;
const PARTS: [&str; 5] = ["insert", "claim", "beats", "blob", "settle"];

fn job(n: u32) -> NewJob {
    NewJob {
        key: JobKey(*blake3::hash(&n.to_be_bytes()).as_bytes()),
        batch: n / 100,
        name: format!("job {n}"),
        kind: "lift".to_owned(),
        circuit: [1; 32],
        height: 0,
        memory_mib: 1000,
        lease_max: Duration::from_secs(60),
        children: Vec::new(),
        payload: vec![0; PAYLOAD_BYTES],
    }
}

/// Bytes that do not repeat from one job to the next.
fn proof(n: u32) -> Vec<u8> {
    let mut bytes = vec![0; PROOF_BYTES];
    blake3::Hasher::new().update(&n.to_be_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let jobs: u32 = env::args().nth(1).map_or(Ok(1000), |count| count.parse())?;
    let dir = env::args().nth(2).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let dir = tempfile::tempdir_in(dir)?;
    let store = RocksJobStore::open(&dir.path().join("jobs"), Budgets::default())?;
    let blobs = FileBlobs::open(&dir.path().join("blobs"))?;
    let worker = store.new_worker().await?;
    let claimant = Claimant { worker, circuits: vec![[1; 32]], memory_mib: 1000, running: 0, workers: 1 };
    let mut spent = [Duration::ZERO; PARTS.len()];
    for n in 0..jobs {
        let mut begun = Instant::now();
        let mut part = 0;
        let mut lap = || {
            spent[part] += begun.elapsed();
            (part, begun) = (part + 1, Instant::now());
        };
        store.insert(Millis(0), vec![job(n)]).await?;
        lap();
        let record = store.claim(Millis(1), &claimant).await?.ok_or("no job is ready")?;
        let JobState::Leased(lease) = record.state else { return Err("the job is not leased".into()) };
        lap();
        for beat in 0..BEATS {
            store.beat(Millis(2 + beat), lease.holder(), "prove").await?;
        }
        lap();
        let proof = blobs.put(proof(n)).await?;
        lap();
        let done = DoneJob { proof, worker, at: Millis(9), wall: Duration::ZERO, cpu: Duration::ZERO };
        store.settle(&record.job.key, done).await?;
        lap();
    }
    let mut out = io::stdout();
    for (name, spent) in PARTS.iter().zip(spent) {
        writeln!(out, "{name:>8} {:>8.3?} a job", spent / jobs.max(1))?;
    }
    writeln!(out, "{:>8} {:>8.3?} a job, {jobs} jobs", "all", spent.iter().sum::<Duration>() / jobs.max(1))?;
    Ok(())
}
