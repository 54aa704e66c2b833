//! Hashing of many leaves and nodes at once.

use std::ops::Range;

use plonky2::field::types::{Field, Field64};
use plonky2::hash::hash_types::{HashOut, NUM_HASH_OUT_ELTS};
use plonky2::hash::poseidon::{PoseidonHash, SPONGE_RATE, SPONGE_WIDTH};
use plonky2::plonk::config::Hasher;
use weft_circuits::config::F;
use weft_protocol::crypto::poseidon::{LANES, permute_lanes};

/// Hashes of a proof system, many at once.
pub trait PackedHasher: Hasher<F> {
    /// Digests of the rows of `columns` from row `first` on, as many as there is room for.
    fn hash_rows(columns: &[Vec<F>], first: usize, digests: &mut [Self::Hash]);

    /// Digests of pairs of siblings.
    fn hash_pairs(children: &[Self::Hash], parents: &mut [Self::Hash]);

    /// The first of the candidates that grinds: with it at `position` of the state, where what is pending ends, the last
    /// element of the response has so many leading zeros.
    fn grind(state: &Self::Permutation, position: usize, candidates: Range<u64>, zeros: u32) -> Option<u64>;
}

/// States of permutations side by side: element by element, each with its value in every lane.
type States = [[u64; LANES]; SPONGE_WIDTH];

impl PackedHasher for PoseidonHash {
    fn hash_rows(columns: &[Vec<F>], first: usize, digests: &mut [HashOut<F>]) {
        for (batch, digests) in digests.chunks_mut(LANES).enumerate() {
            let rows = first + batch * LANES..first + batch * LANES + digests.len();
            let mut states: States = [[0; LANES]; SPONGE_WIDTH];
            for block in columns.chunks(SPONGE_RATE) {
                for (lanes, column) in states.iter_mut().zip(block) {
                    for (lane, value) in lanes.iter_mut().zip(&column[rows.clone()]) {
                        *lane = value.0;
                    }
                }
                if columns.len() > NUM_HASH_OUT_ELTS {
                    permute_lanes(&mut states);
                }
            }
            write_digests(&states, digests);
        }
    }

    fn hash_pairs(children: &[HashOut<F>], parents: &mut [HashOut<F>]) {
        for (children, parents) in children.chunks(2 * LANES).zip(parents.chunks_mut(LANES)) {
            let mut states: States = [[0; LANES]; SPONGE_WIDTH];
            for (lane, [left, right]) in children.as_chunks::<2>().0.iter().enumerate() {
                for (state, element) in states.iter_mut().zip(left.elements.iter().chain(&right.elements)) {
                    state[lane] = element.0;
                }
            }
            permute_lanes(&mut states);
            write_digests(&states, parents);
        }
    }

    fn grind(state: &Self::Permutation, position: usize, candidates: Range<u64>, zeros: u32) -> Option<u64> {
        let mut base: States = [[0; LANES]; SPONGE_WIDTH];
        for (lanes, element) in base.iter_mut().zip(state.as_ref()) {
            lanes.fill(element.0);
        }
        candidates.clone().step_by(LANES).find_map(|first| {
            let mut states = base;
            for (lane, candidate) in states[position].iter_mut().zip(first..) {
                *lane = candidate;
            }
            permute_lanes(&mut states);
            let mut responses = states[SPONGE_RATE - 1].iter().zip(first..candidates.end);
            responses.find(|(response, _)| response.leading_zeros() >= zeros).map(|(_, candidate)| candidate)
        })
    }
}

/// The digests in the first elements of the states.
fn write_digests(states: &States, digests: &mut [HashOut<F>]) {
    for (lane, digest) in digests.iter_mut().enumerate() {
        digest.elements = std::array::from_fn(|element| F::from_noncanonical_u64(states[element][lane]));
    }
}

/// Number of leading zeros that `bits` bits of grinding demand of an element.
pub(super) const fn grinding_zeros(bits: u32) -> u32 {
    bits + F::ORDER.leading_zeros()
}
