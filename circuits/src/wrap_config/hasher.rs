//! Keccak hashing of the wrap layer, shaped for the EVM.
//!
//! * Elements are written as big-endian 8-byte words, the order in which `CALLDATALOAD` reads them.
//! * A digest is the first 25 bytes of a Keccak-256 hash: 200 bits, hence 100-bit collisions.
//! * A leaf hashes `8 n` bytes, an inner node `25 + 25`, a challenge `33`, a step of the transcript
//!   `32 + 8 n`: a leaf cannot pass for a node nor a challenge for a step. (A leaf and a step may have
//!   one length; a digest that equals part of a chaining value is of no use to anybody.)
//!
//! # Transcript
//!
//! plonky2's challenger drives [`TranscriptState`] as a duplex of rate [`TRANSCRIPT_RATE`]. Its state is a
//! 32-byte chaining value, zero at first. One step is
//!
//! ```text
//! chain ← keccak256(chain ‖ be8(e_0) ‖ … ‖ be8(e_{n-1}))      n ≤ 32 absorbed elements, n = 0 to draw on
//! first, second challenge = high, low 16 bytes of keccak256(chain ‖ 0x01), each mod p
//! ```
//!
//! # Soundness
//!
//! With Keccak-256 as a random oracle the chain is a hash of the whole history (256 bits, none of them
//! exposed, so the capacity is 256 bits and collisions cost 2^128). Message and chain are never confused:
//! a step hashes `32 + 8 n` bytes, a challenge 33. A challenge is a uniform 128-bit value mod p, at
//! statistical distance below 2^-64 from uniform, and no field value has probability above
//! `(1 + 2^-64) / p`. Only the elements absorbed are hashed, so a short block and the same block padded
//! with zeros differ.

use plonky2::hash::hash_types::RichField;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::plonk::config::{GenericHashOut, Hasher};
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Keccak256};

/// Length of a digest in bytes.
pub const DIGEST_BYTES: usize = 25;

/// Elements that one transcript step absorbs at most.
pub const TRANSCRIPT_RATE: usize = 32;

/// Challenges that one transcript step yields.
pub const CHALLENGES_PER_STEP: usize = 2;

/// Suffix that separates the derivation of challenges from transcript steps.
pub const CHALLENGE_SUFFIX: u8 = 1;

/// The first 25 bytes of a Keccak-256 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(pub [u8; DIGEST_BYTES]);

impl Digest {
    /// Hashes `bytes` and keeps the first 25 bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&Keccak256::digest(bytes)[..DIGEST_BYTES]);
        Self(digest)
    }
}

impl<F: RichField> GenericHashOut<F> for Digest {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.try_into().expect("a digest has 25 bytes"))
    }

    /// Big-endian limbs of 7, 7, 7 and 4 bytes: each is below the field's order, and the map is injective.
    fn to_vec(&self) -> Vec<F> {
        self.0
            .chunks(7)
            .map(|limb| {
                let value = limb.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
                F::from_canonical_u64(value)
            })
            .collect()
    }
}

/// Hasher of the wrap's Merkle trees and transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapHasher;

impl<F: RichField> Hasher<F> for WrapHasher {
    const HASH_SIZE: usize = DIGEST_BYTES;
    type Hash = Digest;
    type Permutation = TranscriptState<F>;

    fn hash_no_pad(input: &[F]) -> Digest {
        let bytes: Vec<u8> = input.iter().flat_map(|e| e.to_canonical_u64().to_be_bytes()).collect();
        Digest::of(&bytes)
    }

    /// Always hashes, so that leaves of every width are treated alike.
    fn hash_or_noop(input: &[F]) -> Digest {
        Self::hash_no_pad(input)
    }

    fn two_to_one(left: Digest, right: Digest) -> Digest {
        let mut pair = [0; 2 * DIGEST_BYTES];
        pair[..DIGEST_BYTES].copy_from_slice(&left.0);
        pair[DIGEST_BYTES..].copy_from_slice(&right.0);
        Digest::of(&pair)
    }
}

/// State of the transcript; see the module's description for the bytes hashed.
///
/// It is no permutation in the strict sense: plonky2's trait asks only for absorb, mix and squeeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranscriptState<F> {
    chain: [u8; 32],
    block: [F; TRANSCRIPT_RATE],
    /// Elements of `block` written since the last step.
    pending: usize,
    /// The second challenge, then the first: the challenger takes them from the end.
    challenges: [F; CHALLENGES_PER_STEP],
}

impl<F: RichField> Default for TranscriptState<F> {
    fn default() -> Self {
        Self {
            chain: [0; 32],
            block: [F::ZERO; TRANSCRIPT_RATE],
            pending: 0,
            challenges: [F::ZERO; CHALLENGES_PER_STEP],
        }
    }
}

impl<F: RichField> TranscriptState<F> {
    /// The bytes whose hash is the chaining value after the next step.
    #[must_use]
    pub fn step_message(&self) -> Vec<u8> {
        let elements = self.block[..self.pending].iter();
        let mut message = self.chain.to_vec();
        message.extend(elements.flat_map(|element| element.to_canonical_u64().to_be_bytes()));
        message
    }
}

/// The bytes whose hash is what the challenges come from that follow this chaining value.
#[must_use]
pub fn challenge_message(chain: &[u8; 32]) -> [u8; 33] {
    let mut message = [CHALLENGE_SUFFIX; 33];
    message[..32].copy_from_slice(chain);
    message
}

/// The second and the first challenge out of such a hash.
#[must_use]
pub fn challenges<F: RichField>(hash: &[u8; 32]) -> [F; CHALLENGES_PER_STEP] {
    let [high, low] =
        [0, 16].map(|start| hash[start..start + 16].iter().fold(0, |value, &byte| value << 8 | u128::from(byte)));
    [low, high].map(F::from_noncanonical_u128)
}

impl<F> AsRef<[F]> for TranscriptState<F> {
    fn as_ref(&self) -> &[F] {
        &self.block
    }
}

impl<F: RichField> PlonkyPermutation<F> for TranscriptState<F> {
    const RATE: usize = TRANSCRIPT_RATE;
    const WIDTH: usize = TRANSCRIPT_RATE;

    /// A fresh state holding `elements`; trailing zeros do not count as absorbed.
    fn new<I: IntoIterator<Item = F>>(elements: I) -> Self {
        let mut state = Self::default();
        state.set_from_iter(elements, 0);
        state.pending = state.block.iter().rposition(|&e| e != F::ZERO).map_or(0, |last| last + 1);
        state
    }

    fn set_elt(&mut self, element: F, index: usize) {
        self.block[index] = element;
        self.pending = self.pending.max(index + 1);
    }

    fn set_from_iter<I: IntoIterator<Item = F>>(&mut self, elements: I, start: usize) {
        for (index, element) in (start..TRANSCRIPT_RATE).zip(elements) {
            self.set_elt(element, index);
        }
    }

    fn set_from_slice(&mut self, elements: &[F], start: usize) {
        self.set_from_iter(elements.iter().copied(), start);
    }

    fn permute(&mut self) {
        self.chain = Keccak256::digest(self.step_message()).into();
        self.pending = 0;
        self.challenges = challenges(&Keccak256::digest(challenge_message(&self.chain)).into());
    }

    /// The two challenges of the last step (fewer than `RATE`: the challenger asks again when they run out).
    fn squeeze(&self) -> &[F] {
        &self.challenges
    }
}
