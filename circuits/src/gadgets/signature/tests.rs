//! Signatures: agreement with the native check, and finished witnesses that a dishonest prover might try.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use plonky2::field::types::Field64;
use proptest::prelude::{ProptestConfig, any, proptest};
use weft_crypto::curve::{GENERATOR, Point, TWO_TORSION, d1};
use weft_crypto::schnorr::{SecretKey, challenge, holds, key_digest, sign};
use weft_crypto::{Digest, Goldilocks};

use super::*;
use crate::builder::{Circuit, CircuitName, Mode};
use crate::config::segment_config;
use crate::testing::checker::{clauses_of, value_of};
use crate::testing::mutate::{class_of, unconstrained_classes};
use crate::testing::{Checker, check, generate, prove_anyway};
use crate::wired::from_field;

const NAME: CircuitName = CircuitName { name: "signature-test", version: 1 };

/// A circuit that checks one signature.
struct Fixture {
    circuit: Circuit,
    message: [Target; 4],
    enabled: Target,
    wires: SignatureWires,
}

impl Fixture {
    fn new(mode: Mode) -> Self {
        let mut b = Builder::new(NAME, segment_config(), mode);
        let message: [Target; 4] = b.alloc::<Digest>();
        let enabled = b.alloc::<bool>();
        let wires = b.verify_signature(message, enabled);
        b.expose(&wires.key_digest());
        Self { circuit: b.build(), message, enabled: enabled.target(), wires }
    }

    fn inputs(&self, case: &Case) -> Witness {
        let mut witness = Witness::new();
        witness.assign::<Digest>(&self.message, &case.message).unwrap();
        witness.set(self.enabled, F::from_bool(case.enabled)).unwrap();
        self.wires.assign_raw(&mut witness, &case.key, &case.r_x, &case.s).unwrap();
        witness
    }
}

static PROVING: LazyLock<Fixture> = LazyLock::new(|| Fixture::new(Mode::Proving));
static CHECKING: LazyLock<Fixture> = LazyLock::new(|| Fixture::new(Mode::Checking));

/// What the prover claims.
#[derive(Clone)]
struct Case {
    message: Digest,
    enabled: bool,
    key: [F; 10],
    r_x: [F; 5],
    s: [u64; 5],
}

impl Case {
    fn honest() -> Self {
        let secret = SecretKey::from_seed(&[7; 32]);
        let message = Digest([1, 2, 3, 4].map(Goldilocks::from_u64));
        let signature = sign(&secret, &message);
        Self {
            message,
            enabled: true,
            key: elements(&secret.public_key().point()),
            r_x: signature.r.x().unwrap().0.map(to_field),
            s: signature.s.limbs(),
        }
    }

    /// A signature by the secret 5 for a given form of the stored key.
    fn signed_for(key: Point) -> Self {
        let message = Digest([9, 8, 7, 6].map(Goldilocks::from_u64));
        let nonce = weft_crypto::scalar::Scalar::from_u128(1_234_567_890_123);
        let r_x = Point::mul_generator(&nonce).x().unwrap();
        let e = challenge(&r_x, &key_digest(&key).unwrap(), &message);
        let secret = weft_crypto::scalar::Scalar::from_u128(5);
        let factor = weft_crypto::scalar::Scalar::power_of_two(80) * weft_crypto::scalar::Scalar::from_u128(e);
        Self {
            message,
            enabled: true,
            key: elements(&key),
            r_x: r_x.0.map(to_field),
            s: (nonce - factor * secret).limbs(),
        }
    }

    /// The native relation; a key off the curve is none.
    fn holds(&self) -> bool {
        let [x, y] = [0, 5].map(|start| weft_crypto::quintic::Fp5(array::from_fn(|i| from_field(self.key[start + i]))));
        let r_x = weft_crypto::quintic::Fp5(self.r_x.map(from_field));
        Point::from_affine(x, y).is_some_and(|key| holds(&key, &self.message, &r_x, &self.s))
    }

