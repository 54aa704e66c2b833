//! Values of the committed polynomials at challenges, and the polynomial whose low degree proves them.

use plonky2::field::extension::FieldExtension;
use plonky2::field::packed::PackedField;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::Field;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::{Extension, Packed};

/// Coefficients that a task takes.
const TASK: usize = 1024;

/// Elements of the extension, the coordinates of all of them in one column each.
pub(super) type Coordinates = [Vec<F>; D];

/// `1, z, z², …`, of the length of the polynomials that are evaluated.
pub(super) fn powers(z: Extension, count: usize) -> Coordinates {
    coordinates(z.powers().take(count))
}

/// The values of polynomials at the point whose powers are given.
pub(super) fn evaluate(polynomials: &[Vec<F>], powers: &Coordinates) -> Vec<Extension> {
    let value = |polynomial: &Vec<F>| {
        FieldExtension::<D>::from_basefield_array(powers.each_ref().map(|powers| inner_product(polynomial, powers)))
    };
    polynomials.par_iter().map(value).collect()
}

/// `∑ αʲ · fⱼ`.
fn combine(polynomials: &[&Vec<F>], alpha: Extension, degree: usize) -> Vec<Extension> {
    let terms: Vec<(&[F], [F; D])> =
        polynomials.iter().zip(alpha.powers()).map(|(f, power)| (&f[..], power.to_basefield_array())).collect();
    let mut sums = vec![Extension::ZERO; degree];
    sums.par_chunks_mut(TASK).enumerate().for_each(|(task, sums)| {
        let first = task * TASK;
        let mut totals = [const { [F::ZERO; TASK] }; D];
        for (polynomial, power) in &terms {
            let coefficients = &polynomial[first..first + sums.len()];
            for (total, &factor) in totals.iter_mut().zip(power) {
                add_scaled(&mut total[..sums.len()], coefficients, factor);
            }
        }
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum = FieldExtension::<D>::from_basefield_array(totals.each_ref().map(|total| total[index]));
        }
    });
    sums
}

/// Polynomials that are opened at one point.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// The point `z`.
    pub(super) point: Extension,
    /// The polynomials.
    pub(super) polynomials: Vec<&'a Vec<F>>,
}

/// `∑ αʲ · (fⱼ(X) - fⱼ(z)) / (X - z)` over all batches, whose powers of α go on from the last batch to the first; with as
/// many coefficients as the polynomials have.
pub(super) fn opening_quotient(batches: &[Batch<'_>], alpha: Extension, degree: usize) -> Vec<Extension> {
    let mut total = vec![Extension::ZERO; degree];
    for Batch { point, polynomials } in batches {
        let shift = alpha.exp_u64(polynomials.len() as u64);
        let quotient = PolynomialCoeffs::new(combine(polynomials, alpha, degree)).divide_by_linear(*point).coeffs;
        total.iter_mut().for_each(|sum| *sum *= shift);
        total.iter_mut().zip(quotient).for_each(|(sum, term)| *sum += term);
    }
    total
}

/// Splits elements of the extension into their coordinates.
pub(super) fn coordinates(elements: impl Iterator<Item = Extension>) -> Coordinates {
    let mut columns = [const { Vec::new() }; D];
    for element in elements {
        for (column, coordinate) in columns.iter_mut().zip(FieldExtension::<D>::to_basefield_array(&element)) {
            column.push(coordinate);
        }
    }
    columns
}

/// `∑ aᵢ · bᵢ` of columns that are shorter than a pack or made of packs.
fn inner_product(a: &[F], b: &[F]) -> F {
    if a.len() < Packed::WIDTH {
        return a.iter().zip(b).map(|(&a, &b)| a * b).sum();
    }
    let products = Packed::pack_slice(a).iter().zip(Packed::pack_slice(b)).map(|(&a, &b)| a * b);
    products.sum::<Packed>().as_slice().iter().copied().sum()
}

/// `totals += factor · values`, of columns that are shorter than a pack or made of packs.
fn add_scaled(totals: &mut [F], values: &[F], factor: F) {
    if totals.len() < Packed::WIDTH {
        totals.iter_mut().zip(values).for_each(|(total, &value)| *total += value * factor);
    } else {
        let packs = Packed::pack_slice_mut(totals).iter_mut().zip(Packed::pack_slice(values));
        packs.for_each(|(total, &value)| *total += value * factor);
    }
}
