//! `weft verify` on files that were changed.

use weft_api::HexBytes;
use weft_node::demo::Scene;
use weft_node::proof_file::ProofFile;
use weft_node::verify::{Check, read, verify};
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_prover::CircuitSet;

/// Positions in the proof that are tried: its parts follow each other, so that all classes of fields are met.
const POSITIONS: usize = 40;

pub(crate) async fn every_class_of_field_is_checked(scene: &Scene, circuits: &CircuitSet) {
    let bytes = scene.client().proof(1).await.unwrap();
    let file = read(&bytes).unwrap();
    verify(&file, circuits).expect("the file as it was downloaded");
    fields_are_bound(&file, circuits);
    bytes_of_the_proof_are_bound(&file, circuits);
    bytes_of_the_file_are_bound(&bytes, circuits);
    let second = read(&scene.client().proof(2).await.unwrap()).unwrap();
    let other_proof = ProofFile { proof: second.proof, ..file };
    assert_fails(&other_proof, circuits, Check::Binding);
}

fn assert_fails(file: &ProofFile, circuits: &CircuitSet, check: Check) {
    let failed = verify(file, circuits).expect_err("something was changed");
    assert_eq!(failed.check, check, "{failed}");
}

fn fields_are_bound(file: &ProofFile, circuits: &CircuitSet) {
    let other = Digest([Goldilocks::from_u64(1); 4]);
    let mut contract = file.contract;
    contract.0[19] ^= 1;
    let mut circuit = file.circuit;
    circuit.0[0] ^= 1;
    let changed = |change: &dyn Fn(&mut ProofFile)| {
        let mut file = file.clone();
        change(&mut file);
        file
    };
    let unbound: [&dyn Fn(&mut ProofFile); 8] = [
        &|file| file.chain_id += 1,
        &|file| file.contract = contract,
        &|file| file.genesis_salt = other,
        &|file| file.number += 1,
        &|file| file.timestamp += 1,
        &|file| file.root_before = other,
        &|file| file.root_after = other,
        &|file| file.records.0.truncate(21),
    ];
    for change in unbound {
        assert_fails(&changed(change), circuits, Check::Binding);
    }
    assert_fails(&changed(&|file| file.circuit = circuit), circuits, Check::Circuit);
    assert_fails(&changed(&|file| file.records.0.push(0)), circuits, Check::Statement);
    // Each field of a record: one bit in each of its bytes.
    for byte in 0..21 {
        assert_fails(&changed(&|file| file.records.0[byte] ^= 1), circuits, Check::Binding);
    }
}

fn bytes_of_the_proof_are_bound(file: &ProofFile, circuits: &CircuitSet) {
    let length = file.proof.0.len();
    for step in 0..POSITIONS {
        let position = step * (length - 1) / (POSITIONS - 1);
        let mut proof = file.proof.0.clone();
        proof[position] ^= 1;
        let file = ProofFile { proof: HexBytes(proof), ..file.clone() };
        let failed = verify(&file, circuits).expect_err("a byte of the proof was changed");
        let expected = [Check::Encoding, Check::Proof, Check::Binding];
        assert!(expected.contains(&failed.check), "byte {position}: {failed}");
    }
    let cut = ProofFile { proof: HexBytes(file.proof.0[..length - 1].to_vec()), ..file.clone() };
    assert_fails(&cut, circuits, Check::Encoding);
}

fn bytes_of_the_file_are_bound(bytes: &[u8], circuits: &CircuitSet) {
    for step in 0..POSITIONS {
        let position = step * (bytes.len() - 1) / (POSITIONS - 1);
        let mut changed = bytes.to_vec();
        changed[position] ^= 1;
        let result = read(&changed).and_then(|file| verify(&file, circuits));
        assert!(result.is_err(), "byte {position} has no meaning");
    }
}
