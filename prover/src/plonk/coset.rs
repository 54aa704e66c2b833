//! Where a quotient is computed: a coset of the points of a domain that holds its degree.

use plonky2::field::polynomial::PolynomialValues;
use plonky2::field::types::Field;
use plonky2::util::reverse_index_bits_in_place;
use weft_circuits::config::F;

use super::domain::{Domain, reversed};

/// The first points of a domain, in bit-reversed order.
#[derive(Debug)]
pub(super) struct Coset {
    degree_bits: usize,
    points: Vec<F>,
    /// `Z_H`, which has one value on each coset of the subgroup.
    zeros: Vec<F>,
    zero_inverses: Vec<F>,
}

impl Coset {
    /// `2^(degree_bits + coset_bits)` points.
    pub(super) fn new(domain: &Domain, degree_bits: usize, coset_bits: usize) -> Self {
        let points = domain.points(1 << (degree_bits + coset_bits));
        let cosets = points.iter().step_by(1 << degree_bits);
        let zeros: Vec<_> = cosets.map(|x| x.exp_power_of_2(degree_bits) - F::ONE).collect();
        Self { degree_bits, zero_inverses: F::batch_multiplicative_inverse(&zeros), zeros, points }
    }

    /// The points.
    pub(super) fn points(&self) -> &[F] {
        &self.points
    }

    /// `Z_H` in the pack that begins at a position.
    pub(super) fn zero(&self, first: usize) -> F {
        self.zeros[first >> self.degree_bits]
    }

    /// `1 / Z_H` in the pack that begins at a position.
    pub(super) fn zero_inverse(&self, first: usize) -> F {
        self.zero_inverses[first >> self.degree_bits]
    }

    /// `L / Z_H` at the points, where `L` is one in one row, that of `root`, and zero in all others.
    pub(super) fn row_selector(&self, root: F) -> Vec<F> {
        let scale = F::from_canonical_usize(1 << self.degree_bits) * root.inverse();
        let denominators: Vec<_> = self.points.iter().map(|&x| scale * (x - root)).collect();
        F::batch_multiplicative_inverse(&denominators)
    }

    /// Writes the values of a column at the points times the generator of the subgroup, for a block of points from `first`
    /// on. Blocks are aligned and have at most as many points as the subgroup, a power of two.
    ///
    /// The last bits of a position are the first ones of its point's exponent: the next row of a block is a block in the same
    /// order, but for the last one, whose next row is the first one in the order of the next exponents.
    pub(super) fn next_row(&self, column: &[F], first: usize, values: &mut [F]) {
        let (start, inner_bits) = (first >> self.degree_bits << self.degree_bits, values.len().ilog2() as usize);
        let block_bits = self.degree_bits - inner_bits;
        let next = reversed((first - start) >> inner_bits, block_bits) + 1;
        if next < 1 << block_bits {
            let position = start + (reversed(next, block_bits) << inner_bits);
            values.copy_from_slice(&column[position..position + values.len()]);
        } else {
            for (inner, value) in values.iter_mut().enumerate() {
                let exponent = (reversed(inner, inner_bits) + 1) & ((1 << inner_bits) - 1);
                *value = column[start + reversed(exponent, inner_bits)];
            }
        }
    }

    /// The coefficients of a polynomial with these values at the points.
    pub(super) fn interpolate(&self, mut values: Vec<F>) -> Vec<F> {
        reverse_index_bits_in_place(&mut values);
        PolynomialValues::new(values).coset_ifft(F::coset_shift()).coeffs
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn the_next_row_is_the_value_at_the_next_point() {
        let (degree_bits, coset_bits) = (6, 1);
        let domain = Domain::new(degree_bits, 2, F::coset_shift());
        let coset = Coset::new(&domain, degree_bits, coset_bits);
        let coefficients = F::rand_vec(1 << degree_bits);
        let column = domain.extend(&coefficients);
        let generator = F::primitive_root_of_unity(degree_bits);
        let at = |x: F| coefficients.iter().rev().fold(F::ZERO, |sum, &coefficient| sum * x + coefficient);
        for block in [1, 8, 1 << degree_bits] {
            for (index, points) in coset.points().chunks_exact(block).enumerate() {
                let mut values = vec![F::ZERO; block];
                coset.next_row(&column, index * block, &mut values);
                let expected: Vec<_> = points.iter().map(|&x| at(generator * x)).collect();
                assert_eq!(values, expected, "block {index} of {block} points");
            }
        }
    }
}
