//! Tables that claim what did not happen, put together with care: all hashes are right, the list is chained again, and only
//! the clauses named here object.

use std::collections::{BTreeMap, BTreeSet};

use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::poseidon::{Poseidon, SPONGE_RATE as RATE};
use weft_protocol::crypto::{Digest, Tag};
use weft_protocol::{ACCESS_CHAIN_START, TREE_DEPTH};

use super::checker::Table;
use super::world::{World, digest};
use crate::config::{F, OPENINGS};
use crate::ledger::ClauseId;
use crate::openings::columns::{
    ACCESS, AFTER, BEFORE, FREQUENCY, HEIGHT, OWN, PARTS, POSITION, ROW, TIMES, part_inputs,
};
use crate::openings::trace::{Row, Trace};
use crate::openings::{OpeningsError, OpeningsTable};
use crate::wired::{from_field, to_field};

pub(super) const DEGREE_BITS: usize = 8;
/// The leaves of the accesses; the third access only reads.
const INDICES: [u32; 6] = [1 << 27, 6, 40, 6, 40, 6];

/// A table on its way to a lie.
struct Forgery(Trace);

impl Forgery {
    fn new() -> Self {
        Self(Trace::new(&World::new(&INDICES).openings(), DEGREE_BITS).expect("honest"))
    }

    /// Number of the row of an access.
    fn access(&self, number: usize) -> usize {
        self.0.rows.len() - INDICES.len() + number
    }

    fn row(&mut self, number: usize) -> &mut Row {
        &mut self.0.rows[number]
    }

    /// Number of the row before of the node at this height above this leaf; the row after follows.
    fn node(&self, height: usize, leaf: u32) -> usize {
        let position = F::from_canonical_u32(leaf >> height << 1);
        let is_it = |row: &Row| {
            row.get(BEFORE).is_one()
                && row.get(HEIGHT) == F::from_canonical_usize(height)
                && row.get(POSITION) == position
        };
        self.0.rows.iter().position(is_it).expect("the node is on a path")
    }

    /// Number of the first row of a pair of padding rows.
    fn padding(&self) -> usize {
        let number = self.0.rows.iter().position(|row| row.get(BEFORE).is_zero() && row.get(AFTER).is_zero());
        number.filter(|number| number + 2 < self.access(0)).expect("the table is not full")
    }

    /// Puts a copy of two rows into padding; returns the first one's number.
    fn copy_pair(&mut self, from: usize) -> usize {
        let to = self.padding();
        for side in [0, 1] {
            let mut copy = self.0.rows[from + side];
            for column in [ROW, FREQUENCY] {
                copy.set(column, self.0.rows[to + side].get(column));
            }
            self.0.rows[to + side] = copy;
        }
        to
    }

    fn set_all(&mut self, rows: [usize; 2], column: usize, value: F) {
        rows.into_iter().for_each(|number| self.row(number).set(column, value));
    }

    /// Hashes the nodes again, from the leaves up to the roots.
    fn rehash(&mut self) {
        let key = |row: &Row, height: F, position: u64| (row.get(AFTER).is_one(), height.to_canonical_u64(), position);
        let nodes = |row: &&Row| (row.get(BEFORE) + row.get(AFTER)).is_one();
        let numbers: BTreeMap<_, _> = (0..self.0.rows.len())
            .filter(|&number| nodes(&&self.0.rows[number]))
            .map(|number| {
                let row = &self.0.rows[number];
                (key(row, row.get(HEIGHT), row.get(POSITION).to_canonical_u64()), number)
            })
            .collect();
        for number in (0..self.0.rows.len()).rev() {
            let row = self.0.rows[number];
            if !nodes(&&row) {
                continue;
            }
            let digest = Digest(std::array::from_fn(|lane| from_field(F::poseidon(row.inputs)[lane])));
            let position = row.get(POSITION).to_canonical_u64() >> 1;
            if let Some(&parent) = numbers.get(&key(&row, row.get(HEIGHT) + F::ONE, position & !1)) {
                self.row(parent).set_part(usize::from(position & 1 == 1), &digest);
            } else if row.get(HEIGHT) == F::from_canonical_usize(TREE_DEPTH) {
                let statement = &mut self.0.statement;
                let root = if row.get(AFTER).is_one() { &mut statement.root_after } else { &mut statement.root_before };
                *root = digest;
            }
        }
    }

