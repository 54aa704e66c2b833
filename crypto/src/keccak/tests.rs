use proptest::prelude::*;
use sha3::{Digest as _, Keccak256};

use super::*;

type States = [[u64; LANES]; WIDTH];
type Implementation = (&'static str, fn(&mut States));

/// Every implementation that this processor can run, under its name.
fn implementations() -> Vec<Implementation> {
    let mut all: Vec<Implementation> = vec![("chosen", permute_lanes), ("one by one", permute_one_by_one)];
    #[cfg(target_arch = "x86_64")]
    {
        use crate::simd::{Avx2, Avx512};
        if Avx512::detect().is_some() {
            all.push(("AVX-512", |states| Avx512::detect().expect("was there").run(Permute(states))));
        }
        if Avx2::detect().is_some() {
            all.push(("AVX2", |states| Avx2::detect().expect("was there").run(Permute(states))));
        }
    }
    all
}

/// Every implementation equals the reference in every lane.
fn assert_equals_reference(states: &States) {
    for (name, permute) in implementations() {
        let mut permuted = *states;
        permute(&mut permuted);
        for lane in 0..LANES {
            let mut expected = states.each_ref().map(|words| words[lane]);
            ::keccak::f1600(&mut expected);
            assert_eq!(permuted.each_ref().map(|words| words[lane]), expected, "{name}, lane {lane}");
        }
    }
}

#[test]
fn equals_the_reference_on_single_bits() {
    for bit in 0..64 * WIDTH {
        let mut states = [[0; LANES]; WIDTH];
        states[bit / 64][bit % LANES] = 1 << (bit % 64);
        assert_equals_reference(&states);
    }
}

/// Around the lengths at which a message fills its blocks, too.
#[test]
fn digests_equal_those_of_the_reference_at_every_length() {
    let bytes: Vec<u8> = (0..=250).cycle().step_by(7).take(3 * RATE_BYTES + LANES).collect();
    for length in 0..=3 * RATE_BYTES {
        let messages: [&[u8]; LANES] = core::array::from_fn(|lane| &bytes[lane..lane + length]);
        let expected = messages.map(|message| <[u8; 32]>::from(Keccak256::digest(message)));
        assert_eq!(keccak256_lanes(&messages), expected, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn equals_the_reference(words in proptest::collection::vec(any::<u64>(), WIDTH * LANES)) {
        assert_equals_reference(&core::array::from_fn(|i| core::array::from_fn(|lane| words[LANES * i + lane])));
    }
}
