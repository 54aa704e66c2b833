//! A batch once more, from the log to its wrapped proof, to see that it comes out as it did.
//!
//! The log determines everything: state, inputs of provers, and, since nothing in a proof is random, every byte of every
//! proof. Whether that holds does not depend on threads or on vectors, which [`Mode`]s tell apart.

mod prove;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use weft_protocol::crypto::Vectors;
use weft_prover::{CircuitSet, CircuitSizes, SegmentInput};
use weft_storage::RollupStore;
use weft_storage::blobs::BlobId;

use crate::compute::Compute;
use crate::proof_file::ProofFile;
use crate::proving::SegmentOrder;
use crate::sequencer::{Archive, LoggedBatch, Rerun};

/// Folder of log and state in the data folder of a node.
const ROLLUP: &str = "rollup";

/// How hashes are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Hashing {
    /// Many at once, with the widest vectors of the processor.
    Packed,
    /// One at a time.
    Scalar,
}

/// How a batch is replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Mode {
    /// Threads that execute and prove.
    pub threads: NonZeroUsize,
    /// How hashes are computed.
    pub hashing: Hashing,
}

/// What a batch comes to, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Outcome {
    /// State root after it.
    pub root: Option<String>,
    /// Digest of the public statement.
    pub statement: Option<String>,
    /// Hash of what provers get: claims, slots, objects and multiproofs of all segments.
    pub witness: Option<String>,
    /// Hash of the proof of each job, by its name.
    pub proofs: BTreeMap<String, String>,
    /// Hash of the wrapped proof.
    pub wrapped: Option<String>,
}

/// What is told on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// Entries of the log are executed, of so many.
    Executed(u64, u64),
    /// A job is proved.
    Proved(String),
}

/// Hears what is going on, on any thread.
pub type Listener = Arc<dyn Fn(News) + Send + Sync>;

/// A batch to be replayed, out of the data folder of a node that does not run.
#[derive(Debug)]
pub struct Replay {
    store: Arc<RollupStore>,
    logged: LoggedBatch,
    number: u32,
    sizes: CircuitSizes,
}

impl Outcome {
    /// The first part in which the two differ, among those that both know.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differ = |a: &Option<String>, b: &Option<String>| a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a != b);
        let parts = [
            ("state root", &self.root, &other.root),
            ("statement", &self.statement, &other.statement),
            ("witness", &self.witness, &other.witness),
        ];
        let part = parts.into_iter().find(|(_, a, b)| differ(a, b)).map(|(name, ..)| name.to_owned());
        let job = || {
            let mut jobs = self.proofs.iter();
            let differs = |(job, hash): &(&String, &String)| other.proofs.get(*job).is_some_and(|got| got != *hash);
            jobs.find(differs).map(|(job, _)| format!("proof of {job}"))
        };
        let wrapped = || differ(&self.wrapped, &other.wrapped).then(|| "wrapped proof".to_owned());
        part.or_else(job).or_else(wrapped)
    }
}

impl Replay {
    /// Opens the data folder and finds the batch in the log.
    ///
    /// # Errors
    /// The folder is none of a node, is in use, or its log has no such sealed batch.
    pub fn open(data: &Path, number: u32, sizes: CircuitSizes) -> Result<Self> {
        let (store, _) = RollupStore::open_existing(&data.join(ROLLUP))?;
        let logged = LoggedBatch::find(&store, number)?;
        Ok(Self { store: Arc::new(store), logged, number, sizes })
    }

    /// What the store has kept of the batch.
    ///
    /// # Errors
    /// The store cannot be read, or the file with the proof is none.
    pub fn stored(&self) -> Result<Outcome> {
        let archive = Archive::new(Arc::clone(&self.store));
        let batch = archive.batch(self.number)?;
        let file = archive.proof(&self.logged.environment)?;
        let file = file.map(|bytes| ProofFile::from_bytes(&bytes)).transpose();
        let file = file.context("the stored file with the proof of the batch cannot be read")?;
        Ok(Outcome {
            root: batch.as_ref().map(|batch| batch.root().to_string()),
            statement: batch.map(|batch| batch.claim().statement.digest().to_string()),
            wrapped: file.map(|file| hash(&file.proof.0)),
            ..Outcome::default()
        })
    }

