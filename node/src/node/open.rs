//! What is on the disk, made whole.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use weft_storage::{Opened, RollupStore, StoreError};

use crate::compute::Compute;
use crate::dispatch::Dispatcher;
use crate::fleet::{BatchEnds, FleetOutlets};
use crate::sequencer::{Opening, Settings};

/// Folder of log and state in the data folder.
const ROLLUP: &str = "rollup";

/// Reads what is on the disk and does the rest of the log once more. If jobs or blobs of a batch were lost that L1 has not
/// verified, they are made again: the state goes back before the first such batch, and executes from there. Blocks.
pub(super) fn open(
    data: &Path,
    settings: &Settings,
    compute: &Compute,
    outlets: FleetOutlets,
) -> Result<(Opening, Dispatcher<FleetOutlets>)> {
    let identity = settings.deployment.domain.0.to_bytes();
    let opened = RollupStore::open(&data.join(ROLLUP), &identity)?;
    let (opening, dispatcher) = replay(opened, settings, compute, outlets)?;
    let mut lost = Vec::new();
    for (number, is_sealed) in opening.unverified() {
        let ends = if is_sealed { BatchEnds::Known } else { BatchEnds::Open };
        if dispatcher.outlets().has_lost(number, ends)? {
            dispatcher.outlets().forget(number)?;
            lost.push(number);
        }
    }
    let Some(first) = lost.first() else { return Ok((opening, dispatcher)) };
    tracing::warn!(batches = ?lost, "jobs or blobs of batches were lost: they are made again");
    let outlets = dispatcher.into_outlets();
    let store = rewind(opening.into_store().context("the store is in use")?, *first)?;
    let opened = store.opened()?;
    replay((store, opened), settings, compute, outlets)
}

fn replay(
    (store, opened): (RollupStore, Opened),
    settings: &Settings,
    compute: &Compute,
    outlets: FleetOutlets,
) -> Result<(Opening, Dispatcher<FleetOutlets>)> {
    let mut opening = Opening::begin(settings.clone(), compute, store, opened)?;
    let mut dispatcher = Dispatcher::new(Arc::clone(opening.store()), outlets);
    opening.replay(&mut dispatcher)?;
    Ok((opening, dispatcher))
}

/// The state before a batch, to be executed again from there; from the start of the log if it cannot be gone back so far.
fn rewind(store: RollupStore, first: u32) -> Result<RollupStore> {
    while store.applied().is_some_and(|applied| applied.batch >= first) {
        match store.revert_last() {
            Ok(_) => {}
            Err(StoreError::UnknownBatch { .. }) => return Ok(store.reset_state()?),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(store)
}
