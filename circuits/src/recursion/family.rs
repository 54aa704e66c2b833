//! The whole family of circuits above the segments. Provers take their witnesses; their proofs are checked here.

use plonky2_maybe_rayon::join as in_parallel;
use weft_crypto::Digest;

use super::aggregate::Aggregate;
use super::error::VerifyError;
use super::join::Join;
use super::key::{FamilyKeys, KeySet, Origin, Shape, VerifierData};
use super::layer::{Assembly, CircuitSummary};
use super::lift::Lift;
use super::proof::{AggregateProof, DecodeError, SealProof, WrappedProof};
use super::seal::{Seal, SealCapacity};
use super::statement::MergedStatement;
use super::wrap::{Shrink, Wrap};
use crate::builder::CircuitName;
use crate::config::{OPENINGS_COMPACT, shrink_config};
use crate::openings::OpeningsTable;
use crate::security::CircuitSecurity;
use crate::wrap_config::wrap_circuit_config;

const LIFT_SMALL: CircuitName = CircuitName { name: "lift-small", version: 1 };
const LIFT_LARGE: CircuitName = CircuitName { name: "lift-large", version: 1 };

/// What the circuits above the segments are built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilySizes {
    /// log2 of the rows of the table of openings.
    pub openings_degree_bits: usize,
    /// Records that a batch may have.
    pub records: SealCapacity,
}

/// All circuits above the two segment circuits.
#[derive(Debug)]
pub struct RecursionCircuits {
    /// Merges small segments.
    pub lift_small: Lift,
    /// Merges large segments, which leave their openings to a table.
    pub lift_large: Lift,
    /// The table of openings of large segments.
    pub openings: OpeningsTable,
    /// Joins large segments with their table.
    pub join: Join,
    /// Merges lifts of small segments, joins and aggregates.
    pub aggregate: Aggregate,
    /// Binds a batch to its public data.
    pub seal: Seal,
    /// Makes a seal small enough for the wrap.
    pub shrink: Shrink,
    /// The last circuit: what the contract's verifier is generated from.
    pub wrap: Wrap,
    keys: FamilyKeys,
}

impl RecursionCircuits {
    /// Builds all circuits for two segment circuits, of which the large one's leaves are known by accesses; only circuits in
    /// [`Mode::Proving`](crate::builder::Mode) mean anything.
    ///
    /// # Panics
    /// If a circuit does not fit its size.
    #[must_use]
    pub fn build(small: &VerifierData, large: &VerifierData, sizes: FamilySizes, assembly: Assembly<'_>) -> Self {
        let (lift_small, lift_large) =
            in_parallel(|| Lift::build(LIFT_SMALL, small, assembly), || Lift::build(LIFT_LARGE, large, assembly));
        assert_eq!(lift_small.shape(), lift_large.shape(), "lifts have one shape");
        let openings = OpeningsTable::new(OPENINGS_COMPACT, sizes.openings_degree_bits);
        let shape = lift_small.shape();
        let (join, aggregate) =
            in_parallel(|| Join::build(shape, &openings, assembly), || Aggregate::build(shape, assembly));
        let keys = FamilyKeys {
            lift_small: lift_small.key().clone(),
            lift_large: lift_large.key().clone(),
            join: join.key().clone(),
            aggregate: aggregate.key().clone(),
        };
        let seal = Seal::build(shape, keys.set(), sizes.records, assembly);
        let shrink = Shrink::build(seal.verifier_data(), shrink_config(), assembly);
        let wrap = Wrap::build(shrink.layer.verifier(), wrap_circuit_config(), assembly);
        Self { lift_small, lift_large, openings, join, aggregate, seal, shrink, wrap, keys }
    }

    /// Keys of the circuits of common shape.
    #[must_use]
    pub const fn keys(&self) -> &FamilyKeys {
        &self.keys
    }

    /// The key set of the family.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.keys.set()
    }

    /// The common shape of lifts and aggregate.
    #[must_use]
    pub const fn common_shape(&self) -> &Shape {
        self.lift_small.shape()
    }

    /// Size and identity of all circuits, in the order of the road.
    #[must_use]
    pub fn summaries(&self) -> [CircuitSummary; 8] {
        [
            self.lift_small.summary(),
            self.lift_large.summary(),
            self.openings.summary(),
            self.join.summary(),
            self.aggregate.summary(),
            self.seal.summary(),
            self.shrink.summary(),
            self.wrap.summary(),
        ]
    }

    /// Bits of security of all circuits, in the order of the road.
    #[must_use]
    pub fn security(&self) -> [CircuitSecurity; 8] {
        [
            self.lift_small.layer.security(),
            self.lift_large.layer.security(),
            self.openings.security(),
            self.join.layer.security(),
            self.aggregate.layer.security(),
            self.seal.layer.security(),
            self.shrink.layer.security(),
            self.wrap.layer.security(),
        ]
    }

    /// Checks a proof of a circuit of common shape.
    ///
    /// # Errors
    /// It is invalid, or made for another family.
    pub fn verify_aggregate(&self, aggregate: &AggregateProof) -> Result<MergedStatement, VerifyError> {
        let AggregateProof { origin, proof } = aggregate;
        let claim = match origin {
            Origin::LiftSmall => self.lift_small.verify(proof),
            Origin::LiftLarge => self.lift_large.verify(proof),
            Origin::Join => self.join.verify(proof),
            Origin::Aggregate => self.aggregate.verify(proof),
        }?;
        let (expected, got) = (self.key_set().digest(), claim.key_set);
        if expected == got { Ok(claim) } else { Err(VerifyError::OtherKeySet { expected, got }) }
    }

    /// Reads a proof of a circuit of common shape. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no such proof.
    pub fn decode_aggregate(&self, bytes: &[u8]) -> Result<AggregateProof, DecodeError> {
        AggregateProof::from_bytes(bytes, self.common_shape())
    }

    /// Checks a seal and returns the digest of the public statement.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify_seal(&self, proof: &SealProof) -> Result<Digest, VerifyError> {
        self.seal.verify(proof)
    }

    /// Checks the proof for L1 natively and returns the digest of the public statement.
    ///
    /// # Errors
    /// It is invalid.
    pub fn verify_wrapped(&self, proof: &WrappedProof) -> Result<Digest, VerifyError> {
        self.wrap.verify(proof)
    }

    /// Reads a seal. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no such proof.
    pub fn decode_seal(&self, bytes: &[u8]) -> Result<SealProof, DecodeError> {
        self.seal.layer.decode(bytes)
    }

    /// Reads a wrapped proof. Says nothing about validity.
    ///
    /// # Errors
    /// The bytes are no such proof.
    pub fn decode_wrapped(&self, bytes: &[u8]) -> Result<WrappedProof, DecodeError> {
        self.wrap.layer.decode(bytes)
    }
}
