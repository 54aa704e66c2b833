use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::iop::challenger::Challenger;
use plonky2::plonk::config::{GenericHashOut, Hasher};
use sha3::{Digest as _, Keccak256};

use super::hasher::{TRANSCRIPT_RATE, TranscriptState};
use super::*;
use crate::security::TraceSize;

type F = GoldilocksField;

#[test]
fn parameters_reach_one_hundred_bits_with_a_query_of_slack() {
    let bits = |queries| {
        let wrap = LayerParameters { queries, ..WRAP_PARAMETERS.layer() };
        wrap.security(TraceSize { degree_bits: 12, polynomials: 217 }).list_capacity
    };
    assert!(bits(WRAP_PARAMETERS.queries) > 103.5);
    assert!(bits(WRAP_PARAMETERS.queries - 1) > 98.5);
}

#[test]
fn keccak_of_the_empty_string_is_truncated() {
    assert_eq!(hex::encode(Digest::of(&[]).0), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7b");
}

#[test]
fn limbs_of_a_digest_are_big_endian() {
    let digest = Digest(core::array::from_fn(|i| u8::try_from(i + 1).expect("below 26")));
    let limbs: Vec<F> = digest.to_vec();
    let limbs: Vec<u64> = limbs.iter().map(F::to_canonical_u64).collect();
    assert_eq!(limbs, [0x01_0203_0405_0607, 0x08_090a_0b0c_0d0e, 0x0f_1011_1213_1415, 0x1617_1819]);
}

#[test]
fn nodes_hash_both_digests_in_order() {
    let (left, right) = (Digest([1; 25]), Digest([2; 25]));
    let expected = Digest::of(&[[1; 25], [2; 25]].concat());
    assert_eq!(<WrapHasher as Hasher<F>>::two_to_one(left, right), expected);
    assert_ne!(<WrapHasher as Hasher<F>>::two_to_one(right, left), expected);
}

#[test]
fn transcript_hashes_chain_and_elements() {
    let mut challenger = Challenger::<F, WrapHasher>::new();
    let elements: Vec<F> = (0..TRANSCRIPT_RATE as u64 + 3).map(F::from_canonical_u64).collect();
    challenger.observe_elements(&elements);
    let drawn = challenger.get_n_challenges(3);

    let step = |chain: [u8; 32], elements: &[F]| -> [u8; 32] {
        let words: Vec<u8> = elements.iter().flat_map(|e| e.to_canonical_u64().to_be_bytes()).collect();
        Keccak256::digest([&chain[..], &words].concat()).into()
    };
    let derive = |chain: [u8; 32]| -> [F; 2] {
        let bytes: [u8; 32] = Keccak256::digest([&chain[..], &[1]].concat()).into();
        [0, 16].map(|at| {
            let half: [u8; 16] = bytes[at..at + 16].try_into().expect("16 bytes");
            F::from_noncanonical_u128(u128::from_be_bytes(half))
        })
    };
    let chain = step(step([0; 32], &elements[..TRANSCRIPT_RATE]), &elements[TRANSCRIPT_RATE..]);
    let [first, second] = derive(chain);
    let [third, _] = derive(step(chain, &[]));
    assert_eq!(drawn, [first, second, third]);
}

#[test]
fn absorbing_zero_differs_from_absorbing_nothing() {
    let mut short = TranscriptState::<F>::default();
    let mut padded = short;
    short.set_from_slice(&[F::ONE], 0);
    padded.set_from_slice(&[F::ONE, F::ZERO], 0);
    short.permute();
    padded.permute();
    assert_ne!(short, padded);
}
