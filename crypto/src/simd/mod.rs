//! Vectors of 64-bit words, chosen at run time by what the processor has.
//!
//! An instruction set is a token that exists only if the processor has it, so that its methods are safe to call. What is
//! written once for any [`Simd`] is a [`Kernel`]; [`run`] compiles it for each instruction set and picks the widest.
//!
//! This module is the only one in the workspace with unsafe code.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod wide;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use wide::Wide;

#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512};

/// An instruction set that the processor has. Arithmetic is per word and modulo `2^64`.
pub(crate) trait Simd: Copy {
    /// A vector of [`Self::WORDS`] words.
    type Vector: Copy;
    /// Words of a vector.
    const WORDS: usize;

    /// The first words of `words`, which has at least [`Self::WORDS`].
    fn load(self, words: &[u64]) -> Self::Vector;
    /// Writes to the first words of `words`, which has at least [`Self::WORDS`].
    fn store(self, words: &mut [u64], vector: Self::Vector);
    /// The same word everywhere.
    fn splat(self, word: u64) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `!a & b`.
    fn and_not(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Shifts to the left; `bits` is below 64.
    fn shl(self, a: Self::Vector, bits: u32) -> Self::Vector;
    /// Shifts to the right, zeros come in; `bits` is below 64.
    fn shr(self, a: Self::Vector, bits: u32) -> Self::Vector;
    /// Rotates to the left; `bits` is below 64.
    #[inline(always)]
    fn rotate(self, a: Self::Vector, bits: u32) -> Self::Vector {
        if bits == 0 { a } else { self.xor(self.shl(a, bits), self.shr(a, 64 - bits)) }
    }
    /// `a ^ b ^ c`.
    #[inline(always)]
    fn xor3(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        self.xor(self.xor(a, b), c)
    }
    /// `a ^ (!b & c)`.
    #[inline(always)]
    fn xor_unless(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        self.xor(a, self.and_not(b, c))
    }
    /// The upper half as a signed number.
    fn signed_high(self, a: Self::Vector) -> Self::Vector;
    /// A vector whose lower halves are the upper halves of `a`; its upper halves may be anything.
    fn high_to_low(self, a: Self::Vector) -> Self::Vector;
    /// The products modulo `2^64`.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The products of the lower halves.
    fn mul_low(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The sum, plus `2^32 - 1` where it passed `2^64`.
    fn add_folding(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The difference, minus `2^32 - 1` where it fell below zero.
    fn sub_folding(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The words modulo [`crate::Goldilocks::ORDER`].
    fn canonical(self, a: Self::Vector) -> Self::Vector;
}

/// What can be computed with any instruction set. To be compiled for each, `run` and all that it calls must be
/// `#[inline(always)]`.
pub(crate) trait Kernel {
    fn run<S: Simd>(self, simd: S);
}

/// Which vectors hashing uses. It computes the same with all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vectors {
    /// The widest that the processor has.
    Widest,
    /// None: the code for any processor.
    None,
}

/// Whether vectors are left alone.
static IS_PORTABLE: AtomicBool = AtomicBool::new(false);

impl Vectors {
    /// Has all hashing of this process use these from now on. To compare, or where vectors are not trusted.
    pub fn use_everywhere(self) {
        // Nothing depends on when others see it.
        IS_PORTABLE.store(self == Self::None, Ordering::Relaxed);
    }
}

/// Runs the kernel with the widest vectors that the processor has; gives it back if there are none, or none may be used.
pub(crate) fn run<K: Kernel>(kernel: K) -> Result<(), K> {
    if IS_PORTABLE.load(Ordering::Relaxed) {
        return Err(kernel);
    }
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = Avx512::detect() {
            simd.run(kernel);
            return Ok(());
        }
        if let Some(simd) = Avx2::detect() {
            simd.run(kernel);
            return Ok(());
        }
    }
    Err(kernel)
}

#[cfg(test)]
mod tests {
    use super::Vectors;
    use crate::poseidon::{LANES, WIDTH, permute_lanes};

    #[test]
    fn hashes_do_not_depend_on_the_vectors() {
        let states: [[u64; LANES]; WIDTH] = core::array::from_fn(|i| {
            core::array::from_fn(|lane| ((i * LANES + lane) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        });
        let [wide, none] = [Vectors::Widest, Vectors::None].map(|vectors| {
            vectors.use_everywhere();
            let is_taken = super::run(Nothing).is_ok();
            let mut states = states;
            permute_lanes(&mut states);
            (is_taken, states)
        });
        Vectors::Widest.use_everywhere();
        assert!(!none.0, "no kernel runs");
        assert_eq!(wide.1, none.1);
    }

    struct Nothing;

    impl super::Kernel for Nothing {
        fn run<S: super::Simd>(self, _: S) {}
    }
}
