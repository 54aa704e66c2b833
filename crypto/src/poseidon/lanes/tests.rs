use proptest::prelude::*;

use super::super::constants::{MDS_DIAGONAL_0, MDS_ROW};
use super::super::tests::{EDGES, library};
use super::*;

type States = [[u64; LANES]; WIDTH];
type Implementation = (&'static str, fn(&mut States));

/// Every implementation that this processor can run, under its name.
fn implementations() -> Vec<Implementation> {
    let mut all: Vec<Implementation> =
        vec![("chosen", permute_lanes), ("one by one", |states| permute_one_by_one(states, LANES))];
    #[cfg(target_arch = "x86_64")]
    {
        use crate::simd::{Avx2, Avx512};
        if Avx512::detect().is_some() {
            all.push(("AVX-512", |states| Avx512::detect().expect("was there").run(Permute { states, used: LANES })));
        }
        if Avx2::detect().is_some() {
            all.push(("AVX2", |states| Avx2::detect().expect("was there").run(Permute { states, used: LANES })));
        }
    }
    all
}

/// Every implementation equals the library's permutation in every lane.
fn assert_equals_library(states: &States) {
    for (name, permute) in implementations() {
        let mut permuted = *states;
        permute(&mut permuted);
        for lane in 0..LANES {
            let expected = library(states.each_ref().map(|words| words[lane]));
            assert_eq!(permuted.each_ref().map(|words| words[lane]), expected, "{name}, lane {lane}");
        }
    }
}

/// Words without structure.
fn words(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |i: u64| {
        let x = i.wrapping_add(seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
}

fn inputs<const N: usize>(count: usize) -> Vec<[Goldilocks; N]> {
    let mut words = words(count as u64).map(Goldilocks::from_u64);
    (0..count).map(|_| core::array::from_fn(|_| words.next().expect("words do not end"))).collect()
}

fn assert_hashes_of_many<const N: usize>(count: usize) {
    let inputs = inputs::<N>(count);
    let expected: Vec<_> = inputs.iter().map(|input| hash(Tag::LEAF, input)).collect();
    assert_eq!(hash_many(Tag::LEAF, &inputs), expected, "{count} inputs of {N} elements");
}

#[test]
fn equals_the_library_on_edge_states() {
    for a in EDGES {
        for b in EDGES {
            // Lane and word differ in their period, so that all lanes and words meet both.
            let word = |i: usize, lane: usize| if (i + lane).is_multiple_of(5) { b } else { a };
            assert_equals_library(&core::array::from_fn(|i| core::array::from_fn(|lane| word(i, lane))));
        }
    }
}

#[test]
fn hashes_of_many_are_those_of_each() {
    for count in 0..=2 * LANES + 1 {
        assert_hashes_of_many::<0>(count);
        assert_hashes_of_many::<1>(count);
        assert_hashes_of_many::<8>(count);
        assert_hashes_of_many::<13>(count);
        assert_hashes_of_many::<32>(count);
    }
}

#[test]
fn nodes_of_many_are_those_of_each() {
    for count in 0..=2 * LANES + 1 {
        let pairs: Vec<_> = inputs::<8>(count)
            .iter()
            .map(|[a, b, c, d, rest @ ..]| [Digest([*a, *b, *c, *d]), Digest(*rest)])
            .collect();
        let expected: Vec<_> = pairs.iter().map(|[left, right]| super::super::compress(left, right)).collect();
        assert_eq!(compress_many(&pairs), expected, "{count} pairs");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_the_library(seed: u64) {
        let mut words = words(seed);
        assert_equals_library(&core::array::from_fn(|_| core::array::from_fn(|_| words.next().expect("words do not end"))));
    }
}

proptest! {
    #[test]
    fn linear_layers_equal_the_matrix(words in proptest::collection::vec(any::<u64>(), WIDTH * MIX_LANES)) {
        let states: [[u64; MIX_LANES]; WIDTH] =
            core::array::from_fn(|i| core::array::from_fn(|lane| words[MIX_LANES * i + lane]));
        let mut mixers: Vec<fn(&mut [[u64; MIX_LANES]; WIDTH])> = vec![mix_lanes, mix_one_by_one];
        #[cfg(target_arch = "x86_64")]
        {
            use crate::simd::{Avx2, Avx512};
            if Avx512::detect().is_some() {
                mixers.push(|states| Avx512::detect().expect("was there").run(Mix(states)));
            }
            if Avx2::detect().is_some() {
                mixers.push(|states| Avx2::detect().expect("was there").run(Mix(states)));
            }
        }
        let found = mixers.iter().map(|mix| {
            let mut mixed = states;
            mix(&mut mixed);
            mixed
        });
        let found: Vec<_> = found.collect();
        for lane in 0..MIX_LANES {
            let state: [Goldilocks; WIDTH] = states.map(|words| Goldilocks::from_u64(words[lane]));
            let expected: [Goldilocks; WIDTH] = core::array::from_fn(|row| {
                let diagonal = if row == 0 { Goldilocks::from_u64(MDS_DIAGONAL_0) } else { Goldilocks::ZERO };
                let weight = |column: usize| Goldilocks::from_u64(MDS_ROW[(column + WIDTH - row) % WIDTH]);
                (0..WIDTH).map(|column| weight(column) * state[column]).sum::<Goldilocks>() + diagonal * state[0]
            });
            for mixed in &found {
                prop_assert_eq!(mixed.map(|words| Goldilocks::from_u64(words[lane])), expected);
            }
        }
    }
}
