//! What two consecutive rows and the public inputs satisfy (PROTOCOL.md §13).
//!
//! Written once over an [`Algebra`]: the library's prover and verifier, the recursive verifier and the tests read the
//! same text. Every constraint has degree 3 at most.

use std::array;

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{SPONGE_RATE as RATE, SPONGE_WIDTH as WIDTH};
use weft_protocol::TREE_DEPTH;
use weft_protocol::crypto::Tag;

use super::columns::{
    ACCESS, AFTER, BEFORE, HEIGHT, INPUTS, OWN, PARTS, POSITION, ROW, SBOXES, TIMES, last_sbox, part_inputs,
};
use super::permutation::permute;
use crate::config::F;
use crate::gates::algebra::{Algebra, poseidon_matrix_row};
use crate::ledger::ClauseId;

/// Public inputs: root before, root after, end of the chain of accesses.
pub const PUBLIC_INPUTS: usize = 12;
/// Constraints, about.
const COUNT: usize = 340;

/// Rows on which a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All of them; the first follows the last.
    All,
    /// All but the last.
    ButLast,
    /// The first.
    First,
    /// The last.
    Last,
}

/// A value that vanishes on some rows.
#[derive(Clone, Copy, Debug)]
pub struct Constraint<V> {
    /// The clause that it is part of.
    pub clause: ClauseId,
    /// The rows.
    pub rows: Rows,
    /// The value.
    pub value: V,
}

/// What constraints are about.
#[derive(Debug)]
pub struct Frame<'a, V> {
    /// Cells of a row.
    pub row: &'a [V],
    /// Cells of the next row.
    pub next: &'a [V],
    /// The public inputs.
    pub public_inputs: &'a [V],
}

/// All constraints but those of the lookups, always in the same order.
pub fn constraints<A: Algebra>(algebra: &mut A, frame: &Frame<'_, A::Value>) -> Vec<Constraint<A::Value>> {
    let mut system = System::new(algebra, frame);
    let outputs = system.permutation();
    system.control(&outputs);
    #[cfg(test)]
    if let Some(term) = crate::builder::mutation::mutated_term("Openings", Vec::new, system.found.len()) {
        system.found[term].value = system.algebra.constant(F::ZERO);
    }
    system.found
}

/// The constraints after those of the permutation, whose outputs are given.
pub fn control_constraints<A: Algebra>(
    algebra: &mut A,
    frame: &Frame<'_, A::Value>,
    outputs: &[A::Value; WIDTH],
) -> Vec<Constraint<A::Value>> {
    let mut system = System::new(algebra, frame);
    system.control(outputs);
    system.found
}

struct System<'a, A: Algebra> {
    algebra: &'a mut A,
    frame: &'a Frame<'a, A::Value>,
    one: A::Value,
    found: Vec<Constraint<A::Value>>,
}

impl<'a, A: Algebra> System<'a, A> {
    fn new(algebra: &'a mut A, frame: &'a Frame<'a, A::Value>) -> Self {
        let one = algebra.constant(F::ONE);
        System { algebra, frame, one, found: Vec::with_capacity(COUNT) }
    }

    fn control(&mut self, outputs: &[A::Value; WIDTH]) {
        let [before, after, _] = self.row_types();
        let node = self.algebra.add(before, after);
        self.node_hash(node);
        self.pair_of_rows(before);
        self.root(outputs);
        self.own_tuple(before, node);
        self.part_tuples(before, node);
        self.times(before);
        self.chain(outputs);
    }

    fn holds(&mut self, clause: ClauseId, rows: Rows, value: A::Value) {
        self.found.push(Constraint { clause, rows, value });
    }

    /// `left = right` on these rows.
    fn equal(&mut self, clause: ClauseId, rows: Rows, left: A::Value, right: A::Value) {
        let value = self.algebra.sub(left, right);
        self.holds(clause, rows, value);
    }

