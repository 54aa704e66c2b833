//! Polynomials and the tree over their values.

use plonky2::field::fft::ifft_with_options;
use plonky2::field::polynomial::PolynomialValues;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::domain::Domain;
use super::hasher::PackedHasher;
use super::merkle::Tree;

/// Polynomials of one length that the prover is bound to.
#[derive(Debug)]
pub(super) struct Commitment<H: PackedHasher> {
    polynomials: Vec<Vec<F>>,
    tree: Tree<H>,
}

impl<H: PackedHasher> Commitment<H> {
    /// Commits to the polynomials with these values on the subgroup, in natural order.
    pub(super) fn of_values(domain: &Domain, values: &[Vec<F>], cap_height: usize) -> Self {
        let interpolate = |values: &Vec<F>| {
            ifft_with_options(PolynomialValues::new(values.clone()), None, Some(domain.roots())).coeffs
        };
        Self::of_polynomials(domain, values.par_iter().map(interpolate).collect(), cap_height)
    }

    /// Commits to polynomials by their coefficients.
    pub(super) fn of_polynomials(domain: &Domain, polynomials: Vec<Vec<F>>, cap_height: usize) -> Self {
        let columns = polynomials.par_iter().map(|polynomial| domain.extend(polynomial)).collect();
        Self { polynomials, tree: Tree::new(columns, cap_height) }
    }

    /// The library's commitment, by columns.
    pub(super) fn of_library<K: GenericConfig<D, F = F, Hasher = H>>(batch: PolynomialBatch<F, K, D>) -> Self {
        let polynomials = batch.polynomials.into_iter().map(|polynomial| polynomial.coeffs).collect();
        Self { polynomials, tree: Tree::of_library(batch.merkle_tree) }
    }

    /// Coefficients of the polynomials.
    pub(super) fn polynomials(&self) -> &[Vec<F>] {
        &self.polynomials
    }

    /// The tree; its columns are the values of the polynomials on the domain.
    pub(super) const fn tree(&self) -> &Tree<H> {
        &self.tree
    }
}
