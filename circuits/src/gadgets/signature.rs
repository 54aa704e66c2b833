//! Schnorr signatures in circuits (PROTOCOL.md §3).
//!
//! One point walks from 7·D1 over 16 rows of [`ScalarMulGate`] (the challenge, highest bit first) and 10 rows of
//! [`CombGate`] (the response) to `2^80·e·P + s·G`, whose x is compared with R.x. The offsets in the stored key and in the
//! table of the comb cancel on the way.

use std::array;

use anyhow::Result;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::witness::{PartitionWitness, Witness as _, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};
use weft_crypto::schnorr::{PublicKey, Signature};
use weft_crypto::{Tag, curve};

use crate::builder::{Bool, Builder, Target};
use crate::config::{D, F};
use crate::gates::{Comb, CombGate, KeyCheck, KeyGate, ScalarMul, ScalarMulGate};
use crate::ledger::{Claim, Freedom};
use crate::wired::{AssignError, Witness, to_field};

/// Bits of the response, reduced or not.
const RESPONSE_BITS: usize = curve::COMB_TEETH * curve::COMB_SPACING;
/// Bits of one limb of the challenge.
const LIMB_BITS: usize = 64;
/// Rows that read one limb.
const LIMB_ROWS: usize = LIMB_BITS / ScalarMul::BITS_PER_ROW;
/// Rows of the comb.
const COMB_ROWS: usize = curve::COMB_SPACING / Comb::STEPS_PER_ROW;

/// The wires of one signature check.
#[derive(Clone, Debug)]
pub struct SignatureWires {
    /// P', x then y.
    key: [Target; 10],
    key_digest: [Target; 4],
    r_x: [Target; 5],
    /// Bits of the response, lowest first; they lie in the rows of the comb, which constrain them to 0 or 1.
    response: Vec<Target>,
}

impl SignatureWires {
    /// `H(KEY; P')`. The caller compares it with the digest that the signer's object stores, where a signature is due.
    #[must_use]
    pub const fn key_digest(&self) -> [Target; 4] {
        self.key_digest
    }

    /// Sets key and signature. The message is the caller's.
    ///
    /// # Errors
    /// If the wires already have other values.
    pub fn assign(&self, witness: &mut Witness, key: &PublicKey, signature: &Signature) -> Result<(), AssignError> {
        // A neutral R signs nothing, and no walk ends there: any x serves.
        let r_x = signature.r.x().unwrap_or_default();
        self.assign_raw(witness, &elements(&key.point()), &r_x.0.map(to_field), &signature.s.limbs())
    }

    /// Sets a key and a response that give every disabled check a witness: the key of the secret 1, and zeros.
    ///
    /// # Errors
    /// If the wires already have other values.
    pub fn assign_unsigned(&self, witness: &mut Witness) -> Result<(), AssignError> {
        self.assign_raw(witness, &elements(&(curve::GENERATOR + curve::d1())), &[F::ZERO; 5], &[0; 5])
    }

    fn assign_raw(
        &self,
        witness: &mut Witness,
        key: &[F; 10],
        r_x: &[F; 5],
        response: &[u64; 5],
    ) -> Result<(), AssignError> {
        let bits = (0..RESPONSE_BITS).map(|bit| F::from_bool(response[bit / 64] >> (bit % 64) & 1 == 1));
        let targets = self.key.iter().chain(&self.r_x).chain(&self.response);
        let values = key.iter().chain(r_x).copied().chain(bits);
        targets.zip(values).try_for_each(|(&target, value)| witness.set(target, value))
    }
}

/// The coordinates of a finite point, x then y.
fn elements(point: &curve::Point) -> [F; 10] {
    let (x, y) = point.coordinates().expect("keys and the fixed points of the walk are finite");
    array::from_fn(|i| to_field(if i < 5 { x.0[i] } else { y.0[i - 5] }))
}

impl Builder {
    /// Checks a signature on `message`; returns the wires of key and signature and the key's digest.
    ///
    /// 31.7 rows: 26 of the walk, 2 for each of the hashes, 1.7 of arithmetic and of the key's check.
    ///
    /// # Soundness
    /// SG-1 and SG-2 hold in any case. SG-3 holds if `enabled`, whatever conditions are open: then a 320-bit integer s
    /// is known with `2^80·e·P + s·G = ±R`. Whose key it is the caller decides by [`SignatureWires::key_digest`].
    pub fn verify_signature(&mut self, message: [Target; 4], enabled: Bool) -> SignatureWires {
        self.unconditionally(|b| {
            let key: [Target; 10] = array::from_fn(|_| b.input());
            let r_x: [Target; 5] = array::from_fn(|_| b.input());
            b.clause("SG-1", |b| b.assert_key(key));
            let key_digest = b.hash(Tag::KEY, &key);
            let challenge_input = [&r_x[..], &key_digest, &message].concat();
            let challenge = b.hash(Tag::SIGNATURE, &challenge_input);

            let start = elements(&curve::q0()).map(|element| b.constant(element));
            let point = b.clause("SG-2", |b| {
                let point = b.walk_limb(start, key, challenge[0]);
                b.walk_limb(point, key, challenge[1])
            });
            let response = b.clause("SG-3", |b| {
                let (end, response) = b.walk_comb(point);
                b.when(enabled, |b| b.assert_all_equal(&end[..5], &r_x));
                response
            });
            SignatureWires { key, key_digest, r_x, response }
        })
    }

