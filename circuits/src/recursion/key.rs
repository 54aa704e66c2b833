//! Keys of child circuits and the set of those that an aggregation accepts.
//!
//! # Soundness
//! The library uses a verifier key's digest only for Fiat–Shamir and its cap only for FRI: a check of the digest alone
//! would accept any circuit. A child key hashes both, *from the wires that the verification uses*.

use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitData, VerifierOnlyCircuitData};
use weft_crypto::{Digest, Tag, poseidon};

use crate::builder::{Bool, Builder, Target, key_digest};
use crate::config::{C, D, F};
use crate::wires;

/// Verifier key of a circuit.
pub type VerifierKey = VerifierOnlyCircuitData<C, D>;
/// Verifier key and shape of a circuit.
pub type VerifierData = VerifierCircuitData<F, C, D>;
/// Shape of a circuit.
pub type Shape = CommonCircuitData<F, D>;

/// The circuits whose proofs have the common shape, in the order of the key set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// The lift of small segments.
    LiftSmall,
    /// The lift of large segments.
    LiftLarge,
    /// The join of large segments with their table of openings.
    Join,
    /// The aggregate.
    Aggregate,
}

impl Origin {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::LiftSmall, Self::LiftLarge, Self::Join, Self::Aggregate];

    /// Position in the key set; the first byte of an encoded proof.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::LiftSmall => 0,
            Self::LiftLarge => 1,
            Self::Join => 2,
            Self::Aggregate => 3,
        }
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.number() == number)
    }
}

/// Digests of the keys that an aggregation accepts (PROTOCOL.md §9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeySet {
    /// The lift of small segments.
    pub lift_small: Digest,
    /// The lift of large segments.
    pub lift_large: Digest,
    /// The join.
    pub join: Digest,
    /// The aggregate.
    pub aggregate: Digest,
}

wires! {
    /// Wires of a [`KeySet`].
    pub struct KeySetWires for KeySet { lift_small: Digest, lift_large: Digest, join: Digest, aggregate: Digest }
}

impl KeySet {
    /// The digests in order.
    #[must_use]
    pub const fn keys(&self) -> [Digest; 4] {
        [self.lift_small, self.lift_large, self.join, self.aggregate]
    }

    /// Whether the set contains this child key.
    #[must_use]
    pub fn contains(&self, key: &Digest) -> bool {
        self.keys().contains(key)
    }

    /// `H(KEY_SET; key_0 ‖ key_1 ‖ key_2 ‖ key_3)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let elements: Vec<_> = self.keys().into_iter().flat_map(|key| key.0).collect();
        poseidon::hash(Tag::KEY_SET, &elements)
    }
}

/// The verifier keys of the circuits of common shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyKeys {
    /// The lift of small segments.
    pub lift_small: VerifierKey,
    /// The lift of large segments.
    pub lift_large: VerifierKey,
    /// The join.
    pub join: VerifierKey,
    /// The aggregate.
    pub aggregate: VerifierKey,
}

impl FamilyKeys {
    /// The key of a circuit.
    #[must_use]
    pub const fn get(&self, origin: Origin) -> &VerifierKey {
        match origin {
            Origin::LiftSmall => &self.lift_small,
            Origin::LiftLarge => &self.lift_large,
            Origin::Join => &self.join,
            Origin::Aggregate => &self.aggregate,
        }
    }

    /// Their digests.
    #[must_use]
    pub fn set(&self) -> KeySet {
        KeySet {
            lift_small: key_digest(&self.lift_small),
            lift_large: key_digest(&self.lift_large),
            join: key_digest(&self.join),
            aggregate: key_digest(&self.aggregate),
        }
    }
}

impl KeySetWires {
    const fn keys(&self) -> [[Target; 4]; 4] {
        [self.lift_small, self.lift_large, self.join, self.aggregate]
    }

    /// Asserts that `key` is one of the set, under the open conditions.
    pub fn assert_contains(&self, b: &mut Builder, key: [Target; 4]) {
        let matches = self.keys().map(|member| is_same_digest(b, key, member));
        let is_member = b.any(&matches);
        b.assert_true(is_member);
    }

    /// `H(KEY_SET; …)`.
    pub fn digest(&self, b: &mut Builder) -> [Target; 4] {
        b.hash(Tag::KEY_SET, &self.keys().concat())
    }
}

fn is_same_digest(b: &mut Builder, left: [Target; 4], right: [Target; 4]) -> Bool {
    let equal: [Bool; 4] = std::array::from_fn(|i| b.is_equal(left[i], right[i]));
    b.all(&equal)
}
