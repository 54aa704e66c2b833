use std::fs;

use plonky2::field::types::Field;
use weft_crypto::Tag;

use super::{Cache, Source, StoreError};
use crate::builder::{Builder, Circuit, CircuitName, Mode, Target};
use crate::config::{C, F, segment_config};
use crate::ledger::Freedom;
use crate::testing::unlisted_generator;
use crate::wired::Witness;

const NAME: CircuitName = CircuitName { name: "cached", version: 1 };

/// A circuit with a bit of everything and its two inputs.
fn construction(bits: u32) -> (Builder, [Target; 2]) {
    let mut b = Builder::new(NAME, segment_config(), Mode::Proving);
    let inputs @ [value, other] = [b.input(), b.input()];
    b.clause("CA-1", |b| b.range_check(value, bits));
    b.clause("CA-2", |b| {
        let equal = b.is_equal(value, other);
        b.when(equal, |b| b.assert_zero(value));
    });
    let digest = b.hash(Tag::LEAF, &[value, other]);
    b.expose(&digest);
    (b, inputs)
}

fn build(cache: &Cache, bits: u32) -> (Circuit<C>, [Target; 2], Source) {
    let (builder, inputs) = construction(bits);
    let (circuit, source) = cache.build(builder);
    (circuit, inputs, source)
}

fn prove_and_verify(circuit: &Circuit<C>, inputs: [Target; 2]) {
    let mut witness = Witness::new();
    witness.set(inputs[0], F::from_canonical_u8(3)).expect("set once");
    witness.set(inputs[1], F::from_canonical_u8(4)).expect("set once");
    let proof = circuit.data.prove(witness.into_partial()).expect("3 and 4 satisfy the circuit");
    circuit.data.verify(proof).expect("the proof is good");
}

fn only_file(directory: &std::path::Path) -> std::path::PathBuf {
    let mut files: Vec<_> =
        fs::read_dir(directory).expect("the directory exists").map(|entry| entry.expect("readable").path()).collect();
    assert_eq!(files.len(), 1, "one circuit, no temporary file: {files:?}");
    files.remove(0)
}

#[test]
fn a_loaded_circuit_is_the_built_one() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::new(directory.path().join("circuits"));
    let (built, inputs, source) = build(&cache, 32);
    assert!(matches!(source, Source::Built));
    let (loaded, same_inputs, source) = build(&cache, 32);
    assert!(matches!(source, Source::Loaded));
    assert_eq!(inputs, same_inputs);
    assert_eq!(built.digest, loaded.digest);
    assert_eq!(built.ledger, loaded.ledger);
    assert_eq!(built.data, loaded.data);
    prove_and_verify(&loaded, inputs);
}

#[test]
fn a_damaged_file_is_built_anew() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::new(directory.path());
    let (built, inputs, _) = build(&cache, 32);
    let path = only_file(directory.path());
    let whole = fs::read(&path).expect("readable");
    let flipped = |position: usize| {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x40;
        bytes
    };
    let last = whole.len() - 1;
    let damaged = [
        Vec::new(),
        whole[..40].to_vec(),
        whole[..last].to_vec(),
        flipped(0),
        flipped(20),
        flipped(60),
        flipped(85),
        flipped(100),
        flipped(whole.len() / 2),
        flipped(last),
    ];
    for bytes in damaged {
        fs::write(&path, &bytes).expect("writable");
        let (circuit, _, source) = build(&cache, 32);
        assert!(matches!(source, Source::Built), "{} bytes", bytes.len());
        assert_eq!(circuit.digest, built.digest);
        assert_eq!(fs::read(&path).expect("readable").len(), whole.len());
    }
    prove_and_verify(&built, inputs);
}

#[test]
fn a_circuit_under_a_wrong_digest_is_built_anew() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::new(directory.path());
    let (circuit, _, _) = build(&cache, 32);
    let (other, _) = construction(31);
    let key = construction(32).0.source_key::<C>();
    super::store(&only_file(directory.path()), &key, &Circuit { digest: circuit.digest, ..other.build() })
        .expect("writable");
    let (again, _, source) = build(&cache, 32);
    assert!(matches!(source, Source::Built));
    assert_eq!(again.digest, circuit.digest);
}

#[test]
fn every_step_of_a_construction_is_part_of_the_key() {
    let keys: Vec<_> = (1..=63).map(|bits| construction(bits).0.source_key::<C>().hash).collect();
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len());
    let (mut b, [value, other]) = construction(32);
    let product = b.mul(value, other);
    let sum = b.add(value, other);
    assert_ne!(b.source_key::<C>().hash, keys[31]);
    let before = b.source_key::<C>().hash;
    b.connect(product, sum);
    assert_ne!(b.source_key::<C>().hash, before);
}

#[test]
fn a_circuit_that_cannot_be_stored_is_usable() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("file");
    fs::write(&file, b"not a directory").expect("writable");
    let (circuit, inputs, source) = build(&Cache::new(&file), 32);
    assert!(matches!(source, Source::NotStored(StoreError::Io { .. })));
    prove_and_verify(&circuit, inputs);

    let (mut b, _) = construction(32);
    let hint = b.gadget("test", |b| b.hint(Freedom::Harmless));
    unlisted_generator(&mut b, hint);
    let (_, source) = Cache::new(directory.path()).build::<C>(b);
    assert!(matches!(source, Source::NotStored(StoreError::Unlisted)));
}
