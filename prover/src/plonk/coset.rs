//! Where a quotient is computed: a coset of the points of a domain that holds its degree.

use plonky2::field::packed::PackedField;
use plonky2::field::polynomial::PolynomialValues;
use plonky2::field::types::Field;
use plonky2::util::reverse_index_bits_in_place;
use weft_circuits::config::F;

use super::Packed;
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

    /// The values of a column at the points times the generator of the subgroup, for the pack that begins at `first`.
    ///
    /// Lanes are the last bits of the reversed order, the first ones of the natural one: the next row is in the same lane
    /// of another pack, but for the last pack, in which it is in the next lane of the first one.
    pub(super) fn next_row(&self, column: &[F], first: usize) -> Packed {
        let (start, lane_bits) = (first >> self.degree_bits << self.degree_bits, Packed::WIDTH.ilog2() as usize);
        let pack_bits = self.degree_bits - lane_bits;
        let next = reversed((first - start) >> lane_bits, pack_bits) + 1;
        if next < 1 << pack_bits {
            let position = start + (reversed(next, pack_bits) << lane_bits);
            return *Packed::from_slice(&column[position..position + Packed::WIDTH]);
        }
        let mut values = Packed::ZEROS;
        for (lane, value) in values.as_slice_mut().iter_mut().enumerate() {
            let next_lane = (reversed(lane, lane_bits) + 1) % Packed::WIDTH;
            *value = column[start + reversed(next_lane, lane_bits)];
        }
        values
    }

    /// The coefficients of a polynomial with these values at the points.
    pub(super) fn interpolate(&self, mut values: Vec<F>) -> Vec<F> {
        reverse_index_bits_in_place(&mut values);
        PolynomialValues::new(values).coset_ifft(F::coset_shift()).coeffs
    }
}
