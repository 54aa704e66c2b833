//! Each clause about child proofs, violated on a finished witness.

use std::collections::BTreeSet;

use plonky2::field::types::Field;
use plonky2::plonk::config::GenericConfig;

use super::merge::digest;
use super::world::{SMALL_ROWS, StandIn, WORLD, seal_input, statements};
use crate::builder::{Circuit, CircuitName, Mode, Target, key_digest};
use crate::config::{D, F};
use crate::ledger::{Claim, ClauseId};
use crate::recursion::aggregate::Aggregate;
use crate::recursion::key::{KeySet, Origin, VerifierKey};
use crate::recursion::lift::Lift;
use crate::recursion::proof::{AggregateLayer, Proof};
use crate::recursion::seal::{Seal, SealCapacity};
use crate::recursion::{AggregateProof, Assembly, SegmentProof};
use crate::testing::checker::clauses_of;
use crate::testing::{Checker, Violation, generate, prove_anyway};
use crate::wired::Witness;

const CHECKING: Assembly<'static> = Assembly { mode: Mode::Checking, cache: None };
const FOREIGN: CircuitName = CircuitName { name: "lift-foreign", version: 1 };

/// The claims that a witness breaks.
fn broken<K: GenericConfig<D, F = F>>(
    circuit: &Circuit<K>,
    witness: &Witness,
    forced: &[(Target, F)],
) -> Vec<Violation> {
    Checker::new(circuit).broken_claims(&generate(circuit, witness, forced).witness)
}

fn broken_clauses<K: GenericConfig<D, F = F>>(
    circuit: &Circuit<K>,
    witness: &Witness,
    forced: &[(Target, F)],
) -> BTreeSet<ClauseId> {
    clauses_of(&broken(circuit, witness, forced))
}

fn only(clause: ClauseId) -> BTreeSet<ClauseId> {
    BTreeSet::from([clause])
}

/// Whether the verification of a child itself fails.
fn verification_fails(violations: &[Violation]) -> bool {
    violations
        .iter()
        .any(|violation| matches!(violation, Violation::Clause(a) if matches!(a.claim, Claim::Rows { .. })))
}

/// A change of a segment's statement, with a proof of it from the right circuit.
fn changed_segment(change: impl Fn(&mut weft_protocol::SegmentStatement)) -> SegmentProof {
    let mut statement = statements(&WORLD.records)[1];
    change(&mut statement);
    WORLD.small.prove(&statement)
}

fn lift_refuses() {
    let world = &*WORLD;
    let set = world.circuits.key_set().digest();
    let lift = Lift::build(FOREIGN, world.small.verifier_data(), CHECKING);
    let failed = |segments: &[SegmentProof], present| {
        let witness = lift.assign(segments, present, &set).expect("the proofs have the right shape");
        broken_clauses(lift.layer.circuit(), &witness, &[])
    };
    let (a, b) = (&world.segments[0], &world.segments[1]);
    let both = [a.clone(), b.clone()];
    let present = [true, true, false];
    assert_eq!(failed(&both, present), BTreeSet::new());

    assert_eq!(failed(&both, [true, false, true]), BTreeSet::from(["MG-1", "MG-3"]));
    assert_eq!(failed(&both, [false, false, false]), only("MG-1"));
    let other_context = changed_segment(|statement| statement.context.0 = digest(7));
    assert_eq!(failed(&[a.clone(), other_context], present), only("MG-2"));
    assert_eq!(failed(&[b.clone(), a.clone()], present), only("MG-3"));
    let gap = changed_segment(|statement| statement.before = digest(7));
    assert_eq!(failed(&[a.clone(), gap], present), only("MG-3"));
    assert_eq!(failed(&[a.clone(), a.clone()], present), only("MG-3"));

    let foreign = StandIn::build("stand-in-foreign", SMALL_ROWS - 1).prove(&statements(&world.records)[1]);
    assert_eq!(failed(&[a.clone(), foreign], present), only("LF-1"));
    let mut lie = b.inner().clone();
    lie.public_inputs[8] += F::ONE;
    let lie = Proof::new(lie).expect("as many public inputs");
    assert_eq!(failed(&[a.clone(), lie], present), only("LF-1"));
}

