//! What a sequencer works with.

use weft_api::Deployment;
use weft_circuits::digest::CircuitDigest;
use weft_protocol::Address;
use weft_protocol::crypto::Digest;
use weft_prover::{CircuitSizes, SegmentSize};

use crate::clock::Clock;
use crate::config::BatchLimits;

/// The account that collects fees, by its owner and key. Anybody may open an account with this key on L1, but only one
/// whose withdrawals the owner gets and whose last entries only the owner can fill is the collector's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeCollector {
    /// Its L1 address.
    pub owner: Address,
    /// Digest of its key.
    pub key: Digest,
}

/// What a sequencer works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which rollup this is.
    pub deployment: Deployment,
    /// Salt of the deployment's domain.
    pub genesis_salt: Digest,
    /// Whose account collects fees.
    pub fee_collector: FeeCollector,
    /// Digest of the circuit whose proofs L1 verifies.
    pub wrap_digest: CircuitDigest,
    /// When a batch ends.
    pub batch: BatchLimits,
    /// Sizes of segments.
    pub sizes: CircuitSizes,
    /// The segments that are handed out while a batch grows.
    pub streamed: SegmentSize,
    /// Transactions that may wait for a batch.
    pub pool_max: usize,
    /// Of those, of one account.
    pub pool_per_account_max: u32,
    /// The circuits in use, for the status.
    pub circuits: Vec<weft_api::Circuit>,
    /// The last batch that the contract had verified when the node started.
    pub proven_on_l1: u32,
    /// What time it is.
    pub clock: Clock,
}
