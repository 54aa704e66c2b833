//! The table against the tree, and real proofs.

use std::collections::BTreeSet;

use starky::stark_testing::{test_stark_circuit_constraints, test_stark_low_degree};
use weft_protocol::crypto::Digest;
use weft_protocol::{ACCESS_CHAIN_START, Access, AccountIndex, chain_accesses};

use super::world::{World, digest};
use crate::config::{C, D, F, OPENINGS, OPENINGS_COMPACT};
use crate::openings::air::Air;
use crate::openings::trace::Trace;
use crate::openings::{Openings, OpeningsError, OpeningsProof, OpeningsStatement, OpeningsTable, rows_for};
use crate::recursion::DecodeError;

fn expected(world: &World) -> OpeningsStatement {
    let [root_before, root_after] = world.roots;
    OpeningsStatement { root_before, root_after, accesses: chain_accesses(ACCESS_CHAIN_START, &world.accesses) }
}

#[test]
fn the_table_has_the_degree_it_declares() {
    test_stark_low_degree::<F, Air, D>(Air).expect("degree 3");
}

#[test]
fn the_circuit_evaluates_what_the_prover_does() {
    test_stark_circuit_constraints::<F, C, Air, D>(Air).expect("one text");
}

#[test]
fn the_table_claims_what_the_tree_did() {
    for indices in [&[0][..], &[5, 5, 5], &[1, 2, 3, 2, (1 << 28) - 1, 1 << 20, 3]] {
        let world = World::new(indices);
        let trace = Trace::new(&world.openings(), 9).expect("honest");
        assert_eq!(trace.statement, expected(&world), "{indices:?}");
    }
}

#[test]
fn a_full_table_is_proved_under_both_parameters() {
    // One path of 28 nodes and 8 accesses are all rows of the table: there is no padding.
    let world = World::new(&[12; 8]);
    assert_eq!(rows_for(&world.accesses), Ok(64));
    for parameters in [OPENINGS, OPENINGS_COMPACT] {
        let table = OpeningsTable::new(parameters, 6);
        let proof = table.prove(&world.openings()).expect("honest");
        assert_eq!(table.verify(&proof), Ok(expected(&world)));
    }
}

#[test]
fn proofs_of_other_tables_and_statements_are_refused() {
    let world = World::new(&[12, 13, 12]);
    let tables = [(OPENINGS, 6), (OPENINGS, 7), (OPENINGS_COMPACT, 6)].map(|(p, bits)| OpeningsTable::new(p, bits));
    let proofs = tables.each_ref().map(|table| table.prove(&world.openings()).expect("honest"));
    for (i, table) in tables.iter().enumerate() {
        for (j, proof) in proofs.iter().enumerate() {
            match table.verify(proof) {
                Ok(statement) => assert_eq!((i, statement), (j, expected(&world))),
                Err(error) => assert!(i != j, "{error}"),
            }
        }
    }
    for position in 0..12 {
        let mut proof = proofs[0].clone();
        proof.inner_mut().public_inputs[position].0 ^= 1;
        assert!(matches!(tables[0].verify(&proof), Err(OpeningsError::Invalid { .. })), "public input {position}");
    }
}

#[test]
fn proofs_without_parts_are_refused() {
    let table = OpeningsTable::new(OPENINGS, 6);
    let proof = table.prove(&World::new(&[12]).openings()).expect("honest");
    let changes: [fn(&mut super::super::proof::Inner); 8] = [
        |proof| proof.proof.openings.ctl_zs_first = None,
        |proof| proof.proof.openings.ctl_zs_first.iter_mut().for_each(|sums| sums.truncate(5)),
        |proof| proof.proof.openings.auxiliary_polys_next = None,
        |proof| proof.proof.openings.auxiliary_polys.iter_mut().for_each(|values| values.truncate(3)),
        |proof| proof.proof.opening_proof.query_round_proofs.clear(),
        |proof| proof.proof.trace_cap.0.truncate(3),
        |proof| proof.proof.quotient_polys_cap = None,
        |proof| proof.public_inputs.truncate(11),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = proof.clone();
        change(changed.inner_mut());
        assert_eq!(table.verify(&changed), Err(OpeningsError::Shape), "change {number}");
    }
    // The sums must agree: a table whose sends and receives do not match has others.
    for position in 0..6 {
        let mut changed = proof.clone();
        let sums = changed.inner_mut().proof.openings.ctl_zs_first.as_mut().expect("a proof has sums");
        sums[position].0 ^= 1;
        assert!(matches!(table.verify(&changed), Err(OpeningsError::Invalid { .. })), "sum {position}");
    }
}

