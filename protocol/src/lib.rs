//! Types, constants, codecs and transition rules of the rollup.
//!
//! This crate is the native half of every claim that the circuits prove: what a transaction, a record, an object is
//! (PROTOCOL.md §4–6), and what a slot does to the state (§8). It does no I/O, reads no clock, starts no thread and
//! knows no proof system; the executor and the provers both obey it.

mod access;
mod address;
mod context;
mod data;
mod error;
mod fee;
mod ids;
pub mod kinds;
mod merkle_path;
mod object;
mod queue;
mod record;
mod reject;
mod running_state;
mod slot;
mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transaction;
mod withdrawal;
mod witness;

pub use access::{ACCESS_CHAIN_START, Access, chain_accesses};
pub use address::Address;
pub use context::{Context, Domain, Environment, Timestamp};
pub use data::{DataPoint, evaluate_data};
pub use error::{CodecError, ValueError};
pub use fee::{Fee, FeeAsset, FeeSums};
pub use ids::{AccountIndex, Amount, AssetId};
pub use merkle_path::{MerklePath, empty_subtree};
pub use object::{Agent, CreditError, ENTRY_COUNT, Entry, OBJECT_ELEMENTS, OTHERS_ENTRY_COUNT, Object};
pub use queue::{Deposit, OpeningDeposit, QueueEntry, QueueOperation};
pub use record::{Kind, MAX_RECORDS, RECORD_BYTES, Record, RecordFields, chain_records};
pub use reject::Reject;
pub use running_state::RunningState;
pub use slot::{Effects, Outcome, Slot};
pub use statement::{OpenedStatement, SealStatement, SegmentStatement};
pub use transaction::{Lane, SignedTransaction, Transaction, TransactionKind};
pub use weft_crypto as crypto;
pub use withdrawal::{Withdrawal, withdrawals_root};
pub use witness::{Opening, SegmentWitness, SlotWitness, WitnessError};

/// Depth of the state tree: an index has this many bits.
pub const TREE_DEPTH: usize = 28;
