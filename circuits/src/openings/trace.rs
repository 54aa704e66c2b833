//! From accesses and siblings to the rows of the table.
//!
//! Pairs of rows for the nodes, root first; then padding; then one row for each access, at the end.

use std::array;
use std::collections::BTreeMap;

use plonky2::field::packable::Packable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::{SPONGE_RATE as RATE, SPONGE_WIDTH as WIDTH};
use plonky2_maybe_rayon::*;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{ACCESS_CHAIN_START, Access, TREE_DEPTH};

use super::air::TIME_AFTER;
use super::columns::{
    ACCESS, AFTER, BEFORE, COLUMNS, FREQUENCY, HEIGHT, INPUTS, OWN, PARTS, POSITION, ROW, SBOX_COUNT, SBOXES, TIMES,
    part_inputs,
};
use super::permutation::permute;
use super::{Openings, OpeningsError, OpeningsStatement};
use crate::config::F;
use crate::gates::algebra::Lanes;
use crate::wired::to_field;

/// Columns that are no S-boxes.
const CONTROL: usize = COLUMNS - SBOXES.end;

/// The filled table, but for the S-boxes, and what it claims.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) rows: Vec<Row>,
    pub(super) statement: OpeningsStatement,
}

/// A row without its S-boxes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) inputs: [F; WIDTH],
    /// The columns after the S-boxes.
    control: [F; CONTROL],
}

impl Row {
    const EMPTY: Self = Self { inputs: [F::ZERO; WIDTH], control: [F::ZERO; CONTROL] };

    /// A cell after the S-boxes.
    pub(super) const fn get(&self, column: usize) -> F {
        self.control[column - SBOXES.end]
    }

    pub(super) const fn set(&mut self, column: usize, value: F) {
        self.control[column - SBOXES.end] = value;
    }

    pub(super) fn set_part(&mut self, part: usize, digest: &Digest) {
        self.inputs[part_inputs(part)].copy_from_slice(&digest.0.map(to_field));
    }
}

/// A node before and after, by its children.
#[derive(Clone, Copy, Debug)]
struct Node {
    height: usize,
    /// Position of the left child among the nodes one level below.
    left: u32,
    children: [Child; 2],
}

/// A node as its parent sees it.
#[derive(Clone, Copy, Debug)]
struct Child {
    before: Digest,
    after: Digest,
    /// Time of the digest after; `None` for a node that no access is below.
    time: Option<u64>,
}

impl Child {
    fn sibling(digest: Digest) -> Self {
        Self { before: digest, after: digest, time: None }
    }
}

impl Node {
    fn digest(&self, side: impl Fn(&Child) -> Digest) -> Digest {
        poseidon::compress(&side(&self.children[0]), &side(&self.children[1]))
    }

    /// The node as its own parent sees it.
    fn as_child(&self) -> Child {
        Child {
            before: self.digest(|child| child.before),
            after: self.digest(|child| child.after),
            time: Some(TIME_AFTER),
        }
    }

    /// Rows before and after.
    fn rows(&self) -> [Row; 2] {
        [F::ZERO, F::ONE].map(|is_after| {
            let mut row = Row::EMPTY;
            row.inputs[RATE] = F::from_canonical_u64(Tag::NODE.0);
            row.inputs[RATE + 1] = F::from_canonical_usize(RATE);
            row.set(BEFORE, F::ONE - is_after);
            row.set(AFTER, is_after);
            row.set(POSITION, F::from_canonical_u32(self.left));
            row.set(HEIGHT, F::from_canonical_usize(self.height));
            let sign = F::ONE - is_after.double();
            if self.height < TREE_DEPTH {
                row.set(OWN, -sign);
            }
            for (part, child) in self.children.iter().enumerate() {
                row.set_part(part, if is_after.is_zero() { &child.before } else { &child.after });
                if let Some(time) = child.time {
                    row.set(PARTS[part], sign);
                    row.set(TIMES[part], is_after * F::from_canonical_u64(time));
                }
            }
            row
        })
    }
}

impl Trace {
    /// The table of `2^degree_bits` rows for these openings.
    pub(super) fn new(openings: &Openings<'_>, degree_bits: usize) -> Result<Self, OpeningsError> {
        let (rows, capacity) = (super::rows_for(openings.accesses)?, 1 << degree_bits);
        if rows > capacity {
            return Err(OpeningsError::TooManyRows { rows, capacity });
        }
        let mut rows = vec![Row::EMPTY; capacity];
        let (leaves, accesses) = access_rows(openings.accesses, &mut rows)?;
        let nodes = nodes(leaves, openings.siblings)?;
        let root = nodes.last().expect("an access has a path").as_child();
        for (pair, node) in rows.as_chunks_mut::<2>().0.iter_mut().zip(nodes.iter().rev()) {
            for (row, mut filled) in pair.iter_mut().zip(node.rows()) {
                // The lookup has counted in this row already.
                filled.set(FREQUENCY, row.get(FREQUENCY));
                *row = filled;
            }
        }
        for (number, row) in rows.iter_mut().enumerate() {
            row.set(ROW, F::from_canonical_usize(number));
        }
        let statement = OpeningsStatement { root_before: root.before, root_after: root.after, accesses };
        Ok(Self { rows, statement })
    }
}

