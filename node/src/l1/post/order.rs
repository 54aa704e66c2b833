//! A batch to be posted, as the contract takes it.

use std::ops::Range;

use alloy::primitives::aliases::U40;
use alloy::primitives::{B256, keccak256};
use alloy::sol_types::SolValue;
use weft_contract::bindings::{Commitment, Header};
use weft_protocol::{DataPoint, Environment, RECORD_BYTES, SealStatement};

use crate::l1::word;

/// A batch to be posted.
#[derive(Clone, Debug)]
pub struct PostOrder {
    /// What the proof proves.
    pub statement: SealStatement,
    /// What the batch is.
    pub environment: Environment,
    /// The records.
    pub data: Vec<u8>,
    /// Root over the batch's withdrawals.
    pub withdrawals_root: [u8; 32],
    /// Queue entries that the batch takes.
    pub queue: Range<u64>,
    /// Queue chain before them.
    pub queue_chain_start: [u8; 32],
    /// Queue chain after them.
    pub queue_chain_end: [u8; 32],
    /// The wrapped proof, verified.
    pub proof: Vec<u8>,
    /// The last L1 block that was read before the batch was sealed.
    pub l1_block: u64,
}

impl PostOrder {
    pub(in crate::l1) fn header(&self) -> Header {
        Header {
            number: self.environment.batch_number,
            timestamp: self.timestamp(),
            rootBefore: word(&self.statement.root_before),
            rootAfter: word(&self.statement.root_after),
            recordChain: word(&self.statement.chain),
            queueStart: self.queue.start,
            queueEnd: self.queue.end,
            queueChainStart: self.queue_chain_start.into(),
            queueChainEnd: self.queue_chain_end.into(),
        }
    }

    /// What the contract must derive from header and data.
    pub(in crate::l1) fn commitment(&self) -> Commitment {
        Commitment {
            number: self.environment.batch_number,
            timestamp: self.timestamp(),
            recordCount: u16::try_from(self.data.len() / RECORD_BYTES).expect("at most 4,096 records"),
            queueStart: self.queue.start,
            queueEnd: self.queue.end,
            context: word(&self.statement.context.0),
            rootBefore: word(&self.statement.root_before),
            rootAfter: word(&self.statement.root_after),
            recordChain: word(&self.statement.chain),
            point: packed(&self.statement.z),
            value: packed(&self.statement.value),
            withdrawalsRoot: self.withdrawals_root.into(),
        }
    }

    /// What the contract knows the batch by, once it is committed.
    #[must_use]
    pub fn commitment_hash(&self) -> B256 {
        keccak256(self.commitment().abi_encode())
    }

    fn timestamp(&self) -> U40 {
        U40::from(self.environment.timestamp.get())
    }
}

/// Two elements as the contract writes them: the first in the high 64 bits.
fn packed(point: &DataPoint) -> u128 {
    let [high, low] = point.0.map(|element| u128::from(element.as_u64()));
    high << 64 | low
}
