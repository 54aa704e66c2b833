//! Seal: turns the statement of a whole batch into the public statement that L1 computes for itself.
//!
//! Once a batch. Verifies one proof of the common shape under the constant key set, then states [`SealClaim`].

mod claim;

use weft_crypto::Digest;
use weft_protocol::{MAX_RECORDS, Record, RunningState, SealStatement, SegmentStatement, chain_records};

pub use claim::{RecordSlot, RecordSlotWires, SealClaim, SealClaimWires, SealError};

use super::aggregate::{Clauses, check_key_set, verify_member};
use super::error::{ProveError, VerifyError};
use super::key::{FamilyKeys, KeySet, Shape, VerifierData, VerifierKey};
use super::layer::{Assembly, CircuitSummary, LayerCircuit};
use super::proof::{AggregateProof, SealLayer, SealProof};
use super::statement::MergedStatement;
use crate::builder::{Builder, Child, CircuitName};
use crate::config::recursion_config;
use crate::wired::{AssignError, Witness};

const NAME: CircuitName = CircuitName { name: "seal", version: 1 };

/// How many records a seal takes, 1 to [`MAX_RECORDS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealCapacity(usize);

impl SealCapacity {
    /// What the protocol allows in a batch.
    pub const PROTOCOL: Self = Self(MAX_RECORDS);

    /// A capacity, if it is in `1..=`[`MAX_RECORDS`].
    #[must_use]
    pub const fn new(records: usize) -> Option<Self> {
        if records >= 1 && records <= MAX_RECORDS { Some(Self(records)) } else { None }
    }

    /// Number of records.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

/// The batch that a seal describes.
#[derive(Clone, Copy, Debug)]
pub struct SealInput<'a> {
    /// Proof of all segments of the batch.
    pub child: &'a AggregateProof,
    /// State root before the batch.
    pub root_before: Digest,
    /// State root after it.
    pub root_after: Digest,
    /// All records of the batch, in order.
    pub records: &'a [Record],
}

impl SealInput<'_> {
    /// The public statement of the batch, with z as L1 computes it.
    #[must_use]
    pub fn statement(&self) -> SealStatement {
        let context = self.child.public_inputs().statement.context;
        let chain = chain_records(Digest::ZERO, self.records);
        SealStatement::of_batch(context, [self.root_before, self.root_after], chain, self.records)
    }
}

/// The circuit.
#[derive(Debug)]
pub struct Seal {
    /// The circuit as a layer.
    pub layer: LayerCircuit<SealLayer>,
    pub(super) child: Child,
    pub(super) claim: SealClaimWires,
    pub(super) slots: Vec<RecordSlotWires>,
    key_set: KeySet,
    capacity: SealCapacity,
}

impl Seal {
    /// The circuit for children of this shape with keys of this set.
    #[must_use]
    pub fn build(shape: &Shape, key_set: KeySet, capacity: SealCapacity, assembly: Assembly<'_>) -> Self {
        let mut b = Builder::new(NAME, recursion_config(), assembly.mode);
        let set_wires = b.constant_wires(&key_set);
        let set_digest = b.constant_wires(&key_set.digest());
        let child = verify_member(&mut b, shape, &set_wires, Clauses { member: "SA-1", key_set: "SA-1" }, set_digest);
        let statement = child.statement::<MergedStatement>().statement;
        let claim = SealClaimWires::alloc_for(&mut b, statement);
        let slots: Vec<_> = (0..capacity.get()).map(|_| b.alloc::<RecordSlot>()).collect();
        let digest = claim.constrain(&mut b, &slots);
        b.expose_wires::<Digest>(&digest);
        let rows = b.rows();
        Self { layer: LayerCircuit::build(NAME, rows, b, assembly.cache), child, claim, slots, key_set, capacity }
    }

    /// The witness of the public statement of a batch.
    ///
    /// # Errors
    /// The child does not cover exactly this batch, or there are too many records.
    pub fn witness(&self, input: &SealInput<'_>, keys: &FamilyKeys) -> Result<Witness, ProveError> {
        let child = input.child.public_inputs();
        check_key_set(0, &child, &self.key_set)?;
        check_batch(&child.statement, input, self.capacity)?;
        Ok(self.assign(input, keys.get(input.child.origin))?)
    }

    /// The witness of a batch whose child has this key, whether or not they are good.
    pub(super) fn assign(&self, input: &SealInput<'_>, key: &VerifierKey) -> Result<Witness, AssignError> {
        let mut witness = Witness::new();
        self.child.assign(&mut witness, input.child.proof.inner(), Some(key))?;
        self.claim.assign(&mut witness, &input.statement())?;
        let used = input.records.iter().map(RecordSlot::used);
        let slots = used.chain(std::iter::repeat(RecordSlot::UNUSED));
        for (wires, slot) in self.slots.iter().zip(slots) {
            witness.assign(wires, &slot)?;
        }
        Ok(witness)
    }

    /// Checks a proof of this circuit and returns the digest of its public statement.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify(&self, proof: &SealProof) -> Result<Digest, VerifyError> {
        self.layer.verify(proof)
    }

    /// Key and shape of the circuit.
    #[must_use]
    pub const fn verifier_data(&self) -> &VerifierData {
        self.layer.verifier()
    }

    /// Size and identity.
    #[must_use]
    pub fn summary(&self) -> CircuitSummary {
        self.layer.summary()
    }
}

/// Refuses a batch that the circuit would refuse.
fn check_batch(child: &SegmentStatement, input: &SealInput<'_>, capacity: SealCapacity) -> Result<(), SealError> {
    let (got, limit) = (input.records.len(), capacity.get());
    if got > limit {
        return Err(SealError::TooManyRecords { got, limit });
    }
    if child.before != RunningState::start_of_batch(input.root_before).digest() {
        return Err(SealError::Start);
    }
    let chain = chain_records(Digest::ZERO, input.records);
    let end = RunningState { chain, ..RunningState::start_of_batch(input.root_after) };
    if child.after == end.digest() { Ok(()) } else { Err(SealError::End) }
}