/// Fills the rows of the accesses; returns the leaves that they concern, by position, and the end of the chain.
fn access_rows(accesses: &[Access], table: &mut [Row]) -> Result<(BTreeMap<u32, Child>, Digest), OpeningsError> {
    let mut leaves: BTreeMap<u32, Child> = BTreeMap::new();
    let mut chain = ACCESS_CHAIN_START;
    let first = table.len() - accesses.len();
    for (number, access) in (first..).zip(accesses) {
        let position = access.index.0;
        let found = leaves.get(&position).copied();
        if found.is_some_and(|leaf| leaf.after != access.before) {
            return Err(OpeningsError::Unlinked { index: access.index });
        }
        let time = u64::try_from(number).expect("rows are few");
        let found_at = found.and_then(|leaf| leaf.time).unwrap_or_default();
        let row = &mut table[number];
        row.set_part(0, &access.before);
        row.set_part(1, &access.after);
        row.inputs[RATE..].copy_from_slice(&chain.0.map(to_field));
        row.inputs[RATE] += F::from_canonical_u32(position);
        let integers = [(ACCESS, 1), (POSITION, u64::from(position)), (TIMES[0], found_at), (TIMES[1], time)];
        integers.into_iter().for_each(|(column, value)| row.set(column, F::from_canonical_u64(value)));
        row.set(PARTS[0], F::NEG_ONE);
        row.set(PARTS[1], F::ONE);
        count_wait(table, time - found_at);
        chain = access.extend(&chain);
        let before = found.map_or(access.before, |leaf| leaf.before);
        leaves.insert(position, Child { before, after: access.after, time: Some(time) });
    }
    Ok((leaves, chain))
}

/// Notes in the table of the lookup that an access comes `wait` rows after the one whose leaf it finds.
fn count_wait(table: &mut [Row], wait: u64) {
    let number = usize::try_from(wait - 1).expect("a wait is at most the number of a row");
    let count = table[number].get(FREQUENCY) + F::ONE;
    table[number].set(FREQUENCY, count);
}

/// The nodes above these leaves, level by level from the leaves up, from left to right.
fn nodes(mut level: BTreeMap<u32, Child>, siblings: &[Digest]) -> Result<Vec<Node>, OpeningsError> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut given = siblings.iter();
    let mut needed = 0;
    for height in 1..=TREE_DEPTH {
        let mut parents: BTreeMap<u32, [Option<Child>; 2]> = BTreeMap::new();
        for (position, child) in level {
            parents.entry(position >> 1).or_default()[usize::from(position & 1 == 1)] = Some(child);
        }
        let start = nodes.len();
        nodes.extend(parents.into_iter().map(|(position, children)| {
            let children = children.map(|child| {
                child.unwrap_or_else(|| {
                    needed += 1;
                    Child::sibling(given.next().copied().unwrap_or_default())
                })
            });
            Node { height, left: position << 1, children }
        }));
        let hashed: Vec<_> = nodes[start..].par_iter().map(Node::as_child).collect();
        level = nodes[start..].iter().map(|node| node.left >> 1).zip(hashed).collect();
    }
    match siblings.len() {
        got if got == needed => Ok(nodes),
        got => Err(OpeningsError::Siblings { expected: needed, got }),
    }
}

/// All columns; the S-boxes are computed in packed lanes, a row in each.
pub(super) fn columns(table: &[Row]) -> Vec<Vec<F>> {
    type Packed = <F as Packable>::Packing;
    let blocks: Vec<[Packed; 2 * SBOX_COUNT]> = table
        .par_chunks(Packed::WIDTH)
        .map(|rows| {
            let inputs = array::from_fn(|lane| {
                let mut values = Packed::ZEROS;
                values.as_slice_mut().iter_mut().zip(rows).for_each(|(value, row)| *value = row.inputs[lane]);
                values
            });
            sboxes(inputs)
        })
        .collect();
    let column = |column: usize| -> Vec<F> {
        if INPUTS.contains(&column) {
            table.iter().map(|row| row.inputs[column]).collect()
        } else if SBOXES.contains(&column) {
            blocks.iter().flat_map(|block| block[column - SBOXES.start].as_slice()).copied().collect()
        } else {
            table.iter().map(|row| row.control[column - SBOXES.end]).collect()
        }
    };
    (0..COLUMNS).into_par_iter().map(column).collect()
}

/// `x³` and `x⁷` of the S-boxes of a permutation.
fn sboxes<P: PackedField<Scalar = F>>(inputs: [P; WIDTH]) -> [P; 2 * SBOX_COUNT] {
    let mut values = [P::ZEROS; 2 * SBOX_COUNT];
    let mut cells = values.as_chunks_mut::<2>().0.iter_mut();
    permute(&mut Lanes::<P>::new(), inputs, |_, x| {
        let cube = x * x * x;
        let seventh = cube * cube * x;
        *cells.next().expect("the S-boxes of the permutation are those that the columns are for") = [cube, seventh];
        seventh
    });
    values
}
