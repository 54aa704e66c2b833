//! Which clauses a table breaks, row by row and tuple by tuple, without a proof.

use std::collections::{BTreeMap, BTreeSet};

use plonky2::field::types::{Field, PrimeField64};

use crate::config::F;
use crate::gates::algebra::Lanes;
use crate::ledger::ClauseId;
use crate::openings::air::{Tuple, own_tuple, part_tuple, waited};
use crate::openings::columns::{ACCESS, FREQUENCY, OWN, PARTS, ROW};
use crate::openings::constraints::{Frame, Rows, constraints};
use crate::openings::trace::{Trace, columns};
use crate::wired::elements_of;

/// A table with its S-boxes.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Vec<F>>,
    pub(super) public_inputs: Vec<F>,
    tuples: [(usize, Tuple); 3],
}

/// Sums of multiplicities by what they belong to.
type Balance = BTreeMap<Vec<u64>, F>;

impl Table {
    pub(super) fn new(trace: &Trace) -> Self {
        let columns = columns(&trace.rows);
        let row = |number: usize| columns.iter().map(|column| column[number]).collect();
        Self {
            rows: (0..trace.rows.len()).map(row).collect(),
            public_inputs: elements_of(&trace.statement),
            tuples: [(OWN, own_tuple()), (PARTS[0], part_tuple(0)), (PARTS[1], part_tuple(1))],
        }
    }

    /// The clauses that the table breaks.
    pub(super) fn broken(&self) -> BTreeSet<ClauseId> {
        let mut broken: BTreeSet<_> = (0..self.rows.len()).flat_map(|number| self.broken_at(number)).collect();
        let mut balances = [Balance::new(), Balance::new()];
        self.rows.iter().for_each(|row| self.add(row, F::ONE, &mut balances));
        broken.extend(unbalanced(&balances));
        broken
    }

    /// The clauses that a table would break which is as this one, which breaks none, but for one row.
    pub(super) fn broken_with(&mut self, number: usize, row: &[F]) -> BTreeSet<ClauseId> {
        let mut balances = [Balance::new(), Balance::new()];
        self.add(&self.rows[number], F::NEG_ONE, &mut balances);
        self.add(row, F::ONE, &mut balances);
        let honest = std::mem::replace(&mut self.rows[number], row.to_vec());
        let last = self.rows.len() - 1;
        let before = number.checked_sub(1).unwrap_or(last);
        let mut broken: BTreeSet<_> = [before, number].into_iter().flat_map(|row| self.broken_at(row)).collect();
        broken.extend(unbalanced(&balances));
        self.rows[number] = honest;
        broken
    }

    /// The constraints that a row and the one after it break.
    fn broken_at(&self, number: usize) -> BTreeSet<ClauseId> {
        let last = self.rows.len() - 1;
        let next = if number == last { 0 } else { number + 1 };
        let frame = Frame { row: &self.rows[number], next: &self.rows[next], public_inputs: &self.public_inputs };
        let holds_here = |rows| match rows {
            Rows::All => true,
            Rows::ButLast => number != last,
            Rows::First => number == 0,
            Rows::Last => number == last,
        };
        let found = constraints(&mut Lanes::<F>::new(), &frame).into_iter();
        found.filter(|found| holds_here(found.rows) && !found.value.is_zero()).map(|found| found.clause).collect()
    }

    /// Adds what a row sends and receives, and what it asks and answers in the lookup.
    fn add(&self, row: &[F], weight: F, [tuples, waits]: &mut [Balance; 2]) {
        for (multiplicity, tuple) in &self.tuples {
            add(tuples, tuple.iter().map(|element| element.value(row)), weight * row[*multiplicity]);
        }
        add(waits, [waited().value(row)], weight * row[ACCESS]);
        add(waits, [row[ROW]], -weight * row[FREQUENCY]);
    }
}

fn add(balance: &mut Balance, key: impl IntoIterator<Item = F>, weight: F) {
    let key = key.into_iter().map(|element| element.to_canonical_u64()).collect();
    *balance.entry(key).or_insert(F::ZERO) += weight;
}

fn unbalanced([tuples, waits]: &[Balance; 2]) -> impl Iterator<Item = ClauseId> + use<> {
    let is_broken = |balance: &Balance| balance.values().any(|sum| !sum.is_zero());
    let broken = [("OP-9", is_broken(tuples)), ("OP-8", is_broken(waits))];
    broken.into_iter().filter(|(_, is_broken)| *is_broken).map(|(clause, _)| clause)
}
