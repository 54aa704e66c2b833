//! A slot with all that is needed to check it without a tree: what circuits and their native half take.

use serde::{Deserialize, Serialize};

use crate::crypto::Digest;
use crate::{
    Access, AccountIndex, Amount, Effects, Environment, FeeSums, MerklePath, Object, OpenedStatement, Reject,
    RunningState, SegmentStatement, Slot, chain_accesses, chain_records,
};

/// A leaf with its path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The object; `None` for an empty leaf.
    pub object: Option<Object>,
    /// Its siblings in the tree at the time of the opening.
    pub path: MerklePath,
}

impl Opening {
    /// Root of the tree in which this leaf stands at `index`.
    #[must_use]
    pub fn root(&self, index: AccountIndex) -> Digest {
        self.root_with(index, self.object.as_ref())
    }

    /// Root of the same tree with another object at `index`.
    #[must_use]
    pub fn root_with(&self, index: AccountIndex, object: Option<&Object>) -> Digest {
        self.path.root(index, object.map_or(Digest::ZERO, Object::digest))
    }
}

/// A slot and the objects that it opens: A in the tree before the slot, B in the tree after A is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotWitness {
    /// The slot.
    pub slot: Slot,
    /// Opening of A, if the slot has one.
    pub a: Option<Opening>,
    /// Opening of B, if the slot has one.
    pub b: Option<Opening>,
}

/// A slot witness does not prove a transition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WitnessError {
    /// An opening is missing or superfluous.
    #[error("the openings are not those that the slot needs")]
    Openings,
    /// An opening leads to another root (SL-4, SL-6).
    #[error("the opening of {index} leads to another root")]
    Root {
        /// Index of the opened leaf.
        index: u32,
    },
    /// A rule refuses the slot.
    #[error(transparent)]
    Reject(#[from] Reject),
}

impl SlotWitness {
    /// The running state after the slot, and what the slot did: the native half of the slot's claim.
    ///
    /// # Errors
    /// An opening does not fit, a rule refuses the slot, or its signature is wrong.
    pub fn evaluate(
        &self,
        environment: &Environment,
        before: &RunningState,
    ) -> Result<(RunningState, Effects), WitnessError> {
        let a = pair(self.slot.a(), self.a.as_ref())?;
        let b = pair(self.slot.b(), self.b.as_ref())?;
        let objects = [&a, &b].map(|opened| opened.and_then(|(_, opening)| opening.object.as_ref()));
        let effects = self.slot.apply(environment, objects[0], objects[1], before.fee_sums)?;
        if let Slot::Signed(signed) = &self.slot
            && !signed.signature_is_valid(&environment.domain)
        {
            return Err(Reject::BadSignature.into());
        }
        let root = written(before.root, a, effects.a_after.as_ref())?;
        let root = written(root, b, effects.b_after.as_ref())?;
        let chain = chain_records(before.chain, &effects.records);
        Ok((RunningState { root, chain, fee_sums: effects.fee_sums }, effects))
    }
}

impl SlotWitness {
    /// The accesses of the slot, first A's and then B's, if its effects are these.
    #[must_use]
    pub fn accesses(&self, effects: &Effects) -> Vec<Access> {
        let opened = [
            (self.slot.a(), self.a.as_ref(), effects.a_after.as_ref()),
            (self.slot.b(), self.b.as_ref(), effects.b_after.as_ref()),
        ];
        let access = |(index, opening, after): (Option<AccountIndex>, Option<&Opening>, Option<&Object>)| {
            let before = opening?.object.as_ref().map_or(Digest::ZERO, Object::digest);
            Some(Access { index: index?, before, after: after.map_or(before, Object::digest) })
        };
        opened.into_iter().filter_map(access).collect()
    }

    /// The fee sums after the slot, whether or not other rules refuse it: all that later slots of a segment need of it.
    #[must_use]
    pub fn fee_sums_after(&self, before: &FeeSums) -> FeeSums {
        match &self.slot {
            Slot::Signed(signed) => {
                let asset = signed.transaction.fee_asset;
                let sum = before.get(asset).checked_add(signed.transaction.fee.value());
                before.with(asset, sum.unwrap_or(Amount::MAX))
            }
            Slot::CollectFees { fee_asset, .. } => before.with(*fee_asset, Amount::ZERO),
            Slot::Padding | Slot::Deposit(_) | Slot::OpeningDeposit { .. } => *before,
        }
    }
}

fn pair(
    index: Option<AccountIndex>,
    opening: Option<&Opening>,
) -> Result<Option<(AccountIndex, &Opening)>, WitnessError> {
    match (index, opening) {
        (Some(index), Some(opening)) => Ok(Some((index, opening))),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(WitnessError::Openings),
    }
}

/// Root after an opened leaf is written, or the same root if it is not.
fn written(
    root: Digest,
    opened: Option<(AccountIndex, &Opening)>,
    after: Option<&Object>,
) -> Result<Digest, WitnessError> {
    let Some((index, opening)) = opened else {
        return Ok(root);
    };
    if opening.root(index) != root {
        return Err(WitnessError::Root { index: index.0 });
    }
    Ok(after.map_or(root, |object| opening.root_with(index, Some(object))))
}

/// A run of consecutive slots of a batch, with all that a proof of it needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentWitness {
    /// What the batch is.
    pub environment: Environment,
    /// The running state before the first slot.
    pub before: RunningState,
    /// The slots in order.
    pub slots: Vec<SlotWitness>,
}

impl SegmentWitness {
    /// The running state after the last slot.
    ///
    /// # Errors
    /// Some slot does not prove a transition.
    pub fn evaluate(&self) -> Result<RunningState, WitnessError> {
        let step = |state, slot: &SlotWitness| slot.evaluate(&self.environment, &state).map(|(state, _)| state);
        self.slots.iter().try_fold(self.before, step)
    }

    /// What a proof of the segment claims.
    ///
    /// # Errors
    /// Some slot does not prove a transition.
    pub fn statement(&self) -> Result<SegmentStatement, WitnessError> {
        let after = self.evaluate()?.digest();
        Ok(SegmentStatement { context: self.environment.context(), before: self.before.digest(), after })
    }

    /// The running state after the last slot, and the accesses of all slots in order.
    ///
    /// # Errors
    /// Some slot does not prove a transition.
    pub fn accesses(&self) -> Result<(RunningState, Vec<Access>), WitnessError> {
        let mut state = self.before;
        let mut accesses = Vec::new();
        for slot in &self.slots {
            let (after, effects) = slot.evaluate(&self.environment, &state)?;
            accesses.extend(slot.accesses(&effects));
            state = after;
        }
        Ok((state, accesses))
    }

    /// What a proof of the segment claims that leaves its openings to a table, in which they follow those of this chain.
    ///
    /// # Errors
    /// Some slot does not prove a transition.
    pub fn opened_statement(&self, chain: Digest) -> Result<OpenedStatement, WitnessError> {
        let (after, accesses) = self.accesses()?;
        let chains = [chain, chain_accesses(chain, &accesses)];
        Ok(OpenedStatement { context: self.environment.context(), states: [self.before, after], chains })
    }
}
