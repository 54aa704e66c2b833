//! Security of a layer of proofs, in bits, by the parts of the argument.
//!
//! The low-degree test is stated three times, because what is proven and what is believed differ:
//!
//! * *list-decoding capacity*: each query rejects a word that is farther from the code than the radius at which lists stay
//!   small, `H_q(δ) = 1 − ρ` with the q-ary entropy and `q = p²`; the conjecture that the product relies on;
//! * *Johnson*: proven up to `1 − √ρ − η`, with the error of the commit phase by Ben-Sasson, Carmon, Haböck, Kopparty and
//!   Saraf (ECCC 2025/169, theorem 4.2), at the best multiplicity m;
//! * *unique decoding*: proven up to `(1 − ρ)/2`.
//!
//! The error of the permutation argument, or of the multiset of a table, is `(routed · rows / p)^challenges`; that of combining constraints
//! `(constraints / p)^challenges`. A chain of proofs has the minimum over its layers.

#![expect(clippy::float_arithmetic, reason = "bits of security are real numbers and decide nothing at run time")]

use plonky2::plonk::circuit_data::CommonCircuitData;
use serde::Serialize;

use crate::config::{D, F, LayerParameters};

/// log2 of the order of the base field.
const FIELD_BITS: f64 = 64.0;
/// log2 of the order of the extension field that the challenges of the low-degree test come from.
const EXTENSION_BITS: f64 = 128.0;
/// Greatest multiplicity tried for the Johnson bound.
const MULTIPLICITY_MAX: u32 = 1_000;
/// Constraints of a row, at most: the custom gates have fewer than 150, the table of openings has about 330.
const CONSTRAINTS: f64 = 400.0;

/// What the size of a circuit contributes to the errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSize {
    /// log2 of the number of rows.
    pub degree_bits: u32,
    /// Polynomials that the low-degree test batches.
    pub polynomials: u32,
}

/// What the bits mean: see the [module](self).
pub const CONJECTURE: &str =
    "FRI catches words beyond the list-decoding radius with each query: up to list-decoding capacity";

/// A circuit and its bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CircuitSecurity {
    /// Name of the circuit.
    pub circuit: &'static str,
    /// log2 of the number of rows.
    pub degree_bits: u32,
    /// Under the [`CONJECTURE`]: the least of all parts.
    pub conjectured: f64,
    /// Without it, by the better of the two proven bounds: the least of all parts.
    pub proven: f64,
    /// All parts.
    pub parts: SecurityBits,
}

/// Bits of security of the parts of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SecurityBits {
    /// Low-degree test up to list-decoding capacity.
    pub list_capacity: f64,
    /// Low-degree test up to the Johnson bound: the lesser of queries and commit phase.
    pub johnson: f64,
    /// Low-degree test up to unique decoding: the lesser of queries and commit phase.
    pub unique_decoding: f64,
    /// Permutation argument, or multiset of a table.
    pub permutation: f64,
    /// Combination of the constraints.
    pub constraints: f64,
}

impl CircuitSecurity {
    /// The bits of a circuit as it was built.
    #[must_use]
    pub fn of_circuit(circuit: &'static str, common: &CommonCircuitData<F, D>) -> Self {
        let (config, fri) = (&common.config, &common.config.fri_config);
        let parameters = LayerParameters {
            name: circuit,
            wires: config.num_wires,
            routed_wires: config.num_routed_wires,
            challenges: config.num_challenges,
            rate_bits: fri.rate_bits,
            queries: fri.num_query_rounds,
            grinding_bits: fri.proof_of_work_bits,
            cap_height: fri.cap_height,
        };
        let products = 1 + common.num_partial_products;
        let polynomials = common.sigmas_range().end
            + config.num_wires
            + config.num_challenges * (products + common.quotient_degree_factor);
        Self::new(circuit, &parameters, TraceSize::new(common.degree_bits(), polynomials))
    }

    /// The bits of a circuit of this size under these parameters.
    #[must_use]
    pub fn new(circuit: &'static str, parameters: &LayerParameters, size: TraceSize) -> Self {
        let parts = parameters.security(size);
        let others = parts.permutation.min(parts.constraints);
        Self {
            circuit,
            degree_bits: size.degree_bits,
            conjectured: parts.list_capacity.min(others),
            proven: parts.johnson.max(parts.unique_decoding).min(others),
            parts,
        }
    }
}

