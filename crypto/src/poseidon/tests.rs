use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::Poseidon;
use proptest::prelude::*;

use super::*;

/// Words at the borders of halves, words and field.
pub(super) const EDGES: [u64; 10] = [
    0,
    1,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    1 << 63,
    Goldilocks::ORDER - 1,
    Goldilocks::ORDER,
    Goldilocks::ORDER + 1,
    u64::MAX,
];

pub(super) fn library(state: [u64; WIDTH]) -> [u64; WIDTH] {
    GoldilocksField::poseidon(state.map(GoldilocksField::from_noncanonical_u64)).map(|x| x.to_canonical_u64())
}

fn ours(state: [u64; WIDTH]) -> [u64; WIDTH] {
    let mut state = state.map(Goldilocks::from_u64);
    permute(&mut state);
    state.map(Goldilocks::as_u64)
}

#[test]
fn equals_the_library_on_edge_states() {
    for a in EDGES {
        for b in EDGES {
            let mut state = [a; WIDTH];
            assert_eq!(ours(state), library(state));
            for i in 0..WIDTH {
                state[i] = b;
                assert_eq!(ours(state), library(state));
            }
        }
    }
}

/// The sponge as its definition reads, over the library's permutation.
fn sponge_by_hand(tag: u64, elements: &[u64]) -> [u64; 4] {
    let mut state = [0; WIDTH];
    state[8] = tag;
    state[9] = elements.len() as u64;
    let blocks = elements.len().div_ceil(8).max(1);
    for block in 0..blocks {
        for (i, word) in state[..8].iter_mut().enumerate() {
            *word = elements.get(8 * block + i).copied().unwrap_or(0);
        }
        state = library(state);
    }
    [state[0], state[1], state[2], state[3]]
}

#[test]
fn sponge_equals_its_definition_at_every_length() {
    let elements: Vec<u64> = (0..33).map(|i| 0x0123_4567_89ab_cdef * (i + 1) % Goldilocks::ORDER).collect();
    for length in 0..=elements.len() {
        let input: Vec<_> = elements[..length].iter().map(|x| Goldilocks::from_u64(*x)).collect();
        assert_eq!(hash(Tag::LEAF, &input).0.map(Goldilocks::as_u64), sponge_by_hand(1, &elements[..length]));
    }
}

#[test]
fn tag_length_and_padding_separate() {
    let zero = [Goldilocks::ZERO; 9];
    let mut digests: Vec<_> = (0..=9).map(|length| hash(Tag::LEAF, &zero[..length])).collect();
    digests.push(hash(Tag::NODE, &zero[..8]));
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 11);
}

proptest! {
    #[test]
    fn equals_the_library(state: [u64; WIDTH]) {
        prop_assert_eq!(ours(state), library(state));
    }

    #[test]
    fn compress_is_the_hash_of_a_node(left: [u64; 4], right: [u64; 4]) {
        let (left, right) = (Digest(left.map(Goldilocks::from_u64)), Digest(right.map(Goldilocks::from_u64)));
        let both: Vec<_> = left.0.into_iter().chain(right.0).collect();
        prop_assert_eq!(compress(&left, &right), hash(Tag::NODE, &both));
        let canonical: Vec<_> = both.iter().map(|x| x.as_u64()).collect();
        prop_assert_eq!(hash(Tag::NODE, &both).0.map(Goldilocks::as_u64), sponge_by_hand(2, &canonical));
    }
}
