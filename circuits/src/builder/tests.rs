use std::panic::{AssertUnwindSafe, catch_unwind};

use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::noop::NoopGate;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use proptest::prelude::*;
use weft_crypto::{Digest, Goldilocks, Tag, poseidon};

use super::{Bool, Builder, ChildKey, Circuit, CircuitName, Mode, Target, key_digest};
use crate::config::{D, F, recursion_config, segment_config};
use crate::testing::checker::{Checker, check, clauses_of, value_of};
use crate::testing::generate;
use crate::wired::{Witness, from_field, to_field};

const NAME: CircuitName = CircuitName { name: "test", version: 1 };

fn builder(mode: Mode) -> Builder {
    Builder::new(NAME, segment_config(), mode)
}

fn witness(values: &[(Target, u64)]) -> Witness {
    let mut witness = Witness::new();
    for &(target, value) in values {
        witness.set(target, F::from_noncanonical_u64(value)).expect("set once");
    }
    witness
}

/// The clauses that these inputs break, and whether the rows of the circuit for proving object.
fn broken(construct: impl Fn(&mut Builder, Target, Target), left: u64, right: u64) -> (Vec<&'static str>, bool) {
    let [clauses, rows] = [Mode::Checking, Mode::Proving].map(|mode| {
        let mut b = builder(mode);
        let (l, r) = (b.input(), b.input());
        construct(&mut b, l, r);
        let circuit = b.build();
        let generated = generate(&circuit, &witness(&[(l, left), (r, right)]), &[]);
        let violations = check(&circuit, &generated.witness).err().unwrap_or_default();
        match mode {
            Mode::Checking => clauses_of(&violations).into_iter().collect(),
            Mode::Proving if violations.is_empty() && generated.is_complete() => Vec::new(),
            Mode::Proving => vec!["rows"],
        }
    });
    (clauses, !rows.is_empty())
}

/// Value of a wire computed from inputs.
fn computed(construct: impl Fn(&mut Builder, &[Target]) -> Vec<Target>, inputs: &[u64]) -> Vec<u64> {
    let mut b = builder(Mode::Proving);
    let wires: Vec<_> = inputs.iter().map(|_| b.input()).collect();
    let outputs = construct(&mut b, &wires);
    let circuit = b.build();
    let values: Vec<_> = wires.into_iter().zip(inputs.iter().copied()).collect();
    let generated = generate(&circuit, &witness(&values), &[]);
    assert_eq!(check(&circuit, &generated.witness), Ok(()));
    outputs.into_iter().map(|output| value_of(&generated.witness, output).to_canonical_u64()).collect()
}

#[test]
fn an_assertion_outside_of_clauses_panics() {
    let outside = |assert: fn(&mut Builder, Target)| {
        let mut b = builder(Mode::Proving);
        let wire = b.input();
        catch_unwind(AssertUnwindSafe(|| assert(&mut b, wire))).is_err()
    };
    assert!(outside(|b, wire| b.assert_zero(wire)));
    assert!(outside(|b, wire| b.range_check(wire, 8)));
    assert!(outside(|b, wire| {
        b.to_bits(wire, 8);
    }));
    assert!(outside(|b, wire| {
        b.assert_bool(wire);
    }));
    assert!(outside(|b, wire| {
        b.uint::<8>(wire);
    }));
    assert!(outside(|b, wire| {
        b.clause("T-1", |_| {});
        b.assert_zero(wire);
    }));
    assert!(!outside(|b, wire| b.clause("T-1", |b| b.assert_zero(wire))));
    assert!(!outside(|b, wire| {
        b.is_zero(wire);
    }));
}