/// A lift of segments of another circuit, and what an attacker can do with it.
struct Foreign {
    /// A proof of it.
    proof: Proof<AggregateLayer>,
    key: VerifierKey,
    /// The same claim, proved as if the circuit had the good lift's digest.
    disguised: Proof<AggregateLayer>,
    /// The good digest over the foreign cap.
    disguised_key: VerifierKey,
}

fn foreign_lift() -> Foreign {
    let world = &*WORLD;
    let segment = StandIn::build("stand-in-foreign", SMALL_ROWS - 1);
    let set = world.circuits.key_set().digest();
    let mut lift = Lift::build(FOREIGN, segment.verifier_data(), Assembly::FRESH);
    let segments = [segment.prove(&world.first.public_inputs().statement)];
    let (proof, key) = (lift.prove(&segments, &set).expect("a good segment"), lift.key().clone());
    let good = world.circuits.keys().lift_small.circuit_digest;
    let circuit = lift.layer.split_mut();
    circuit.verifier.verifier_only.circuit_digest = good;
    circuit.whole_mut().expect("it was built just now").data.prover_only.circuit_digest = good;
    let disguised = lift.prove(&segments, &set).expect("a good segment");
    // The library's verifier is satisfied: this is why the cap must be part of a key.
    lift.verify(&disguised).expect("valid under the good digest and the foreign cap");
    Foreign { proof, key, disguised, disguised_key: lift.key().clone() }
}

/// One test, because the circuits and proofs that the parts share are the work.
#[test]
fn circuits_refuse_bad_children() {
    lift_refuses();
    let foreign = foreign_lift();
    aggregate_refuses(&foreign);
    seal_refuses(&foreign);
    wrap_refuses();
}

fn aggregate_refuses(foreign: &Foreign) {
    let world = &*WORLD;
    let (keys, set) = (world.circuits.keys(), world.circuits.key_set());
    let aggregate = Aggregate::build(world.circuits.common_shape(), CHECKING);
    let circuit = aggregate.layer.circuit();
    let present = [true, true, false];
    let first = (&world.first.proof, &keys.lift_small);
    let last = (&world.last.proof, &keys.lift_large);
    let witness = |children: &[_], present, set: &KeySet| {
        aggregate.assign(children, present, set).expect("the proofs have the right shape")
    };
    let failed = |children: &[_], present| broken_clauses(circuit, &witness(children, present, &set), &[]);
    assert_eq!(failed(&[first, last], present), BTreeSet::new());

    // Keys: a foreign circuit, a foreign cap under a good digest, the key of another circuit of the set.
    let foreign_child = broken(circuit, &witness(&[(&foreign.proof, &foreign.key), last], present, &set), &[]);
    assert_eq!(clauses_of(&foreign_child), only("AG-1"));
    assert!(!verification_fails(&foreign_child), "the proof is valid, only its key is not in the set");
    let disguised = witness(&[(&foreign.disguised, &foreign.disguised_key), last], present, &set);
    let disguised_child = broken(circuit, &disguised, &[]);
    assert_eq!(clauses_of(&disguised_child), only("AG-1"));
    assert!(!verification_fails(&disguised_child), "digest and cap satisfy the verification");
    let wrong_key = broken(circuit, &witness(&[(first.0, &keys.lift_large), last], present, &set), &[]);
    assert_eq!(clauses_of(&wrong_key), only("AG-1"));
    assert!(verification_fails(&wrong_key));

    // Key sets: the attacker's own set contains the foreign key, but the children name the true one.
    let own_set = KeySet { aggregate: key_digest(&foreign.key), ..set };
    let mixed = witness(&[(&foreign.proof, &foreign.key), last], present, &own_set);
    assert_eq!(broken_clauses(circuit, &mixed, &[]), only("AG-2"));

    // Merging.
    assert_eq!(failed(&[first, last], [false, true, false]), only("MG-1"));
    assert_eq!(failed(&[last, first], present), only("MG-3"));
    assert_eq!(failed(&[first, first], present), only("MG-3"));
    let context = aggregate.children[1].public_inputs()[0];
    let other_context = broken_clauses(circuit, &witness(&[first, last], present, &set), &[(context, F::ONE)]);
    assert!(other_context.contains("MG-2"));

    // The circuit for proving refuses too, up to the verifier.
    let proving = world.circuits.aggregate.layer.circuit();
    let forced = generate(proving, &disguised, &[]).witness;
    assert!(!Checker::new(proving).broken_rows(&forced).is_empty());
    assert!(prove_anyway(proving, forced).is_err());
}

