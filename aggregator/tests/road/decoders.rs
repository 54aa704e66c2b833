//! Strange bytes: whatever comes instead of a proof, an input or a message is refused without a panic and in little memory.
//!
//! The corpus is real encodings, changed in thousands of ways: cut, grown, bits flipped, lengths set to huge numbers, parts
//! moved. Changes look random and are the same in each run.

use std::fmt::Debug;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_aggregator::message::{Assignment, BUILD, Beat, FailureReport, Held, Submission, WorkerHello};
use weft_aggregator::{Job, JobStatement, Task};
use weft_prover::{CircuitSet, SegmentInput, SegmentSize};
use weft_storage::blobs::BlobId;
use weft_storage::jobs::{Failure, JobKey, LeaseId};

use super::ALLOCATOR;

/// Memory in bytes that one of these encodings may take to be read and refused, beside itself.
const REFUSAL_BYTES_MAX: usize = 16 << 20;
/// Changed encodings of each kind.
const CHANGES: u64 = 400;
/// What lengths are set to.
const HUGE: [u64; 4] = [u64::MAX, 1 << 62, 1 << 40, 0xffff_ffff];

/// Whether bytes are taken.
type Decoder<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// A decoder with an encoding that it takes.
pub(crate) struct Target<'a> {
    name: &'static str,
    encoding: Vec<u8>,
    takes: Box<Decoder<'a>>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(name: &'static str, encoding: Vec<u8>, takes: impl Fn(&[u8]) -> bool + 'a) -> Self {
        Self { name, encoding, takes: Box::new(takes) }
    }

    /// A message; taken bytes need not be a message that makes sense.
    fn message<T: Serialize + DeserializeOwned + Debug>(name: &'static str, message: &T) -> Self {
        let encoding = postcard::to_stdvec(message).expect("it is written into memory");
        Self::new(name, encoding, |bytes| black_box(postcard::from_bytes::<T>(bytes)).is_ok())
    }

    /// Takes its own encoding, and comes to an end with any other. Of proofs, no other is taken.
    pub(crate) fn check(&self, are_others_taken: Others) {
        let Self { name, encoding, .. } = self;
        assert!(self.takes(encoding), "{name}: the encoding is good");
        for number in 0..CHANGES {
            let bytes = changed(encoding, number);
            let is_taken = self.takes(&bytes);
            let may_be_taken = are_others_taken == Others::Possible || bytes == *encoding;
            assert!(may_be_taken || !is_taken, "{name}: change {number} of {} bytes is taken", encoding.len());
        }
    }

    fn takes(&self, bytes: &[u8]) -> bool {
        // Who asks for more ends the process: the bound is not a measurement.
        ALLOCATOR.set_limit(ALLOCATOR.allocated() + REFUSAL_BYTES_MAX).expect("there is room");
        let result = catch_unwind(AssertUnwindSafe(|| (self.takes)(bytes)));
        ALLOCATOR.set_limit(usize::MAX).expect("there is room");
        result.unwrap_or_else(|_| unreachable!("{}: {} bytes make it panic", self.name, bytes.len()))
    }
}

/// Whether a decoder may take changed encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Others {
    /// Never: proofs are bound to their bytes.
    Refused,
    /// They may mean something else.
    Possible,
}

/// Numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).expect("a length fits 64 bits");
        usize::try_from(self.next() % limit).expect("below a length")
    }

    /// Fewer bytes than `limit`.
    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let count = self.below(limit);
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// The encoding with a change, or several.
fn changed(encoding: &[u8], number: u64) -> Vec<u8> {
    let mut numbers = Numbers(number);
    let mut bytes = encoding.to_vec();
    for _ in 0..=numbers.below(3) {
        let position = numbers.below(bytes.len());
        match numbers.below(7) {
            0 => bytes.truncate(position),
            1 => bytes.extend(numbers.bytes(64)),
            2 => bytes.iter_mut().skip(position).take(1).for_each(|byte| *byte ^= 1 << numbers.below(8)),
            3 => {
                let word = HUGE[numbers.below(HUGE.len())].to_le_bytes();
                bytes.iter_mut().skip(position).zip(word).for_each(|(byte, huge)| *byte = huge);
            }
            // Lengths of messages come first, and take 1 to 10 bytes.
            4 => bytes.iter_mut().take(1 + numbers.below(10)).for_each(|byte| *byte |= 0x80),
            5 => bytes.rotate_left(position),
            _ => bytes = numbers.bytes(4096),
        }
    }
    bytes
}

