//! The library's gates over the quadratic extension, which it evaluates point by point.

use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use weft_circuits::config::{D, F};

use super::{Packed, PackedGate, Row};

/// An element of the extension in every lane.
#[derive(Clone, Copy)]
struct Pair([Packed; D]);

impl Pair {
    const ZERO: Self = Self([Packed::ZEROS; D]);
    const ONE: Self = Self([Packed::ONES, Packed::ZEROS]);

    /// The element in the wires from `first` on.
    fn at(wires: &[Packed], first: usize) -> Self {
        Self([wires[first], wires[first + 1]])
    }

    fn add(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1]])
    }

    fn subtract(self, other: Self) -> Self {
        Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }

    fn multiply(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a * c + b * d * <F as Extendable<D>>::W, a * d + b * c])
    }

    fn scale(self, factor: Packed) -> Self {
        Self(self.0.map(|coordinate| coordinate * factor))
    }

    /// Adds an element of the base field.
    fn add_base(self, base: Packed) -> Self {
        Self([self.0[0] + base, self.0[1]])
    }

    fn scale_base(self, factor: F) -> Self {
        Self(self.0.map(|coordinate| coordinate * factor))
    }
}

/// `c₀ · a · b + c₁ · addend - output`, several times.
impl PackedGate for ArithmeticExtensionGate<D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let &[product, addition, ..] = row.constants() else { unreachable!("the gate has two constants") };
        for wires in row.wires().chunks_exact(4 * D).take(self.num_ops) {
            let [a, b, addend, output] = [0, 1, 2, 3].map(|operand| Pair::at(wires, operand * D));
            let computed = a.multiply(b).scale(product).add(addend.scale(addition));
            constraints.extend(output.subtract(computed).0);
        }
    }
}

/// `c₀ · a · b - output`, several times.
impl PackedGate for MulExtensionGate<D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let product = row.constants()[0];
        for wires in row.wires().chunks_exact(3 * D).take(self.num_ops) {
            let [a, b, output] = [0, 1, 2].map(|operand| Pair::at(wires, operand * D));
            constraints.extend(output.subtract(a.multiply(b).scale(product)).0);
        }
    }
}

/// Wires of both reducing gates: output, α, the first accumulator, coefficients, accumulators but for the last, which is
/// the output.
const REDUCING_COEFFICIENTS: usize = 3 * D;

/// Horner's rule: each accumulator times α plus a coefficient is the next one.
fn reduce(
    wires: &[Packed],
    coefficients: impl ExactSizeIterator<Item = Pair>,
    accumulators: usize,
    out: &mut Vec<Packed>,
) {
    let [output, alpha, mut accumulator] = [0, 1, 2].map(|operand| Pair::at(wires, operand * D));
    let last = coefficients.len() - 1;
    for (index, coefficient) in coefficients.enumerate() {
        let next = if index == last { output } else { Pair::at(wires, accumulators + index * D) };
        out.extend(accumulator.multiply(alpha).add(coefficient).subtract(next).0);
        accumulator = next;
    }
}

impl PackedGate for ReducingGate<D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let wires = row.wires();
        let coefficients = wires[REDUCING_COEFFICIENTS..][..self.num_coeffs].iter();
        let coefficients = coefficients.map(|&coefficient| Pair::ZERO.add_base(coefficient));
        reduce(wires, coefficients, REDUCING_COEFFICIENTS + self.num_coeffs, constraints);
    }
}

impl PackedGate for ReducingExtensionGate<D> {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let wires = row.wires();
        let coefficients = (0..self.num_coeffs).map(|index| Pair::at(wires, REDUCING_COEFFICIENTS + index * D));
        reduce(wires, coefficients, REDUCING_COEFFICIENTS + self.num_coeffs * D, constraints);
    }
}

/// Interpolation on a coset of a small subgroup, in the barycentric form; its points and weights.
#[derive(Clone, Debug)]
pub(super) struct Interpolation {
    points: Vec<F>,
    weights: Vec<F>,
    degree: usize,
}

impl Interpolation {
    /// The constraints of a gate.
    pub(super) fn new(gate: &CosetInterpolationGate<F, D>) -> Self {
        let points = F::two_adic_subgroup(gate.subgroup_bits);
        Self { points, weights: gate.barycentric_weights.clone(), degree: gate.degree }
    }
}

/// Wires: shift of the coset, values on it, the point, the value there, values and products on the way, the point divided by
/// the shift.
impl PackedGate for Interpolation {
    fn evaluate(&self, row: &Row<'_>, constraints: &mut Vec<Packed>) {
        let wires = row.wires();
        let count = self.points.len();
        let intermediates = (count - 2) / (self.degree - 1);
        let point_at = 1 + count * D;
        let sums_at = point_at + 2 * D;
        let products_at = sums_at + intermediates * D;
        let point = Pair::at(wires, products_at + intermediates * D);
        constraints.extend(Pair::at(wires, point_at).subtract(point.scale(wires[0])).0);

        let (mut sum, mut product) = (Pair::ZERO, Pair::ONE);
        let mut intermediate = 0;
        for (index, (&x, &weight)) in self.points.iter().zip(&self.weights).enumerate() {
            // The first stretch takes as many points as the degree, each of the others one less.
            if intermediate < intermediates && index == self.degree + intermediate * (self.degree - 1) {
                let [sums, products] = [sums_at, products_at].map(|first| Pair::at(wires, first + intermediate * D));
                constraints.extend(sums.subtract(sum).0);
                constraints.extend(products.subtract(product).0);
                (sum, product) = (sums, products);
                intermediate += 1;
            }
            let term = point.add_base(Packed::from(-x));
            let value = Pair::at(wires, 1 + index * D).scale_base(weight);
            sum = sum.multiply(term).add(value.multiply(product));
            product = product.multiply(term);
        }
        constraints.extend(Pair::at(wires, point_at + D).subtract(sum).0);
    }
}
