//! The join of segments with the table of their accesses.

use std::collections::BTreeSet;

use plonky2::field::types::Field;
use weft_crypto::Digest;
use weft_protocol::{
    ACCESS_CHAIN_START, Access, AccountIndex, Amount, Context, FeeAsset, RunningState, SegmentStatement, chain_accesses,
};
use weft_state_tree::StateTree;

use super::merge::digest;
use super::world::StandIn;
use crate::builder::{CircuitName, Mode, Target};
use crate::config::{F, OPENINGS_COMPACT};
use crate::ledger::{Claim, ClauseId};
use crate::openings::{Openings, OpeningsProof, OpeningsTable};
use crate::recursion::join::{Join, JoinInput};
use crate::recursion::key::{FamilyKeys, KeySet, Origin};
use crate::recursion::lift::Lift;
use crate::recursion::{AggregateProof, Assembly, MergedStatement};
use crate::testing::checker::{check, clauses_of};
use crate::testing::mutate::untied_public_inputs;
use crate::testing::{Checker, generate};

/// Two accesses of one leaf and one of another.
struct Batch {
    accesses: Vec<Access>,
    siblings: Vec<Digest>,
    before: RunningState,
    after: RunningState,
}

impl Batch {
    fn new() -> Self {
        let mut tree = StateTree::new();
        let indices = [3, 1 << 20, 3].map(AccountIndex);
        let siblings = tree.multiproof(&indices).expect("in range").siblings;
        let before = RunningState { chain: digest(1), ..RunningState::start_of_batch(tree.root()) };
        let accesses = indices.iter().zip(10..).map(|(&index, seed)| {
            let (found, left) = (tree.leaf(index).expect("in range"), digest(seed));
            tree.update(index, left).expect("in range");
            Access { index, before: found, after: left }
        });
        let accesses = accesses.collect();
        let fee_sums = before.fee_sums.with(FeeAsset::default(), Amount::MAX);
        Self { accesses, siblings, before, after: RunningState { root: tree.root(), chain: digest(2), fee_sums } }
    }

    fn openings(&self, table: &OpeningsTable) -> OpeningsProof {
        table.prove(&Openings { accesses: &self.accesses, siblings: &self.siblings }).expect("accesses of a tree")
    }

    /// What two segments claim, cut after the first access.
    fn segments(&self) -> [SegmentStatement; 2] {
        let (first, _) = self.accesses.split_at(1);
        let middle = RunningState { chain: digest(3), ..self.before };
        let states = [
            self.before.access_digest(ACCESS_CHAIN_START),
            middle.access_digest(chain_accesses(ACCESS_CHAIN_START, first)),
            self.after.access_digest(chain_accesses(ACCESS_CHAIN_START, &self.accesses)),
        ];
        [0, 1].map(|i| SegmentStatement { context: Context(digest(4)), before: states[i], after: states[i + 1] })
    }
}

#[test]
fn a_join_claims_what_segments_with_paths_do() {
    let (batch, segment) = (Batch::new(), StandIn::build("stand-in", 1_000));
    let table = OpeningsTable::new(OPENINGS_COMPACT, 8);
    let lift = Lift::build(CircuitName { name: "lift-test", version: 1 }, segment.verifier_data(), Assembly::FRESH);
    let key = lift.key().clone();
    let keys = FamilyKeys { lift_small: key.clone(), lift_large: key.clone(), join: key.clone(), aggregate: key };
    let segments = batch.segments().map(|statement| segment.prove(&statement));
    let proof = lift.prove(&segments, &keys.set().digest()).expect("adjacent segments");
    let child = AggregateProof { origin: Origin::LiftSmall, proof };
    let openings = batch.openings(&table);
    let input = JoinInput { child: &child, openings: &openings, before: batch.before, after: batch.after };

    let join = Join::build(lift.shape(), &table, Assembly::FRESH);
    let statement =
        SegmentStatement { context: Context(digest(4)), before: batch.before.digest(), after: batch.after.digest() };
    let expected = MergedStatement { statement, key_set: keys.set().digest() };
    let proof = join.layer.prove(join.witness(&input, &keys).expect("one key set")).expect("they fit together");
    assert_eq!(join.verify(&proof), Ok(expected));
    let witness = join.witness(&input, &keys).expect("one key set");
    assert_eq!(untied_public_inputs(&Checker::new(join.layer.circuit()), &witness), Vec::<usize>::new());

    // A table of other accesses, itself valid; states that are not the claimed ones; a set without the child's key; a table
    // whose proof is another's.
    let mut others = Batch::new();
    others.accesses[2].after = digest(99);
    let other_openings = others.openings(&table);
    let mut invalid = openings.clone();
    invalid.inner_mut().proof.openings.local_values.swap(0, 1);
    let set = keys.set();
    let other_set = KeySet { lift_small: digest(8), lift_large: digest(8), join: digest(8), aggregate: digest(8) };
    let other_state = |state| RunningState { chain: digest(9), ..state };
    let checking = Join::build(lift.shape(), &table, Assembly { mode: Mode::Checking, cache: None });
    let checker = Checker::new(checking.layer.circuit());
    for (clause, input, set) in [
        ("JN-1", input, other_set),
        ("JN-2", JoinInput { openings: &invalid, ..input }, set),
        ("JN-3", JoinInput { openings: &other_openings, ..input }, set),
        ("JN-3", JoinInput { before: other_state(batch.before), ..input }, set),
        ("JN-3", JoinInput { after: other_state(batch.after), ..input }, set),
    ] {
        let witness = |join: &Join| join.assign(&input, lift.key(), &set).expect("the right shapes");
        let checked = generate(checking.layer.circuit(), &witness(&checking), &[]);
        // A row can hold operations of two clauses: an invalid table breaks rows of the child's verification too.
        let broken = clauses_of(&checker.broken_claims(&checked.witness));
        assert!(broken.contains(clause), "{clause}: {broken:?}");
        let proving = generate(join.layer.circuit(), &witness(&join), &[]);
        assert!(!proving.conflicts.is_empty() || check(join.layer.circuit(), &proving.witness).is_err(), "{clause}");
    }
    // A state after that is not hashed.
    let forged = [(forged_output(&checking, "JN-4"), F::ONE)];
    let witness = checking.assign(&input, lift.key(), &set).expect("the right shapes");
    let checked = generate(checking.layer.circuit(), &witness, &forged);
    assert_eq!(clauses_of(&checker.broken_claims(&checked.witness)), BTreeSet::from(["JN-4"]));
    insta::assert_snapshot!("rows-of-a-join", join.summary().rows.to_string());
}

/// The first output of the first permutation that a clause claims.
fn forged_output(join: &Join, clause: ClauseId) -> Target {
    let rows = join.layer.circuit().ledger.assertions().iter().find_map(|assertion| match assertion.claim {
        Claim::Rows { start, .. } if assertion.clause == clause => Some(start),
        _ => None,
    });
    Target::wire(rows.expect("the clause claims rows"), 12)
}