    /// Chains the accesses again, from this row on from this value.
    fn rechain(&mut self, first: usize, start: Digest) {
        let mut chain = start.0.map(to_field);
        for row in &mut self.0.rows[first..] {
            row.inputs[RATE..].copy_from_slice(&chain);
            row.inputs[RATE] += row.get(POSITION);
            chain.copy_from_slice(&F::poseidon(row.inputs)[RATE..]);
        }
        self.0.statement.accesses = Digest(chain.map(from_field));
    }

    fn count(&mut self, wait: usize, change: F) {
        let count = self.0.rows[wait].get(FREQUENCY) + change;
        self.row(wait).set(FREQUENCY, count);
    }

    fn chained(mut self) -> Trace {
        self.rechain(self.access(0), ACCESS_CHAIN_START);
        self.0
    }

    fn hashed(mut self) -> Trace {
        self.rehash();
        self.0
    }
}

pub(super) fn honest() -> Trace {
    Forgery::new().0
}

fn number(row: usize) -> F {
    F::from_canonical_usize(row)
}

pub(super) fn sibling_changed_only_after() -> Trace {
    let mut forgery = Forgery::new();
    let after = forgery.node(5, 6) + 1;
    let part = PARTS.iter().position(|&column| forgery.0.rows[after].get(column).is_zero()).expect("a lone path");
    forgery.row(after).set_part(part, &digest(99));
    forgery.hashed()
}

/// A leaf that differs in one element.
pub(super) fn another_leaf_found(lane: usize) -> Trace {
    let mut forgery = Forgery::new();
    let row = forgery.access(1);
    forgery.row(row).inputs[part_inputs(0).start + lane] += F::ONE;
    forgery.chained()
}

/// The second access of a leaf says that it finds what was left one row before the first.
fn leaf_found_at_another_time() -> Trace {
    let mut forgery = Forgery::new();
    let [left, found] = [forgery.access(1), forgery.access(3)];
    forgery.row(found).set(TIMES[0], number(left - 1));
    forgery.count(found - left - 1, F::NEG_ONE);
    forgery.count(found - left, F::ONE);
    forgery.0
}

fn node_at_another_height() -> Trace {
    let mut forgery = Forgery::new();
    let pair = forgery.node(3, 40);
    forgery.set_all([pair, pair + 1], HEIGHT, F::from_canonical_u32(4));
    forgery.0
}

fn another_leaf_left() -> Trace {
    let mut forgery = Forgery::new();
    let row = forgery.access(5);
    forgery.row(row).set_part(1, &digest(99));
    forgery.chained()
}

fn another_leaf_in_the_tree_after() -> Trace {
    let mut forgery = Forgery::new();
    let row = forgery.node(1, 6) + 1;
    forgery.row(row).set_part(0, &digest(99));
    forgery.hashed()
}

fn another_root_before() -> Trace {
    let mut forgery = Forgery::new();
    forgery.0.statement.root_before = digest(99);
    forgery.0
}

fn another_root_after() -> Trace {
    let mut forgery = Forgery::new();
    forgery.0.statement.root_after = digest(99);
    forgery.0
}

