//! Batches once more, from the log alone.

use weft_protocol::crypto::Digest;
use weft_prover::SegmentInput;
use weft_storage::{OpenError, RollupStore};

use super::world::*;
use super::*;
use crate::compute::Compute;
use crate::config::BatchLimits;
use crate::proving::SegmentOrder;

const THREE_AT_A_TIME: BatchLimits = BatchLimits { unverified_max: 3, ..LIMITS };

/// Three batches, of which the second and third were taken back and sealed again as one.
fn played() -> World {
    let mut world = World::new(THREE_AT_A_TIME);
    world.submit_transfer(1, 2, 0);
    world.seal();
    for nonce in 1..=4 {
        world.advance_l1(5);
        world.submit_transfer(1, 2, nonce);
        if nonce % 2 == 0 {
            world.seal();
        }
    }
    world.abandon(2);
    world.advance_l1(3600);
    world.submit_transfer(2, 1, 0);
    world.seal();
    world
}

fn inputs(segments: &[SegmentOrder]) -> Vec<Vec<u8>> {
    segments.iter().map(|order| SegmentInput::new(&order.witness).to_bytes()).collect()
}

#[test]
fn a_batch_comes_out_of_the_log_as_it_did() {
    let mut world = played();
    let sealed: Vec<(Environment, Digest)> = [1, 2]
        .map(|number| {
            let environment = world.environment(number);
            let batch = |sequencer: &mut Sequencer, shelf: &mut Shelf| Some(sequencer.batch_of(number, shelf)?.root());
            (environment, world.sequencer.now(batch).expect("it is sealed"))
        })
        .to_vec();
    let (segments, claims) = world.ordered();
    let dir = world.stopped();
    let (store, _) = RollupStore::open_existing(dir.path()).unwrap();
    for (number, (environment, root)) in (1..).zip(sealed) {
        let logged = LoggedBatch::find(&store, number).unwrap();
        assert_eq!(logged.environment, environment, "the one that was not taken back");
        let scratch = tempfile::tempdir().unwrap();
        let place = (&Compute::new().unwrap(), scratch.path());
        let told = std::cell::Cell::new(0);
        let rerun = logged.rerun(&store, settings(THREE_AT_A_TIME).sizes, place, &|entries| told.set(entries)).unwrap();
        assert_eq!((rerun.batch.root(), told.get()), (root, logged.end));
        assert!(claims.contains(&rerun.claim));
        let of_batch = |order: &&SegmentOrder| order.claim.context() == environment.context();
        let expected: Vec<_> = segments.iter().filter(of_batch).cloned().collect();
        let claim = |order: &SegmentOrder| order.claim;
        assert_eq!(
            rerun.segments.iter().map(claim).collect::<Vec<_>>(),
            expected.iter().map(claim).collect::<Vec<_>>()
        );
        assert_eq!(inputs(&rerun.segments), inputs(&expected));
    }
    for number in [0, 3, 9] {
        let error = LoggedBatch::find(&store, number).unwrap_err();
        assert!(matches!(error, RerunError::NoBatch { number: got, last: 2 } if got == number), "{error}");
    }
}

#[test]
fn a_folder_without_a_log_is_refused_and_stays_empty() {
    let dir = tempfile::tempdir().unwrap();
    let error = RollupStore::open_existing(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::NoStore { .. }), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
