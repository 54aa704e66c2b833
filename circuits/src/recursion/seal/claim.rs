//! What a seal claims beyond the validity of its child (PROTOCOL.md §9, SA-2 to SA-7).

use weft_crypto::{Digest, Goldilocks, Tag, poseidon};
use weft_protocol::{DataPoint, Record, RunningState, SealStatement, SegmentStatement};

use crate::builder::{Builder, Target};
use crate::recursion::statement::SegmentStatementWires;
use crate::wired::{AssignError, Wires, Witness, targets_of};
use crate::wires;

/// Elements of a running state after root and chain: fees and group, all 0 at both ends of a batch.
const CLEARED_ELEMENTS: usize = RunningState::ELEMENTS - 8;

/// A position for a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RecordSlot {
    /// Whether there is a record.
    pub used: bool,
    /// Its limbs, 0 if there is none.
    pub limbs: [Goldilocks; 3],
}

wires! {
    /// Wires of a [`RecordSlot`]. The limbs are any elements: chain and value bind them to the records that the
    /// segments emitted and that L1 has seen.
    pub struct RecordSlotWires for RecordSlot { used: bool, limbs: [Goldilocks; 3] }
}

impl RecordSlot {
    /// A position without record.
    pub const UNUSED: Self = Self { used: false, limbs: [Goldilocks::ZERO; 3] };

    /// The position of a record.
    #[must_use]
    pub fn used(record: &Record) -> Self {
        Self { used: true, limbs: record.elements() }
    }
}

/// The statement of the child, and what the seal says about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SealClaim {
    /// Statement of the whole batch's segments.
    pub child: SegmentStatement,
    /// State root before the batch.
    pub root_before: Digest,
    /// State root after it.
    pub root_after: Digest,
    /// Chain over the records.
    pub chain: Digest,
    /// Number of records.
    pub record_count: u32,
    /// The point of evaluation.
    pub z: DataPoint,
    /// Value of the records at it.
    pub value: DataPoint,
    /// `H(STATEMENT; …)`.
    pub digest: Digest,
}

wires! {
    /// Wires of a [`SealClaim`].
    pub struct SealClaimWires for SealClaim {
        child: SegmentStatement,
        root_before: Digest,
        root_after: Digest,
        chain: Digest,
        record_count: u32,
        z: DataPoint,
        value: DataPoint,
        digest: Digest,
    }
}

/// A batch cannot be sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// There are more records than the circuit has positions.
    #[error("a seal takes {limit} records, got {got}")]
    TooManyRecords {
        /// Number of records.
        got: usize,
        /// Positions.
        limit: usize,
    },
    /// S before is not the start of a batch from this root: an empty chain, no fees, no group (SA-2).
    #[error("the child does not start a batch from the root before")]
    Start,
    /// S after is not the end of a batch at this root: the chain of these records, no fees, no group (SA-3).
    #[error("the child does not end a batch at the root after with these records and all fees collected")]
    End,
    /// Used positions are not a prefix, or an unused one carries limbs (SA-4).
    #[error("record position {position} breaks the order of used and unused positions")]
    Positions {
        /// The position.
        position: usize,
    },
    /// The count is not the number of used positions (SA-4).
    #[error("the record count is {got}, but {expected} positions are used")]
    Count {
        /// Used positions.
        expected: usize,
        /// The count.
        got: u32,
    },
    /// The chain is not that of the records (SA-5).
    #[error("the chain is not that of the records")]
    Chain,
    /// The value is not that of the records at z (SA-6).
    #[error("the value is not that of the records at the point")]
    Value,
    /// The digest is not that of the statement (SA-7).
    #[error("the digest is not that of the statement")]
    Digest,
}

impl SealClaim {
    /// The claim for a statement, with the statement's own digest.
    #[must_use]
    pub fn new(child: SegmentStatement, statement: &SealStatement) -> Self {
        let SealStatement { context: _, root_before, root_after, chain, record_count, z, value } = *statement;
        Self { child, root_before, root_after, chain, record_count, z, value, digest: statement.digest() }
    }

    /// The public statement that the claim is about.
    #[must_use]
    pub const fn statement(&self) -> SealStatement {
        let Self { child, root_before, root_after, chain, record_count, z, value, digest: _ } = *self;
        SealStatement { context: child.context, root_before, root_after, chain, record_count, z, value }
    }

    /// Checks the claim natively.
    ///
    /// # Errors
    /// The first clause that it violates.
    pub fn check(&self, slots: &[RecordSlot]) -> Result<(), SealError> {
        let state = |root, chain| RunningState { chain, ..RunningState::start_of_batch(root) }.digest();
        if self.child.before != state(self.root_before, Digest::ZERO) {
            return Err(SealError::Start);
        }
        if self.child.after != state(self.root_after, self.chain) {
            return Err(SealError::End);
        }
        let used = slots.iter().take_while(|slot| slot.used).count();
        if let Some(after) = slots[used..].iter().position(|slot| *slot != RecordSlot::UNUSED) {
            return Err(SealError::Positions { position: used + after });
        }
        if u32::try_from(used) != Ok(self.record_count) {
            return Err(SealError::Count { expected: used, got: self.record_count });
        }
        let chain = slots[..used]
            .iter()
            .fold(Digest::ZERO, |chain, slot| poseidon::hash(Tag::CHAIN, &[&chain.0[..], &slot.limbs].concat()));
        if self.chain != chain {
            return Err(SealError::Chain);
        }
        if self.value != evaluate(slots, self.z) {
            return Err(SealError::Value);
        }
        if self.digest == self.statement().digest() { Ok(()) } else { Err(SealError::Digest) }
    }
}