    /// The clauses that the circuit finds broken; `None` if it accepts. Everything else must be in order.
    fn broken_clauses(&self) -> BTreeSet<&'static str> {
        let fixture = &*CHECKING;
        let generated = generate(&fixture.circuit, &fixture.inputs(self), &[]);
        assert_eq!((generated.stuck, generated.conflicts.len()), (0, 0));
        check(&fixture.circuit, &generated.witness).err().map(|violations| clauses_of(&violations)).unwrap_or_default()
    }

    fn is_provable(&self) -> bool {
        let fixture = &*PROVING;
        let generated = generate(&fixture.circuit, &fixture.inputs(self), &[]);
        prove_anyway(&fixture.circuit, generated.witness).is_ok()
    }
}

fn plus_order(s: [u64; 5]) -> [u64; 5] {
    let mut carry = false;
    array::from_fn(|i| {
        let (sum, first) = s[i].overflowing_add(curve::ORDER[i]);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        carry = first || second;
        sum
    })
}

#[test]
fn honest_signature_proves_and_exposes_the_native_key_digest() {
    let fixture = &*PROVING;
    let secret = SecretKey::from_seed(&[7; 32]);
    let case = Case::honest();
    let signature = sign(&secret, &case.message);
    let mut witness = Witness::new();
    witness.assign::<Digest>(&fixture.message, &case.message).unwrap();
    witness.set(fixture.enabled, F::ONE).unwrap();
    fixture.wires.assign(&mut witness, secret.public_key(), &signature).unwrap();
    let proof = fixture.circuit.data.prove(witness.into_partial()).unwrap();
    assert_eq!(proof.public_inputs, secret.public_key().digest().0.map(to_field));
    fixture.circuit.data.verify(proof).unwrap();
}

#[test]
fn unsigned_check_proves_with_the_fixed_key() {
    let fixture = &*PROVING;
    let mut witness = Witness::new();
    witness.assign::<Digest>(&fixture.message, &Digest([0; 4].map(Goldilocks::from_u64))).unwrap();
    witness.set(fixture.enabled, F::ZERO).unwrap();
    fixture.wires.assign_unsigned(&mut witness).unwrap();
    let proof = fixture.circuit.data.prove(witness.into_partial()).unwrap();
    fixture.circuit.data.verify(proof).unwrap();
}

/// Cases beside the honest one, and the clause that refuses them.
fn cases() -> Vec<(&'static str, Case, Option<&'static str>)> {
    let honest = Case::honest;
    let with = |change: fn(&mut Case)| {
        let mut case = honest();
        change(&mut case);
        case
    };
    let key = Point::mul_generator(&weft_crypto::scalar::Scalar::from_u128(5)) + d1();
    vec![
        ("honest", honest(), None),
        ("honest by the secret 5", Case::signed_for(key), None),
        ("the key P + N with its own digest", Case::signed_for(key + TWO_TORSION), None),
        ("s + n", with(|case| case.s = plus_order(case.s)), None),
        ("another message", with(|case| case.message.0[2] += Goldilocks::ONE), Some("SG-3")),
        ("another R", with(|case| case.r_x[4] += F::ONE), Some("SG-3")),
        ("lowest bit of s", with(|case| case.s[0] ^= 1), Some("SG-3")),
        ("highest bit of s", with(|case| case.s[4] ^= 1 << 63), Some("SG-3")),
        ("another key", with(|case| case.key = elements(&(GENERATOR + d1()))), Some("SG-3")),
        ("the opposite key", with(|case| case.key[5..].iter_mut().for_each(|y| *y = -*y)), Some("SG-3")),
        ("the key O", Case::signed_for(d1()), Some("SG-1")),
        ("the key N", Case::signed_for(d1() + TWO_TORSION), Some("SG-1")),
        ("x off the curve", with(|case| case.key[0] += F::ONE), Some("SG-1")),
        ("y off the curve", with(|case| case.key[9] += F::ONE), Some("SG-1")),
        ("the zero key", with(|case| case.key = [F::ZERO; 10]), Some("SG-1")),
    ]
}

