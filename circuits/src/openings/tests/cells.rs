//! Every cell of a table is changed, and some clause must object.

use std::collections::BTreeSet;

use plonky2::field::types::{Field, Sample};

use super::checker::Table;
use super::world::World;
use crate::config::F;
use crate::openings::columns::{ACCESS, AFTER, BEFORE, COLUMNS, HEIGHT, PARTS, POSITION, SBOXES, TIMES};
use crate::openings::trace::Trace;
use crate::openings::{CLAUSES, rows_for};

/// Whether nothing depends on the cell: it is part of no tuple that is sent or received.
///
/// * Padding rows have no tuples: where they would stand, and when.
/// * A child that no access is below has no tuple on the row of the node after: its time.
fn is_meaningless(row: &[F], column: usize) -> bool {
    let is_padding = [BEFORE, AFTER, ACCESS].iter().all(|flag| row[*flag].is_zero());
    let padding = [POSITION, HEIGHT, TIMES[0], TIMES[1]];
    let is_untouched = |part: usize| row[PARTS[part]].is_zero() && column == TIMES[part];
    is_padding && padding.contains(&column) || row[AFTER].is_one() && (is_untouched(0) || is_untouched(1))
}

#[test]
fn every_cell_is_determined_or_meaningless() {
    let world = World::new(&[6, 7, 6, 1 << 27, 6, 7]);
    assert!(rows_for(&world.accesses).expect("in range") < 128 - 2, "there is padding");
    let mut table = Table::new(&Trace::new(&world.openings(), 7).expect("honest"));
    assert_eq!(table.broken(), BTreeSet::new());

    let mut fired = BTreeSet::new();
    for number in 0..table.rows.len() {
        for column in 0..COLUMNS {
            let honest = table.rows[number].clone();
            for value in [honest[column] + F::ONE, -honest[column] - F::ONE, F::rand()] {
                let mut row = honest.clone();
                row[column] = value;
                let broken = table.broken_with(number, &row);
                let is_accepted = broken.is_empty();
                assert!(!SBOXES.contains(&column) || broken.contains("OP-1"), "row {number}, column {column}");
                assert_eq!(is_accepted, is_meaningless(&honest, column), "row {number}, column {column}: {broken:?}");
                fired.extend(broken);
            }
        }
    }
    assert_eq!(fired, CLAUSES.iter().copied().collect(), "every clause has objected");
}

#[test]
fn every_public_input_is_determined() {
    let world = World::new(&[6, 1 << 27]);
    let honest = Table::new(&Trace::new(&world.openings(), 7).expect("honest"));
    for position in 0..honest.public_inputs.len() {
        let mut table = honest.clone();
        table.public_inputs[position] += F::ONE;
        let clause = if position < 8 { "OP-5" } else { "OP-10" };
        assert_eq!(table.broken(), BTreeSet::from([clause]), "public input {position}");
    }
}