fn seal_refuses(foreign: &Foreign) {
    let world = &*WORLD;
    let (keys, set) = (world.circuits.keys(), world.circuits.key_set());
    let capacity = SealCapacity::new(8).expect("in range");
    let seal = Seal::build(world.circuits.common_shape(), set, capacity, CHECKING);
    let circuit = seal.layer.circuit();
    let good =
        seal.assign(&seal_input(&world.batch, &world.records), keys.get(world.batch.origin)).expect("the right shape");
    assert_eq!(broken_clauses(circuit, &good, &[]), BTreeSet::new());

    let wrong_key = seal.assign(&seal_input(&world.batch, &world.records), &keys.lift_small).expect("the right shape");
    assert!(broken_clauses(circuit, &wrong_key, &[]).contains("SA-1"));
    for (proof, key) in [(&foreign.proof, &foreign.key), (&foreign.disguised, &foreign.disguised_key)] {
        let child = AggregateProof { origin: Origin::LiftSmall, proof: proof.clone() };
        let violations =
            broken(circuit, &seal.assign(&seal_input(&child, &world.records), key).expect("the right shape"), &[]);
        assert!(clauses_of(&violations).contains("SA-1"));
        assert!(!verification_fails(&violations));
    }
    // The claims are about this child: each wire of the statement, changed, breaks its clause.
    let key_set = seal.child.public_inputs()[12];
    let forced = |target| broken(circuit, &good, &[(target, F::TWO)]);
    assert!(clauses_of(&forced(key_set)).contains("SA-1"));
    for (target, clause) in [
        (seal.claim.root_before[0], "SA-2"),
        (seal.claim.root_after[1], "SA-3"),
        (seal.claim.record_count.target(), "SA-4"),
        (seal.slots[7].limbs[0], "SA-4"),
        (seal.claim.chain[3], "SA-5"),
        (seal.claim.value[1], "SA-6"),
        (seal.claim.digest[2], "SA-7"),
    ] {
        assert!(clauses_of(&forced(target)).contains(clause), "{clause} does not object");
    }
}

fn wrap_refuses() {
    let world = &*WORLD;
    let circuits = &world.circuits;
    let (_, seal) = circuits.prove_seal(&seal_input(&world.batch, &world.records)).expect("a good batch");
    let mut lie = seal.inner().clone();
    lie.public_inputs[0] += F::ONE;
    let lie = Proof::new(lie).expect("as many public inputs");
    let shrink = circuits.shrink.layer.circuit();
    let witness = circuits.shrink.witness(&lie).expect("the right shape");
    assert_eq!(broken_clauses(shrink, &witness, &[]), only("WR-1"));
    assert!(circuits.shrink.prove(&lie).is_err());
    let good = circuits.shrink.witness(&seal).expect("the right shape");
    assert_eq!(broken_clauses(shrink, &good, &[]), BTreeSet::new());

    let shrunk = circuits.shrink.prove(&seal).expect("a good seal");
    let mut lie = shrunk.inner().clone();
    lie.public_inputs[3] += F::ONE;
    let lie = Proof::new(lie).expect("as many public inputs");
    let witness = circuits.wrap.witness(&lie).expect("the right shape");
    assert_eq!(broken_clauses(circuits.wrap.layer.circuit(), &witness, &[]), only("WR-1"));
}
