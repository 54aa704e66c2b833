//! Identity of circuits.
//!
//! The library's circuit digest covers the constants, the wiring, the size and a domain separator, but not what the
//! gates compute. Ours does: a gate is described by its id, its shape and the values of its constraints at fixed points,
//! and `digest = keccak(tag ‖ library digest ‖ common data ‖ gates)`. The gates that are not the library's enter the
//! library's digest as well, by the domain separator, so that Fiat–Shamir depends on them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::gate::Gate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::{GenericConfig, GenericHashOut};
use plonky2::plonk::vars::EvaluationVars;
use sha3::{Digest as _, Keccak256};

use crate::builder::CircuitName;
use crate::config::{D, F};

/// Bytes of a digest that fit an element with certainty.
const ELEMENT_BYTES: usize = 7;
/// Points at which a gate's constraints are evaluated. One tells polynomials apart but with probability about 2^-120.
pub(crate) const FINGERPRINT_POINTS: u64 = 2;

type Extension = <F as Extendable<D>>::Extension;

/// Our name of a circuit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitDigest(pub [u8; 32]);

impl fmt::Display for CircuitDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for CircuitDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not a circuit digest: `0x` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a circuit digest is 0x and 64 hexadecimal digits")]
pub struct ParseCircuitDigestError;

impl FromStr for CircuitDigest {
    type Err = ParseCircuitDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").ok_or(ParseCircuitDigestError)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseCircuitDigestError)?;
        Ok(Self(bytes))
    }
}

/// Keccak over parts, each preceded by its length.
pub(crate) struct Transcript(Keccak256);

impl Transcript {
    pub(crate) fn new(tag: &str) -> Self {
        let mut transcript = Self(Keccak256::new());
        transcript.absorb(tag.as_bytes());
        transcript
    }

    pub(crate) fn absorb(&mut self, part: &[u8]) {
        self.0.update(u64::try_from(part.len()).expect("a length fits 64 bits").to_be_bytes());
        self.0.update(part);
    }

    pub(crate) fn absorb_integer(&mut self, value: usize) {
        self.absorb(&u64::try_from(value).expect("a count fits 64 bits").to_be_bytes());
    }

    /// The hash as elements, for challengers of the library.
    pub(crate) fn into_elements(self) -> Vec<F> {
        let base = F::from_canonical_u64(256);
        let element = |bytes: &[u8]| bytes.iter().fold(F::ZERO, |sum, &byte| sum * base + F::from_canonical_u8(byte));
        self.finish().chunks(ELEMENT_BYTES).map(element).collect()
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Hash of what a gate is: id, shape, and the values of its constraints at fixed points.
#[must_use]
pub fn gate_fingerprint<G: Gate<F, D> + ?Sized>(gate: &G) -> [u8; 32] {
    let mut transcript = Transcript::new("weft gate v1");
    transcript.absorb(gate.id().as_bytes());
    for count in [gate.num_wires(), gate.num_constants(), gate.num_constraints(), gate.degree()] {
        transcript.absorb_integer(count);
    }
    for point in 0..FINGERPRINT_POINTS {
        let mut elements = PointElements::new(point);
        let constants: Vec<_> = (0..gate.num_constants()).map(|_| elements.extension()).collect();
        let wires: Vec<_> = (0..gate.num_wires()).map(|_| elements.extension()).collect();
        let public_inputs_hash = HashOut { elements: std::array::from_fn(|_| elements.base()) };
        let values = gate.eval_unfiltered(EvaluationVars {
            local_constants: &constants,
            local_wires: &wires,
            public_inputs_hash: &public_inputs_hash,
        });
        for value in values {
            for coordinate in <Extension as FieldExtension<D>>::to_basefield_array(&value) {
                transcript.absorb(&coordinate.to_canonical_u64().to_be_bytes());
            }
        }
    }
    transcript.finish()
}

/// Fixed, random-looking coordinates of a point.
pub(crate) struct PointElements {
    point: u64,
    next: u64,
}

impl PointElements {
    pub(crate) const fn new(point: u64) -> Self {
        Self { point, next: 0 }
    }

    fn base(&mut self) -> F {
        let mut transcript = Transcript::new("weft gate point v1");
        transcript.absorb(&self.point.to_be_bytes());
        transcript.absorb(&self.next.to_be_bytes());
        self.next += 1;
        let [a, b, c, d, e, f, g, h, ..] = transcript.finish();
        F::from_noncanonical_u64(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    pub(crate) fn extension(&mut self) -> Extension {
        <Extension as FieldExtension<D>>::from_basefield_array(std::array::from_fn(|_| self.base()))
    }
}

/// What seeds Fiat–Shamir beside the library's description of the circuit: name, version and the gates of ours.
pub(crate) fn domain_separator(name: CircuitName, custom_gates: &BTreeMap<String, [u8; 32]>) -> Vec<F> {
    let mut transcript = Transcript::new("weft circuit v1");
    transcript.absorb(name.name.as_bytes());
    transcript.absorb(&name.version.to_be_bytes());
    for (id, fingerprint) in custom_gates {
        transcript.absorb(id.as_bytes());
        transcript.absorb(fingerprint);
    }
    transcript.into_elements()
}

/// Our digest of a built circuit.
pub(crate) fn circuit_digest<K: GenericConfig<D, F = F>>(
    key: &VerifierOnlyCircuitData<K, D>,
    common: &CommonCircuitData<F, D>,
) -> CircuitDigest {
    let mut transcript = Transcript::new("weft circuit digest v1");
    transcript.absorb(&key.circuit_digest.to_bytes());
    for hash in &key.constants_sigmas_cap.0 {
        transcript.absorb(&hash.to_bytes());
    }
    let description = serde_json::to_vec(common).expect("common data has string keys only and serialises into memory");
    transcript.absorb(&description);
    for gate in &common.gates {
        transcript.absorb(&gate_fingerprint(gate.0.as_ref()));
    }
    CircuitDigest(transcript.finish())
}
