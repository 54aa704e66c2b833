//! The honest road from segments to the proof for L1; bytes of proofs; what natively is refused.

use std::fmt::Write as _;

use weft_protocol::SegmentStatement;

use super::claim::record;
use super::merge::digest;
use super::world::{WORLD, World, seal_input, statements};
use crate::recursion::key::Origin;
use crate::recursion::merge::MergeError;
use crate::recursion::{
    AggregateProof, DecodeError, MergedStatement, ProveError, SealError, SealInput, VerifyError, WrappedProof,
};

/// Positions of bytes that are changed, spread over a proof.
const CHANGED_BYTES: usize = 64;

#[test]
fn a_batch_goes_all_the_way() {
    let world = &*WORLD;
    let circuits = &world.circuits;
    let [one, _, three] = statements(&world.records);
    let whole = SegmentStatement { after: three.after, ..one };
    let claim = MergedStatement { statement: whole, key_set: circuits.key_set().digest() };
    assert_eq!(circuits.verify_aggregate(&world.batch), Ok(claim));

    // An aggregate takes its own proofs: the shape is a fixed point.
    let again = circuits.prove_aggregate(std::slice::from_ref(&world.batch)).expect("one good child");
    assert_eq!(circuits.verify_aggregate(&again), Ok(claim));

    let input = seal_input(&again, &world.records);
    let (statement, seal) = circuits.prove_seal(&input).expect("the batch of these records");
    assert_eq!(statement, input.statement());
    assert_eq!(statement.record_count, 5);
    let fewer = seal_input(&again, &world.records[..4]).statement();
    assert_ne!(statement.z, fewer.z, "the point depends on the data");
    assert_eq!(seal.public_inputs(), statement.digest());
    let wrapped = circuits.prove_wrap(&seal).expect("a valid seal");
    assert_eq!(circuits.verify_wrapped(&wrapped), Ok(statement.digest()));

    let aggregate_bytes = again.to_bytes();
    assert_eq!(circuits.decode_aggregate(&aggregate_bytes), Ok(again));
    bytes_are_strict(&aggregate_bytes, |bytes| {
        let proof = circuits.decode_aggregate(bytes).map_err(|_| ())?;
        circuits.verify_aggregate(&proof).map(|_| ()).map_err(|_| ())
    });
    let wrapped_bytes = wrapped.to_bytes();
    bytes_are_strict(&wrapped_bytes, |bytes| {
        let proof: WrappedProof = circuits.decode_wrapped(bytes).map_err(|_| ())?;
        circuits.verify_wrapped(&proof).map(|_| ()).map_err(|_| ())
    });
    assert_eq!(circuits.decode_seal(&seal.to_bytes()), Ok(seal));
    assert!(circuits.decode_seal(&wrapped_bytes).is_err());
    native_refusals(world);
    insta::assert_snapshot!("sizes", sizes(world));
}

/// The bytes are accepted; none of many changes is, and none panics.
fn bytes_are_strict(bytes: &[u8], accept: impl Fn(&[u8]) -> Result<(), ()>) {
    assert_eq!(accept(bytes), Ok(()));
    for i in 0..CHANGED_BYTES {
        let position = i * (bytes.len() - 1) / (CHANGED_BYTES - 1);
        let mut changed = bytes.to_vec();
        changed[position] ^= 1 << (i % 8);
        assert_eq!(accept(&changed), Err(()), "byte {position} can be changed");
    }
    assert_eq!(accept(&bytes[..bytes.len() - 1]), Err(()));
    assert_eq!(accept(&[bytes, &[0]].concat()), Err(()));
    assert_eq!(accept(&[]), Err(()));
    for filler in [0, 1, 2, 0x7f, 0xff] {
        assert_eq!(accept(&vec![filler; bytes.len()]), Err(()));
    }
    // The last public input is not below the order of the field.
    let mut too_large = bytes.to_vec();
    let last = too_large.len() - 8;
    too_large[last..].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(accept(&too_large), Err(()));
}

fn native_refusals(world: &World) {
    let circuits = &world.circuits;
    let [a, b] = [&world.segments[0], &world.segments[1]].map(Clone::clone);
    let not_adjacent = |child| Err(ProveError::Merge(MergeError::NotAdjacent { child }));
    assert_eq!(circuits.prove_small(&[b.clone(), a.clone()]), not_adjacent(1));
    assert_eq!(circuits.prove_small(&[a.clone(), b, a.clone()]), not_adjacent(2));
    assert_eq!(circuits.prove_small(&[]), Err(ProveError::Merge(MergeError::FirstAbsent)));
    let four = vec![a.clone(); 4];
    assert_eq!(circuits.prove_small(&four), Err(ProveError::Merge(MergeError::TooMany { got: 4 })));
    // A small segment is no large one.
    assert!(circuits.prove_large(&[a]).is_err());
    assert_eq!(circuits.prove_aggregate(&[world.last.clone(), world.first.clone()]), not_adjacent(1));

    // The key decides which circuit made a proof, not the label.
    let mislabelled = AggregateProof { origin: Origin::LiftLarge, ..world.first.clone() };
    assert!(matches!(circuits.verify_aggregate(&mislabelled), Err(VerifyError::Invalid { .. })));
    assert!(matches!(circuits.prove_aggregate(&[mislabelled]), Err(ProveError::Unsatisfied { .. })));
    assert_eq!(circuits.decode_aggregate(&[4]), Err(DecodeError::Origin { got: Some(4) }));

    let seal = |input: &SealInput<'_>| circuits.prove_seal(input).map(|_| ());
    let good = seal_input(&world.batch, &world.records);
    let other_root = SealInput { root_before: digest(1), ..good };
    assert_eq!(seal(&other_root), Err(ProveError::Seal(SealError::Start)));
    let other_end = SealInput { root_after: digest(1), ..good };
    assert_eq!(seal(&other_end), Err(ProveError::Seal(SealError::End)));
    let fewer = SealInput { records: &world.records[1..], ..good };
    assert_eq!(seal(&fewer), Err(ProveError::Seal(SealError::End)));
    let part = SealInput { child: &world.first, ..good };
    assert_eq!(seal(&part), Err(ProveError::Seal(SealError::End)));
    let flood: Vec<_> = (0..4_097).map(record).collect();
    let too_many = SealInput { records: &flood, ..good };
    assert_eq!(seal(&too_many), Err(ProveError::Seal(SealError::TooManyRecords { got: 4_097, limit: 4_096 })));
}

fn sizes(world: &World) -> String {
    let mut text = String::new();
    for summary in world.circuits.summaries() {
        writeln!(text, "{summary}").expect("a string takes text");
    }
    text
}
