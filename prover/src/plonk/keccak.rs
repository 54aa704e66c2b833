//! The wrap's hashes.

use std::ops::Range;

use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::plonk::config::Hasher;
use weft_circuits::config::F;
use weft_circuits::wrap_config::hasher::{CHALLENGES_PER_STEP, DIGEST_BYTES, challenge_message, challenges};
use weft_circuits::wrap_config::{Digest, WrapHasher};
use weft_protocol::crypto::keccak::{LANES, keccak256_lanes};

use super::hasher::PackedHasher;

impl PackedHasher for WrapHasher {
    fn hash_rows(columns: &[Vec<F>], first: usize, digests: &mut [Digest]) {
        let mut messages = [const { Vec::new() }; LANES];
        let (blocks, rest) = digests.as_chunks_mut::<LANES>();
        for (block, digests) in blocks.iter_mut().enumerate() {
            for (row, message) in (first + block * LANES..).zip(&mut messages) {
                message.clear();
                message.extend(columns.iter().flat_map(|column| column[row].to_canonical_u64().to_be_bytes()));
            }
            write_hashes(&messages, digests);
        }
        let row = first + blocks.len() * LANES;
        for (row, digest) in (row..).zip(rest) {
            let elements: Vec<_> = columns.iter().map(|column| column[row]).collect();
            *digest = Self::hash_no_pad(&elements);
        }
    }

    fn hash_pairs(children: &[Digest], parents: &mut [Digest]) {
        let mut messages = [[0; 2 * DIGEST_BYTES]; LANES];
        let pairs = children.as_chunks::<2>().0;
        let (blocks, rest) = parents.as_chunks_mut::<LANES>();
        for (pairs, parents) in pairs.chunks(LANES).zip(blocks.iter_mut()) {
            for (message, [left, right]) in messages.iter_mut().zip(pairs) {
                message[..DIGEST_BYTES].copy_from_slice(&left.0);
                message[DIGEST_BYTES..].copy_from_slice(&right.0);
            }
            write_hashes(&messages, parents);
        }
        for (&[left, right], parent) in pairs[blocks.len() * LANES..].iter().zip(rest) {
            *parent = <Self as Hasher<F>>::two_to_one(left, right);
        }
    }

    fn grind(state: &Self::Permutation, position: usize, candidates: Range<u64>, zeros: u32) -> Option<u64> {
        let mut state = *state;
        state.set_elt(F::ZERO, position);
        let mut messages = [const { Vec::new() }; LANES];
        messages.fill(state.step_message());
        // Nothing follows the candidate.
        let candidate_at = messages[0].len() - size_of::<u64>();
        candidates.clone().step_by(LANES).find_map(|first| {
            for (message, candidate) in messages.iter_mut().zip(first..) {
                message[candidate_at..].copy_from_slice(&candidate.to_be_bytes());
            }
            let chains = keccak256_lanes(&messages.each_ref().map(Vec::as_slice));
            let derived = chains.each_ref().map(challenge_message);
            let hashes = keccak256_lanes(&derived.each_ref().map(<[u8; 33]>::as_slice));
            let mut responses = hashes.iter().zip(first..candidates.end);
            let found = responses.find(|(hash, _)| {
                let [.., response]: [F; CHALLENGES_PER_STEP] = challenges(hash);
                response.to_canonical_u64().leading_zeros() >= zeros
            });
            found.map(|(_, candidate)| candidate)
        })
    }
}

/// The digests of messages of one length.
fn write_hashes<M: AsRef<[u8]>>(messages: &[M; LANES], digests: &mut [Digest; LANES]) {
    for (hash, digest) in keccak256_lanes(&messages.each_ref().map(AsRef::as_ref)).iter().zip(digests) {
        digest.0.copy_from_slice(&hash[..DIGEST_BYTES]);
    }
}
