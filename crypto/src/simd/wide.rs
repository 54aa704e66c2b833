//! Several vectors in step.

use super::Simd;

/// `N` vectors of `S` as one: each operation is done on all of them before the next one, so that chains of operations that
/// wait for each other are interleaved.
#[derive(Clone, Copy)]
pub(crate) struct Wide<S, const N: usize>(pub(crate) S);

impl<S: Simd, const N: usize> Wide<S, N> {
    #[inline(always)]
    fn each(self, mut vectors: [S::Vector; N], operation: impl Fn(S, S::Vector) -> S::Vector) -> [S::Vector; N] {
        for vector in &mut vectors {
            *vector = operation(self.0, *vector);
        }
        vectors
    }

    #[inline(always)]
    fn both(
        self,
        mut a: [S::Vector; N],
        b: [S::Vector; N],
        operation: impl Fn(S, S::Vector, S::Vector) -> S::Vector,
    ) -> [S::Vector; N] {
        for i in 0..N {
            a[i] = operation(self.0, a[i], b[i]);
        }
        a
    }
}

impl<S: Simd, const N: usize> Simd for Wide<S, N> {
    type Vector = [S::Vector; N];
    const WORDS: usize = N * S::WORDS;

    #[inline(always)]
    fn load(self, words: &[u64]) -> Self::Vector {
        let mut vectors = self.splat(0);
        for i in 0..N {
            vectors[i] = self.0.load(&words[i * S::WORDS..]);
        }
        vectors
    }

    #[inline(always)]
    fn store(self, words: &mut [u64], vectors: Self::Vector) {
        for i in 0..N {
            self.0.store(&mut words[i * S::WORDS..], vectors[i]);
        }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> Self::Vector {
        [self.0.splat(word); N]
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.add(a, b),
        )
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.sub(a, b),
        )
    }

    #[inline(always)]
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.and(a, b),
        )
    }

    #[inline(always)]
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.xor(a, b),
        )
    }

    #[inline(always)]
    fn and_not(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.and_not(a, b),
        )
    }

    #[inline(always)]
    fn shl(self, a: Self::Vector, bits: u32) -> Self::Vector {
        self.each(
            a,
            #[inline(always)]
            |simd, a| simd.shl(a, bits),
        )
    }

    #[inline(always)]
    fn shr(self, a: Self::Vector, bits: u32) -> Self::Vector {
        self.each(
            a,
            #[inline(always)]
            |simd, a| simd.shr(a, bits),
        )
    }

    #[inline(always)]
    fn signed_high(self, a: Self::Vector) -> Self::Vector {
        self.each(
            a,
            #[inline(always)]
            |simd, a| simd.signed_high(a),
        )
    }

    #[inline(always)]
    fn high_to_low(self, a: Self::Vector) -> Self::Vector {
        self.each(
            a,
            #[inline(always)]
            |simd, a| simd.high_to_low(a),
        )
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.mul(a, b),
        )
    }

    #[inline(always)]
    fn mul_low(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.mul_low(a, b),
        )
    }

    #[inline(always)]
    fn add_folding(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.add_folding(a, b),
        )
    }

    #[inline(always)]
    fn sub_folding(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.both(
            a,
            b,
            #[inline(always)]
            |simd, a, b| simd.sub_folding(a, b),
        )
    }

    #[inline(always)]
    fn canonical(self, a: Self::Vector) -> Self::Vector {
        self.each(
            a,
            #[inline(always)]
            |simd, a| simd.canonical(a),
        )
    }
}
