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
        self.append(coefficients, 0, &mut values);
        values
    }

    /// The values of a polynomial on the coset, from those on its first `2^degree_bits` points. The shift is one.
    pub(super) fn complete(&self, mut values: Vec<F>) -> Vec<F> {
        let mut coefficients = values.clone();
        self.interpolate(&mut coefficients);
        values.reserve_exact(self.scales.len() - values.len());
        self.append(&coefficients, 1, &mut values);
        values
    }

    /// Appends the values on the small cosets from `first` on.
    fn append(&self, coefficients: &[F], first: usize, values: &mut Vec<F>) {
        for scales in self.scales.chunks_exact(coefficients.len()).skip(first) {
            let start = values.len();
            values.extend_from_slice(coefficients);
            batch_multiply_inplace(&mut values[start..], scales);
            self.transform(&mut values[start..]);
        }
    }

    /// From values on the subgroup to coefficients.
    fn interpolate(&self, values: &mut [F]) {
        if values.len() >= 2 * Packed::WIDTH {
            untransform::<Packed>(values, &self.roots);
        } else {
            untransform::<F>(values, &self.roots);
        }
        let scale = F::from_canonical_usize(values.len()).inverse();
        values.iter_mut().for_each(|value| *value *= scale);
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

/// What undoes [`transform`], but for a factor that is the length: from bit-reversed to natural order.
fn untransform<P: PackedField<Scalar = F>>(values: &mut [F], roots: &FftRootTable<F>) {
    let width_bits = P::WIDTH.ilog2() as usize;
    let packs = P::pack_slice_mut(values);
    let (inside, across) = roots.split_at(width_bits.min(roots.len()));
    for (level, roots) in inside.iter().enumerate() {
        let half = 1 << level;
        let mut twiddles = P::ZEROS;
        for (lane, twiddle) in twiddles.as_slice_mut().iter_mut().enumerate() {
            *twiddle = inverse_root(roots, lane % half);
        }
        for pair in packs.chunks_exact_mut(2) {
            let (u, v) = pair[0].interleave(pair[1], half);
            let v = v * twiddles;
            (pair[0], pair[1]) = (u + v).interleave(u - v, half);
        }
    }
    for (level, roots) in across.iter().enumerate() {
        let half = 1 << level;
        let inverses: Vec<F> = (0..half * P::WIDTH).map(|index| inverse_root(roots, index)).collect();
        let twiddles = P::pack_slice(&inverses);
        for block in packs.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            for ((u, v), &twiddle) in left.iter_mut().zip(right).zip(twiddles) {
                let twisted = *v * twiddle;
                (*u, *v) = (*u + twisted, *u - twisted);
            }
        }
    }
}

/// `1 / wⁱ` where `roots` are the powers of a root `w` of minus one, as many as its order halves.
fn inverse_root(roots: &[F], index: usize) -> F {
    if index == 0 { F::ONE } else { -roots[roots.len() - index] }
}

/// The lowest `bits` bits of `index` in reverse; `index` is below `2^bits`.
pub(super) const fn reversed(index: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS as usize - bits) }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn values_are_completed_as_they_are_extended() {
        for (degree_bits, rate_bits) in [(0, 2), (1, 1), (2, 3), (3, 2), (4, 1), (5, 3), (9, 1)] {
            let domain = Domain::new(degree_bits, rate_bits, F::ONE);
            let values = domain.extend(&F::rand_vec(1 << degree_bits));
            assert_eq!(domain.complete(values[..1 << degree_bits].to_vec()), values, "2^{degree_bits}, 2^-{rate_bits}");
        }
    }
}
