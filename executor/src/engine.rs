//! Engines: what runs slots.

use core::fmt;

use weft_protocol::{AccountIndex, Effects, Environment, FeeAsset, FeeSums, MAX_RECORDS, Object, Slot};

use crate::{Objects, Refusal};

/// Records that only the collection of fees may use, so that a batch can always end.
const COLLECTION_RECORDS: usize = FeeAsset::COUNT;

/// What slots read and write, without the tree: neither rules nor later slots ask for a root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ledger {
    environment: Environment,
    objects: Objects,
    fee_sums: FeeSums,
    record_count: usize,
}

/// A slot that was executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executed {
    /// The slot.
    pub slot: Slot,
    /// Objects A and B before it; `None` for an empty leaf, or if the slot opens none.
    pub before: [Option<Object>; 2],
    /// What it did.
    pub effects: Effects,
}

impl Executed {
    /// The objects that the slot opened, A first: index, object before, object after (the same one if it is only read).
    pub(crate) fn accesses(&self) -> impl Iterator<Item = (AccountIndex, Option<Object>, Option<Object>)> {
        let indices = [self.slot.a(), self.slot.b()];
        let written = [self.effects.a_after, self.effects.b_after];
        let opened = indices.into_iter().zip(self.before).zip(written);
        opened.filter_map(|((index, before), written)| Some((index?, before, written.or(before))))
    }
}

/// Runs slots in order.
///
/// All engines agree with [`Sequential`]: the same results, the same ledger afterwards.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Executes the slots one after the other, each in the state that those before it left. A refused slot changes nothing.
    /// There is one result for each slot, in order.
    ///
    /// Signatures are not checked here.
    fn execute(&self, ledger: &mut Ledger, slots: Vec<Slot>) -> Vec<Result<Executed, Refusal>>;
}

/// One slot after the other on the calling thread: the definition of every engine's result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Engine for Sequential {
    fn execute(&self, ledger: &mut Ledger, slots: Vec<Slot>) -> Vec<Result<Executed, Refusal>> {
        slots.into_iter().map(|slot| ledger.apply(slot)).collect()
    }
}

impl Ledger {
    /// The start of a batch: no fees, no records.
    #[must_use]
    pub fn new(environment: Environment, objects: Objects) -> Self {
        let fee_sums = FeeSums::default();
        Self { environment, objects, fee_sums, record_count: 0 }
    }

    /// The batch.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The objects now.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Fees that are not collected.
    #[must_use]
    pub fn fee_sums(&self) -> FeeSums {
        self.fee_sums
    }

    /// Records so far.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.record_count
    }

    pub(crate) fn into_objects(self) -> Objects {
        self.objects
    }

    fn apply(&mut self, slot: Slot) -> Result<Executed, Refusal> {
        let indices = [slot.a(), slot.b()];
        let before = indices.map(|index| self.objects.get(index?).copied());
        let [a, b] = before.each_ref().map(Option::as_ref);
        let effects = slot.apply(&self.environment, a, b, self.fee_sums)?;
        let needed = effects.records.len();
        let record_count = self.record_count + needed;
        if record_count > record_limit(&slot) {
            let used = self.record_count;
            return Err(Refusal::BatchFull { used, needed });
        }
        self.record_count = record_count;
        self.fee_sums = effects.fee_sums;
        for (index, after) in indices.into_iter().zip([effects.a_after, effects.b_after]) {
            if let (Some(index), Some(after)) = (index, after) {
                self.objects.set(index, Some(after));
            }
        }
        Ok(Executed { slot, before, effects })
    }
}

/// Records that a batch may have after the slot.
fn record_limit(slot: &Slot) -> usize {
    match slot {
        Slot::CollectFees { .. } => MAX_RECORDS,
        Slot::Padding | Slot::Signed(_) | Slot::Deposit(_) | Slot::OpeningDeposit { .. } => {
            MAX_RECORDS - COLLECTION_RECORDS
        }
    }
}

#[cfg(test)]
mod tests;
