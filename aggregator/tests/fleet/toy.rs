//! Circuits without circuits: a proof is the statement with a mark, made in no time, and whoever makes it can be told to
//! fail in all ways in which a prover can.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weft_aggregator::circuits::{CircuitId, CircuitInfo, Circuits, Refusal, TaskError};
use weft_aggregator::{JobKind, JobStatement, Task};
use weft_protocol::SegmentStatement;
use weft_prover::{ProofError, Stage, StageLog, table_statement};

/// What happens instead of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Mishap {
    Error,
    Panic,
    /// Bytes that are no proof.
    Garbage,
    /// A valid proof of something else.
    Lie,
    /// Takes so many milliseconds longer.
    Slow(u64),
    /// The process ends.
    Abort,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Toy {
    /// What the next jobs of a kind run into.
    next: Mutex<BTreeMap<JobKind, Vec<Mishap>>>,
    /// What all jobs of a kind run into.
    always: Option<(JobKind, Mishap)>,
    /// Told from other circuits.
    family: u8,
}

#[derive(Serialize, Deserialize)]
struct ToyProof {
    statement: JobStatement,
    mark: [u8; 32],
}

impl Toy {
    pub(crate) fn good() -> Self {
        Self::default()
    }

    /// The next jobs of the kind run into these, the last one first.
    pub(crate) fn with_next(kind: JobKind, mishaps: &[Mishap]) -> Self {
        Self { next: Mutex::new(BTreeMap::from([(kind, mishaps.to_vec())])), ..Self::default() }
    }

    pub(crate) fn always(kind: JobKind, mishap: Mishap) -> Self {
        Self { always: Some((kind, mishap)), ..Self::default() }
    }

    pub(crate) fn of_family(family: u8) -> Self {
        Self { family, ..Self::default() }
    }

    fn mishap(&self, kind: JobKind) -> Option<Mishap> {
        let always = self.always.filter(|(of, _)| *of == kind).map(|(_, mishap)| mishap);
        always.or_else(|| self.next.lock().expect("not poisoned").get_mut(&kind)?.pop())
    }
}

fn id(kind: JobKind, family: u8) -> CircuitId {
    let mut id = [family; 32];
    id[0] = JobKind::ALL.iter().position(|of| *of == kind).and_then(|at| u8::try_from(at).ok()).expect("a kind");
    id
}

fn mark(statement: &JobStatement) -> [u8; 32] {
    blake3::derive_key("toy proof", &postcard::to_stdvec(statement).expect("plain data"))
}

pub(crate) fn proof_of(statement: JobStatement) -> Vec<u8> {
    postcard::to_stdvec(&ToyProof { statement, mark: mark(&statement) }).expect("plain data")
}

fn read(bytes: &[u8]) -> Option<JobStatement> {
    let ToyProof { statement, mark: found } = postcard::from_bytes(bytes).ok()?;
    (found == mark(&statement)).then_some(statement)
}

/// The statement that children of a merge make together.
fn merged(children: &[Vec<u8>]) -> Option<SegmentStatement> {
    let statements = children.iter().map(|child| match read(child)? {
        JobStatement::Segment(claim) => Some(claim.claimed()),
        JobStatement::Lift { statement, .. } | JobStatement::Aggregate { statement } => Some(statement),
        JobStatement::Join(opened) => Some(opened.joined()),
        JobStatement::Openings(_) | JobStatement::Seal { .. } | JobStatement::Wrap { .. } => None,
    });
    let statements = statements.collect::<Option<Vec<_>>>()?;
    let are_adjacent = statements.windows(2).all(|pair| pair[0].after == pair[1].before);
    let (first, last) = statements.first().zip(statements.last())?;
    are_adjacent.then_some(SegmentStatement { after: last.after, ..*first })
}

fn fits(task: &Task) -> bool {
    match (task.statement, &task.blobs[..]) {
        (JobStatement::Segment(_), [input]) => !input.is_empty(),
        (JobStatement::Openings(_), inputs) => !inputs.is_empty(),
        (JobStatement::Join(opened), [lift, table]) => {
            merged(std::slice::from_ref(lift)) == Some(opened.claimed())
                && read(table) == Some(JobStatement::Openings(table_statement(&opened)))
        }
        (JobStatement::Lift { statement, .. } | JobStatement::Aggregate { statement }, children) => {
            merged(children) == Some(statement)
        }
        (JobStatement::Seal { .. }, [_, child]) => merged(std::slice::from_ref(child)).is_some(),
        (JobStatement::Wrap { digest }, [seal]) => read(seal) == Some(JobStatement::Seal { digest }),
        (
            JobStatement::Segment(_) | JobStatement::Join(_) | JobStatement::Seal { .. } | JobStatement::Wrap { .. },
            _,
        ) => false,
    }
}

fn failure(message: &str) -> TaskError {
    TaskError::Proof(ProofError::Panicked { message: message.to_owned() })
}

impl Circuits for Toy {
    fn ids(&self) -> Vec<CircuitId> {
        JobKind::ALL.into_iter().map(|kind| id(kind, self.family)).collect()
    }

    fn circuit(&self, statement: &JobStatement) -> CircuitInfo {
        CircuitInfo { id: id(statement.kind(), self.family), memory_mib: 1 }
    }

    fn prove(&self, task: &Task, log: &mut StageLog) -> Result<Vec<u8>, TaskError> {
        let statement = task.statement;
        let mishap = self.mishap(statement.kind());
        log.run(Stage::Proving, || {
            if !fits(task) {
                return Err(failure("the blobs do not fit"));
            }
            match mishap {
                None => {}
                Some(Mishap::Error) => return Err(failure("as it was told")),
                Some(Mishap::Panic) => unreachable!("as it was told"),
                Some(Mishap::Garbage) => return Ok(vec![7; 100]),
                Some(Mishap::Lie) => {
                    let digest = weft_protocol::crypto::Digest::ZERO;
                    return Ok(proof_of(JobStatement::Wrap { digest }));
                }
                Some(Mishap::Slow(milliseconds)) => sleep(Duration::from_millis(milliseconds)),
                Some(Mishap::Abort) => std::process::abort(),
            }
            Ok(proof_of(statement))
        })
    }

    fn verify(&self, statement: &JobStatement, proof: &[u8]) -> Result<(), Refusal> {
        let got = read(proof).ok_or_else(|| Refusal::Invalid { reason: "no toy".to_owned() })?;
        if got == *statement { Ok(()) } else { Err(Refusal::OtherStatement { reason: format!("{got:?}") }) }
    }
}
