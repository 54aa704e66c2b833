//! Measurements without proofs.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use weft_executor::check_signatures;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_prover::measure;

use super::workload::{ACCOUNT_BITS, Numbers, Workload, domain, key_of};
use super::{Run, on_threads, real};

const HASHES: usize = 500_000;
const SIGNATURES: usize = 10_000;
/// Transfers of the measurement of execution: one record each, in one batch.
const TRANSFERS: usize = 4_000;

pub(super) fn hash(run: &mut Run<'_>) -> Result<()> {
    run.params = json!({ "hashes": HASHES, "input_elements": 8 });
    run.threads = 1;
    let (digest, cost) = on_threads(1, || {
        (0..HASHES).fold(Digest::ZERO, |digest, _| poseidon::hash(Tag::NODE, &[digest.0, digest.0].concat()))
    })?;
    black_box(digest);
    run.figure("ns", cost.wall.as_secs_f64() * 1e9 / real(HASHES), "ns", cost.cpu);
    Ok(())
}

pub(super) fn sign(run: &mut Run<'_>) -> Result<()> {
    run.params = json!({ "signatures": SIGNATURES });
    let key = key_of(Numbers::new().account());
    let transfers = Workload::new(SIGNATURES)?.transfers;
    let ids: Vec<_> = transfers.iter().map(|signed| signed.transaction.id(&domain())).collect();
    let (signatures, cost) = measure(|| {
        ids.iter().take(SIGNATURES / 10).map(|id| weft_protocol::crypto::schnorr::sign(&key, id)).collect::<Vec<_>>()
    });
    run.figure("us_per_signature_made", cost.wall.as_secs_f64() * 1e6 / real(signatures.len()), "us", cost.cpu);
    let (checked, cost) = on_threads(run.threads, || check_signatures(&domain(), transfers))?;
    anyhow::ensure!(checked.iter().all(Result::is_ok), "a signature is bad");
    run.figure("checks_per_second", real(SIGNATURES) / cost.wall.as_secs_f64(), "1/s", cost.cpu);
    Ok(())
}

pub(super) fn tree(run: &mut Run<'_>) -> Result<()> {
    let state = Workload::new(0)?.state;
    let mut tree = weft_state_tree::StateTree::new();
    let leaves: Vec<_> = state.objects().iter().map(|(index, object)| (index, object.digest())).collect();
    tree.update_many(&leaves)?;
    let mut numbers = Numbers::new();
    for (metric, size) in [("updates_per_second_10k", 10_000), ("updates_per_second_100k", 100_000)] {
        run.params = json!({ "leaves": 1 << ACCOUNT_BITS, "batch": size });
        let mut fresh = || (0..size).map(|_| (numbers.account(), leaves[0].1)).collect::<Vec<_>>();
        let batches = [(); 5].map(|()| fresh());
        let (result, cost) =
            on_threads(run.threads, || batches.iter().try_for_each(|batch| tree.update_many(batch).map(drop)))?;
        result?;
        let rate = real(size * batches.len()) / cost.wall.as_secs_f64();
        run.figure(metric, rate, "1/s", cost.cpu);
    }
    Ok(())
}

pub(super) fn execute(run: &mut Run<'_>) -> Result<()> {
    run.params = json!({ "accounts": 1 << ACCOUNT_BITS, "transfers": TRANSFERS });
    let (mut builder, checked) = Workload::new(TRANSFERS)?.begin()?;
    let started = Instant::now();
    let (result, cost) = on_threads(run.threads, move || {
        for transaction in checked {
            builder.push_transaction(transaction)?;
        }
        anyhow::Ok(builder)
    })?;
    let executed = started.elapsed();
    let builder = result?;
    run.figure("tx_per_second", real(TRANSFERS) / executed.as_secs_f64(), "1/s", cost.cpu);
    let (finished, cost) = on_threads(run.threads, move || builder.finish())?;
    finished.ok().context("a batch without fees ends")?;
    let rate = real(TRANSFERS) / (executed + cost.wall).as_secs_f64();
    run.figure("tx_per_second_with_trace", rate, "1/s", cost.cpu);
    Ok(())
}