#[test]
fn typed_wires_are_not_made_under_conditions() {
    let under_condition = |make: fn(&mut Builder, Target)| {
        let mut b = builder(Mode::Proving);
        let (flag, wire) = (b.alloc::<bool>(), b.input());
        catch_unwind(AssertUnwindSafe(|| b.when(flag, |b| b.clause("T-1", |b| make(b, wire))))).is_err()
    };
    assert!(under_condition(|b, wire| {
        b.assert_bool(wire);
    }));
    assert!(under_condition(|b, wire| {
        b.uint::<8>(wire);
    }));
    assert!(!under_condition(|b, wire| b.range_check(wire, 8)));
}

/// 64 bits can be written in two ways in the field, and the library's check of 0 bits checks nothing.
#[test]
fn widths_have_one_representation_or_panic() {
    let panics = |check: &dyn Fn(&mut Builder, Target)| {
        let mut b = builder(Mode::Proving);
        let wire = b.input();
        catch_unwind(AssertUnwindSafe(|| b.clause("T-1", |b| check(b, wire)))).is_err()
    };
    for (bits, is_refused) in [(0, true), (1, false), (63, false), (64, true)] {
        assert_eq!(panics(&|b, wire| b.range_check(wire, bits)), is_refused, "{bits} bits");
        let to_bits = |b: &mut Builder, wire| {
            b.to_bits(wire, bits);
        };
        assert_eq!(panics(&to_bits), is_refused, "{bits} bits");
        let from_bits = |b: &mut Builder, _| {
            let zero = b.constant_bool(false);
            b.from_bits(&vec![zero; bits as usize]);
        };
        assert_eq!(panics(&from_bits), bits == 64, "{bits} bits");
    }
}

#[test]
fn a_failed_assertion_names_its_clause() {
    let construct = |b: &mut Builder, left, right| {
        b.clause("T-1", |b| b.range_check(left, 8));
        b.clause("T-2", |b| b.assert_equal(left, right));
        b.clause("T-3", |b| {
            b.assert_nonzero(right);
            b.clause("T-4", |b| b.to_bits(right, 4));
        });
    };
    assert_eq!(broken(construct, 7, 7), (vec![], false));
    assert_eq!(broken(construct, 256, 7), (vec!["T-1", "T-2"], true));
    assert_eq!(broken(construct, 7, 8), (vec!["T-2"], true));
    assert_eq!(broken(construct, 0, 0), (vec!["T-3"], true));
    assert_eq!(broken(construct, 16, 16), (vec!["T-4"], true));
    assert_eq!(broken(construct, u64::MAX, 1), (vec!["T-1", "T-2"], true));
}

#[test]
fn conditions_gate_assertions_and_multiply() {
    let construct = |b: &mut Builder, outer, inner| {
        let [outer, inner] = b.clause("T-0", |b| [outer, inner].map(|flag| b.assert_bool(flag)));
        let seven = b.constant_u64(7);
        b.when(outer, |b| {
            b.when(inner, |b| b.clause("T-1", |b| b.assert_zero(seven)));
            b.clause("T-2", |b| b.range_check(seven, 3));
            let free = b.not(inner);
            b.when(free, |b| b.clause("T-3", |b| b.range_check(seven, 2)));
        });
        assert!(b.condition().is_none());
    };
    assert_eq!(broken(construct, 0, 0), (vec![], false));
    assert_eq!(broken(construct, 0, 1), (vec![], false));
    assert_eq!(broken(construct, 1, 1), (vec!["T-1"], true));
    assert_eq!(broken(construct, 1, 0), (vec!["T-3"], true));
    assert!(broken(construct, 2, 0).0.contains(&"T-0"));
}

#[test]
fn definitions_hold_under_false_conditions() {
    let construct = |b: &mut Builder, flag, value| {
        let flag = b.clause("T-0", |b| b.assert_bool(flag));
        let is_zero = b.when(flag, |b| b.is_zero(value));
        b.clause("T-1", |b| b.assert_true(is_zero));
    };
    assert_eq!(broken(construct, 0, 0), (vec![], false));
    assert_eq!(broken(construct, 0, 5), (vec!["T-1"], true));
}

