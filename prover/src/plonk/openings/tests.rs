//! The library's prover is the oracle, its verifier the judge.

use weft_circuits::config::{LayerParameters, OPENINGS, OPENINGS_COMPACT};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{ACCESS_CHAIN_START, Access, AccountIndex, chain_accesses};
use weft_state_tree::StateTree;

use super::*;
use crate::plonk::tests::{first_difference_of_tests, on_threads};

/// Accesses in a tree with what leads them to its root.
struct World {
    accesses: Vec<Access>,
    siblings: Vec<Digest>,
    roots: [Digest; 2],
}

impl World {
    fn new(indices: &[u32]) -> Self {
        let mut tree = StateTree::new();
        tree.update(AccountIndex(77), digest(77)).expect("in range");
        let all: Vec<_> = indices.iter().map(|index| AccountIndex(*index)).collect();
        let siblings = tree.multiproof(&all).expect("in range").siblings;
        let before = tree.root();
        let accesses = all.iter().zip(100..).map(|(&index, seed)| {
            let (before, after) = (tree.leaf(index).expect("in range"), digest(seed));
            tree.update(index, after).expect("in range");
            Access { index, before, after }
        });
        Self { accesses: accesses.collect(), siblings, roots: [before, tree.root()] }
    }

    fn openings(&self) -> Openings<'_> {
        Openings { accesses: &self.accesses, siblings: &self.siblings }
    }
}

fn digest(seed: u64) -> Digest {
    Digest([1, 2, 3, 4].map(|i| Goldilocks::from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i << 33)))
}

/// Proves by both provers on several numbers of threads and compares part by part, then the whole.
fn assert_proves_like_library(parameters: LayerParameters, degree_bits: usize, indices: &[u32]) {
    let world = World::new(indices);
    let table = OpeningsTable::new(parameters, degree_bits);
    let expected = on_threads(1, || table.prove(&world.openings())).expect("honest");
    for threads in [1, 2, 4] {
        let proof = on_threads(threads, || prove(&table, &world.openings())).expect("honest");
        assert_eq!(first_difference(&proof, &expected), None, "{threads} threads");
        let statement = table.verify(&proof).expect("valid");
        assert_eq!([statement.root_before, statement.root_after], world.roots);
        assert_eq!(statement.accesses, chain_accesses(ACCESS_CHAIN_START, &world.accesses));
    }
}

/// The first part in which two proofs differ, in the order in which they are made.
fn first_difference(a: &OpeningsProof, b: &OpeningsProof) -> Option<&'static str> {
    let public_inputs = a.inner().public_inputs == b.inner().public_inputs;
    let (a, b) = (&a.inner().proof, &b.inner().proof);
    let (a_opened, b_opened) = (&a.openings, &b.openings);
    let parts = [
        ("public inputs", public_inputs),
        ("trace", a.trace_cap == b.trace_cap),
        ("auxiliary columns", a.auxiliary_polys_cap == b.auxiliary_polys_cap),
        ("quotients", a.quotient_polys_cap == b.quotient_polys_cap),
        ("row", a_opened.local_values == b_opened.local_values),
        ("next row", a_opened.next_values == b_opened.next_values),
        ("auxiliary row", a_opened.auxiliary_polys == b_opened.auxiliary_polys),
        ("next auxiliary row", a_opened.auxiliary_polys_next == b_opened.auxiliary_polys_next),
        ("sums", a_opened.ctl_zs_first == b_opened.ctl_zs_first),
        ("quotients at the point", a_opened.quotient_polys == b_opened.quotient_polys),
    ];
    let part = parts.iter().find(|(_, equal)| !equal).map(|(part, _)| *part);
    part.or_else(|| first_difference_of_tests(&a.opening_proof, &b.opening_proof))
}

#[test]
fn tables_are_proved_like_the_library_does() {
    assert_proves_like_library(OPENINGS, 6, &[12; 8]);
    assert_proves_like_library(OPENINGS, 9, &[1, 2, 3, 2, (1 << 28) - 1, 3]);
    assert_proves_like_library(OPENINGS_COMPACT, 8, &[77, 5, 77]);
}

#[test]
fn lists_that_are_no_accesses_of_a_tree_are_refused() {
    let world = World::new(&[12, 12]);
    let table = OpeningsTable::new(OPENINGS, 6);
    let openings = Openings { siblings: &world.siblings[1..], ..world.openings() };
    let (got, expected) = (openings.siblings.len(), world.siblings.len());
    assert_eq!(prove(&table, &openings).map(|_| ()), Err(OpeningsError::Siblings { expected, got }));
}

#[test]
fn a_table_that_breaks_a_constraint_proves_nothing() {
    let world = World::new(&[12, 13, 12]);
    let table = OpeningsTable::new(OPENINGS, 7);
    let FilledTable { columns, statement } = table.fill(&world.openings()).expect("honest");
    let good = Prover::new(&table).prove(&columns, elements_of(&statement)).expect("no bad luck");
    table.verify(&good).expect("valid");
    // One cell of each tenth column, in rows of every kind.
    for (column, row) in (0..COLUMNS).step_by(10).zip([0, 1, 2, 126, 127].into_iter().cycle()) {
        let mut columns = columns.clone();
        columns[column][row] += F::ONE;
        let proof = Prover::new(&table).prove(&columns, elements_of(&statement)).expect("no bad luck");
        assert!(table.verify(&proof).is_err(), "column {column}, row {row}");
    }
}
