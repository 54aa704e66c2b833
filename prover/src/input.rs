//! What a prover of a segment is sent: no path twice, and nothing that the rules give back.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use weft_protocol::crypto::Digest;
use weft_protocol::{
    Access, AccountIndex, Amount, Environment, Fee, MAX_RECORDS, MerklePath, Object, Opening, Reject, RunningState,
    SegmentWitness, Slot, SlotWitness,
};
use weft_state_tree::{Multiproof, MultiproofError, PartialTree};

/// Leaves that a thread hashes at a time: enough to fill the lanes.
const LEAVES_PER_TASK: usize = 64;

/// A segment as it travels: its slots, the objects that they open as they were before the first slot, and one multiproof
/// of them. Everything between the slots follows from the rules.
///
/// There is one input of a segment, and one encoding of an input.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SegmentInput {
    environment: Environment,
    before: RunningState,
    slots: Vec<Slot>,
    /// By rising index; `None` for an empty leaf.
    objects: Vec<(AccountIndex, Option<Object>)>,
    multiproof: Multiproof,
}

/// An input is none of a segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// More bytes than an input may have.
    #[error("an input of {got} bytes, the largest allowed is {limit}")]
    TooLong {
        /// Bytes that were given.
        got: usize,
        /// [`SegmentInput::MAX_BYTES`].
        limit: usize,
    },
    /// The bytes do not decode.
    #[error("the bytes are no input: {0}")]
    Encoding(#[from] postcard::Error),
    /// The bytes decode to an input that has other bytes.
    #[error("the bytes are not the encoding of the input that they encode")]
    NotCanonical,
    /// More slots than a batch has.
    #[error("an input of {got} slots, the largest allowed is {limit}")]
    TooManySlots {
        /// Slots of the input.
        got: usize,
        /// [`SegmentInput::MAX_SLOTS`].
        limit: usize,
    },
    /// A fee sum that no batch reaches.
    #[error("the fee sum {sum} is more than a batch can have paid")]
    FeeSum {
        /// The sum.
        sum: Amount,
    },
    /// Objects and multiproof do not make a part of a tree.
    #[error(transparent)]
    Multiproof(#[from] MultiproofError),
    /// They make a part of another tree.
    #[error("the objects lead to the root {got} instead of {expected}")]
    Root {
        /// Root before the segment.
        expected: Digest,
        /// Root of the objects.
        got: Digest,
    },
    /// A slot opens an object that is not there.
    #[error("the slot at {slot} opens {index}, which is not among the objects")]
    Missing {
        /// Position of the slot in the segment, from 0.
        slot: usize,
        /// The index.
        index: AccountIndex,
    },
    /// No slot opens this object.
    #[error("no slot opens the object at {index}")]
    Superfluous {
        /// Its index.
        index: AccountIndex,
    },
    /// A rule refuses a slot.
    #[error("the slot at {slot} is refused: {reject}")]
    Refused {
        /// Position of the slot in the segment, from 0.
        slot: usize,
        /// The rule.
        reject: Reject,
    },
}

/// An object that a slot opens: before, and after.
struct Opened {
    index: AccountIndex,
    before: Option<Object>,
    after: Option<Object>,
}

impl SegmentInput {
    /// Slots of the longest segment: each slot of a batch but padding has a record.
    pub const MAX_SLOTS: usize = MAX_RECORDS;
    /// Bytes of the longest encoding: 4 KiB for each slot is more than two objects with whole paths take.
    pub const MAX_BYTES: usize = Self::MAX_SLOTS * 4096;

    /// The input of a segment, out of the openings of its slots.
    ///
    /// # Panics
    /// If a slot opens a leaf outside of the tree, which the rules refuse.
    #[must_use]
    pub fn new(witness: &SegmentWitness) -> Self {
        let openings: Vec<_> = witness.slots.iter().flat_map(openings).collect();
        let mut objects = BTreeMap::new();
        for (index, opening) in &openings {
            objects.entry(*index).or_insert(opening.object);
        }
        let paths = openings.iter().map(|(index, opening)| (*index, &opening.path));
        let multiproof = Multiproof::of_accesses(witness.before.root, paths);
        Self {
            environment: witness.environment,
            before: witness.before,
            slots: witness.slots.iter().map(|slot| slot.slot.clone()).collect(),
            objects: objects.into_iter().collect(),
            multiproof: multiproof.expect("the rules refuse indices outside of the tree"),
        }
    }

    /// The batch that the segment belongs to.
    #[must_use]
    pub const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The running state before the first slot.
    #[must_use]
    pub const fn before(&self) -> &RunningState {
        &self.before
    }

    /// The segment: its slots are executed by the rules, their leaves opened in the part of the tree that is there.
    ///
    /// Signatures are not checked: [`SegmentWitness::statement`] does.
    ///
    /// # Errors
    /// The objects do not lead to the root before the segment, are not those that the slots open, or a rule refuses a
    /// slot.
    pub fn expand(&self) -> Result<SegmentWitness, InputError> {
        let opening = |(access, path): (Opened, MerklePath)| Opening { object: access.before, path };
        let mut openings = self.opened()?.into_iter().map(opening);
        let slots = self.slots.iter().map(|slot| {
            let [a, b] = [slot.a(), slot.b()]
                .map(|index| index.map(|_| openings.next().expect("one access for each index of a slot")));
            SlotWitness { slot: slot.clone(), a, b }
        });
        Ok(SegmentWitness { environment: self.environment, before: self.before, slots: slots.collect() })
    }

    /// The accesses of the slots in order, each with the path of its leaf at that time.
    ///
    /// # Errors
    /// As [`Self::expand`].
    pub fn accesses(&self) -> Result<Vec<(Access, MerklePath)>, InputError> {
        let opened = self.opened()?;
        let before = leaves(opened.iter().map(|(access, _)| access.before.as_ref()));
        let after = leaves(opened.iter().map(|(access, _)| access.after.as_ref()));
        let accesses = before.into_iter().zip(after).zip(opened);
        Ok(accesses
            .map(|((before, after), (Opened { index, .. }, path))| (Access { index, before, after }, path))
            .collect())
    }

    /// What the slots open, in order, executed by the rules in the part of the tree that is there.
    fn opened(&self) -> Result<Vec<(Opened, MerklePath)>, InputError> {
        self.check_bounds()?;
        let mut tree = self.open()?;
        let accesses = self.execute()?;
        let leaves = leaves(accesses.iter().map(|access| access.after.as_ref()));
        let leaves: Vec<_> = accesses.iter().map(|access| access.index).zip(leaves).collect();
        let openings = tree.sequential_openings(&leaves)?;
        Ok(accesses.into_iter().zip(openings.into_iter().map(|timed| timed.path)).collect())
    }

    /// The encoding.
    ///
    /// # Panics
    /// Never: all parts have an encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("all parts have an encoding")
    }

    /// The inverse of [`Self::to_bytes`], strict: what it takes is the one encoding of an input.
    ///
    /// # Errors
    /// Too many bytes, or they encode no input. Whether the input is one of a segment, says [`Self::expand`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InputError> {
        let (got, limit) = (bytes.len(), Self::MAX_BYTES);
        if got > limit {
            return Err(InputError::TooLong { got, limit });
        }
        let input: Self = postcard::from_bytes(bytes)?;
        // Numbers could be written longer than needed, and bytes could follow.
        if input.to_bytes() == bytes { Ok(input) } else { Err(InputError::NotCanonical) }
    }

    /// Refuses what the rules do not expect: they add fees without a check for overflow.
    fn check_bounds(&self) -> Result<(), InputError> {
        let (got, limit) = (self.slots.len(), Self::MAX_SLOTS);
        if got > limit {
            return Err(InputError::TooManySlots { got, limit });
        }
        let largest = Fee(u16::MAX).value().get().saturating_mul(MAX_RECORDS as u64);
        let sums = self.before.fee_sums.amounts().into_iter();
        let too_large = sums.into_iter().find(|sum| sum.get() > largest);
        too_large.map_or(Ok(()), |sum| Err(InputError::FeeSum { sum }))
    }

    /// The part of the tree before the segment.
    fn open(&self) -> Result<PartialTree, InputError> {
        let leaves = leaves(self.objects.iter().map(|(_, object)| object.as_ref()));
        let leaves: Vec<_> = self.objects.iter().map(|(index, _)| *index).zip(leaves).collect();
        let tree = PartialTree::open(&leaves, &self.multiproof)?;
        let (expected, got) = (self.before.root, tree.root());
        if expected == got { Ok(tree) } else { Err(InputError::Root { expected, got }) }
    }

    /// What each slot opens, in order.
    fn execute(&self) -> Result<Vec<Opened>, InputError> {
        let mut objects: BTreeMap<_, _> = self.objects.iter().copied().collect();
        let mut fee_sums = self.before.fee_sums;
        let mut accesses = Vec::with_capacity(2 * self.slots.len());
        for (position, slot) in self.slots.iter().enumerate() {
            let object = |index: AccountIndex| {
                let object = objects.get(&index).ok_or(InputError::Missing { slot: position, index })?;
                Ok::<_, InputError>((index, *object))
            };
            let opened = [slot.a().map(object).transpose()?, slot.b().map(object).transpose()?];
            let [a, b] = opened.each_ref().map(|opened| opened.as_ref().and_then(|(_, object)| object.as_ref()));
            let effects = slot
                .apply(&self.environment, a, b, fee_sums)
                .map_err(|reject| InputError::Refused { slot: position, reject })?;
            fee_sums = effects.fee_sums;
            for (opened, written) in opened.into_iter().zip([effects.a_after, effects.b_after]) {
                let Some((index, before)) = opened else { continue };
                let after = written.or(before);
                objects.insert(index, after);
                accesses.push(Opened { index, before, after });
            }
        }
        self.check_all_opened(&accesses)?;
        Ok(accesses)
    }

    /// Refuses an object that no access is for.
    fn check_all_opened(&self, accesses: &[Opened]) -> Result<(), InputError> {
        let opened: BTreeSet<_> = accesses.iter().map(|access| access.index).collect();
        let superfluous = self.objects.iter().find(|(index, _)| !opened.contains(index));
        superfluous.map_or(Ok(()), |(index, _)| Err(InputError::Superfluous { index: *index }))
    }
}

/// The openings of a slot with their indices, A first.
fn openings(slot: &SlotWitness) -> impl Iterator<Item = (AccountIndex, &Opening)> {
    let indices = [slot.slot.a(), slot.slot.b()].into_iter();
    indices.zip([&slot.a, &slot.b]).filter_map(|(index, opening)| Some((index?, opening.as_ref()?)))
}

/// The leaves of objects, or of none, hashed on rayon's threads.
fn leaves<'a>(objects: impl Iterator<Item = Option<&'a Object>>) -> Vec<Digest> {
    let objects: Vec<_> = objects.collect();
    objects.par_chunks(LEAVES_PER_TASK).flat_map_iter(Object::leaves).collect()
}

#[cfg(test)]
mod tests;
