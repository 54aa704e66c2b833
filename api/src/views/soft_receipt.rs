//! Soft receipts: what the sequencer signs when it accepts a transaction.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::Address;
use weft_protocol::crypto::Digest;

use crate::{FixedBytes, Time};

/// The sequencer's signed word that it accepted a transaction, at which place of its order and when.
///
/// It is written before it is given out: a node that loses an accepted transaction is convicted by it. It proves nothing
/// about execution; that is what the batch's proof is for.
///
/// `signature` is of EIP-712 typed data with this domain and this one type:
///
/// ```text
/// EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)
///     name "Weft", version "1", chain id and contract of the deployment
/// SoftReceipt(bytes32 transaction,uint64 sequence,uint64 acceptedAt)
///     transaction: the id; acceptedAt: milliseconds since the UNIX epoch
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SoftReceipt {
    /// Id of the transaction.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub transaction: Digest,
    /// Its place among everything that the sequencer has taken: later ones have larger numbers.
    pub sequence: u64,
    /// When it was accepted.
    pub accepted_at: Time,
    /// L1 address of the key that signed.
    #[schema(value_type = FixedBytes<20>)]
    #[serde(with = "crate::text")]
    pub sequencer: Address,
    /// `r ‖ s ‖ v`, with v 27 or 28.
    pub signature: FixedBytes<65>,
}