    /// Asserts that the point is on the curve and its x not that of D1 or D1 + N.
    fn assert_key(&mut self, key: [Target; 10]) {
        let gate = KeyGate::new(KeyCheck::for_config(self.config()));
        let (row, slot) = self.find_slot(gate, &[], &[]);
        let one = self.one();
        self.connect(one, Target::wire(row, KeyCheck::used(slot)));
        self.connect_row(&key, row, KeyCheck::key(slot));
        self.record(Claim::Rows { start: row, end: row + 1 });
    }

    /// Walks 64 steps by the bits of `limb`, an element read as an integer below p.
    ///
    /// # Soundness
    /// The rows read some integer `v = 2^32·high + low` below 2^64 with `v = limb` modulo p. It is below p exactly if
    /// `high < 2^32 - 1` or `low = 0`. With a free inverse: `low·(1 - (high - (2^32 - 1))·inverse) = 0` demands `low = 0`
    /// where high is the greatest, and can be met for any other.
    fn walk_limb(&mut self, start: [Target; 10], key: [Target; 10], limb: Target) -> [Target; 10] {
        let mut point = start;
        let mut prefix = self.zero();
        let mut prefixes = [prefix; LIMB_ROWS];
        for slot in &mut prefixes {
            let row = self.add_gate(ScalarMulGate::new(ScalarMul), vec![]);
            self.connect_row(&point, row, ScalarMul::q_in());
            self.connect_row(&key, row, ScalarMul::key());
            self.connect(prefix, Target::wire(row, ScalarMul::acc_in()));
            prefix = Target::wire(row, ScalarMul::acc_out());
            point = array::from_fn(|i| Target::wire(row, ScalarMul::q_out().start + i));
            *slot = prefix;
        }
        self.connect(limb, prefix);

        let high = prefixes[LIMB_ROWS / 2 - 1];
        let inverse = self.hint(Freedom::Harmless);
        self.add_generator(LimbGenerator { limb, prefixes, inverse });
        let low = self.mul_constant_add(-F::from_canonical_u64(1 << 32), high, limb);
        let distance = self.add_constant(high, -F::from_canonical_u64(HIGH_MAX));
        let one = self.one();
        let is_greatest = self.arithmetic([F::NEG_ONE, F::ONE], [distance, inverse, one]);
        let product = self.mul(low, is_greatest);
        self.assert_zero(product);
        point
    }

    /// Walks the 80 steps of the comb; returns the last point and the bits of the response, lowest first.
    fn walk_comb(&mut self, start: [Target; 10]) -> ([Target; 10], Vec<Target>) {
        let mut point = start;
        let mut response = vec![self.zero(); RESPONSE_BITS];
        for index in 0..COMB_ROWS {
            let row = self.add_gate(CombGate::new(Comb), vec![]);
            self.connect_row(&point, row, Comb::q_in());
            point = array::from_fn(|i| Target::wire(row, Comb::q_out().start + i));
            for step in 0..Comb::STEPS_PER_ROW {
                let position = curve::COMB_SPACING - 1 - (index * Comb::STEPS_PER_ROW + step);
                for tooth in 0..curve::COMB_TEETH {
                    response[position + tooth * curve::COMB_SPACING] = Target::wire(row, Comb::bit(step, tooth));
                }
            }
        }
        (point, response)
    }

    /// Wires `sources` into the columns of a row.
    fn connect_row(&mut self, sources: &[Target], row: usize, columns: std::ops::Range<usize>) {
        assert_eq!(sources.len(), columns.len(), "as many wires as columns");
        for (&source, column) in sources.iter().zip(columns) {
            self.connect(source, Target::wire(row, column));
        }
    }
}

/// Greatest upper half of an element of the field: `p - 1 = 2^64 - 2^32`.
const HIGH_MAX: u64 = u32::MAX as u64;

/// Computes the prefixes of a limb of the challenge, and the inverse that shows it canonical.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimbGenerator {
    limb: Target,
    /// Receive the first 8, 16, …, 64 bits. The last one is the limb itself.
    prefixes: [Target; LIMB_ROWS],
    /// Receives the inverse of `high - (2^32 - 1)`, or 0.
    inverse: Target,
}

impl SimpleGenerator<F, D> for LimbGenerator {
    fn id(&self) -> String {
        "weft::LimbGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.limb]
    }

    fn run_once(&self, witness: &PartitionWitness<'_, F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let limb = witness.get_target(self.limb).to_canonical_u64();
        for (index, &prefix) in self.prefixes.iter().enumerate() {
            let value = limb >> (LIMB_BITS - ScalarMul::BITS_PER_ROW * (index + 1));
            out.set_target(prefix, F::from_canonical_u64(value))?;
        }
        let distance = F::from_canonical_u64(limb >> 32) - F::from_canonical_u64(HIGH_MAX);
        out.set_target(self.inverse, distance.try_inverse().unwrap_or(F::ZERO))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.limb)?;
        self.prefixes.iter().try_for_each(|&prefix| dst.write_target(prefix))?;
        dst.write_target(self.inverse)
    }

    fn deserialize(src: &mut Buffer<'_>, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let mut generator = Self { limb: src.read_target()?, ..Self::default() };
        for prefix in &mut generator.prefixes {
            *prefix = src.read_target()?;
        }
        generator.inverse = src.read_target()?;
        Ok(generator)
    }
}

#[cfg(test)]
mod tests;