#[test]
fn both_modes_have_the_same_rows() {
    let gates = [Mode::Proving, Mode::Checking].map(|mode| {
        let mut b = builder(mode);
        let (left, right) = (b.input(), b.input());
        let flag = b.is_equal(left, right);
        b.when(flag, |b| b.clause("T-1", |b| b.range_check(left, 20)));
        b.clause("T-2", |b| b.to_bits(right, 20));
        let circuit = b.build();
        let checker = Checker::new(&circuit);
        (0..checker.rows()).map(|row| checker.gate(row).0.id()).collect::<Vec<_>>()
    });
    assert_eq!(gates[0], gates[1]);
}

#[test]
fn logic_follows_its_truth_tables() {
    for (a, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let outputs = computed(
            |b, wires| {
                let [x, y] = b.clause("T-0", |b| [wires[0], wires[1]].map(|wire| b.assert_bool(wire)));
                let results: [Bool; 6] =
                    [b.and(x, y), b.or(x, y), b.xor(x, y), b.not(x), b.all(&[x, y, x]), b.any(&[x, y, x])];
                results.map(Bool::target).to_vec()
            },
            &[a, c],
        );
        assert_eq!(outputs, [a & c, a | c, a ^ c, 1 - a, a & c, a | c]);
    }
}

#[test]
fn selection_and_sums_compute_what_they_say() {
    let outputs = computed(
        |b, wires| {
            let &[flag, x, y] = wires else { panic!("three inputs") };
            let flag = b.clause("T-0", |b| b.assert_bool(flag));
            let combination = b.linear_combination(&[(F::TWO, x), (F::NEG_ONE, y)]);
            vec![b.select(flag, x, y), b.gate(flag, x), b.sum(&[x, y, x]), combination, b.sub(x, y)]
        },
        &[1, 100, 30],
    );
    assert_eq!(outputs, [100, 100, 230, 170, 70]);
}

fn digest_elements(digest: Digest) -> Vec<u64> {
    digest.0.iter().map(|element| element.as_u64()).collect()
}

#[test]
fn hashes_equal_the_native_ones_at_every_length() {
    for length in 0..=17 {
        let inputs: Vec<u64> = (0..length).map(|i| 0x0123_4567_89ab_cdef_u64.wrapping_mul(i + 3) >> 1).collect();
        let native: Vec<_> = inputs.iter().map(|&input| Goldilocks::from_u64(input)).collect();
        let outputs = computed(|b, wires| b.hash(Tag::MESSAGE, wires).to_vec(), &inputs);
        assert_eq!(outputs, digest_elements(poseidon::hash(Tag::MESSAGE, &native)), "length {length}");
    }
}