#[test]
fn circuit_and_native_check_agree_and_the_clause_is_named() {
    for (name, case, clause) in cases() {
        let broken = case.broken_clauses();
        assert_eq!(broken.is_empty(), clause.is_none(), "{name}: {broken:?}");
        assert!(clause.is_none_or(|clause| broken.contains(clause)), "{name}: {broken:?}");
        assert_eq!(case.holds(), broken.is_empty(), "{name}: native");
    }
}

#[test]
fn bad_signatures_are_refused_as_proofs() {
    for (name, case, clause) in cases() {
        assert_eq!(case.is_provable(), clause.is_none(), "{name}");
    }
}

#[test]
fn disabled_check_lets_only_sg_3_go() {
    for (name, mut case, clause) in cases() {
        case.enabled = false;
        let broken = case.broken_clauses();
        assert_eq!(broken.contains("SG-1"), clause == Some("SG-1"), "{name}");
        assert!(!broken.contains("SG-3"), "{name}");
    }
}

/// Column of the first slope in both gates of the walk.
const SLOPE_WIRES: usize = 80;

#[test]
fn changed_wires_of_an_honest_witness_are_refused_as_proofs() {
    let fixture = &*PROVING;
    let (data, wires) = (&fixture.circuit.data, &fixture.wires);
    let generated = generate(&fixture.circuit, &fixture.inputs(&Case::honest()), &[]);
    assert!(generated.is_complete());
    let row_of = |gate: &str| {
        let checker = Checker::new(&fixture.circuit);
        (0..data.common.degree()).find(|&row| checker.gate(row).0.id().starts_with(gate)).unwrap()
    };
    let (walk, comb) = (row_of("ScalarMulGate"), row_of("CombGate"));
    let first_bit = ScalarMul::acc_out() + 1;
    let targets = [
        ("message", fixture.message[0], F::ONE),
        ("key x", wires.key[0], F::ONE),
        ("key y", wires.key[5], F::ONE),
        ("R.x", wires.r_x[0], F::ONE),
        ("bit of s", wires.response[100], F::ONE - wires_value(&generated.witness, wires.response[100]).double()),
        ("bit of s = 2", wires.response[0], F::TWO - wires_value(&generated.witness, wires.response[0])),
        (
            "bit of e = 2",
            Target::wire(walk, first_bit),
            F::TWO - wires_value(&generated.witness, Target::wire(walk, first_bit)),
        ),
        ("slope of e·P", Target::wire(walk, first_bit + ScalarMul::BITS_PER_ROW + SLOPE_WIRES - 1), F::ONE),
        ("slope of s·G", Target::wire(comb, Comb::bit(0, 0) + 32), F::ONE),
    ];
    for (name, target, change) in targets {
        let mut witness = generated.witness.clone();
        let class = class_of(&witness, target);
        witness.values[class] = Some(witness.values[class].unwrap() + change);
        assert!(prove_anyway(&fixture.circuit, witness).is_err(), "{name}");
    }
    prove_anyway(&fixture.circuit, generated.witness).expect("the honest witness proves");
}

fn wires_value(witness: &PartitionWitness<'_, F>, target: Target) -> F {
    witness.get_target(target)
}

#[test]
fn every_wire_is_constrained() {
    let fixture = &*PROVING;
    let generated = generate(&fixture.circuit, &fixture.inputs(&Case::honest()), &[]);
    let free = unconstrained_classes(&Checker::new(&fixture.circuit), &generated.witness);
    assert!(free.is_empty(), "{free:?}");
}

/// A circuit that reads one limb, for values that no hash will ever have.
fn limb_circuit(mode: Mode) -> (Circuit, Target) {
    let mut b = Builder::new(NAME, segment_config(), mode);
    let limb = b.alloc::<F>();
    let constant = |b: &mut Builder, point: Point| elements(&point).map(|element| b.constant(element));
    let (start, key) = (constant(&mut b, curve::q0()), constant(&mut b, GENERATOR + d1()));
    b.clause("SG-2", |b| b.walk_limb(start, key, limb));
    (b.build(), limb)
}

