//! A batch once more, from the folder of the node that has stopped.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use weft_node::replay::{Hashing, Listener, Mode, Replay};
use weft_prover::{CircuitSet, CircuitSizes};

/// The last batch of the demo.
const BATCH: u32 = 2;

pub(crate) fn comes_out_as_stored(data: &Path, circuits: &Arc<CircuitSet>) {
    let open = |number| Replay::open(data, number, CircuitSizes::PRODUCTION);
    let replay = open(BATCH).unwrap();
    let error = format!("{:#}", open(BATCH).unwrap_err());
    assert!(error.contains("is in use by process"), "{error}");
    let stored = replay.stored().unwrap();
    assert!(stored.root.is_some() && stored.statement.is_some() && stored.wrapped.is_some(), "{stored:?}");

    let listener: Listener = Arc::new(|_| ());
    let run = |threads, hashing, circuits| {
        let mode = Mode { threads: NonZeroUsize::new(threads).unwrap(), hashing };
        replay.run(mode, circuits, &listener).unwrap()
    };
    let proven = run(2, Hashing::Packed, Some(circuits));
    assert_eq!(stored.difference(&proven), None);
    assert_eq!(proven.wrapped, stored.wrapped, "byte for byte");
    let jobs = ["segment 0", "segment 1", "seal", "wrap"];
    assert!(jobs.iter().all(|job| proven.proofs.contains_key(*job)), "{:?}", proven.proofs);
    for (threads, hashing) in [(1, Hashing::Packed), (2, Hashing::Scalar)] {
        let executed = run(threads, hashing, None);
        assert_eq!((&executed.root, &executed.witness), (&proven.root, &proven.witness), "{threads}, {hashing:?}");
        assert!(executed.proofs.is_empty() && executed.wrapped.is_none());
    }
    drop(replay);
    let error = format!("{:#}", open(BATCH + 1).unwrap_err());
    assert_eq!(error, "the log has no sealed batch 3: its last one is 2");
}
