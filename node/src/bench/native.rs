//! Measurements without proofs.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::Poseidon;
use serde_json::json;
use weft_executor::check_signatures;
use weft_protocol::crypto::Goldilocks;
use weft_protocol::crypto::poseidon::{LANES, WIDTH, permute, permute_lanes};
use weft_prover::{Cost, measure};

use super::workload::{ACCOUNT_BITS, Numbers, Workload, domain, key_of};
use super::{Run, on_threads, real};

/// Permutations of each kind in one turn; a multiple of the lanes.
const PERMUTATIONS: usize = 100 * LANES;
/// Turns.
const TURNS: usize = 60;
const SIGNATURES: usize = 10_000;
/// Transfers of the measurement of execution: one record each, in one batch.
const TRANSFERS: usize = 4_000;

/// Each permutation hashes what the one before it gave. The three take turns, so that what else the machine does meets them
/// alike.
pub(super) fn hash(run: &mut Run<'_>) -> Result<()> {
    run.params = json!({ "permutations": TURNS * PERMUTATIONS, "lanes": LANES });
    run.threads = 1;
    let (costs, _) = on_threads(1, || {
        let mut lanes = [[1; LANES]; WIDTH];
        let mut scalar = [Goldilocks::ONE; WIDTH];
        let mut library = [GoldilocksField::ONE; WIDTH];
        let mut costs = [Cost::default(); 3];
        for _ in 0..TURNS {
            costs[0] += measure(|| (0..PERMUTATIONS / LANES).for_each(|_| permute_lanes(&mut lanes))).1;
            costs[1] += measure(|| (0..PERMUTATIONS).for_each(|_| permute(&mut scalar))).1;
            costs[2] += measure(|| (0..PERMUTATIONS).for_each(|_| library = GoldilocksField::poseidon(library))).1;
        }
        black_box((lanes, scalar, library));
        costs
    })?;
    let [packed, scalar, library] = costs.map(|cost| cost.cpu.as_secs_f64() * 1e9 / real(TURNS * PERMUTATIONS));
    run.figure("ns", packed, "ns", costs[0].cpu);
    run.figure("scalar_ns", scalar, "ns", costs[1].cpu);
    run.figure("ratio_to_library", library / packed, "", costs[2].cpu);
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