/// The witness in which the rows read `integer` while the limb is its residue, with a helpful inverse.
fn forced_reading(circuit: &Circuit, limb: Target, integer: u128) -> PartitionWitness<'_, F> {
    let checker = Checker::new(circuit);
    let rows = (0..checker.rows()).filter(|&row| checker.gate(row).0.id().starts_with("ScalarMulGate"));
    let forced: Vec<_> = rows
        .enumerate()
        .map(|(index, row)| {
            let prefix = integer >> (LIMB_BITS - ScalarMul::BITS_PER_ROW * (index + 1));
            (Target::wire(row, ScalarMul::acc_out()), F::from_noncanonical_u128(prefix))
        })
        .chain(circuit.ledger.hints().iter().map(|hint| {
            let distance = F::from_noncanonical_u128(integer >> 32) - F::from_canonical_u64(HIGH_MAX);
            (hint.target, distance.try_inverse().unwrap_or(F::ONE))
        }))
        .collect();
    let mut inputs = Witness::new();
    inputs.set(limb, F::from_noncanonical_u128(integer)).unwrap();
    let generated = generate(circuit, &inputs, &forced);
    assert_eq!(generated.stuck, 0);
    generated.witness
}

#[test]
fn limb_is_read_as_the_integer_below_the_order_only() {
    let order = u128::from(F::ORDER);
    let (checking, limb) = limb_circuit(Mode::Checking);
    let (proving, proving_limb) = limb_circuit(Mode::Proving);
    for integer in [0, 1, 0xffff_ffff, 1 << 32, order - (1 << 32), order - 2, order - 1] {
        let witness = forced_reading(&checking, limb, integer);
        assert_eq!(check(&checking, &witness), Ok(()), "{integer}");
    }
    for integer in [order, order + 1, u128::from(u64::MAX)] {
        let witness = forced_reading(&checking, limb, integer);
        let violations = check(&checking, &witness).unwrap_err();
        assert_eq!(violations.len(), 1, "only the canonical check objects: {violations:?}");
        assert_eq!(clauses_of(&violations), BTreeSet::from(["SG-2"]));
        assert!(prove_anyway(&proving, forced_reading(&proving, proving_limb, integer)).is_err(), "{integer}");
    }
}

/// SG-3 compares all of x: no coefficient of the last point's may be another.
#[test]
fn each_coefficient_of_the_last_point_is_compared() {
    let fixture = &*CHECKING;
    let checker = Checker::new(&fixture.circuit);
    let inputs = fixture.inputs(&Case::honest());
    let honest = generate(&fixture.circuit, &inputs, &[]);
    let last = (0..checker.rows()).rev().find(|&row| checker.gate(row).0.id().starts_with("CombGate"));
    for column in Comb::q_out().take(5) {
        let target = Target::wire(last.expect("a comb"), column);
        let forged = [(target, value_of(&honest.witness, target) + F::ONE)];
        let generated = generate(&fixture.circuit, &inputs, &forged);
        assert_eq!(clauses_of(&checker.broken_claims(&generated.witness)), BTreeSet::from(["SG-3"]), "column {column}");
    }
}

/// Rows of a circuit with this many signatures, without what the build adds.
fn rows(signatures: usize) -> usize {
    let mut b = Builder::new(NAME, segment_config(), Mode::Proving);
    for _ in 0..signatures {
        let message = b.alloc::<Digest>();
        let enabled = b.alloc::<bool>();
        b.verify_signature(message, enabled);
    }
    b.rows()
}

#[test]
fn eighty_signatures_cost_2535_rows() {
    assert_eq!(rows(160) - rows(80), 2_535);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn honest_signatures_of_any_key_and_message_are_accepted(seed in any::<[u8; 32]>(), words in any::<[u64; 4]>()) {
        let secret = SecretKey::from_seed(&seed);
        let message = Digest(words.map(|word| Goldilocks::from_u64(word % F::ORDER)));
        let signature = sign(&secret, &message);
        let case = Case {
            message,
            enabled: true,
            key: elements(&secret.public_key().point()),
            r_x: signature.r.x().unwrap().0.map(to_field),
            s: signature.s.limbs(),
        };
        assert_eq!(case.broken_clauses(), BTreeSet::new());
    }
}