/// Value of the limbs at `z`, by the definition: a sum of powers.
fn evaluate(slots: &[RecordSlot], z: DataPoint) -> DataPoint {
    let mut power = [Goldilocks::new_const(1), Goldilocks::ZERO];
    let mut value = [Goldilocks::ZERO; 2];
    for &limb in slots.iter().flat_map(|slot| &slot.limbs) {
        value = [value[0] + power[0] * limb, value[1] + power[1] * limb];
        let ([a, b], [c, d]) = (power, z.0);
        power = [a * c + Goldilocks::new_const(NON_RESIDUE) * b * d, a * d + b * c];
    }
    DataPoint(value)
}

/// X² in GF(p²).
const NON_RESIDUE: u64 = 7;

impl SealClaimWires {
    /// Wires of a claim about this child.
    pub(super) fn alloc_for(b: &mut Builder, child: SegmentStatementWires) -> Self {
        Self {
            child,
            root_before: b.alloc::<Digest>(),
            root_after: b.alloc::<Digest>(),
            chain: b.alloc::<Digest>(),
            record_count: b.alloc::<u32>(),
            z: b.alloc::<DataPoint>(),
            value: b.alloc::<DataPoint>(),
            digest: b.alloc::<Digest>(),
        }
    }

    /// Sets everything but the child's statement, which its proof sets.
    pub(super) fn assign(&self, witness: &mut Witness, statement: &SealStatement) -> Result<(), AssignError> {
        let SealStatement { context: _, root_before, root_after, chain, record_count, z, value } = statement;
        witness.assign(&self.root_before, root_before)?;
        witness.assign(&self.root_after, root_after)?;
        witness.assign(&self.chain, chain)?;
        witness.assign(&self.record_count, record_count)?;
        witness.assign(&self.z, z)?;
        witness.assign(&self.value, value)?;
        witness.assign(&self.digest, &statement.digest())
    }

    /// Asserts the clauses and returns the digest of the statement.
    pub(in crate::recursion) fn constrain(&self, b: &mut Builder, slots: &[RecordSlotWires]) -> [Target; 4] {
        let empty = b.constant_wires(&Digest::ZERO);
        b.clause("SA-2", |b| {
            let before = hash_cleared_state(b, self.root_before, empty);
            b.assert_all_equal(&self.child.before, &before);
        });
        b.clause("SA-3", |b| {
            let after = hash_cleared_state(b, self.root_after, self.chain);
            b.assert_all_equal(&self.child.after, &after);
        });
        b.clause("SA-4", |b| {
            assert_suffix_unused(b, slots);
            let used: Vec<_> = slots.iter().map(|slot| slot.used.target()).collect();
            let count = b.sum(&used);
            b.assert_equal(self.record_count.target(), count);
        });
        b.clause("SA-5", |b| {
            let chain = slots.iter().fold(empty, |chain, slot| {
                let next = b.hash(Tag::CHAIN, &[&chain[..], &slot.limbs].concat());
                b.select_array(slot.used, next, chain)
            });
            b.assert_all_equal(&self.chain, &chain);
        });
        b.clause("SA-6", |b| {
            let limbs: Vec<_> = slots.iter().flat_map(|slot| slot.limbs).collect();
            let value = b.evaluate_polynomial(&limbs, self.z);
            b.assert_all_equal(&self.value, &value);
        });
        b.clause("SA-7", |b| {
            let digest = b.hash(Tag::STATEMENT, &self.statement_targets());
            b.assert_all_equal(&self.digest, &digest);
        });
        self.digest
    }

    /// The elements of the public statement.
    fn statement_targets(&self) -> Vec<Target> {
        let mut targets = [self.child.context, self.root_before, self.root_after, self.chain].concat();
        targets.push(self.record_count.target());
        targets.extend(targets_of::<DataPoint>(&self.z));
        targets.extend(targets_of::<DataPoint>(&self.value));
        targets
    }
}

/// S of a state without fees and group.
fn hash_cleared_state(b: &mut Builder, root: Wires<Digest>, chain: Wires<Digest>) -> Wires<Digest> {
    let cleared = [b.zero(); CLEARED_ELEMENTS];
    b.hash(Tag::STATE, &[&root[..], &chain, &cleared].concat())
}

/// Asserts that no used position follows an unused one and that unused ones have limbs 0.
fn assert_suffix_unused(b: &mut Builder, slots: &[RecordSlotWires]) {
    for pair in slots.windows(2) {
        b.when(pair[1].used, |b| b.assert_true(pair[0].used));
    }
    for slot in slots {
        let unused = b.not(slot.used);
        b.when(unused, |b| slot.limbs.iter().for_each(|&limb| b.assert_zero(limb)));
    }
}