/// The accesses of one leaf in another order than they are listed: the first finds what the second leaves.
fn accesses_swapped_in_time() -> Trace {
    let mut forgery = Forgery::new();
    let [first, second] = [forgery.access(2), forgery.access(4)];
    let [found, middle, left] = [(first, 0), (first, 1), (second, 1)].map(|(row, part)| {
        let inputs = &forgery.0.rows[row].inputs[part_inputs(part)];
        Digest(std::array::from_fn(|lane| from_field(inputs[lane])))
    });
    assert_ne!(middle, left);
    for (row, before, after, found_at) in [(second, found, middle, F::ZERO), (first, middle, left, number(second))] {
        forgery.row(row).set_part(0, &before);
        forgery.row(row).set_part(1, &after);
        forgery.row(row).set(TIMES[0], found_at);
    }
    let last = forgery.node(1, 40) + 1;
    forgery.row(last).set(TIMES[0], number(first));
    // The wait of the second access is long, that of the first would be negative.
    forgery.count(first - 1, F::NEG_ONE);
    forgery.count(second - first - 1, F::NEG_ONE);
    forgery.count(second - 1, F::ONE);
    forgery.chained()
}

fn node_twice() -> Trace {
    let mut forgery = Forgery::new();
    forgery.copy_pair(forgery.node(3, 40));
    forgery.0
}

/// A node that nothing above it knows of, with a leaf of its own choice, and an access of that leaf.
fn floating_node(own: F) -> Trace {
    let mut forgery = Forgery::new();
    let pair = forgery.copy_pair(forgery.node(1, 6));
    let row = forgery.access(0) - 1;
    for side in [0, 1] {
        let sign = F::ONE - number(side).double();
        forgery.row(pair + side).set(OWN, -sign * own);
        forgery.row(pair + side).set(POSITION, F::from_canonical_u32(100));
        forgery.row(pair + side).set_part(0, &digest(98 + side as u64));
    }
    forgery.row(pair + 1).set(TIMES[0], number(row));
    for (column, value) in [(ACCESS, F::ONE), (POSITION, F::from_canonical_u32(100)), (TIMES[1], number(row))] {
        forgery.row(row).set(column, value);
    }
    for (part, sign) in [F::NEG_ONE, F::ONE].into_iter().enumerate() {
        forgery.row(row).set(PARTS[part], sign);
        forgery.row(row).set_part(part, &digest(98 + part as u64));
    }
    forgery.count(row - 1, F::ONE);
    forgery.rechain(row, ACCESS_CHAIN_START);
    forgery.0
}

fn access_listed_at_another_index() -> Trace {
    let mut forgery = Forgery::new();
    let row = forgery.access(0);
    forgery.row(row).set(POSITION, F::from_canonical_u32(8));
    forgery.chained()
}

fn node_moved() -> Trace {
    let mut forgery = Forgery::new();
    let pair = forgery.node(1, 40);
    forgery.set_all([pair, pair + 1], POSITION, F::from_canonical_u32(42));
    forgery.0
}

/// The path ends one level early: an access takes the digest of a node for a leaf.
fn node_read_as_a_leaf() -> Trace {
    let mut forgery = Forgery::new();
    let (pair, row) = (forgery.node(1, 1 << 27), forgery.access(0));
    for side in [0, 1] {
        let output = F::poseidon(forgery.0.rows[pair + side].inputs);
        forgery.row(row).set_part(side, &Digest(std::array::from_fn(|lane| from_field(output[lane]))));
        for column in [BEFORE, AFTER, OWN, PARTS[0], PARTS[1]] {
            forgery.row(pair + side).set(column, F::ZERO);
        }
    }
    forgery.row(row).set(HEIGHT, F::ONE);
    forgery.row(row).set(POSITION, F::from_canonical_u32(1 << 26));
    let parent = forgery.node(2, 1 << 27) + 1;
    forgery.row(parent).set(TIMES[0], number(row));
    forgery.chained()
}

fn node_hashed_under_another_tag() -> Trace {
    let mut forgery = Forgery::new();
    let pair = forgery.node(1, 40);
    for row in [pair, pair + 1] {
        forgery.row(row).inputs[RATE] = F::from_canonical_u64(Tag::CHAIN.0);
    }
    forgery.hashed()
}

fn chain_that_starts_elsewhere() -> Trace {
    let mut forgery = Forgery::new();
    forgery.rechain(forgery.access(0), digest(99));
    forgery.0
}

