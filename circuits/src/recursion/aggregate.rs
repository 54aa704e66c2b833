//! Aggregate: verifies up to [`ARITY`] proofs of the common shape, by lifts or by itself, and merges their statements.
//!
//! Keys are part of the witness; what makes them good is the key set, whose digest is public and equal in all children,
//! down to the lifts, and which the seal compares with a constant.

use super::error::{ProveError, VerifyError};
use super::key::{FamilyKeys, KeySet, KeySetWires, Shape, VerifierKey};
use super::layer::{Assembly, CircuitSummary, LayerCircuit};
use super::merge::{ARITY, Merge, MergeInput, merge_children};
use super::padded_children;
use super::proof::{AggregateLayer, AggregateProof, Proof};
use super::statement::{MergedStatement, MergedStatementWires};
use crate::builder::{Bool, Builder, Child, ChildKey, CircuitName, Target};
use crate::config::recursion_config;
use crate::statement::Statement as _;
use crate::wired::{AssignError, Witness};

const NAME: CircuitName = CircuitName { name: "aggregate", version: 1 };

/// The circuit.
#[derive(Debug)]
pub struct Aggregate {
    /// The circuit as a layer.
    pub layer: LayerCircuit<AggregateLayer>,
    pub(super) children: [Child; ARITY],
    present: [Bool; ARITY],
    key_set: KeySetWires,
}

impl Aggregate {
    /// The circuit for children of this shape, which is its own.
    ///
    /// # Panics
    /// If the circuit comes out in another shape.
    #[must_use]
    pub fn build(shape: &Shape, assembly: Assembly<'_>) -> Self {
        let mut b = Builder::new(NAME, recursion_config(), assembly.mode);
        let key_set = b.alloc::<KeySet>();
        let own_digest = b.clause("AG-2", |b| key_set.digest(b));
        let children: [Child; ARITY] = std::array::from_fn(|_| {
            verify_member(&mut b, shape, &key_set, Clauses { member: "AG-1", key_set: "AG-2" }, own_digest)
        });
        let statements = std::array::from_fn(|i| children[i].statement::<MergedStatement>().statement);
        let (present, statement) = merge_children(&mut b, statements);
        b.expose_wires::<MergedStatement>(&MergedStatementWires { statement, key_set: own_digest });
        let layer = LayerCircuit::of_common_shape(NAME, b, assembly.cache);
        assert_eq!(&layer.verifier().common, shape, "an aggregate has the shape of its children");
        Self { layer, children, present, key_set }
    }

    /// The witness of the merged statement of these adjacent proofs, in order.
    ///
    /// # Errors
    /// There are none or too many, they do not merge, or one of them belongs to another key set.
    pub fn witness(&self, proofs: &[AggregateProof], keys: &FamilyKeys) -> Result<Witness, ProveError> {
        let set = keys.set();
        let claims: Vec<_> = proofs.iter().map(AggregateProof::public_inputs).collect();
        for (child, claim) in claims.iter().enumerate() {
            check_key_set(child, claim, &set)?;
        }
        let input = MergeInput::new(&claims.iter().map(|claim| claim.statement).collect::<Vec<_>>())?;
        Merge::evaluate(&input)?;
        let children: Vec<_> = proofs.iter().map(|proof| (&proof.proof, keys.get(proof.origin))).collect();
        Ok(self.assign(&children, input.present, &set)?)
    }

    /// The witness for these proofs, keys and flags, whether or not they are good.
    pub(super) fn assign(
        &self,
        children: &[(&Proof<AggregateLayer>, &VerifierKey)],
        present: [bool; ARITY],
        set: &KeySet,
    ) -> Result<Witness, AssignError> {
        let mut witness = Witness::new();
        witness.assign(&self.present, &present)?;
        witness.assign(&self.key_set, set)?;
        for (wires, (proof, key)) in self.children.iter().zip(padded_children(children)) {
            wires.assign(&mut witness, proof.inner(), Some(key))?;
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

/// Ids of the clauses that [`verify_member`] asserts.
#[derive(Clone, Copy)]
pub(super) struct Clauses {
    pub(super) member: &'static str,
    pub(super) key_set: &'static str,
}

/// Verifies a proof under a key of the set, and asserts that it belongs to this very set.
pub(super) fn verify_member(
    b: &mut Builder,
    shape: &Shape,
    key_set: &KeySetWires,
    clauses: Clauses,
    own_digest: [Target; 4],
) -> Child {
    let child = b.clause(clauses.member, |b| {
        let child = b.verify_child(shape, ChildKey::Witness);
        let key = b.key_digest(child.key());
        key_set.assert_contains(b, key);
        child
    });
    let claim = child.statement::<MergedStatement>();
    b.clause(clauses.key_set, |b| b.assert_all_equal(&claim.key_set, &own_digest));
    child
}

/// Refuses a child of another key set before any work is spent on it.
pub(super) fn check_key_set(child: usize, claim: &MergedStatement, set: &KeySet) -> Result<(), ProveError> {
    let (expected, got) = (set.digest(), claim.key_set);
    if expected == got { Ok(()) } else { Err(ProveError::OtherKeySet { child, expected, got }) }
}