    /// Executes the batch once more, and proves it with these circuits if there are any.
    ///
    /// # Errors
    /// The log does not replay, a job is not proved, or the disk fails.
    pub fn run(&self, mode: Mode, circuits: Option<&Arc<CircuitSet>>, news: &Listener) -> Result<Outcome> {
        mode.hashing.vectors().use_everywhere();
        let outcome = self.run_so(mode.threads, circuits, news);
        Vectors::Widest.use_everywhere();
        outcome
    }

    fn run_so(&self, threads: NonZeroUsize, circuits: Option<&Arc<CircuitSet>>, news: &Listener) -> Result<Outcome> {
        let compute = Compute::with_threads(threads)?;
        let scratch = tempfile::Builder::new().prefix("weft-replay-").tempdir().context("no temporary folder")?;
        let total = self.logged.end;
        let executed = |entries| news(News::Executed(entries, total));
        let state = scratch.path().join("state");
        let rerun = self.logged.rerun(&self.store, self.sizes, (&compute, &state), &executed)?;
        let mut outcome = Outcome {
            root: Some(rerun.batch.root().to_string()),
            statement: Some(rerun.claim.statement.digest().to_string()),
            witness: Some(witness_hash(&rerun.segments)?),
            ..Outcome::default()
        };
        if let Some(circuits) = circuits {
            let Rerun { segments, claim, .. } = rerun;
            let proven = prove::prove(circuits, (segments, claim), (threads, scratch.path()), news)?;
            outcome.proofs = proven.jobs;
            outcome.wrapped = Some(hash(&proven.wrapped));
        }
        Ok(outcome)
    }
}

impl Hashing {
    const fn vectors(self) -> Vectors {
        match self {
            Self::Packed => Vectors::Widest,
            Self::Scalar => Vectors::None,
        }
    }
}

/// Hash of all that provers get of these segments.
fn witness_hash(segments: &[SegmentOrder]) -> Result<String> {
    let mut bytes = Vec::new();
    for SegmentOrder { claim, witness, .. } in segments {
        // A JSON text says where it ends.
        bytes.extend(serde_json::to_vec(claim).context("a claim cannot be encoded")?);
        bytes.extend(BlobId::of(&SegmentInput::new(witness).to_bytes()).0);
    }
    Ok(hash(&bytes))
}

fn hash(bytes: &[u8]) -> String {
    BlobId::of(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let some = |text: &str| Some(text.to_owned());
        Outcome {
            root: some("r"),
            statement: some("s"),
            witness: some("w"),
            proofs: BTreeMap::from([
                ("lift 0..0".to_owned(), "l".to_owned()),
                ("segment 0".to_owned(), "p".to_owned()),
            ]),
            wrapped: some("f"),
        }
    }

    #[test]
    fn the_first_difference_is_told() {
        let whole = outcome();
        assert_eq!(whole.difference(&whole), None);
        assert_eq!(whole.difference(&Outcome::default()), None, "what is not known is not compared");
        let change = |change: fn(&mut Outcome)| {
            let mut other = outcome();
            change(&mut other);
            assert_eq!(whole.difference(&other), other.difference(&whole));
            whole.difference(&other).expect("there is one")
        };
        assert_eq!(change(|other| other.root = Some("x".to_owned())), "state root");
        assert_eq!(change(|other| other.statement = Some("x".to_owned())), "statement");
        assert_eq!(change(|other| other.witness = Some("x".to_owned())), "witness");
        let job = |other: &mut Outcome| drop(other.proofs.insert("segment 0".to_owned(), "x".to_owned()));
        assert_eq!(change(job), "proof of segment 0");
        assert_eq!(change(|other| other.wrapped = Some("x".to_owned())), "wrapped proof");
    }
}