fn access_left_out_of_the_chain() -> Trace {
    let mut forgery = Forgery::new();
    forgery.rechain(forgery.access(1), ACCESS_CHAIN_START);
    forgery.0
}

/// The first access stands before the padding, so that the chain starts anew behind it.
fn access_before_the_padding() -> Trace {
    let mut forgery = Forgery::new();
    let (from, to) = (forgery.access(0), forgery.access(0) - 1);
    let (moved, padding) = (forgery.0.rows[from], forgery.0.rows[to]);
    for (row, mut filled) in [(to, moved), (from, padding)] {
        for column in [ROW, FREQUENCY] {
            filled.set(column, forgery.0.rows[row].get(column));
        }
        forgery.0.rows[row] = filled;
    }
    forgery.row(to).set(TIMES[1], number(to));
    let parent = forgery.node(1, 1 << 27) + 1;
    forgery.row(parent).set(TIMES[0], number(to));
    forgery.count(from - 1, F::NEG_ONE);
    forgery.count(to - 1, F::ONE);
    forgery.rechain(forgery.access(1), ACCESS_CHAIN_START);
    forgery.0
}

/// Every attack with the clauses that object.
fn attacks() -> Vec<(&'static str, Trace, &'static [ClauseId])> {
    let mut attacks: Vec<(_, _, &'static [ClauseId])> = vec![
        ("sibling changed only after", sibling_changed_only_after(), &["OP-4"]),
        ("leaf found at another time", leaf_found_at_another_time(), &["OP-9"]),
        ("node at another height", node_at_another_height(), &["OP-9"]),
        ("another leaf left", another_leaf_left(), &["OP-9"]),
        ("another leaf in the tree after", another_leaf_in_the_tree_after(), &["OP-9"]),
        ("another root before", another_root_before(), &["OP-5"]),
        ("another root after", another_root_after(), &["OP-5"]),
        ("accesses swapped in time", accesses_swapped_in_time(), &["OP-8"]),
        ("node twice", node_twice(), &["OP-9"]),
        ("floating node that claims a parent", floating_node(F::ONE), &["OP-9"]),
        ("floating node without a parent", floating_node(F::ZERO), &["OP-6"]),
        ("access listed at another index", access_listed_at_another_index(), &["OP-9"]),
        ("node moved", node_moved(), &["OP-9"]),
        ("node read as a leaf", node_read_as_a_leaf(), &["OP-7"]),
        ("node hashed under another tag", node_hashed_under_another_tag(), &["OP-3"]),
        ("chain that starts elsewhere", chain_that_starts_elsewhere(), &["OP-10"]),
        ("access left out of the chain", access_left_out_of_the_chain(), &["OP-10"]),
        ("access before the padding", access_before_the_padding(), &["OP-2", "OP-10"]),
    ];
    attacks.extend((0..4).map(|lane| ("another leaf found", another_leaf_found(lane), &["OP-9"][..])));
    attacks
}

#[test]
fn every_attack_breaks_the_clause_that_is_there_for_it() {
    assert_eq!(Table::new(&Forgery::new().hashed()).broken(), BTreeSet::new());
    assert_eq!(Table::new(&Forgery::new().chained()).broken(), BTreeSet::new());
    for (name, trace, clauses) in attacks() {
        assert_eq!(Table::new(&trace).broken(), clauses.iter().copied().collect(), "{name}");
    }
}

#[test]
fn no_attack_has_a_proof() {
    let table = OpeningsTable::new(OPENINGS, DEGREE_BITS);
    let honest = table.prove_trace(&honest()).expect("the library proves");
    table.verify(&honest).expect("honest");
    for (name, trace, _) in attacks() {
        let proof = table.prove_trace(&trace).expect("the library proves whatever it is given");
        assert!(matches!(table.verify(&proof), Err(OpeningsError::Invalid { .. })), "{name}");
    }
}
