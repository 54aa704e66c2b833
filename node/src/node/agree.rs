//! Whether the node's data and the contract on L1 tell of the same rollup.

use std::fmt::Display;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::B256;
use alloy::providers::Provider;
use anyhow::{Context, Result, bail, ensure};
use weft_api::Deployment;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Domain};

use crate::l1::{Rollup, find_posted, word};
use crate::sequencer::{Opening, SequencerHandle};

/// How often L1 is asked before what it says counts: an answer may be of a machine that is some blocks behind.
const TRIES_MAX: u32 = 6;
/// How long the node waits before it asks again.
const PAUSE: Duration = Duration::from_secs(1);

/// Where the contract stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OnL1 {
    /// The last batch that it has verified, 0 before the first.
    pub(super) number: u32,
    root: B256,
    queue_length: u64,
}

/// Reads the contract and checks that it is the one that this node can serve.
pub(super) async fn deployment_of(rollup: &Rollup, salt: &Digest) -> Result<(Deployment, OnL1)> {
    let chain_id = rollup.provider().get_chain_id().await.context("L1 does not answer")?;
    let contract = Address(rollup.address().into_array());
    let domain = Domain::new(chain_id, &contract, salt)?;
    let on_l1 = rollup.domain().call().await.with_context(|| format!("{contract} is no rollup contract"))?;
    ensure!(on_l1 == word(&domain.0), "the contract {contract} was deployed with another salt");
    let on_l1 = patiently(|| standing(rollup)).await?;
    Ok((Deployment { chain_id, contract, domain }, on_l1))
}

/// Where the contract stands at one block.
async fn standing(rollup: &Rollup) -> Result<OnL1> {
    let at = BlockId::number(rollup.provider().get_block_number().await?);
    let progress = rollup.progress().block(at).call().await?;
    let root = rollup.root().block(at).call().await?;
    Ok(OnL1 { number: progress.number, root, queue_length: progress.queueLength })
}

/// Asks again if L1 does not answer, or not as it must.
async fn patiently<T, E, F>(mut ask: impl FnMut() -> F) -> Result<T, E>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let mut tries = 1;
    loop {
        match ask().await {
            Err(error) if tries < TRIES_MAX => tracing::warn!(%error, tries, "L1 is asked again"),
            answer => return answer,
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Checks that the data lead to what the contract has verified, and know no deposits that it does not. Returns where it
/// stands.
pub(super) async fn check(opening: &Opening, rollup: &Rollup) -> Result<OnL1> {
    patiently(|| compare(opening, rollup)).await
}

async fn compare(opening: &Opening, rollup: &Rollup) -> Result<OnL1> {
    let on_l1 = standing(rollup).await?;
    let OnL1 { number, root, queue_length } = on_l1;
    let sealed = opening.last_sealed();
    let Some(own) = opening.root_after(number)? else {
        bail!(
            "the contract has verified {number} batches, the data end with batch {sealed}: they are an old copy or those \
             of another node; use the newest data folder of this rollup"
        );
    };
    ensure!(
        word(&own) == root,
        "after batch {number} the contract has the root {root}, the data have {own}: they are those of another rollup, \
         or L1 was begun anew; use the data folder that belongs to this contract"
    );
    let verified = opening.last_verified();
    ensure!(
        verified <= number,
        "the data know of {verified} verified batches, the contract of {number}: L1 was begun anew or set back; use the \
         data folder that belongs to this contract"
    );
    let (known, chain) = opening.queue();
    ensure!(
        known <= queue_length,
        "the data know {known} entries of the L1 queue, the contract has {queue_length}: L1 was begun anew or set back"
    );
    let chain_on_l1 = rollup.chainAt(known).call().await?;
    ensure!(
        chain_on_l1 == B256::from(chain),
        "the data know other deposits than the contract: they are those of another rollup, or L1 was begun anew"
    );
    Ok(on_l1)
}

/// Learns of batches that L1 verified before the node could note it.
pub(super) async fn catch_up(rollup: &Rollup, sequencer: &SequencerHandle, verified: u32) -> Result<()> {
    let noted = sequencer.ask(|sequencer| sequencer.last_verified()).await?;
    for number in noted + 1..=verified {
        let known = sequencer.ask(move |sequencer| {
            sequencer.now(|sequencer, shelf| {
                let batch = sequencer.batch_of(number, shelf)?;
                Some((*batch.environment(), batch.l1_block()))
            })
        });
        let (batch, block) = known.await?.with_context(|| format!("there is no record of batch {number}"))?;
        let (commit, prove, _) = patiently(|| find_posted(rollup, number, block)).await?;
        tracing::info!(batch = number, "L1 had verified a batch while the node was away");
        sequencer.post(move |sequencer| {
            sequencer.posted(&batch, commit);
            sequencer.verified(&batch, prove);
        });
    }
    Ok(())
}
