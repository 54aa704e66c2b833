//! Eight words a vector.

#![expect(unsafe_code, reason = "a token proves that the processor has the instructions")]

use core::arch::x86_64::*;

use super::{Kernel, Simd};
use crate::Goldilocks;

/// The processor has AVX-512 F and DQ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

/// `2^64 mod p`.
const EPSILON: i64 = 0xffff_ffff;

/// An expression of instructions that the token in scope allows.
macro_rules! allowed {
    ($instructions:expr) => {
        // SAFETY: `self` exists, so the processor has every instruction that this module uses.
        unsafe { $instructions }
    };
}

impl Avx512 {
    /// The token, if the processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")).then_some(Self(()))
    }

    /// Runs what is compiled for these instructions.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        #[target_feature(enable = "avx512f,avx512dq")]
        fn compiled<K: Kernel>(simd: Avx512, kernel: K) {
            kernel.run(simd);
        }
        allowed!(compiled(self, kernel));
    }
}

impl Simd for Avx512 {
    type Vector = __m512i;
    const WORDS: usize = 8;

    #[inline(always)]
    fn load(self, words: &[u64]) -> __m512i {
        let words: &[u64; 8] = words.first_chunk().expect("the words of a vector");
        // SAFETY: as everywhere here, and the pointer is to as many words as are read; it need not be aligned.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, words: &mut [u64], vector: __m512i) {
        let words: &mut [u64; 8] = words.first_chunk_mut().expect("the words of a vector");
        // SAFETY: as everywhere here, and the pointer is to as many words as are written; it need not be aligned.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m512i {
        allowed!(_mm512_set1_epi64(word.cast_signed()))
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_add_epi64(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_sub_epi64(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_and_si512(a, b))
    }

    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_xor_si512(a, b))
    }

    #[inline(always)]
    fn and_not(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_andnot_si512(a, b))
    }

    #[inline(always)]
    fn rotate(self, a: __m512i, bits: u32) -> __m512i {
        allowed!(_mm512_rolv_epi64(a, _mm512_set1_epi64(i64::from(bits))))
    }

    #[inline(always)]
    fn xor3(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        allowed!(_mm512_ternarylogic_epi64::<0b1001_0110>(a, b, c))
    }

    #[inline(always)]
    fn xor_unless(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        allowed!(_mm512_ternarylogic_epi64::<0b1101_0010>(a, b, c))
    }

    #[inline(always)]
    fn shl(self, a: __m512i, bits: u32) -> __m512i {
        allowed!(_mm512_sll_epi64(a, _mm_cvtsi64_si128(i64::from(bits))))
    }

    #[inline(always)]
    fn shr(self, a: __m512i, bits: u32) -> __m512i {
        allowed!(_mm512_srl_epi64(a, _mm_cvtsi64_si128(i64::from(bits))))
    }

    #[inline(always)]
    fn signed_high(self, a: __m512i) -> __m512i {
        allowed!(_mm512_srai_epi64::<32>(a))
    }

    #[inline(always)]
    fn high_to_low(self, a: __m512i) -> __m512i {
        allowed!(_mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(a))))
    }

    #[inline(always)]
    fn mul(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_mullo_epi64(a, b))
    }

    #[inline(always)]
    fn mul_low(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!(_mm512_mul_epu32(a, b))
    }

    #[inline(always)]
    fn add_folding(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!({
            let sum = _mm512_add_epi64(a, b);
            _mm512_mask_add_epi64(sum, _mm512_cmplt_epu64_mask(sum, b), sum, _mm512_set1_epi64(EPSILON))
        })
    }

    #[inline(always)]
    fn sub_folding(self, a: __m512i, b: __m512i) -> __m512i {
        allowed!({
            let difference = _mm512_sub_epi64(a, b);
            let borrow = _mm512_cmplt_epu64_mask(a, b);
            _mm512_mask_sub_epi64(difference, borrow, difference, _mm512_set1_epi64(EPSILON))
        })
    }

    #[inline(always)]
    fn canonical(self, a: __m512i) -> __m512i {
        // Below p the subtraction wraps to something larger.
        allowed!(_mm512_min_epu64(a, _mm512_sub_epi64(a, _mm512_set1_epi64(Goldilocks::ORDER.cast_signed()))))
    }
}
