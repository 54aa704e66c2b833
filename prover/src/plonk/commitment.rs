//! Polynomials and the tree over their values.

use plonky2::field::fft::ifft_with_options;
use plonky2::field::polynomial::PolynomialValues;
use rayon::prelude::*;
use weft_circuits::cache::FixedTables;
use weft_circuits::config::F;

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

    /// The commitment that is part of a circuit.
    pub(super) fn of_circuit(tables: FixedTables<H>) -> Self {
        let FixedTables { polynomials, columns, levels } = tables;
        Self { polynomials, tree: Tree::of_circuit(columns, levels) }
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
