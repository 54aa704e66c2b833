use serde::{Deserialize, Serialize};
use weft_protocol::{Environment, Opening, RunningState, SegmentWitness, Slot, SlotWitness};

type Opened = (Slot, Option<Opening>, Option<Opening>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SegmentInput {
    pub(crate) environment: Environment,
    pub(crate) before: RunningState,
    pub(crate) slots: Vec<Opened>,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no input")]
pub struct InputError;

impl SegmentInput {
    pub(crate) fn new(witness: &SegmentWitness) -> Self {
        let slots = witness.slots.iter().cloned().map(|slot| (slot.slot, slot.a, slot.b));
        Self { environment: witness.environment, before: witness.before, slots: slots.collect() }
    }

    pub(crate) fn expand(&self) -> Result<SegmentWitness, InputError> {
        let slots = self.slots.iter().cloned().map(|(slot, a, b)| SlotWitness { slot, a, b });
        Ok(SegmentWitness { environment: self.environment, before: self.before, slots: slots.collect() })
    }
}