    /// `left = right` on all rows with this flag.
    fn equal_if(&mut self, clause: ClauseId, flag: A::Value, left: A::Value, right: A::Value) {
        let difference = self.algebra.sub(left, right);
        let value = self.algebra.mul(flag, difference);
        self.holds(clause, Rows::All, value);
    }

    fn equals_constant(&mut self, clause: ClauseId, rows: Rows, value: A::Value, constant: u64) {
        let constant = self.algebra.constant(F::from_canonical_u64(constant));
        self.equal(clause, rows, value, constant);
    }

    fn is_bool(&mut self, clause: ClauseId, value: A::Value) {
        let residue = self.algebra.quadratic(value, F::NEG_ONE);
        self.holds(clause, Rows::All, residue);
    }

    fn not(&mut self, value: A::Value) -> A::Value {
        self.algebra.sub(self.one, value)
    }

    fn cell(&self, column: usize) -> A::Value {
        self.frame.row[column]
    }

    fn next(&self, column: usize) -> A::Value {
        self.frame.next[column]
    }

    /// OP-1. Returns the outputs.
    fn permutation(&mut self) -> [A::Value; WIDTH] {
        let row = self.frame.row;
        let mut sboxes = row[SBOXES].iter();
        let mut take = || *sboxes.next().expect("the S-boxes of the permutation are those that the columns are for");
        let found = &mut self.found;
        permute(self.algebra, array::from_fn(|lane| row[INPUTS.start + lane]), |a, x| {
            let (cube, seventh) = (take(), take());
            let (x_squared, cube_squared) = (a.mul(x, x), a.mul(cube, cube));
            for value in [a.mul_sub(x_squared, x, cube), a.mul_sub(cube_squared, x, seventh)] {
                found.push(Constraint { clause: "OP-1", rows: Rows::All, value });
            }
            seventh
        })
    }

    /// OP-2. Returns the flags of the three types.
    fn row_types(&mut self) -> [A::Value; 3] {
        let flags @ [before, after, access] = [BEFORE, AFTER, ACCESS].map(|column| self.cell(column));
        flags.into_iter().for_each(|flag| self.is_bool("OP-2", flag));
        let node = self.algebra.add(before, after);
        let any = self.algebra.add(node, access);
        self.is_bool("OP-2", any);
        self.equal("OP-2", Rows::First, before, self.one);
        self.equal("OP-2", Rows::ButLast, self.next(AFTER), before);
        let stays = self.algebra.mul_sub(access, self.next(ACCESS), access);
        self.holds("OP-2", Rows::ButLast, stays);
        self.equal("OP-2", Rows::Last, access, self.one);
        flags
    }

    /// OP-3.
    fn node_hash(&mut self, node: A::Value) {
        let capacity = [Tag::NODE.0, u64::try_from(RATE).expect("8"), 0, 0];
        for (element, expected) in (RATE..).zip(capacity) {
            let expected = self.algebra.constant(F::from_canonical_u64(expected));
            self.equal_if("OP-3", node, self.cell(element), expected);
        }
    }

    /// OP-4. No node of the tree before is on the last row, so that the row after it is the next one.
    fn pair_of_rows(&mut self, before: A::Value) {
        for column in [POSITION, HEIGHT] {
            self.equal_if("OP-4", before, self.next(column), self.cell(column));
        }
        for part in [0, 1] {
            let untouched = self.not(self.cell(PARTS[part]));
            let untouched = self.algebra.mul(before, untouched);
            for column in part_inputs(part) {
                self.equal_if("OP-4", untouched, self.next(column), self.cell(column));
            }
        }
    }