/// Proofs of all layers, by the job that made them.
pub(crate) struct Proofs {
    pub(crate) small: Vec<u8>,
    pub(crate) large: Vec<u8>,
    /// A lift, a join and an aggregate.
    pub(crate) merges: Vec<Vec<u8>>,
    pub(crate) openings: Vec<u8>,
    pub(crate) seal: Vec<u8>,
    pub(crate) wrapped: Vec<u8>,
}

/// What reaches the coordinator, or a worker from its coordinator, as a proof: decoded, then verified.
pub(crate) fn proofs_are_taken_whole_or_not_at_all(circuits: &CircuitSet, proofs: Proofs) {
    let family = circuits.family();
    let segment = |size: SegmentSize| {
        move |bytes: &[u8]| {
            circuits.decode_segment(size, bytes).is_ok_and(|proof| circuits.segment(size).verify(&proof).is_ok())
        }
    };
    let Proofs { small, large, merges, openings, seal, wrapped } = proofs;
    let mut targets = vec![
        Target::new("small segment", small, segment(SegmentSize::Small)),
        Target::new("large segment", large, segment(SegmentSize::Large)),
        Target::new("openings", openings, |bytes| {
            circuits.decode_openings(bytes).is_ok_and(|proof| family.openings.verify(&proof).is_ok())
        }),
        Target::new("seal", seal, |bytes| {
            family.decode_seal(bytes).is_ok_and(|proof| family.verify_seal(&proof).is_ok())
        }),
        Target::new("wrap", wrapped, |bytes| {
            family.decode_wrapped(bytes).is_ok_and(|proof| family.verify_wrapped(&proof).is_ok())
        }),
    ];
    for merge in merges {
        targets.push(Target::new("merge", merge, |bytes| {
            family.decode_aggregate(bytes).is_ok_and(|proof| family.verify_aggregate(&proof).is_ok())
        }));
    }
    for target in targets {
        target.check(Others::Refused);
    }
}

/// What reaches a worker as the input of a segment: decoded, then expanded to a witness.
pub(crate) fn inputs_are_refused(input: &SegmentInput) {
    let expands = |bytes: &[u8]| SegmentInput::from_bytes(bytes).is_ok_and(|input| black_box(input.expand()).is_ok());
    Target::new("segment input", input.to_bytes(), expands).check(Others::Possible);
}

/// What coordinator and workers say to each other, about a job with this statement and proof.
pub(crate) fn messages_are_refused(statement: JobStatement, proof: Vec<u8>) {
    let held = Held { lease: LeaseId(7), key: JobKey([3; 32]) };
    let second = Duration::from_secs(1);
    let hello = WorkerHello {
        name: "a".to_owned(),
        build: BUILD.to_owned(),
        circuits: vec![[1; 32], [2; 32]],
        cores: 2,
        memory_mib: 4096,
    };
    let assignment = Assignment {
        lease: held.lease,
        key: held.key,
        batch: 1,
        job: Job::Segment(0),
        statement,
        blobs: vec![BlobId::of(&proof); 2],
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        attempt: 1,
        stall: second,
    };
    let failure = FailureReport { held, failure: Failure::Error("no".to_owned()) };
    for target in [
        Target::message("hello", &hello),
        Target::message("assignment", &assignment),
        Target::message("beat", &Beat { held, stage: "proving".to_owned(), is_draining: false }),
        Target::message("failure", &failure),
        Target::message("task", &Task { statement, blobs: vec![proof.clone(); 2] }),
        Target::message("submission", &Submission { held, proof, wall: second, cpu: second }),
    ] {
        target.check(Others::Possible);
    }
}
