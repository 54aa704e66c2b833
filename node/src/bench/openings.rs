//! The shape of segments without paths, by its parts: slots, by the library's prover; the table, by ours and by the
//! library's; what a join pays for the table.

use anyhow::{Context, Result};
use serde_json::json;
use weft_circuits::builder::CircuitName;
use weft_circuits::config::{LayerParameters, OPENINGS, OPENINGS_COMPACT};
use weft_circuits::openings::{Openings, OpeningsTable, rows_for};
use weft_circuits::recursion::Assembly;
use weft_circuits::segment::{Leaves, SegmentCircuit};
use weft_protocol::{ACCESS_CHAIN_START, AccountIndex, MerklePath, SegmentWitness};
use weft_prover::plonk;
use weft_state_tree::Multiproof;

use super::workload::{ACCOUNT_BITS, Workload};
use super::{Run, ms, on_threads, real};

/// Transfers of the table: they fill 2^15 rows by more than nine tenths.
const TRANSFERS: usize = 800;
/// Transfers of the segment over accesses: they fill 2^14 rows.
const SEGMENT_TRANSFERS: usize = 180;

pub(super) fn openings(run: &mut Run<'_>) -> Result<()> {
    slots(run)?;
    let witness = Workload::new(TRANSFERS)?.segment()?;
    let (_, accesses) = witness.accesses()?;
    let siblings = Multiproof::of_accesses(witness.before.root, paths(&witness))?.siblings;
    let rows = rows_for(&accesses)?;
    let degree_bits = usize::try_from(rows.next_power_of_two().ilog2()).context("a table is small")?;
    for parameters in [OPENINGS, OPENINGS_COMPACT] {
        run.params = json!({
            "accounts": 1 << ACCOUNT_BITS, "transfers": TRANSFERS, "rows": rows, "degree_bits": degree_bits,
            "rate_bits": parameters.rate_bits,
        });
        let openings = Openings { accesses: &accesses, siblings: &siblings };
        table(run, parameters, degree_bits, &openings)?;
    }
    Ok(())
}

/// The share of a transfer in a segment over accesses.
fn slots(run: &mut Run<'_>) -> Result<()> {
    run.params = json!({ "accounts": 1 << ACCOUNT_BITS, "transfers": SEGMENT_TRANSFERS });
    let witness = Workload::new(SEGMENT_TRANSFERS)?.segment()?;
    let name = CircuitName { name: "segment-over-accesses", version: 1 };
    let circuit = SegmentCircuit::build_with(name, SEGMENT_TRANSFERS, Leaves::ByAccesses, Assembly::FRESH);
    let (proof, cost) = on_threads(run.threads, || -> Result<_> {
        circuit.layer.circuit().data.prove(circuit.witness_from(&witness, ACCESS_CHAIN_START)?.into_partial())
    })?;
    proof?;
    let rows = real(circuit.summary().rows);
    run.figure("slot_rows_per_transfer", rows / real(SEGMENT_TRANSFERS), "rows", cost.cpu);
    run.figure("slot_cpu_ms_per_transfer", ms(cost.cpu) / real(SEGMENT_TRANSFERS), "ms", cost.cpu);
    Ok(())
}

fn table(run: &mut Run<'_>, parameters: LayerParameters, degree_bits: usize, openings: &Openings<'_>) -> Result<()> {
    let table = OpeningsTable::new(parameters, degree_bits);
    let (proof, cost) = on_threads(run.threads, || plonk::openings::prove(&table, openings))?;
    table.verify(&proof?)?;
    let (proof, library) = on_threads(run.threads, || table.prove(openings))?;
    table.verify(&proof?)?;
    let rows = rows_for(openings.accesses)?;
    run.figure("table_rows_per_transfer", real(rows) / real(TRANSFERS), "rows", cost.cpu);
    run.figure("table_cpu_ms_per_transfer", ms(cost.cpu) / real(TRANSFERS), "ms", cost.cpu);
    run.figure("table_wall_ms", ms(cost.wall), "ms", cost.cpu);
    run.figure("table_ratio_to_library", ms(library.cpu) / ms(cost.cpu), "", cost.cpu + library.cpu);
    run.figure("table_verification_rows", real(table.verification_rows()), "rows", cost.cpu);
    Ok(())
}

/// The openings of a segment in order.
fn paths(witness: &SegmentWitness) -> impl Iterator<Item = (AccountIndex, &MerklePath)> {
    let slots = witness.slots.iter();
    slots.flat_map(|slot| {
        let opened = [(slot.slot.a(), slot.a.as_ref()), (slot.slot.b(), slot.b.as_ref())];
        opened.into_iter().filter_map(|(index, opening)| Some((index?, &opening?.path)))
    })
}
