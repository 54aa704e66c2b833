//! Join: one proof of segments that open their leaves by accesses, and the table of openings that leads these accesses from
//! root to root. Outside, its statement is that of an aggregate of segments with paths (PROTOCOL.md §13).

use weft_protocol::crypto::Tag;
use weft_protocol::{ACCESS_CHAIN_START, RunningState};

use super::aggregate::{Clauses, check_key_set, verify_member};
use super::error::{ProveError, VerifyError};
use super::key::{FamilyKeys, KeySet, KeySetWires, Shape, VerifierKey};
use super::layer::{Assembly, CircuitSummary, LayerCircuit};
use super::proof::{AggregateLayer, AggregateProof, Proof};
use super::statement::{MergedStatement, MergedStatementWires, SegmentStatementWires};
use crate::builder::{Builder, Child, CircuitName, OpeningsChild, Target};
use crate::config::recursion_config;
use crate::openings::{OpeningsProof, OpeningsTable};
use crate::segment::input::{StateInput, StateWires};
use crate::wired::{AssignError, Witness};

const NAME: CircuitName = CircuitName { name: "join", version: 1 };

/// The circuit.
#[derive(Debug)]
pub struct Join {
    /// The circuit as a layer.
    pub layer: LayerCircuit<AggregateLayer>,
    child: Child,
    openings: OpeningsChild,
    /// The states with the chain of accesses for the root, before and after.
    ends: [StateWires; 2],
    key_set: KeySetWires,
}

impl Join {
    /// The circuit for a child of this shape, which is its own, and this table.
    ///
    /// # Panics
    /// If the circuit comes out in another shape: the table is too dear to verify.
    #[must_use]
    pub fn build(shape: &Shape, table: &OpeningsTable, assembly: Assembly<'_>) -> Self {
        let mut b = Builder::new(NAME, recursion_config(), assembly.mode);
        let key_set = b.alloc::<KeySet>();
        let own_digest = b.clause("JN-1", |b| key_set.digest(b));
        let child = verify_member(&mut b, shape, &key_set, Clauses { member: "JN-1", key_set: "JN-1" }, own_digest);
        let claim = child.statement::<MergedStatement>().statement;
        let openings = b.clause("JN-2", |b| b.verify_openings(table));
        let opened = openings.statement();
        let ends = [0, 1].map(|_| b.alloc::<StateInput>());
        let start = b.constant_wires(&ACCESS_CHAIN_START);
        let roots = [opened.root_before, opened.root_after];
        assert_ends(&mut b, &ends, [start, opened.accesses], [claim.before, claim.after]);
        let [before, after] = b.claim_rows("JN-4", |b| joined_states(b, &ends, roots));
        let statement = SegmentStatementWires { context: claim.context, before, after };
        b.expose_wires::<MergedStatement>(&MergedStatementWires { statement, key_set: own_digest });
        let layer = LayerCircuit::of_common_shape(NAME, b, assembly.cache);
        assert_eq!(&layer.verifier().common, shape, "a join has the shape of its child");
        Self { layer, child, openings, ends, key_set }
    }

    /// The witness that the segments of the child lead from one state to the other, of which the table proves the roots.
    ///
    /// # Errors
    /// The child belongs to another key set.
    pub fn witness(&self, input: &JoinInput<'_>, keys: &FamilyKeys) -> Result<Witness, ProveError> {
        let set = keys.set();
        check_key_set(0, &input.child.public_inputs(), &set)?;
        Ok(self.assign(input, keys.get(input.child.origin), &set)?)
    }

    /// The witness for these proofs and states, whether or not they are good.
    pub(super) fn assign(
        &self,
        input: &JoinInput<'_>,
        key: &VerifierKey,
        set: &KeySet,
    ) -> Result<Witness, AssignError> {
        let mut witness = Witness::new();
        witness.assign(&self.key_set, set)?;
        self.child.assign(&mut witness, input.child.proof.inner(), Some(key))?;
        self.openings.assign(&mut witness, input.openings)?;
        let chains = [ACCESS_CHAIN_START, input.openings.statement().accesses];
        for ((wires, state), chain) in self.ends.iter().zip([input.before, input.after]).zip(chains) {
            witness.assign(wires, &StateInput::from(&RunningState { root: chain, ..state }))?;
        }
        Ok(witness)
    }

    /// Checks a proof of this circuit. The caller compares the key set.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &Proof<AggregateLayer>) -> Result<MergedStatement, VerifyError> {
        self.layer.verify(proof)
    }

    /// Key of the circuit.
    #[must_use]
    pub const fn key(&self) -> &VerifierKey {
        &self.layer.verifier().verifier_only
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        self.layer.summary()
    }
}

/// JN-3: with these access chains for their roots, the states hash to what the child claims, S~ before and after.
pub(super) fn assert_ends(
    b: &mut Builder,
    ends: &[StateWires; 2],
    chains: [[Target; 4]; 2],
    claimed: [[Target; 4]; 2],
) {
    b.clause("JN-3", |b| {
        for (end, (chain, claimed)) in ends.iter().zip(chains.into_iter().zip(claimed)) {
            b.assert_all_equal(&end.root, &chain);
            let digest = b.running_state(Tag::ACCESS_STATE, end);
            b.assert_all_equal(&digest, &claimed);
        }
    });
}

/// S before and after: the states with these roots.
pub(super) fn joined_states(b: &mut Builder, ends: &[StateWires; 2], roots: [[Target; 4]; 2]) -> [[Target; 4]; 2] {
    [0, 1].map(|i| b.running_state(Tag::STATE, &StateWires { root: roots[i], ..ends[i].clone() }))
}

/// What is joined.
#[derive(Clone, Copy, Debug)]
pub struct JoinInput<'a> {
    /// The proof of the segments: of a lift or an aggregate.
    pub child: &'a AggregateProof,
    /// The proof of the table. [`OpeningsTable::verify`] must have accepted it: another shape panics.
    pub openings: &'a OpeningsProof,
    /// The running state before the first segment.
    pub before: RunningState,
    /// The running state after the last segment.
    pub after: RunningState,
}
