//! Four words a vector.

#![expect(unsafe_code, reason = "a token proves that the processor has the instructions")]

use core::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::Goldilocks;

/// The processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

/// An expression of instructions that the token in scope allows.
macro_rules! allowed {
    ($instructions:expr) => {
        // SAFETY: `self` exists, so the processor has every instruction that this module uses.
        unsafe { $instructions }
    };
}

impl Avx2 {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Runs what is compiled for these instructions.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        #[target_feature(enable = "avx2")]
        fn compiled<K: Kernel>(simd: Avx2, kernel: K) {
            kernel.run(simd);
        }
        allowed!(compiled(self, kernel));
    }

    /// `2^32 - 1` where `a < b`, else zero.
    #[inline(always)]
    fn epsilon_if_less(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!({
            // There are signed comparisons only.
            let sign = _mm256_set1_epi64x(i64::MIN);
            let is_less = _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign));
            _mm256_srli_epi64::<32>(is_less)
        })
    }
}

impl Simd for Avx2 {
    type Vector = __m256i;
    const WORDS: usize = 4;

    #[inline(always)]
    fn load(self, words: &[u64]) -> __m256i {
        let words: &[u64; 4] = words.first_chunk().expect("the words of a vector");
        // SAFETY: as everywhere here, and the pointer is to as many words as are read; it need not be aligned.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, words: &mut [u64], vector: __m256i) {
        let words: &mut [u64; 4] = words.first_chunk_mut().expect("the words of a vector");
        // SAFETY: as everywhere here, and the pointer is to as many words as are written; it need not be aligned.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m256i {
        allowed!(_mm256_set1_epi64x(word.cast_signed()))
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_add_epi64(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_sub_epi64(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn and_not(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_andnot_si256(a, b))
    }

    #[inline(always)]
    fn shl(self, a: __m256i, bits: u32) -> __m256i {
        allowed!(_mm256_sll_epi64(a, _mm_cvtsi64_si128(i64::from(bits))))
    }

    #[inline(always)]
    fn shr(self, a: __m256i, bits: u32) -> __m256i {
        allowed!(_mm256_srl_epi64(a, _mm_cvtsi64_si128(i64::from(bits))))
    }

    #[inline(always)]
    fn signed_high(self, a: __m256i) -> __m256i {
        // The upper halves of the result are the signs.
        allowed!(_mm256_blend_epi32::<0b1010_1010>(self.high_to_low(a), _mm256_srai_epi32::<31>(a)))
    }

    #[inline(always)]
    fn high_to_low(self, a: __m256i) -> __m256i {
        allowed!(_mm256_castps_si256(_mm256_movehdup_ps(_mm256_castsi256_ps(a))))
    }

    #[inline(always)]
    fn mul(self, a: __m256i, b: __m256i) -> __m256i {
        let crossed = self.add(self.mul_low(a, self.high_to_low(b)), self.mul_low(self.high_to_low(a), b));
        self.add(self.mul_low(a, b), self.shl(crossed, 32))
    }

    #[inline(always)]
    fn mul_low(self, a: __m256i, b: __m256i) -> __m256i {
        allowed!(_mm256_mul_epu32(a, b))
    }

    #[inline(always)]
    fn add_folding(self, a: __m256i, b: __m256i) -> __m256i {
        let sum = self.add(a, b);
        self.add(sum, self.epsilon_if_less(sum, b))
    }

    #[inline(always)]
    fn sub_folding(self, a: __m256i, b: __m256i) -> __m256i {
        self.sub(self.sub(a, b), self.epsilon_if_less(a, b))
    }

    #[inline(always)]
    fn canonical(self, a: __m256i) -> __m256i {
        // Adding 2^32 - 1 is subtracting p modulo 2^64.
        self.add(a, self.epsilon_if_less(self.splat(Goldilocks::ORDER - 1), a))
    }
}
