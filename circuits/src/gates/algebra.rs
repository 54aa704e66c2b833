//! One text of a gate's equations, read three ways.
//!
//! plonky2 asks every gate for its constraints over the extension field, over packed base-field lanes, and as targets of a
//! recursive verifier. Writing them once over [`Algebra`] makes the three agree by construction: [`Lanes`] serves the first
//! two, [`Recursive`] the third.

use std::array;
use std::fmt;
use std::marker::PhantomData;

use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::{Poseidon, SPONGE_WIDTH};
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;

use super::{D, F, FE};

/// Coefficients of an element of `GF(p^5) = GF(p)[z]/(z^5 - 3)`, lowest first.
pub type Quintic<V> = [V; 5];

/// `z^5` in the quintic extension.
const NON_RESIDUE: u64 = 3;

/// The operations from which the equations of the custom gates are built.
///
/// Quintic products are operations of their own, because a recursive verifier can fuse an addition into them.
pub trait Algebra {
    /// A value of one wire.
    type Value: Copy;

    /// A constant of the base field.
    fn constant(&mut self, value: F) -> Self::Value;
    /// `a + b`.
    fn add(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a - b`.
    fn sub(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a · b`.
    fn mul(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a · b + c`.
    fn mul_add(&mut self, a: Self::Value, b: Self::Value, c: Self::Value) -> Self::Value;
    /// `a · b - c`.
    fn mul_sub(&mut self, a: Self::Value, b: Self::Value, c: Self::Value) -> Self::Value;
    /// `a² + factor · a`.
    fn quadratic(&mut self, a: Self::Value, factor: F) -> Self::Value;
    /// `constant + Σ coefficientᵢ · valueᵢ`.
    fn affine(&mut self, constant: F, coefficients: &[F], values: &[Self::Value]) -> Self::Value;
    /// The matrix of Poseidon's full rounds times a state: one row of a recursive verifier.
    fn poseidon_mix(&mut self, state: [Self::Value; SPONGE_WIDTH]) -> [Self::Value; SPONGE_WIDTH];
    /// `a · b` in `GF(p^5)`.
    fn quintic_mul(&mut self, a: Quintic<Self::Value>, b: Quintic<Self::Value>) -> Quintic<Self::Value>;
    /// `a · b + c` in `GF(p^5)`.
    fn quintic_mul_add(
        &mut self,
        a: Quintic<Self::Value>,
        b: Quintic<Self::Value>,
        c: Quintic<Self::Value>,
    ) -> Quintic<Self::Value>;
    /// `a · b - c` in `GF(p^5)`.
    fn quintic_mul_sub(
        &mut self,
        a: Quintic<Self::Value>,
        b: Quintic<Self::Value>,
        c: Quintic<Self::Value>,
    ) -> Quintic<Self::Value>;
    /// `a²` in `GF(p^5)`.
    fn quintic_square(&mut self, a: Quintic<Self::Value>) -> Quintic<Self::Value>;
    /// `a² + c` in `GF(p^5)`.
    fn quintic_square_add(&mut self, a: Quintic<Self::Value>, c: Quintic<Self::Value>) -> Quintic<Self::Value>;

    /// A constant of `GF(p^5)`.
    fn quintic_constant(&mut self, value: Quintic<F>) -> Quintic<Self::Value> {
        value.map(|coefficient| self.constant(coefficient))
    }

    /// `a + b` in `GF(p^5)`.
    fn quintic_add(&mut self, a: Quintic<Self::Value>, b: Quintic<Self::Value>) -> Quintic<Self::Value> {
        array::from_fn(|i| self.add(a[i], b[i]))
    }

    /// `a - b` in `GF(p^5)`.
    fn quintic_sub(&mut self, a: Quintic<Self::Value>, b: Quintic<Self::Value>) -> Quintic<Self::Value> {
        array::from_fn(|i| self.sub(a[i], b[i]))
    }
}

/// Evaluation on field elements: the extension field (one lane), or packed lanes of the base field.
pub struct Lanes<P>(PhantomData<P>);

impl<P> Lanes<P> {
    /// The evaluator; it has no state.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P> Default for Lanes<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Lanes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}

/// A row of the matrix of Poseidon's full rounds: output `row` is its product with the state.
#[inline(always)]
pub(crate) fn poseidon_matrix_row(row: usize) -> [F; SPONGE_WIDTH] {
    array::from_fn(|column| {
        let circulant = F::MDS_MATRIX_CIRC[(column + SPONGE_WIDTH - row) % SPONGE_WIDTH];
        let diagonal = if column == row { F::MDS_MATRIX_DIAG[row] } else { 0 };
        F::from_canonical_u64(circulant + diagonal)
    })
}

#[inline(always)]
fn lift<K: Field>(value: F) -> K {
    K::from_canonical_u64(value.to_canonical_u64())
}

/// `low + NON_RESIDUE · high`.
#[inline(always)]
fn fold<P: PackedField>(low: Quintic<P>, high: Quintic<P>) -> Quintic<P> {
    array::from_fn(|k| low[k] + (high[k] + high[k] + high[k]))
}

/// `a · b + c`, all 25 products.
#[inline(always)]
fn lanes_mul_add<P: PackedField>(a: Quintic<P>, b: Quintic<P>, c: Quintic<P>) -> Quintic<P> {
    let (mut low, mut high) = (c, [P::ZEROS; 5]);
    for i in 0..5 {
        for j in 0..5 {
            let product = a[i] * b[j];
            match (i + j).checked_sub(5) {
                None => low[i + j] += product,
                Some(k) => high[k] += product,
            }
        }
    }
    fold(low, high)
}

/// `a² + c`, by 15 products.
#[inline(always)]
fn lanes_square_add<P: PackedField>(a: Quintic<P>, c: Quintic<P>) -> Quintic<P> {
    let twice = a.map(|value| value + value);
    let (mut low, mut high) = (c, [P::ZEROS; 5]);
    for i in 0..5 {
        for j in i..5 {
            let product = if i == j { a[i].square() } else { twice[i] * a[j] };
            match (i + j).checked_sub(5) {
                None => low[i + j] += product,
                Some(k) => high[k] += product,
            }
        }
    }
    fold(low, high)
}

impl<P: PackedField> Algebra for Lanes<P> {
    type Value = P;

    #[inline(always)]
    fn constant(&mut self, value: F) -> P {
        P::from(lift::<P::Scalar>(value))
    }

    #[inline(always)]
    fn add(&mut self, a: P, b: P) -> P {
        a + b
    }

    #[inline(always)]
    fn sub(&mut self, a: P, b: P) -> P {
        a - b
    }

    #[inline(always)]
    fn mul(&mut self, a: P, b: P) -> P {
        a * b
    }

    #[inline(always)]
    fn mul_add(&mut self, a: P, b: P, c: P) -> P {
        a * b + c
    }

    #[inline(always)]
    fn mul_sub(&mut self, a: P, b: P, c: P) -> P {
        a * b - c
    }

    #[inline(always)]
    fn quadratic(&mut self, a: P, factor: F) -> P {
        a * (a + lift::<P::Scalar>(factor))
    }

    #[inline(always)]
    fn affine(&mut self, constant: F, coefficients: &[F], values: &[P]) -> P {
        assert_eq!(coefficients.len(), values.len(), "one coefficient per value");
        let start = self.constant(constant);
        coefficients
            .iter()
            .zip(values)
            .fold(start, |sum, (&coefficient, &value)| sum + value * lift::<P::Scalar>(coefficient))
    }

    #[inline(always)]
    fn poseidon_mix(&mut self, state: [P; SPONGE_WIDTH]) -> [P; SPONGE_WIDTH] {
        array::from_fn(|row| self.affine(F::ZERO, &poseidon_matrix_row(row), &state))
    }

    #[inline(always)]
    fn quintic_mul(&mut self, a: Quintic<P>, b: Quintic<P>) -> Quintic<P> {
        lanes_mul_add(a, b, [P::ZEROS; 5])
    }

    #[inline(always)]
    fn quintic_mul_add(&mut self, a: Quintic<P>, b: Quintic<P>, c: Quintic<P>) -> Quintic<P> {
        lanes_mul_add(a, b, c)
    }

    #[inline(always)]
    fn quintic_mul_sub(&mut self, a: Quintic<P>, b: Quintic<P>, c: Quintic<P>) -> Quintic<P> {
        lanes_mul_add(a, b, c.map(|value| -value))
    }

    #[inline(always)]
    fn quintic_square(&mut self, a: Quintic<P>) -> Quintic<P> {
        lanes_square_add(a, [P::ZEROS; 5])
    }

    #[inline(always)]
    fn quintic_square_add(&mut self, a: Quintic<P>, c: Quintic<P>) -> Quintic<P> {
        lanes_square_add(a, c)
    }
}

/// Evaluation inside a circuit that verifies a proof.
pub struct Recursive<'a>(&'a mut CircuitBuilder<F, D>);

impl fmt::Debug for Recursive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recursive")
    }
}

type Wire = ExtensionTarget<D>;

impl<'a> Recursive<'a> {
    /// Adds the operations to `builder`.
    pub const fn new(builder: &'a mut CircuitBuilder<F, D>) -> Self {
        Self(builder)
    }

    /// `addend + Σ weight · a · b`, one operation per product; the addend comes with its factor.
    fn weighted_sum(&mut self, products: &[(u64, Wire, Wire)], addend: Option<(F, Wire)>) -> Wire {
        let zero = self.0.zero_extension();
        let (mut factor, mut sum) = addend.unwrap_or((F::ZERO, zero));
        for &(weight, a, b) in products {
            sum = self.0.arithmetic_extension(F::from_canonical_u64(weight), factor, a, b, sum);
            factor = F::ONE;
        }
        sum
    }

    fn product(&mut self, a: Quintic<Wire>, b: Quintic<Wire>, addend: Option<(F, Quintic<Wire>)>) -> Quintic<Wire> {
        array::from_fn(|k| {
            let products: [_; 5] = array::from_fn(|i| {
                let weight = if i <= k { 1 } else { NON_RESIDUE };
                (weight, a[i], b[(k + 5 - i) % 5])
            });
            self.weighted_sum(&products, addend.map(|(factor, c)| (factor, c[k])))
        })
    }

    fn square(&mut self, a: Quintic<Wire>, addend: Option<Quintic<Wire>>) -> Quintic<Wire> {
        array::from_fn(|k| {
            let products: Vec<_> = (0..5)
                .map(|i| (i, (k + 5 - i) % 5))
                .filter(|(i, j)| i <= j)
                .map(|(i, j)| {
                    let twice = if i == j { 1 } else { 2 };
                    let wrap = if i + j < 5 { 1 } else { NON_RESIDUE };
                    (twice * wrap, a[i], a[j])
                })
                .collect();
            self.weighted_sum(&products, addend.map(|c| (F::ONE, c[k])))
        })
    }
}

impl Algebra for Recursive<'_> {
    type Value = Wire;

    fn constant(&mut self, value: F) -> Wire {
        self.0.constant_extension(FE::from(value))
    }

    fn add(&mut self, a: Wire, b: Wire) -> Wire {
        self.0.add_extension(a, b)
    }

    fn sub(&mut self, a: Wire, b: Wire) -> Wire {
        self.0.sub_extension(a, b)
    }

    fn mul(&mut self, a: Wire, b: Wire) -> Wire {
        self.0.mul_extension(a, b)
    }

    fn mul_add(&mut self, a: Wire, b: Wire, c: Wire) -> Wire {
        self.0.mul_add_extension(a, b, c)
    }

    fn mul_sub(&mut self, a: Wire, b: Wire, c: Wire) -> Wire {
        self.0.mul_sub_extension(a, b, c)
    }

    fn quadratic(&mut self, a: Wire, factor: F) -> Wire {
        self.0.arithmetic_extension(F::ONE, factor, a, a, a)
    }

    fn affine(&mut self, constant: F, coefficients: &[F], values: &[Wire]) -> Wire {
        assert_eq!(coefficients.len(), values.len(), "one coefficient per value");
        let start = self.constant(constant);
        coefficients.iter().zip(values).fold(start, |sum, (&coefficient, &value)| {
            // As a wire, not as a constant of the arithmetic row: constants are shared by all children of a node, while
            // every pair of row constants would open a row of its own.
            let coefficient = self.constant(coefficient);
            self.mul_add(coefficient, value, sum)
        })
    }

    fn poseidon_mix(&mut self, state: [Wire; SPONGE_WIDTH]) -> [Wire; SPONGE_WIDTH] {
        F::mds_layer_circuit(self.0, &state)
    }

    fn quintic_mul(&mut self, a: Quintic<Wire>, b: Quintic<Wire>) -> Quintic<Wire> {
        self.product(a, b, None)
    }

    fn quintic_mul_add(&mut self, a: Quintic<Wire>, b: Quintic<Wire>, c: Quintic<Wire>) -> Quintic<Wire> {
        self.product(a, b, Some((F::ONE, c)))
    }

    fn quintic_mul_sub(&mut self, a: Quintic<Wire>, b: Quintic<Wire>, c: Quintic<Wire>) -> Quintic<Wire> {
        self.product(a, b, Some((F::NEG_ONE, c)))
    }

    fn quintic_square(&mut self, a: Quintic<Wire>) -> Quintic<Wire> {
        self.square(a, None)
    }

    fn quintic_square_add(&mut self, a: Quintic<Wire>, c: Quintic<Wire>) -> Quintic<Wire> {
        self.square(a, Some(c))
    }
}
