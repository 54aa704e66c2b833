//! Batches whose time at L1 is over.
//!
//! The contract takes the data of a batch, and its proof, only for so long after the batch's time (PROTOCOL.md §10). What is
//! not there when L1's own clock has passed that will never be, whatever is still on its way: a batch is given up only by
//! what L1 has at one block whose time is past it, and by a margin later, so that no other block can take that block's place.

use std::fmt;

use alloy::contract::Error as CallError;
use alloy::eips::BlockId;
use alloy::providers::Provider;
use alloy::rpc::types::BlockNumberOrTag;
use alloy::transports::TransportError;
use serde::{Deserialize, Serialize};
use weft_protocol::Timestamp;

use super::Rollup;
use crate::sequencer::Overdue;

/// Seconds from a batch's time in which its data can be committed.
const COMMIT_WINDOW: u64 = 24 * 3600;
/// Seconds from a batch's time in which its proof can be given.
const PROVE_WINDOW: u64 = 48 * 3600;
/// Seconds after the end of a window before a batch is given up: L1's blocks are final by then.
const MARGIN: u64 = 15 * 60;

/// Why L1 will never verify a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Lapse {
    /// Its data are not there.
    Uncommitted,
    /// Its data are there, its proof is not.
    Unproven,
}

impl Lapse {
    /// Whether what is missing of a batch with this time will never come if it is not there at L1's time `now`, UNIX seconds.
    #[must_use]
    pub const fn is_certain(self, batch: Timestamp, now: u64) -> bool {
        let window = match self {
            Self::Uncommitted => COMMIT_WINDOW,
            Self::Unproven => PROVE_WINDOW,
        };
        now > batch.get() + window + MARGIN
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncommitted => "its data were not on L1 within 24 hours",
            Self::Unproven => "its proof was not on L1 within 48 hours",
        })
    }
}

/// L1 could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LapseError {
    /// No answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
    /// The contract does not answer.
    #[error("the contract does not answer: {0}")]
    Call(#[from] CallError),
    /// L1 has no latest block.
    #[error("L1 has no latest block")]
    NoHead,
}

/// L1's last block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    block: u64,
    /// Its time, UNIX seconds.
    pub time: u64,
}

impl Moment {
    /// Reads it.
    ///
    /// # Errors
    /// L1 does not answer.
    pub async fn now(rollup: &Rollup) -> Result<Self, LapseError> {
        let head = rollup.provider().get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or(LapseError::NoHead)?;
        Ok(Self { block: head.header.number, time: head.header.timestamp })
    }

    /// The first of these batches that L1 will never verify, by what it has at this block.
    ///
    /// # Errors
    /// L1 does not answer.
    pub async fn first_lapsed(
        &self,
        rollup: &Rollup,
        overdue: &[Overdue],
    ) -> Result<Option<(Overdue, Lapse)>, LapseError> {
        let at = BlockId::number(self.block);
        if overdue.is_empty() {
            return Ok(None);
        }
        let verified = rollup.progress().block(at).call().await?.number;
        for batch in overdue.iter().filter(|batch| batch.environment.batch_number > verified) {
            let is_committed = match batch.commitment {
                Some(hash) => !rollup.committedAt(hash).block(at).call().await?.is_zero(),
                None => false,
            };
            let lapse = if is_committed { Lapse::Unproven } else { Lapse::Uncommitted };
            if lapse.is_certain(batch.environment.timestamp, self.time) {
                return Ok(Some((*batch, lapse)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use weft_protocol::crypto::Tag;

    use super::*;
    use crate::l1::PostOrder;
    use crate::l1::testing::World;

    const HOUR: u64 = 3_600;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_batch_has_lapsed_by_what_l1_has_at_one_block() {
        let world = World::new().await;
        let (lost, committed) = (world.order(Tag::NODE).await, world.order(Tag::LEAF).await);
        let commit = world.rollup.commit(committed.header(), committed.data.clone().into());
        assert!(commit.send().await.unwrap().get_receipt().await.unwrap().status());
        let overdue =
            |order: &PostOrder| Overdue { environment: order.environment, commitment: Some(order.commitment_hash()) };
        let open = Overdue { commitment: None, ..overdue(&lost) };
        let lapsed = async |batches: &[Overdue]| {
            let moment = Moment::now(&world.rollup).await.unwrap();
            moment.first_lapsed(&world.rollup, batches).await.unwrap()
        };
        let all = [overdue(&committed), overdue(&lost), open];
        assert_eq!(lapsed(&all).await, None);
        world.chain.advance_time(24 * HOUR + MARGIN / 2).unwrap();
        assert_eq!(lapsed(&all).await, None, "within the margin");
        world.chain.advance_time(MARGIN).unwrap();
        assert_eq!(lapsed(&all).await, Some((overdue(&lost), Lapse::Uncommitted)), "its data are there: it has time");
        assert_eq!(lapsed(&[open]).await, Some((open, Lapse::Uncommitted)));
        world.chain.advance_time(24 * HOUR).unwrap();
        assert_eq!(lapsed(&all).await, Some((overdue(&committed), Lapse::Unproven)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_verified_has_not_lapsed() {
        let world = World::new().await;
        let order = world.order(Tag::NODE).await;
        let commit = world.rollup.commit(order.header(), order.data.clone().into());
        commit.send().await.unwrap().get_receipt().await.unwrap();
        let prove = world.rollup.prove(order.commitment(), order.proof.clone().into());
        assert!(prove.send().await.unwrap().get_receipt().await.unwrap().status());
        world.chain.advance_time(100 * HOUR).unwrap();
        let batch = Overdue { environment: order.environment, commitment: None };
        let moment = Moment::now(&world.rollup).await.unwrap();
        assert_eq!(moment.first_lapsed(&world.rollup, &[batch]).await.unwrap(), None);
    }
}
