//! A family of circuits with stand-ins for the segments, and the proofs of one batch, made once for all tests.

use std::sync::LazyLock;

use weft_crypto::{Digest, Tag};
use weft_protocol::{Context, Record, RunningState, SegmentStatement, chain_records};

use super::claim::record;
use super::merge::digest;
use crate::builder::{Builder, CircuitName, Mode};
use crate::config::segment_config;
use crate::recursion::key::VerifierData;
use crate::recursion::layer::LayerCircuit;
use crate::recursion::{
    AggregateProof, Assembly, FamilySizes, RecursionCircuits, SealCapacity, SealInput, SegmentLayer, SegmentProof,
    SegmentStatementWires,
};
use crate::wired::Witness;

/// A circuit with a segment's public inputs that proves any of them.
#[derive(Debug)]
pub(super) struct StandIn {
    layer: LayerCircuit<SegmentLayer>,
    statement: SegmentStatementWires,
}

impl StandIn {
    /// A circuit of at least this many rows.
    pub(super) fn build(name: &'static str, rows: usize) -> Self {
        let name = CircuitName { name, version: 1 };
        let mut b = Builder::new(name, segment_config(), Mode::Proving);
        let statement = b.alloc::<SegmentStatement>();
        b.expose_wires::<SegmentStatement>(&statement);
        let mut digest = statement.before;
        while b.rows() < rows {
            digest = b.hash(Tag::CHAIN, &digest);
        }
        let rows = b.rows();
        Self { layer: LayerCircuit::build(name, rows, b, None), statement }
    }

    pub(super) fn prove(&self, statement: &SegmentStatement) -> SegmentProof {
        let mut witness = Witness::new();
        witness.assign(&self.statement, statement).expect("the wires are free");
        self.layer.prove(witness).expect("it proves anything")
    }

    pub(super) const fn verifier_data(&self) -> &VerifierData {
        self.layer.verifier()
    }
}

/// Everything that the tests share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) small: StandIn,
    pub(super) circuits: RecursionCircuits,
    pub(super) records: Vec<Record>,
    /// Two small segments, the first two thirds of the batch.
    pub(super) segments: Vec<SegmentProof>,
    /// Lift of the two small segments.
    pub(super) first: AggregateProof,
    /// Lift of one large segment, the rest of the batch.
    pub(super) last: AggregateProof,
    /// Both.
    pub(super) batch: AggregateProof,
}

pub(super) const SMALL_ROWS: usize = 3_000;
const LARGE_ROWS: usize = 6_000;

fn root_before() -> Digest {
    digest(100)
}

fn root_after() -> Digest {
    digest(101)
}

/// What is sealed with this child.
pub(super) fn seal_input<'a>(child: &'a AggregateProof, records: &'a [Record]) -> SealInput<'a> {
    SealInput { child, root_before: root_before(), root_after: root_after(), records }
}

/// The statements of the three segments.
pub(super) fn statements(records: &[Record]) -> [SegmentStatement; 3] {
    let chain = chain_records(Digest::ZERO, records);
    let states = [
        RunningState::start_of_batch(root_before()).digest(),
        digest(102),
        digest(103),
        RunningState { chain, ..RunningState::start_of_batch(root_after()) }.digest(),
    ];
    std::array::from_fn(|i| SegmentStatement { context: Context(digest(104)), before: states[i], after: states[i + 1] })
}

pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let small = StandIn::build("stand-in-small", SMALL_ROWS);
    let large = StandIn::build("stand-in-large", LARGE_ROWS);
    let circuits = RecursionCircuits::build(
        small.verifier_data(),
        large.verifier_data(),
        FamilySizes { openings_degree_bits: 8, records: SealCapacity::PROTOCOL },
        Assembly::FRESH,
    );
    let records: Vec<_> = (1..=5).map(record).collect();
    let [one, two, three] = statements(&records);
    let segments = vec![small.prove(&one), small.prove(&two)];
    let first = circuits.prove_small(&segments).expect("two adjacent segments");
    let last = circuits.prove_large(&[large.prove(&three)]).expect("one segment");
    let batch = circuits.prove_aggregate(&[first.clone(), last.clone()]).expect("two adjacent lifts");
    World { small, circuits, records, segments, first, last, batch }
});
