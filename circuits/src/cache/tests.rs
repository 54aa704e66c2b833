use std::fs;

use plonky2::plonk::circuit_data::CircuitData;
use weft_crypto::Tag;

use super::{Cache, LoadError, Source, SplitCircuit, StoreError, file};
use crate::builder::{Builder, CircuitName, Mode, Target};
use crate::config::{C, segment_config};
use crate::ledger::Freedom;
use crate::testing::unlisted_generator;

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

fn build(cache: &Cache, bits: u32) -> (SplitCircuit<C>, [Target; 2], Source) {
    let (builder, inputs) = construction(bits);
    let (circuit, source) = cache.build(builder);
    (circuit, inputs, source)
}

/// A circuit that was not cached.
fn fresh(bits: u32) -> SplitCircuit<C> {
    construction(bits).0.build().into()
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
    let mut fresh = fresh(32);
    for expected in ["built", "loaded"] {
        let (mut circuit, _, source) = build(&cache, 32);
        assert_eq!(matches!(source, Source::Loaded), expected == "loaded", "{source:?}");
        assert_eq!((circuit.digest, &circuit.verifier), (fresh.digest, &fresh.verifier));
        assert!(circuit.take_prover_half().is_none(), "it is in the file");
        let half = circuit.read_prover_half().expect("the file is whole");
        assert!(
            circuit
                .prover_file_bytes()
                .is_some_and(|bytes| bytes < fs::metadata(only_file(&cache.directory)).expect("it is there").len())
        );
        assert_eq!(fresh.prover_file_bytes(), None);
        let whole = fresh.whole().expect("nothing was taken yet");
        assert_eq!(half.wiring.generators, whole.data.prover_only.generators);
        assert_eq!(half.wiring.representative_map, whole.data.prover_only.representative_map);
    }
    let expected = fresh.take_prover_half().expect("it is in memory");
    assert_eq!(build(&cache, 32).0.read_prover_half().expect("the file is whole"), expected);
    assert!(fresh.take_prover_half().is_none(), "it was taken");
    assert!(matches!(fresh.read_prover_half(), Err(LoadError::NoFile)));
}

#[test]
fn tables_are_those_of_the_library() {
    let mut circuit = fresh(32);
    let CircuitData { prover_only, .. } = construction(32).0.build().data;
    let (batch, half) = (prover_only.constants_sigmas_commitment, circuit.take_prover_half().expect("in memory"));
    for (index, row) in batch.merkle_tree.leaves.iter().enumerate() {
        let found: Vec<_> = half.fixed.columns.iter().map(|column| column[index]).collect();
        assert_eq!(found, *row, "leaf {index}");
        let below_cap = &half.fixed.levels[..half.fixed.levels.len() - 1];
        let siblings: Vec<_> =
            below_cap.iter().enumerate().map(|(height, level)| level[(index >> height) ^ 1]).collect();
        assert_eq!(siblings, batch.merkle_tree.prove(index).siblings, "path of leaf {index}");
    }
    assert_eq!(half.fixed.levels.last(), Some(&batch.merkle_tree.cap.0));
}

#[test]
fn a_damaged_file_is_built_anew() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::new(directory.path());
    let (built, ..) = build(&cache, 32);
    let path = only_file(directory.path());
    let whole = fs::read(&path).expect("readable");
    let flipped = |position: usize| {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x40;
        bytes
    };
    let last = whole.len() - 1;
    // Whatever a start reads: header and verifier's half.
    for bytes in [
        Vec::new(),
        whole[..40].to_vec(),
        whole[..last].to_vec(),
        flipped(0),
        flipped(20),
        flipped(60),
        flipped(85),
        flipped(220),
    ] {
        fs::write(&path, &bytes).expect("writable");
        let (circuit, _, source) = build(&cache, 32);
        assert!(matches!(source, Source::Built), "{} bytes", bytes.len());
        assert_eq!(circuit.digest, built.digest);
        assert_eq!(fs::read(&path).expect("readable"), whole);
    }
    // The prover's half: found to be damaged when it is read, and built anew by the next start.
    let wiring_and_tables = usize::try_from(built.prover_file_bytes().expect("it is in a file")).expect("small");
    for position in [whole.len() - wiring_and_tables, whole.len() / 2, last] {
        fs::write(&path, flipped(position)).expect("writable");
        let (circuit, _, source) = build(&cache, 32);
        assert!(matches!(source, Source::Loaded), "byte {position}");
        assert!(matches!(circuit.read_prover_half(), Err(LoadError::Damaged)), "byte {position}");
        assert!(matches!(circuit.read_prover_half(), Err(LoadError::Io(_))), "the file is gone");
        assert!(matches!(build(&cache, 32).2, Source::Built));
    }
}

#[test]
fn a_circuit_under_a_wrong_digest_is_built_anew() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::new(directory.path());
    let (circuit, ..) = build(&cache, 32);
    let key = construction(32).0.source_key::<C>();
    let mut other = SplitCircuit { digest: circuit.digest, ..fresh(31) };
    file::store(&only_file(directory.path()), &key, &mut other).expect("writable");
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
    let (mut circuit, _, source) = build(&Cache::new(&file), 32);
    assert!(matches!(source, Source::NotStored(StoreError::Io { .. })));
    assert_eq!(circuit.take_prover_half(), fresh(32).take_prover_half());

    let (mut b, _) = construction(32);
    let hint = b.gadget("test", |b| b.hint(Freedom::Harmless));
    unlisted_generator(&mut b, hint);
    let (_, source) = Cache::new(directory.path()).build::<C>(b);
    assert!(matches!(source, Source::NotStored(StoreError::Unlisted)));
}
