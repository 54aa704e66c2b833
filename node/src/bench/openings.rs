//! The table of openings at two rates, by our prover and by the library's, and what a join pays for it.

use anyhow::{Context, Result};
use serde_json::json;
use weft_circuits::config::{LayerParameters, OPENINGS, OPENINGS_COMPACT};
use weft_circuits::openings::{Openings, OpeningsTable, rows_for};
use weft_circuits::recursion::merge::ARITY;
use weft_protocol::{AccountIndex, MerklePath, SegmentWitness};
use weft_prover::{CircuitSizes, SegmentSize, plonk};
use weft_state_tree::Multiproof;

use super::workload::{ACCOUNT_BITS, Workload};
use super::{Run, ms, on_threads, real};

/// Transfers of the table: those of the large segments that a lift takes.
const TRANSFERS: usize = CircuitSizes::PRODUCTION.slots(SegmentSize::Large) * ARITY;

pub(super) fn openings(run: &mut Run<'_>) -> Result<()> {
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
