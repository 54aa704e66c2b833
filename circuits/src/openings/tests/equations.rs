//! The constraints at random points, against the formulas of PROTOCOL.md §13 and the library's rounds of Poseidon.

use plonky2::field::types::{Field, Sample};
use plonky2::hash::poseidon::{HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon, SPONGE_WIDTH};
use weft_protocol::TREE_DEPTH;
use weft_protocol::crypto::Tag;

use crate::config::F;
use crate::gates::algebra::Lanes;
use crate::ledger::ClauseId;
use crate::openings::columns::{
    ACCESS, AFTER, BEFORE, COLUMNS, HEIGHT, INPUTS, OWN, PARTS, POSITION, ROW, SBOXES, TIMES,
};
use crate::openings::constraints::{Frame, PUBLIC_INPUTS, Rows, constraints};

type State = [F; SPONGE_WIDTH];
type Expected = Vec<(ClauseId, Rows, F)>;

/// A row, the next one and the public inputs, all random.
struct Point {
    row: Vec<F>,
    next: Vec<F>,
    public: Vec<F>,
}

/// The rounds over cells that need not be S-boxes: what each cell differs by, and the outputs.
fn rounds(row: &[F]) -> (Vec<F>, State) {
    let mut cells = row[SBOXES].chunks(2);
    let mut differences = Vec::new();
    let mut state: State = row[INPUTS].try_into().expect("the width");
    for round in 0..2 * HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS {
        F::constant_layer(&mut state, round);
        let is_partial = (HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS).contains(&round);
        for x in &mut state[..if is_partial { 1 } else { SPONGE_WIDTH }] {
            let [cube, seventh] = cells.next().expect("a pair for each S-box").try_into().expect("pairs");
            differences.extend([x.cube() - cube, cube * cube * *x - seventh]);
            *x = seventh;
        }
        state = F::mds_layer(&state);
    }
    (differences, state)
}

impl Point {
    fn random() -> Self {
        Self { row: F::rand_vec(COLUMNS), next: F::rand_vec(COLUMNS), public: F::rand_vec(PUBLIC_INPUTS) }
    }

    fn flags(&self) -> [F; 4] {
        let [before, after, access] = [BEFORE, AFTER, ACCESS].map(|column| self.row[column]);
        [before, after, access, before + after + access]
    }

    fn types_and_nodes(&self, out: &mut Expected) {
        let (row, next) = (&self.row, &self.next);
        let [before, after, access, any] = self.flags();
        out.extend([before, after, access, any].map(|flag| ("OP-2", Rows::All, flag * flag - flag)));
        out.push(("OP-2", Rows::First, before - F::ONE));
        out.push(("OP-2", Rows::ButLast, next[AFTER] - before));
        out.push(("OP-2", Rows::ButLast, access * (next[ACCESS] - F::ONE)));
        out.push(("OP-2", Rows::Last, access - F::ONE));
        let capacity = [Tag::NODE.0, 8, 0, 0].map(F::from_canonical_u64);
        out.extend((0..4).map(|i| ("OP-3", Rows::All, (before + after) * (row[8 + i] - capacity[i]))));
        out.extend([POSITION, HEIGHT].map(|column| ("OP-4", Rows::All, before * (next[column] - row[column]))));
        out.extend((0..8).map(|column| {
            let untouched = F::ONE - row[PARTS[column / 4]];
            ("OP-4", Rows::All, before * untouched * (next[column] - row[column]))
        }));
    }

    fn root(&self, outputs: &State, out: &mut Expected) {
        let depth = F::from_canonical_usize(TREE_DEPTH);
        out.extend([self.row[POSITION], self.row[HEIGHT] - depth, self.row[OWN]].map(|x| ("OP-5", Rows::First, x)));
        let (_, after) = rounds(&self.next);
        for lane in 0..4 {
            out.push(("OP-5", Rows::First, outputs[lane] - self.public[lane]));
            out.push(("OP-5", Rows::First, after[lane] - self.public[4 + lane]));
        }
    }

    fn tuples_and_times(&self, out: &mut Expected) {
        let (row, next) = (&self.row, &self.next);
        let [before, after, access, any] = self.flags();
        out.push(("OP-6", Rows::ButLast, next[BEFORE] * (next[OWN] + F::ONE)));
        out.push(("OP-6", Rows::All, before * (next[OWN] + row[OWN])));
        out.push(("OP-6", Rows::All, (F::ONE - before - after) * row[OWN]));
        for column in PARTS {
            let part = row[column];
            let values = [before * (part * part - part), before * (next[column] + part), (F::ONE - any) * part];
            out.extend(values.map(|value| ("OP-7", Rows::All, value)));
        }
        let values = [row[PARTS[0]] + F::ONE, row[PARTS[1]] - F::ONE, row[HEIGHT]];
        out.extend(values.map(|value| ("OP-7", Rows::All, access * value)));
        out.push(("OP-8", Rows::First, row[ROW]));
        out.push(("OP-8", Rows::ButLast, next[ROW] - row[ROW] - F::ONE));
        out.extend(TIMES.map(|column| ("OP-8", Rows::All, before * row[column])));
        out.push(("OP-8", Rows::All, access * (row[TIMES[1]] - row[ROW])));
    }

    fn chain(&self, outputs: &State, out: &mut Expected) {
        let access = self.row[ACCESS];
        for lane in 0..4 {
            let index = if lane == 0 { self.next[POSITION] } else { F::ZERO };
            let start = if lane == 0 { F::from_canonical_u64(Tag::ACCESS.0) } else { F::ZERO };
            let found = self.next[8 + lane] - index;
            out.push(("OP-10", Rows::ButLast, (self.next[ACCESS] - access) * (found - start)));
            out.push(("OP-10", Rows::ButLast, access * (found - outputs[8 + lane])));
            out.push(("OP-10", Rows::Last, outputs[8 + lane] - self.public[8 + lane]));
        }
    }

    fn expected(&self) -> Expected {
        let (differences, outputs) = rounds(&self.row);
        let mut out: Expected = differences.into_iter().map(|value| ("OP-1", Rows::All, value)).collect();
        self.types_and_nodes(&mut out);
        self.root(&outputs, &mut out);
        self.tuples_and_times(&mut out);
        self.chain(&outputs, &mut out);
        out
    }
}

#[test]
fn constraints_at_random_points_are_those_of_the_documentation() {
    let point = Point::random();
    let frame = Frame { row: &point.row, next: &point.next, public_inputs: &point.public };
    let found = constraints(&mut Lanes::<F>::new(), &frame);
    let found: Expected = found.into_iter().map(|found| (found.clause, found.rows, found.value)).collect();
    assert_eq!(found, point.expected());
}
