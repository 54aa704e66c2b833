//! What the log holds: everything that the sequencer's state follows from.
//!
//! The clock, L1, chance in the order of requests, and every decision about batches are entries: what a [`Machine`] does
//! with them depends on nothing else, so that the same log leads to the same batches, receipts and roots.
//!
//! [`Machine`]: super::machine::Machine

use serde::{Deserialize, Serialize};
use weft_api::L1Transaction;
use weft_protocol::{AccountIndex, Environment, QueueEntry, SignedTransaction, Timestamp};

use super::ledger::TransactionRecord;
use crate::l1::Lapse;
use crate::proving::JobCost;

/// Milliseconds since the UNIX epoch, by the node's clock.
pub(crate) type UnixMs = u64;

/// An input of the sequencer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum LogEntry {
    /// A batch begins, and takes what waits.
    BatchBegan {
        /// The batch.
        environment: Environment,
        /// When it ends, and how it is cut.
        shape: BatchShape,
        /// When.
        at: UnixMs,
    },
    /// The batch that began has no slot, because all that waited was refused: it does not count.
    BatchDropped,
    /// A transaction with a valid signature was accepted: it is executed if a batch takes it, else it waits.
    Transaction {
        /// The transaction.
        signed: SignedTransaction,
        /// When.
        at: UnixMs,
    },
    /// The next entry of the L1 queue was read.
    QueueEntry(KnownEntry),
    /// The batch in work takes no more slots but those that collect fees.
    Sealed {
        /// Who collects the fees, if there are any.
        fee_account: Option<AccountIndex>,
        /// The last L1 block whose events are all in the log.
        l1_block: u64,
        /// When.
        at: UnixMs,
    },
    /// The wrapped proof of a batch exists and was checked.
    Proven {
        /// The batch.
        number: u32,
        /// When the first of its segments was proved.
        proving_since: Option<UnixMs>,
        /// What its jobs took.
        costs: Vec<JobCost>,
        /// When.
        at: UnixMs,
    },
    /// The data of a batch are on L1.
    Posted {
        /// The batch.
        number: u32,
        /// The L1 transaction.
        transaction: L1Transaction,
        /// When the node learned it.
        at: UnixMs,
    },
    /// L1 will never verify a batch: it and all after it are taken back, and what they took waits again.
    BatchesAbandoned {
        /// The first of them; its number is given again.
        from: u32,
        /// Why.
        reason: Lapse,
        /// When the first segments of the batches were proved, as far as that was told.
        proving: Vec<(u32, UnixMs)>,
        /// The last L1 block whose events are all in the log.
        l1_block: u64,
        /// When.
        at: UnixMs,
    },
    /// The contract has verified a batch.
    Verified {
        /// The batch.
        number: u32,
        /// The L1 transaction.
        transaction: L1Transaction,
        /// When the node learned it.
        at: UnixMs,
    },
}

impl LogEntry {
    /// The transaction that it accepts.
    #[must_use]
    pub fn signed(&self) -> Option<&SignedTransaction> {
        match self {
            Self::Transaction { signed, .. } => Some(signed),
            _ => None,
        }
    }
}

/// When a batch ends by itself, and how it is cut into segments while it grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BatchShape {
    /// Slots after which it is full, those that collect fees apart.
    pub slots_max: u32,
    /// Slots of the segments that are handed out while it grows.
    pub streamed_slots: u32,
}

/// An entry of the L1 queue as the node has read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownEntry {
    /// The entry.
    pub entry: QueueEntry,
    /// Chain over the queue up to it, as the contract has it.
    pub chain: [u8; 32],
    /// When it was read.
    pub read_at: UnixMs,
}

/// What there is between two batches beside the objects: with them, all that the entries behind it need.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Transactions that wait, in order.
    pub(crate) pool: Vec<TransactionRecord>,
    /// Transactions that were refused and that no stored batch covers, in order.
    pub(crate) refused: Vec<TransactionRecord>,
    /// Entries of the L1 queue that wait.
    pub(crate) queue: Vec<KnownEntry>,
    /// The last L1 block whose events are all in the log.
    pub(crate) l1_block: u64,
    /// The latest time that a batch had: the next one has a later time.
    pub(crate) timestamp: Timestamp,
}