impl TraceSize {
    /// A size in numbers of the library.
    ///
    /// # Panics
    /// If a number does not fit 32 bits.
    #[must_use]
    pub fn new(degree_bits: usize, polynomials: usize) -> Self {
        let [degree_bits, polynomials] =
            [degree_bits, polynomials].map(|number| u32::try_from(number).expect("circuits are small"));
        Self { degree_bits, polynomials }
    }
}

impl LayerParameters {
    /// The bits of this layer for a circuit of this size.
    #[must_use]
    pub fn security(&self, size: TraceSize) -> SecurityBits {
        let challenges = real(self.challenges);
        let rows = f64::from(size.degree_bits);
        SecurityBits {
            list_capacity: self.query_bits(1.0 - capacity_radius(self.rate())),
            johnson: self.johnson_bits(size),
            unique_decoding: self
                .query_bits(f64::midpoint(1.0, self.rate()))
                .min(EXTENSION_BITS - self.domain_bits(size) - f64::from(size.polynomials).log2()),
            permutation: challenges * (FIELD_BITS - rows - real(self.routed_wires).log2()),
            constraints: challenges * (FIELD_BITS - CONSTRAINTS.log2()),
        }
    }

    fn rate(&self) -> f64 {
        (-real(self.rate_bits)).exp2()
    }

    /// log2 of the size of the evaluation domain.
    fn domain_bits(&self, size: TraceSize) -> f64 {
        f64::from(size.degree_bits) + real(self.rate_bits)
    }

    /// Bits of all queries and the grinding, if a bad word agrees with the code on this share of the positions.
    fn query_bits(&self, agreement: f64) -> f64 {
        f64::from(self.grinding_bits) - real(self.queries) * agreement.log2()
    }

    /// The best trade between queries, which want a great multiplicity, and commit phase, which wants a small one.
    fn johnson_bits(&self, size: TraceSize) -> f64 {
        let root = self.rate().sqrt();
        (1..=MULTIPLICITY_MAX)
            .map(|multiplicity| {
                let m = f64::from(multiplicity);
                let half = m + 0.5;
                let agreement = root * (1.0 + 1.0 / (2.0 * m));
                let distance = 1.0 - agreement;
                let per_point = (2.0 * half.powi(5) + 3.0 * half * distance * self.rate()) / (3.0 * root.powi(3));
                let exceptions = per_point * self.domain_bits(size).exp2() + half / root;
                let commit = EXTENSION_BITS - exceptions.log2() - f64::from(size.polynomials).log2();
                self.query_bits(agreement).min(commit)
            })
            .fold(0.0, f64::max)
    }
}