/// The library takes as many folds as it finds, and reads beyond them.
#[test]
fn proofs_with_another_number_of_folds_are_refused() {
    let table = OpeningsTable::new(OPENINGS, 8);
    let world = World::new(&[12]);
    let mut proof = table.prove(&world.openings()).expect("honest");
    assert_eq!(table.verify(&proof), Ok(expected(&world)));
    let folds = |proof: &mut OpeningsProof, count: usize| {
        let caps = &mut proof.inner_mut().proof.opening_proof.commit_phase_merkle_caps;
        let cap = caps[0].clone();
        caps.resize(count, cap);
    };
    for count in [2, 3, 0] {
        folds(&mut proof, count);
        assert_eq!(table.verify(&proof), Err(OpeningsError::Shape), "{count} folds");
    }
}

fn refused(accesses: &[Access], siblings: &[Digest]) -> OpeningsError {
    OpeningsTable::new(OPENINGS, 6).prove(&Openings { accesses, siblings }).expect_err("refused")
}

#[test]
fn lists_that_are_no_accesses_of_a_tree_are_named() {
    let world = World::new(&[12, 12]);
    assert_eq!(refused(&[], &world.siblings), OpeningsError::Empty);
    let got = world.siblings.len() - 1;
    assert_eq!(refused(&world.accesses, &world.siblings[1..]), OpeningsError::Siblings { expected: got + 1, got });
    let mut accesses = world.accesses.clone();
    accesses[1].before = digest(9);
    assert_eq!(refused(&accesses, &world.siblings), OpeningsError::Unlinked { index: AccountIndex(12) });
    accesses[1].index = AccountIndex(1 << 28);
    assert_eq!(refused(&accesses, &world.siblings), OpeningsError::Index { index: AccountIndex(1 << 28) });
    let wide = World::new(&[1, 1 << 27]);
    assert_eq!(refused(&wide.accesses, &wide.siblings), OpeningsError::TooManyRows { rows: 112, capacity: 64 });
}

#[test]
fn bytes_of_proofs_are_strict() {
    const CHANGES: usize = 64;
    let world = World::new(&[12, 13, 12]);
    let table = OpeningsTable::new(OPENINGS_COMPACT, 6);
    let bytes = table.prove(&world.openings()).expect("honest").to_bytes();
    let decoded = OpeningsProof::from_bytes(&bytes, &table).expect("bytes of a proof");
    assert_eq!(table.verify(&decoded), Ok(expected(&world)));
    assert_eq!(decoded.to_bytes(), bytes);

    let refused =
        |bytes: &[u8], table: &OpeningsTable| OpeningsProof::from_bytes(bytes, table).map(drop).expect_err("refused");
    let malformed = DecodeError::Malformed { layer: "openings" };
    for wrong in [&[], &bytes[8..], &bytes[1..], &[&bytes[..], &[0; 8]].concat()] {
        assert_eq!(refused(wrong, &table), malformed);
    }
    for other in [OpeningsTable::new(OPENINGS_COMPACT, 7), OpeningsTable::new(OPENINGS, 6)] {
        assert_eq!(refused(&bytes, &other), malformed);
    }
    let last = bytes.len() / 8 - 1;
    for element in (0..CHANGES).map(|change| change * last / (CHANGES - 1)) {
        let place = 8 * element..8 * element + 8;
        let mut too_large = bytes.clone();
        too_large[place.clone()].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(refused(&too_large, &table), DecodeError::NotCanonical { layer: "openings" });
        let mut changed = bytes.clone();
        changed[place.start] ^= 1;
        let changed = OpeningsProof::from_bytes(&changed, &table).expect("still elements");
        assert!(table.verify(&changed).is_err(), "element {element} can be changed");
    }
}

#[test]
fn tables_are_told_apart_by_their_digests() {
    let tables = [(OPENINGS, 6), (OPENINGS, 7), (OPENINGS_COMPACT, 6)].map(|(p, bits)| OpeningsTable::new(p, bits));
    let digests: BTreeSet<_> = tables.iter().map(|table| table.summary().digest).collect();
    assert_eq!(digests.len(), tables.len());
}
