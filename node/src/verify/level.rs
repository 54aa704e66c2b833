//! How hard it is to forge a proof.

use serde::Serialize;
use weft_circuits::security::{CONJECTURE, CircuitSecurity};
use weft_prover::CircuitSet;

/// Security of a chain of proofs: that of its weakest circuit.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SecurityLevel {
    /// Bits under the assumption.
    pub bits: f64,
    /// What `bits` assume.
    pub assumption: &'static str,
    /// Bits that are proven without it.
    pub proven_bits: f64,
    /// All circuits, in the order of the road.
    pub circuits: Vec<CircuitSecurity>,
}

impl SecurityLevel {
    /// The level of the circuits of a deployment.
    #[must_use]
    pub fn of(circuits: &CircuitSet) -> Self {
        Self::of_chain(circuits.security())
    }

    fn of_chain(circuits: Vec<CircuitSecurity>) -> Self {
        let least = |bits: fn(&CircuitSecurity) -> f64| circuits.iter().map(bits).fold(f64::INFINITY, f64::min);
        let (bits, proven_bits) = (least(|circuit| circuit.conjectured), least(|circuit| circuit.proven));
        Self { bits, assumption: CONJECTURE, proven_bits, circuits }
    }

    /// A few lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { bits, assumption, proven_bits, circuits } = self;
        let mut text = format!(
            "a forgery costs 2^{bits:.1} hashes if {assumption}; 2^{proven_bits:.1} are proven without that\n  \
            circuit        rows  bits, conjectured  proven  permutation\n"
        );
        for CircuitSecurity { circuit, degree_bits, conjectured, proven, parts } in circuits {
            let permutation = parts.permutation;
            text += &format!("  {circuit:13}  2^{degree_bits}  {conjectured:17.1}  {proven:6.1}  {permutation:11.1}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use weft_circuits::config::{OPENINGS_COMPACT, RECURSION};
    use weft_circuits::security::TraceSize;

    use super::*;

    #[test]
    fn the_weakest_circuit_counts() {
        let size = TraceSize { degree_bits: 16, polynomials: 281 };
        let strong = CircuitSecurity::new("strong", &RECURSION, size);
        let weak = CircuitSecurity::new("weak", &OPENINGS_COMPACT, size);
        let level = SecurityLevel::of_chain(vec![strong, weak, strong]);
        assert!(level.bits < strong.conjectured && level.proven_bits < strong.proven, "{level:?}");
        assert_eq!((level.bits, level.proven_bits), (weak.conjectured, weak.proven));
        let text = level.text();
        assert!(text.starts_with("a forgery costs 2^100.4 hashes if FRI catches words"), "{text}");
        assert!(text.contains("2^58.9 are proven"), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("2^16")).count(), 3, "{text}");
        let value = serde_json::to_value(&level).expect("it is JSON");
        assert_eq!(value["circuits"][1]["circuit"], "weak");
        assert_eq!(value["circuits"][1]["parts"]["list_capacity"], value["bits"]);
        assert_eq!(value["assumption"], CONJECTURE);
    }
}