/// The radius δ with `H_q(δ) = 1 − ρ` for `q = p²`, by bisection: the entropy grows on `0..1 − 1/q`.
fn capacity_radius(rate: f64) -> f64 {
    let entropy = |delta: f64| {
        let binary = -delta * delta.log2() - (1.0 - delta) * (1.0 - delta).log2();
        // log_q (q − 1) is 1 to all digits of an f64.
        delta + binary / EXTENSION_BITS
    };
    let (mut low, mut high) = (f64::EPSILON, 1.0 - rate);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if entropy(middle) < 1.0 - rate {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn real(value: usize) -> f64 {
    f64::from(u32::try_from(value).expect("parameters are small"))
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::plonk::proof::OpeningSet;

    use super::*;
    use crate::builder::{Builder, CircuitName, Mode};
    use crate::config::{OPENINGS, OPENINGS_COMPACT, RECURSION, SEGMENT, SHRINK};
    use crate::wired::Witness;

    const LARGE: TraceSize = TraceSize { degree_bits: 16, polynomials: 300 };

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 0.3, "{got} is not about {expected}");
    }

    /// The figures of the library's usual configuration, known from other calculators.
    #[test]
    fn the_usual_configuration_has_its_known_bits() {
        let usual = LayerParameters { queries: 28, challenges: 2, ..RECURSION };
        let bits = usual.security(TraceSize { degree_bits: 12, polynomials: 256 });
        close(bits.list_capacity, 98.65);
        close(bits.johnson, 57.7);
        close(bits.unique_decoding, 39.2);
        close(bits.permutation, 2.0 * (64.0 - 12.0 - 6.32));
    }

    /// At a low rate with many queries the proven bound is limited by the commit phase, at multiplicity 1.
    #[test]
    fn a_low_rate_has_its_known_proven_bits() {
        let low = LayerParameters { rate_bits: 8, queries: 20, grinding_bits: 20, ..RECURSION };
        close(low.security(TraceSize { degree_bits: 12, polynomials: 200 }).johnson, 86.0);
    }

    #[test]
    fn every_layer_has_100_bits_under_the_conjecture() {
        for layer in [SEGMENT, RECURSION, SHRINK, OPENINGS, OPENINGS_COMPACT] {
            let bits = layer.security(LARGE);
            for (part, value) in [
                ("low-degree test", bits.list_capacity),
                ("permutation", bits.permutation),
                ("constraints", bits.constraints),
            ] {
                assert!(value >= 100.0, "{}: {part} has {value} bits", layer.name);
            }
        }
    }

    #[test]
    fn a_built_circuit_has_the_bits_of_its_parameters() {
        let mut b = Builder::new(CircuitName { name: "bits", version: 1 }, RECURSION.config(), Mode::Proving);
        let input = b.input();
        b.expose(&[input]);
        let circuit = b.build().data;
        let mut witness = Witness::new();
        witness.set(input, F::ONE).expect("set once");
        let openings = circuit.prove(witness.into_partial()).expect("anything satisfies it").proof.openings;
        let OpeningSet { constants, plonk_sigmas, wires, plonk_zs, partial_products, quotient_polys, .. } = openings;
        let opened =
            [constants, plonk_sigmas, wires, plonk_zs, partial_products, quotient_polys].map(|part| part.len());
        let size = TraceSize::new(circuit.common.degree_bits(), opened.iter().sum());
        let security = CircuitSecurity::of_circuit("bits", &circuit.common);
        assert_eq!(security, CircuitSecurity::new("bits", &RECURSION, size));
        assert_eq!(security.conjectured, security.parts.list_capacity, "the low-degree test is the weakest part");
        assert_eq!(security.proven, security.parts.johnson);
    }

    /// The table of docs/soundness.md.
    #[test]
    fn the_documented_bits_are_those_of_the_parameters() {
        let bits = |layer: LayerParameters, degree_bits, polynomials| {
            let bits = layer.security(TraceSize { degree_bits, polynomials });
            [bits.list_capacity, bits.johnson, bits.unique_decoding, bits.permutation].map(|bits| format!("{bits:.1}"))
        };
        let wrap = crate::wrap_config::WRAP_PARAMETERS.layer();
        assert_eq!(bits(SEGMENT, 15, 300), ["101.6", "59.4", "40.1", "129.0"]);
        assert_eq!(bits(RECURSION, 14, 300), ["101.6", "59.4", "40.1", "131.0"]);
        assert_eq!(bits(SHRINK, 13, 217), ["100.8", "59.4", "33.2", "137.4"]);
        assert_eq!(bits(wrap, 12, 217), ["103.8", "62.4", "36.2", "140.4"]);
        assert_eq!(bits(OPENINGS, 16, 281), ["100.1", "58.8", "51.7", "130.8"]);
        assert_eq!(bits(OPENINGS_COMPACT, 16, 281), ["100.4", "58.9", "45.2", "130.8"]);
    }

    #[test]
    fn one_query_or_one_challenge_less_is_too_little() {
        assert!(LayerParameters { queries: 28, ..RECURSION }.security(LARGE).list_capacity < 100.0);
        assert!(LayerParameters { queries: 85, ..OPENINGS }.security(LARGE).list_capacity < 100.0);
        assert!(LayerParameters { queries: 42, ..OPENINGS_COMPACT }.security(LARGE).list_capacity < 100.0);
        assert!(LayerParameters { challenges: 2, ..RECURSION }.security(LARGE).permutation < 100.0);
    }

    #[test]
    fn proven_bits_are_fewer_than_believed_ones() {
        let bits = RECURSION.security(LARGE);
        assert!(bits.unique_decoding < bits.johnson);
        assert!(bits.johnson < bits.list_capacity);
    }

    #[test]
    fn the_capacity_radius_solves_its_equation() {
        for rate in [0.5, 0.125, 1.0 / 256.0] {
            let delta = capacity_radius(rate);
            let binary = -delta * delta.log2() - (1.0 - delta) * (1.0 - delta).log2();
            assert!((delta + binary / EXTENSION_BITS - (1.0 - rate)).abs() < 1e-12);
        }
    }
}
