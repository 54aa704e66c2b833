//! Large segments that share a table of openings, full of transfers: what throughput is measured on.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Result, ensure};
use weft_aggregator::{
    FleetBatch, FleetCosts, FleetGoal, FleetRun, JobStatement, SegmentOrder, Task, prove_aggregate, prove_join,
    prove_lift,
};
use weft_circuits::recursion::merge::ARITY;
use weft_protocol::OpenedStatement;
use weft_prover::{CircuitSet, Cost, SegmentClaim, SegmentSize, StageLog, TableGroup, table_statement};

use super::{fleet, on_threads};

const SEGMENTS: NonZeroUsize = NonZeroUsize::new(ARITY).expect("not zero");

/// As many full segments as a lift takes: a batch.
pub(super) struct Group {
    batch: FleetBatch,
    opened: OpenedStatement,
    pub(super) transfers: usize,
}

/// What the proofs of a group cost.
#[derive(Clone, Copy, Default)]
pub(super) struct GroupCosts {
    /// All segments.
    pub(super) segments: Cost,
    /// Their table.
    pub(super) openings: Cost,
    /// The lift and the join.
    pub(super) merges: Cost,
    /// Half an aggregate: a tree in which every aggregate has as many children as it takes has half as many aggregates as
    /// groups.
    pub(super) aggregates: Cost,
}

impl Group {
    /// The group for these circuits.
    pub(super) fn new(circuits: &CircuitSet) -> Result<Self> {
        let slots = circuits.sizes().slots(SegmentSize::Large);
        let mut table = TableGroup::new(circuits.sizes().openings_degree_bits);
        let mut opened: Vec<OpenedStatement> = Vec::new();
        let batch = fleet::batch(slots, SEGMENTS, |segment| {
            let statement = segment.opened_statement(table.push(&segment.accesses()));
            opened.push(statement);
            SegmentClaim::Large(statement)
        })?;
        ensure!(!opened[1..].iter().any(OpenedStatement::begins_table), "the openings do not fit one table");
        let opened = opened[0].to(&opened[ARITY - 1]);
        Ok(Self { batch, opened, transfers: slots * ARITY })
    }

    /// The job that proves its table.
    pub(super) fn openings_task(&self) -> Task {
        let blobs = self.batch.segments.iter().map(|order| order.input.to_bytes()).collect();
        Task { statement: JobStatement::Openings(table_statement(&self.opened)), blobs }
    }

    /// Proves it with so many threads.
    pub(super) fn prove(&self, circuits: &CircuitSet, threads: usize) -> Result<GroupCosts> {
        on_threads(threads, || self.prove_here(circuits))?.0
    }

    /// Proves it by a fleet of so many workers with as many threads each. A node has two, so that one fills the gaps of the
    /// other.
    pub(super) fn prove_by_fleet(&self, circuits: &Arc<CircuitSet>, threads: NonZeroUsize) -> Result<FleetCosts> {
        fleet::prove(circuits, self.batch.clone(), FleetRun { workers: threads, threads, goals: &[FleetGoal::Merged] })
    }

    fn prove_here(&self, circuits: &CircuitSet) -> Result<GroupCosts> {
        let [mut segments, mut openings, mut merges, mut aggregate] = [(); 4].map(|()| StageLog::new());
        let mut proofs = Vec::new();
        for SegmentOrder { claim, input, .. } in &self.batch.segments {
            proofs.push(circuits.prove_input(input, claim, &mut segments)?.proof);
        }
        let inputs: Vec<_> = self.batch.segments.iter().map(|order| order.input.clone()).collect();
        let table = circuits.prove_openings(&inputs, &table_statement(&self.opened), &mut openings)?;
        let lift = prove_lift(circuits, SegmentSize::Large, &proofs, &mut merges)?;
        let join = prove_join(circuits, (&lift, &table), &self.opened, &mut merges)?;
        // As dear as one of several groups: an absent child is verified like the first.
        prove_aggregate(circuits, &[join], &mut aggregate)?;
        let [segments, openings, merges, aggregate] = [segments, openings, merges, aggregate].map(|log| log.total());
        let aggregates = Cost { wall: aggregate.wall / 2, cpu: aggregate.cpu / 2 };
        Ok(GroupCosts { segments, openings, merges, aggregates })
    }
}

impl GroupCosts {
    /// The share of the group in all proofs of a large batch below its seal.
    pub(super) fn total(&self) -> Cost {
        let Self { segments, openings, merges, aggregates } = *self;
        segments + openings + merges + aggregates
    }
}