    /// OP-5.
    fn root(&mut self, outputs: &[A::Value; WIDTH]) {
        let public = self.frame.public_inputs;
        self.holds("OP-5", Rows::First, self.cell(POSITION));
        self.equals_constant("OP-5", Rows::First, self.cell(HEIGHT), u64::try_from(TREE_DEPTH).expect("28"));
        self.holds("OP-5", Rows::First, self.cell(OWN));
        let last: [A::Value; WIDTH] = array::from_fn(|lane| self.next(last_sbox(lane)));
        for lane in 0..4 {
            self.equal("OP-5", Rows::First, outputs[lane], public[lane]);
            let after = self.algebra.affine(F::ZERO, &poseidon_matrix_row(lane), &last);
            self.equal("OP-5", Rows::First, after, public[4 + lane]);
        }
    }

    /// OP-6.
    fn own_tuple(&mut self, before: A::Value, node: A::Value) {
        let next_own = self.next(OWN);
        let received = self.algebra.add(next_own, self.one);
        let received = self.algebra.mul(self.next(BEFORE), received);
        self.holds("OP-6", Rows::ButLast, received);
        self.opposite("OP-6", before, OWN);
        let other = self.not(node);
        let none = self.algebra.mul(other, self.cell(OWN));
        self.holds("OP-6", Rows::All, none);
    }

    /// What the first row of a pair sends, the second receives, and the other way round.
    fn opposite(&mut self, clause: ClauseId, before: A::Value, column: usize) {
        let sum = self.algebra.add(self.next(column), self.cell(column));
        let value = self.algebra.mul(before, sum);
        self.holds(clause, Rows::All, value);
    }

    /// OP-7.
    fn part_tuples(&mut self, before: A::Value, node: A::Value) {
        let access = self.cell(ACCESS);
        let any = self.algebra.add(node, access);
        let padding = self.not(any);
        for column in PARTS {
            let part = self.cell(column);
            let residue = self.algebra.quadratic(part, F::NEG_ONE);
            let flag = self.algebra.mul(before, residue);
            self.holds("OP-7", Rows::All, flag);
            self.opposite("OP-7", before, column);
            let none = self.algebra.mul(padding, part);
            self.holds("OP-7", Rows::All, none);
        }
        let minus_one = self.algebra.constant(F::NEG_ONE);
        self.equal_if("OP-7", access, self.cell(PARTS[0]), minus_one);
        self.equal_if("OP-7", access, self.cell(PARTS[1]), self.one);
        let height = self.algebra.mul(access, self.cell(HEIGHT));
        self.holds("OP-7", Rows::All, height);
    }

    /// OP-8, but for the order, which is a lookup.
    fn times(&mut self, before: A::Value) {
        let row = self.cell(ROW);
        self.holds("OP-8", Rows::First, row);
        let following = self.algebra.add(row, self.one);
        self.equal("OP-8", Rows::ButLast, self.next(ROW), following);
        for column in TIMES {
            let time = self.algebra.mul(before, self.cell(column));
            self.holds("OP-8", Rows::All, time);
        }
        self.equal_if("OP-8", self.cell(ACCESS), self.cell(TIMES[1]), row);
    }

    /// OP-10. The index is added to the first element of the chain.
    fn chain(&mut self, outputs: &[A::Value; WIDTH]) {
        let (access, public) = (self.cell(ACCESS), self.frame.public_inputs);
        let begins = self.algebra.sub(self.next(ACCESS), access);
        let start = [Tag::ACCESS.0, 0, 0, 0].map(F::from_canonical_u64);
        for lane in 0..4 {
            let mut found = self.next(RATE + lane);
            if lane == 0 {
                found = self.algebra.sub(found, self.next(POSITION));
            }
            let start = self.algebra.constant(start[lane]);
            for (flag, expected) in [(begins, start), (access, outputs[RATE + lane])] {
                let difference = self.algebra.sub(found, expected);
                let value = self.algebra.mul(flag, difference);
                self.holds("OP-10", Rows::ButLast, value);
            }
            self.equal("OP-10", Rows::Last, outputs[RATE + lane], public[8 + lane]);
        }
    }
}