#[test]
fn compression_equals_the_native_one_in_both_orders() {
    let native = |from: u64| Digest([0, 1, 2, 3].map(|i| Goldilocks::from_u64(from + i)));
    let inputs: Vec<u64> = (10..18).collect();
    for bit in [0, 1] {
        let outputs = computed(
            |b, wires| {
                let (node, sibling) = ([0, 1, 2, 3].map(|i| wires[i]), [4, 5, 6, 7].map(|i| wires[i]));
                let bit = b.constant_bool(bit == 1);
                b.compress_swapped(bit, node, sibling).to_vec()
            },
            &inputs,
        );
        let (left, right) = if bit == 1 { (native(14), native(10)) } else { (native(10), native(14)) };
        assert_eq!(outputs, digest_elements(poseidon::compress(&left, &right)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn bits_are_those_of_the_integer(value in 0..1_u64 << 63, bits in 1..=63_u32) {
        let value = value >> (63 - bits);
        let outputs = computed(
            |b, wires| {
                let bits = b.clause("T-1", |b| b.to_bits(wires[0], bits));
                let sum = b.from_bits(&bits);
                bits.into_iter().map(Bool::target).chain([sum]).collect()
            },
            &[value],
        );
        let expected: Vec<_> = (0..bits).map(|i| value >> i & 1).chain([value]).collect();
        prop_assert_eq!(outputs, expected);
    }
}

/// A child that proves knowledge of a square root, with `extra` rows to tell circuits apart.
fn square_circuit(constant: u64) -> (Circuit, Target) {
    let mut b = Builder::new(NAME, recursion_config(), Mode::Proving);
    let root = b.input();
    let square = b.mul(root, root);
    let constant = b.constant_u64(constant);
    let sum = b.add(square, constant);
    b.expose(&[sum]);
    (b.build(), root)
}

fn prove(
    circuit: &Circuit,
    values: &[(Target, u64)],
) -> plonky2::plonk::proof::ProofWithPublicInputs<F, PoseidonGoldilocksConfig, D> {
    circuit.data.prove(witness(values).into_partial()).expect("the witness satisfies the circuit")
}

#[test]
fn a_parent_reads_the_childs_public_inputs_and_key() {
    let (child, root) = square_circuit(1);
    let proof = prove(&child, &[(root, 5)]);
    let mut b = Builder::new(NAME, recursion_config(), Mode::Proving);
    let verified =
        b.clause("T-1", |b| b.verify_child(&child.data.common, ChildKey::Constant(&child.data.verifier_only)));
    let statement = verified.statement::<F>();
    let key = b.key_digest(verified.key());
    b.expose(&[statement]);
    b.expose(&key);
    let parent = b.build();
    let mut inputs = Witness::new();
    verified.assign(&mut inputs, &proof, None).expect("the proof fits");
    let proof = parent.data.prove(inputs.into_partial()).expect("the child is good");
    parent.data.verify(proof.clone()).expect("the proof is good");
    assert_eq!(proof.public_inputs[0], F::from_canonical_u64(26));
    let native = key_digest(&child.data.verifier_only);
    assert_eq!(proof.public_inputs[1..].iter().copied().map(from_field).collect::<Vec<_>>(), native.0);
}

/// The library reads a key's digest for Fiat–Shamir only and its cap for the openings only.
#[test]
fn a_foreign_cap_under_a_good_digest_has_another_key() {
    let (good, _) = square_circuit(1);
    let (foreign, root) = square_circuit(2);
    assert_ne!(good.digest, foreign.digest);
    let mut mixed = foreign.data.verifier_only.clone();
    mixed.circuit_digest = good.data.verifier_only.circuit_digest;
    assert_ne!(key_digest(&mixed), key_digest(&good.data.verifier_only));

    let mut b = Builder::new(NAME, recursion_config(), Mode::Checking);
    let verified = b.clause("T-1", |b| b.verify_child(&good.data.common, ChildKey::Witness));
    let key = b.key_digest(verified.key());
    let allowed = key_digest(&good.data.verifier_only).0.map(|element| b.constant(to_field(element)));
    b.clause("T-2", |b| b.assert_all_equal(&key, &allowed));
    let parent = b.build();
    let mut inputs = Witness::new();
    let proof = prove(&foreign, &[(root, 5)]);
    verified.assign(&mut inputs, &proof, Some(&foreign.data.verifier_only)).expect("the proof fits");
    let generated = generate(&parent, &inputs, &[]);
    let violations = check(&parent, &generated.witness).expect_err("the key is not allowed");
    assert_eq!(clauses_of(&violations).into_iter().collect::<Vec<_>>(), ["T-2"], "the proof itself is good");
}

#[test]
fn a_bad_child_fails_the_clause_that_verifies_it() {
    let (child, root) = square_circuit(1);
    let mut proof = prove(&child, &[(root, 5)]);
    proof.public_inputs[0] += F::ONE;
    let mut b = Builder::new(NAME, recursion_config(), Mode::Checking);
    let verified =
        b.clause("T-1", |b| b.verify_child(&child.data.common, ChildKey::Constant(&child.data.verifier_only)));
    let parent = b.build();
    let mut inputs = Witness::new();
    verified.assign(&mut inputs, &proof, None).expect("the proof fits");
    let generated = generate(&parent, &inputs, &[]);
    let violations = check(&parent, &generated.witness).expect_err("the child's public input is wrong");
    assert_eq!(clauses_of(&violations).into_iter().collect::<Vec<_>>(), ["T-1"]);
    assert!(parent.data.prove(inputs.into_partial()).is_err());
}

#[test]
fn a_proof_with_other_public_inputs_does_not_fit() {
    let (child, root) = square_circuit(1);
    let mut proof = prove(&child, &[(root, 5)]);
    proof.public_inputs.push(F::ZERO);
    let mut b = Builder::new(NAME, recursion_config(), Mode::Proving);
    let verified =
        b.clause("T-1", |b| b.verify_child(&child.data.common, ChildKey::Constant(&child.data.verifier_only)));
    let error = verified.assign(&mut Witness::new(), &proof, None).expect_err("one input too many");
    assert_eq!(error, crate::wired::AssignError::Length { wires: 1, values: 2 });
}

#[test]
fn digests_depend_on_name_version_constants_and_gates() {
    let circuit = |name: CircuitName, constant: u64, custom: bool| {
        let mut b = Builder::new(name, segment_config(), Mode::Proving);
        let (wire, constant) = (b.input(), b.constant_u64(constant));
        let sum = b.add(wire, constant);
        b.expose(&[sum]);
        if custom {
            b.add_gate(NoopGate, vec![]);
        }
        b.build()
    };
    let circuits = [
        circuit(NAME, 1, false),
        circuit(CircuitName { version: 2, ..NAME }, 1, false),
        circuit(CircuitName { name: "other", ..NAME }, 1, false),
        circuit(NAME, 2, false),
        circuit(NAME, 1, true),
    ];
    for (i, left) in circuits.iter().enumerate() {
        for right in &circuits[..i] {
            assert_ne!(left.digest, right.digest);
            assert_ne!(left.data.verifier_only.circuit_digest, right.data.verifier_only.circuit_digest);
        }
    }
    assert_eq!(circuits[0].digest, circuit(NAME, 1, false).digest);
    assert_eq!(circuits[0].digest.to_string().parse(), Ok(circuits[0].digest));
}

/// Both equations of the test for zero are needed: with flag and inverse of the prover's choice each alone refuses one lie.
#[test]
fn a_test_for_zero_cannot_lie_with_any_inverse() {
    let mut b = Builder::new(CircuitName { name: "zero", version: 1 }, segment_config(), Mode::Checking);
    let value = b.input();
    let flag = b.is_zero(value).target();
    let circuit: Circuit = b.build();
    let inverse = circuit.ledger.hints()[1].target;
    for (number, lie) in [(F::ZERO, F::ZERO), (F::TWO, F::ONE)] {
        let mut witness = Witness::new();
        witness.set(value, number).unwrap();
        let generated = generate(&circuit, &witness, &[(flag, lie), (inverse, F::ZERO)]);
        assert!(!Checker::new(&circuit).broken_claims(&generated.witness).is_empty(), "{number} with {lie}");
    }
}

/// A comparison whose answer need not be a bit could meet its range by another element.
#[test]
fn a_comparison_answers_with_a_bit() {
    let mut b = Builder::new(CircuitName { name: "less", version: 1 }, segment_config(), Mode::Checking);
    let [left, right] = [3, 5].map(|value| b.constant_uint::<62>(value));
    let flag = b.less_than(left, right).target();
    let circuit: Circuit = b.build();
    // 3 − 5 + 2^62 · lie = 7.
    let lie = F::from_canonical_u64(9) / F::from_canonical_u64(1 << 62);
    let generated = generate(&circuit, &Witness::new(), &[(flag, lie)]);
    assert_eq!(Checker::new(&circuit).broken_claims(&generated.witness).len(), 1);
}
