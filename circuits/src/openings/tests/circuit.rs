//! The table verified in a circuit.

use plonky2::field::types::Field;

use super::attacks::{DEGREE_BITS, another_leaf_found, honest, sibling_changed_only_after};
use crate::builder::{Builder, Circuit, CircuitName, Mode, OpeningsChild, Target};
use crate::config::{F, OPENINGS, OPENINGS_COMPACT, recursion_config};
use crate::openings::trace::Trace;
use crate::openings::{OpeningsProof, OpeningsStatement, OpeningsTable};
use crate::testing::checker::{check, value_of};
use crate::testing::{Generated, generate};
use crate::wired::{Witness, elements_of, targets_of};

/// A circuit that verifies a table and whose first wire is free.
struct Verifier {
    circuit: Circuit,
    free: Target,
    child: OpeningsChild,
    table: OpeningsTable,
}

impl Verifier {
    fn new() -> Self {
        let table = OpeningsTable::new(OPENINGS_COMPACT, DEGREE_BITS);
        let name = CircuitName { name: "openings-test", version: 1 };
        let mut b = Builder::new(name, recursion_config(), Mode::Proving);
        let free = b.alloc::<F>();
        let child = b.clause("JN-2", |b| b.verify_openings(&table));
        Self { circuit: b.build(), free, child, table }
    }

    fn prove(&self, trace: &Trace) -> OpeningsProof {
        self.table.prove_trace(trace).expect("the library proves whatever it is given")
    }

    fn generate(&self, proof: &OpeningsProof) -> Generated<'_> {
        let mut witness = Witness::new();
        witness.set(self.free, F::from_canonical_u64(7)).expect("set once");
        self.child.assign(&mut witness, proof).expect("the right shape");
        generate(&self.circuit, &witness, &[])
    }

    /// Whether the circuit accepts the proof, and if so the statement that it hands on.
    fn accepts(&self, proof: &OpeningsProof) -> Option<Vec<F>> {
        let generated = self.generate(proof);
        let is_satisfied = generated.conflicts.is_empty() && check(&self.circuit, &generated.witness).is_ok();
        is_satisfied.then(|| {
            let targets = targets_of::<OpeningsStatement>(&self.child.statement());
            targets.into_iter().map(|target| value_of(&generated.witness, target)).collect()
        })
    }
}

#[test]
fn the_circuit_accepts_what_the_native_verifier_does() {
    let verifier = Verifier::new();
    let trace = honest();
    let proof = verifier.prove(&trace);
    assert_eq!(verifier.table.verify(&proof), Ok(trace.statement));
    assert_eq!(verifier.accepts(&proof), Some(elements_of(&trace.statement)));

    let mut other = proof.clone();
    other.inner_mut().public_inputs[9] += F::ONE;
    assert_eq!(verifier.accepts(&other), None, "another statement");
    for position in 0..6 {
        let mut other = proof.clone();
        let sums = other.inner_mut().proof.openings.ctl_zs_first.as_mut().expect("a proof has sums");
        sums[position] += F::ONE;
        assert_eq!(verifier.accepts(&other), None, "sum {position}");
    }
    // A broken constraint; a multiset that does not balance, though its sums are right.
    for forged in [sibling_changed_only_after(), another_leaf_found(0)] {
        assert_eq!(verifier.accepts(&verifier.prove(&forged)), None);
    }
}

/// The library takes the number of rows from the proof; here it is the circuit's.
#[test]
fn no_prover_says_how_many_rows_a_table_has() {
    let mut verifier = Verifier::new();
    let proof = verifier.prove(&honest());
    assert_eq!(verifier.generate(&proof).conflicts.len(), 0);
    verifier.child = verifier.child.with_degree_bits(DEGREE_BITS + 1);
    assert_ne!(verifier.generate(&proof).conflicts.len(), 0);
}

#[test]
fn the_rows_of_a_verification_are_these() {
    let rows: Vec<_> = [OPENINGS, OPENINGS_COMPACT]
        .into_iter()
        .flat_map(|parameters| [12, 14, 15, 16, 17].map(|degree_bits| (parameters, degree_bits)))
        .map(|(parameters, degree_bits)| {
            let rows = OpeningsTable::new(parameters, degree_bits).verification_rows();
            format!("{}, 2^{degree_bits} rows: {rows}", parameters.name)
        })
        .collect();
    insta::assert_snapshot!("rows-of-a-verification", rows.join("\n"));
}
