//! Values of polynomials on cosets, in bit-reversed order.
//!
//! The order of the library's Merkle leaves. In it a coset of `2^r · n` points is `2^r` cosets of `n` points one after
//! another, so that a polynomial is evaluated by transforms that fit the cache, none of which permutes anything.

use plonky2::field::batch_util::batch_multiply_inplace;
use plonky2::field::fft::{FftRootTable, fft_root_table};
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use weft_circuits::config::F;

use super::Packed;

/// A coset of a multiplicative subgroup, and what it takes to evaluate polynomials of a smaller length on it.
#[derive(Debug)]
pub(super) struct Domain {
    degree_bits: usize,
    roots: FftRootTable<F>,
    /// For each of the small cosets, the powers of its first point: what coefficients are scaled by.
    scales: Vec<F>,
}

impl Domain {
    /// The coset `shift · ⟨w⟩` of `2^(degree_bits + rate_bits)` points, for polynomials of `2^degree_bits` coefficients.
    pub(super) fn new(degree_bits: usize, rate_bits: usize, shift: F) -> Self {
        let degree = 1 << degree_bits;
        let generator = F::primitive_root_of_unity(degree_bits + rate_bits);
        let scales = (0..1_usize << rate_bits)
            .flat_map(|coset| {
                let first = shift * generator.exp_u64(reversed(coset, rate_bits) as u64);
                first.powers().take(degree)
            })
            .collect();
        Self { degree_bits, roots: fft_root_table(degree), scales }
    }

    /// Roots of unity for transforms of the length of the polynomials, as the library takes them.
    pub(super) const fn roots(&self) -> &FftRootTable<F> {
        &self.roots
    }

    /// The values of a polynomial on the coset.
    pub(super) fn extend(&self, coefficients: &[F]) -> Vec<F> {
        let mut values = Vec::with_capacity(self.scales.len());
        for scales in self.scales.chunks_exact(coefficients.len()) {
            let start = values.len();
            values.extend_from_slice(coefficients);
            batch_multiply_inplace(&mut values[start..], scales);
            self.transform(&mut values[start..]);
        }
        values
    }

    /// The first `count` points of the coset; polynomials have at least two coefficients.
    pub(super) fn points(&self, count: usize) -> Vec<F> {
        let mut identity = vec![F::ZERO; 1 << self.degree_bits];
        identity[1] = F::ONE;
        let mut points = self.extend(&identity);
        points.truncate(count);
        points
    }

    /// From coefficients to values on the subgroup.
    fn transform(&self, values: &mut [F]) {
        if values.len() >= 2 * Packed::WIDTH {
            transform::<Packed>(values, &self.roots);
        } else {
            transform::<F>(values, &self.roots);
        }
    }
}

/// The transform by decimation in frequency: from natural to bit-reversed order. At least two packs, or one element.
fn transform<P: PackedField<Scalar = F>>(values: &mut [F], roots: &FftRootTable<F>) {
    let width_bits = P::WIDTH.ilog2() as usize;
    let packs = P::pack_slice_mut(values);
    let (inside, across) = roots.split_at(width_bits.min(roots.len()));
    for (level, roots) in across.iter().enumerate().rev() {
        let half = 1 << level;
        let twiddles = P::pack_slice(roots);
        for block in packs.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            // Where one root is needed the table has two.
            for ((u, v), &twiddle) in left.iter_mut().zip(right).zip(twiddles) {
                (*u, *v) = (*u + *v, (*u - *v) * twiddle);
            }
        }
    }
    for (level, roots) in inside.iter().enumerate().rev() {
        let half = 1 << level;
        let mut twiddles = P::ZEROS;
        for (lane, twiddle) in twiddles.as_slice_mut().iter_mut().enumerate() {
            *twiddle = roots[lane % half];
        }
        for pair in packs.chunks_exact_mut(2) {
            let (u, v) = pair[0].interleave(pair[1], half);
            let (u, v) = (u + v, (u - v) * twiddles);
            (pair[0], pair[1]) = u.interleave(v, half);
        }
    }
}

/// The lowest `bits` bits of `index` in reverse; `index` is below `2^bits`.
pub(super) const fn reversed(index: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS as usize - bits) }
}
